"""A scan of any size, read in pieces and kept as averages over voxels: memory is bounded by the averages, not by the scan.

The side of the voxels is not known before all points were seen. So it begins small and grows: whenever there are more averages than `most`,
they are averaged again over voxels with sides sqrt(2) times as long, of which a surface has half as many. So in the end there are between a
half and all of `most`, or every point by itself. Averages are weighted by the points they stand for; a place that was averaged again is
that of all its points. Of labels the majority is kept where there is one (Boyer and Moore 1981: it survives any order of pairing off).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .errors import InputError
from .io import read_points, read_shape
from .io.columns import as_colors
from .io.pieces import Piece
from .io.source import shown_name
from .io.streams import is_streamed, stream_pieces
from .types import FloatArray, IntArray, Mesh, PointCloud

ENOUGH = 1_000_000  # averages: more than one mosaic takes, so that what is averaged over and again stays even
FIRST_SIDES = 2**13  # of the longest side of most of the first piece: finer than any scan is averaged to
MOST = (1.0, 99.0)  # percentiles: a stray far away says nothing about sides
GROWTH = math.sqrt(2)
MIX = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)  # odd, without a pattern: numbers of three axes become one


@dataclass(frozen=True, eq=False)
class Scan:
    """shape : what was read.   came : points in the file that are finite.   voxel : side that they were averaged over, 0 if they were not.
    set_aside : points that the file itself says are none of the surface (withheld, classified as noise, invalid).
    path, seconds : of the file, and how long it took; for the report.
    """

    shape: PointCloud | Mesh
    came: int
    voxel: float = 0.0
    set_aside: int = 0
    path: str = ""
    seconds: float = 0.0

    def tell(self, report: dict[str, Any]) -> None:
        """Complete a report of what was made of it."""
        facts = report["input"]
        facts["path"] = self.path
        if self.voxel:
            facts |= {"came": self.came, "averaged_over": max(facts["averaged_over"], self.voxel)}
        if self.set_aside:
            facts["set_aside"] = self.set_aside
            report["warnings"].append(f"{self.set_aside:,} points that the file itself marks as withheld, noise or invalid were left out")
        report["seconds"] = {"read": self.seconds, **report["seconds"]}


def read_scan(path: str | os.PathLike[str], most: int, *, label_column: str | None = None) -> Scan:
    """A file as `read_shape` reads it; of .las, .laz and .e57 with more than `most` points, averages of them.

    Raises InputError as `read_points` does.
    """
    start = time.perf_counter()
    if not is_streamed(path):
        shape = read_shape(path) if label_column is None else read_points(path, label_column=label_column)
        scan = Scan(shape, len(shape) if isinstance(shape, PointCloud) else 0)
    else:
        try:
            scan = averaged_scan(stream_pieces(path, label_column), most)
        except InputError as error:
            raise InputError(f"{shown_name(path)}: {error}") from error
    return replace(scan, path=os.fsdecode(path), seconds=time.perf_counter() - start)


def averaged_scan(pieces: Iterable[Piece], most: int) -> Scan:
    """All points of the pieces if they are at most `most`, else averages of them. Raises InputError if there are none."""
    averages, set_aside = VoxelAverages(most), 0
    for piece in pieces:
        averages.add(piece)
        set_aside += piece.set_aside
    return Scan(averages.cloud(), averages.came, averages.side if averages.averaged else 0.0, set_aside)


class VoxelAverages:
    """At most `most` averages (or those of the last piece more) of all points that were added."""

    def __init__(self, most: int) -> None:
        self.most, self.side, self.came, self.averaged = most, 0.0, 0, False
        self._origin = np.zeros(3)
        self._names: tuple[str, ...] | None = None
        self._rows = _Rows.empty(0)

    def add(self, piece: Piece) -> None:
        """Take in the finite points of a piece, with the columns that all pieces before it had, too."""
        finite = np.isfinite(piece.points).all(axis=1)
        names = tuple(name for name in ("colors", "intensity", "labels") if getattr(piece, name) is not None)
        if not finite.any():
            return
        points = piece.points[finite]
        if self._names is None:
            self._begin(points, names)
        elif not set(self._names) <= set(names):
            self._forget(tuple(name for name in self._names if name in names))
        self.came += len(points)
        assert self._names is not None
        columns = {name: getattr(piece, name)[finite] for name in self._names}
        self._rows = self._rows.with_rows(_Rows.of(points - self._origin, columns, self.side))
        while len(self._rows.weight) > self.most:
            self.averaged = True
            self.side *= GROWTH
            self._rows = self._rows.summed(self.side)

    def cloud(self) -> PointCloud:
        """What there is now. Raises InputError if that is nothing."""
        rows = self._rows
        if not self.came:
            raise InputError("a shape must have points, the file holds none that are finite and valid: export it again")
        means = rows.sums / rows.weight[:, None]
        columns: dict[str, np.ndarray] = {"points": means[:, :3] + self._origin}
        at = 3
        if "colors" in (self._names or ()):
            columns["colors"] = as_colors(np.rint(means[:, at : at + 3]).astype(np.uint16))
            at += 3
        if "intensity" in (self._names or ()):
            columns["intensity"] = means[:, at]
        if "labels" in (self._names or ()):
            columns["labels"] = rows.label
        return PointCloud(**columns)

    def _begin(self, points: FloatArray, names: tuple[str, ...]) -> None:
        self._names, self._origin = names, points.mean(axis=0)
        self.side = max(float(np.ptp(np.percentile(points, MOST, axis=0), axis=0).max()), 1e-300) / FIRST_SIDES
        self._rows = _Rows.empty(sum({"colors": 3, "intensity": 1}.get(name, 0) for name in names))

    def _forget(self, names: tuple[str, ...]) -> None:
        """Go on with these columns alone: the new piece lacks the others."""
        assert self._names is not None
        keep = [0, 1, 2]
        at = 3
        for name in self._names:
            width = {"colors": 3, "intensity": 1}.get(name, 0)
            keep += list(range(at, at + width)) if name in names else []
            at += width
        self._rows, self._names = replace(self._rows, sums=self._rows.sums[:, keep]), names


@dataclass(frozen=True, eq=False)
class _Rows:
    """One row for each voxel. key : (n,) of the voxels, rising.   sums : (n, 3 + c) of the places and columns of the points in it.
    weight : (n,) how many.   label : (n,) of most of them; lead : (n,) by how many, at least.
    """

    key: np.ndarray
    sums: FloatArray
    weight: FloatArray
    label: IntArray
    lead: IntArray

    @classmethod
    def empty(cls, columns: int) -> _Rows:
        return cls(np.zeros(0, np.uint64), np.zeros((0, 3 + columns)), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))

    @classmethod
    def of(cls, places: FloatArray, columns: dict[str, np.ndarray], side: float) -> _Rows:
        """Of points (n, 3), in whatever order, and their columns."""
        values = [places]
        values += [columns["colors"].astype(np.float64)] if "colors" in columns else []
        values += [np.nan_to_num(columns["intensity"])[:, None]] if "intensity" in columns else []
        n = len(places)
        labels = columns.get("labels", np.zeros(n, np.int64))
        return cls(np.zeros(n, np.uint64), np.concatenate(values, axis=1), np.ones(n), labels, np.ones(n, np.int64)).summed(side)

    def summed(self, side: float) -> _Rows:
        """The same points over voxels of this side; keys and order of these rows do not matter."""
        key = _voxel_keys(self.sums[:, :3] / self.weight[:, None], side)
        order = np.argsort(key, kind="stable")
        key = key[order]
        start = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.zeros(0, np.int64)
        label, lead = _paired_off(self.label[order], self.lead[order], start)
        return _Rows(key[start], np.add.reduceat(self.sums[order], start), np.add.reduceat(self.weight[order], start), label, lead)

    def with_rows(self, more: _Rows) -> _Rows:
        """These rows, which are changed, and more of the same side."""
        at = np.searchsorted(self.key, more.key)
        known = np.zeros(len(at), bool)
        known[at < len(self.key)] = self.key[at[at < len(self.key)]] == more.key[at < len(self.key)]
        row, new = at[known], ~known
        self.sums[row] += more.sums[known]
        self.weight[row] += more.weight[known]
        same = self.label[row] == more.label[known]
        lead = np.where(same, self.lead[row] + more.lead[known], self.lead[row] - more.lead[known])
        self.label[row] = np.where(lead >= 0, self.label[row], more.label[known])
        self.lead[row] = np.maximum(np.abs(lead), 1)
        if not new.any():
            return self
        order = np.argsort(np.concatenate([self.key, more.key[new]]), kind="stable")  # two runs in order: merged, not sorted
        pairs = zip(vars(self).values(), vars(more).values(), strict=True)
        return _Rows(*(np.concatenate([mine, its[new]])[order] for mine, its in pairs))


def _voxel_keys(places: FloatArray, side: float) -> np.ndarray:
    """(n,) uint64 for the voxels of places (n, 3), however far: of a million voxels two have one key once in ten million times."""
    cell = np.floor(np.clip(places / side, -(2.0**62), 2.0**62)).astype(np.int64).view(np.uint64)
    key = np.zeros(len(cell), np.uint64)
    for axis, factor in enumerate(MIX):
        key = (key ^ cell[:, axis]) * np.uint64(factor)
        key ^= key >> np.uint64(29)
    return key


def _paired_off(label: IntArray, lead: IntArray, start: IntArray) -> tuple[IntArray, IntArray]:
    """Of groups of rows, that begin at `start`, the label that leads and by how much: its own leads less all others, or 1 at least."""
    group = np.repeat(np.arange(len(start)), np.diff(start, append=len(label)))
    if not len(label) or (label == label[0]).all():
        return label[start], np.add.reduceat(lead, start)
    order = np.lexsort((label, group))
    label, lead, group = label[order], lead[order], group[order]
    run = np.flatnonzero((np.diff(group, prepend=-1) != 0) | (np.diff(label, prepend=label[0] - 1) != 0))
    size, of = np.add.reduceat(lead, run), group[run]
    best = np.lexsort((-size, of))
    best = best[np.diff(of[best], prepend=-1) > 0]
    total = np.bincount(group, lead, minlength=len(start)).astype(np.int64)
    return label[run][best], np.maximum(2 * size[best] - total, 1)
