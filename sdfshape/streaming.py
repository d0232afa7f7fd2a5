"""A scan of any size, read in pieces and kept as averages over voxels: memory is bounded by the averages, not by the scan.

The side of the voxels is not known before all points were seen. Up to `most` points stay as they are. Beyond, it begins small and grows:
whenever there are more averages than `most`, they are averaged again over larger voxels; sides sqrt(2) times as long leave a half of those
of a surface. So in the end there are between about a half and all of `most`, or every point by itself. Averages are weighted by the points
they stand for; a place that was averaged again is that of all its points. Of labels the majority is kept where there is one (Boyer and
Moore 1981: it survives any order of pairing off).
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
FIRST_SIDES = 2**20  # of the longest side of what there is when points are averaged first: finer than is needed anywhere in it
MOST = (1.0, 99.0)  # percentiles
LEAST_SIDE = 1e-9  # of the largest coordinate: below, places have no digits
GROWTH = math.sqrt(2)
COLUMNS = {"colors": 3, "intensity": 2, "labels": 0}  # sums that are kept of each; of an intensity also how many were known
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
        self.most, self.side, self.came = most, 0.0, 0
        self._origin = np.zeros(3)
        self._names: tuple[str, ...] | None = None
        self._rows = _Rows.empty(0)

    @property
    def averaged(self) -> bool:
        """Whether any point is not by itself any more."""
        return len(self._rows.weight) < self.came

    def add(self, piece: Piece) -> None:
        """Take in the finite points of a piece, with the columns that all pieces before it had, too."""
        finite = np.isfinite(piece.points).all(axis=1)
        names = tuple(name for name in COLUMNS if getattr(piece, name) is not None)
        if not finite.any():
            return
        points = piece.points[finite]
        if self._names is None:
            self._names, self._origin = names, np.median(points, axis=0)
            self._rows = _Rows.empty(sum(COLUMNS[name] for name in names))
        elif not set(self._names) <= set(names):
            self._forget(tuple(name for name in self._names if name in names))
        self.came += len(points)
        columns = {name: getattr(piece, name)[finite] for name in self._names or ()}
        more = _Rows.of(points - self._origin, columns)
        self._rows = self._rows.with_rows(more.summed(self.side)) if self.side else self._rows.joined(more)
        if len(self._rows.weight) > self.most:
            self._coarsen()

    def _coarsen(self) -> None:
        """Voxels as large as it takes for at most `most` of them to be held: sides are doubled, then one step back is tried."""
        places = self._rows.places
        side = self.side * GROWTH if self.side else self._first_side(places)
        doubled = False
        while _count(_voxel_keys(places, side)) > self.most:
            side, doubled = 2 * side, True
        if doubled and _count(_voxel_keys(places, side / GROWTH)) <= self.most:
            side /= GROWTH
        self.side = side
        self._rows = self._rows.summed(side)

    def _first_side(self, places: FloatArray) -> float:
        """Finer than is needed anywhere; strays do not count, unless they are all there is."""
        most, whole = (float(np.ptp(corners, axis=0).max()) for corners in (np.percentile(places, MOST, axis=0), places))
        return max((most or whole) / FIRST_SIDES, LEAST_SIDE * float(np.abs(self._origin).max()), 1e-300)

    def cloud(self) -> PointCloud:
        """What there is now. Raises InputError if that is nothing."""
        rows = self._rows
        if not self.came:
            raise InputError("a shape must have points, the file holds none that are finite and valid: export it again")
        columns: dict[str, np.ndarray] = {"points": rows.places + self._origin}
        at = 3
        for name in self._names or ():
            sums, at = rows.sums[:, at : at + COLUMNS[name]], at + COLUMNS[name]
            if name == "colors":
                columns[name] = as_colors(np.rint(sums / rows.weight[:, None]).astype(np.uint16))
            elif name == "intensity":
                columns[name] = np.where(sums[:, 1] > 0, sums[:, 0] / np.maximum(sums[:, 1], 1), np.nan)
            else:
                columns[name] = rows.label
        return PointCloud(**columns)

    def _forget(self, names: tuple[str, ...]) -> None:
        """Go on with these columns alone: the new piece lacks the others."""
        keep, at = [0, 1, 2], 3
        for name in self._names or ():
            keep += list(range(at, at + COLUMNS[name])) if name in names else []
            at += COLUMNS[name]
        self._rows, self._names = replace(self._rows, sums=self._rows.sums[:, keep]), names


@dataclass(frozen=True, eq=False)
class _Rows:
    """One row for each voxel, or point. key : (n,) of the voxels, rising, or 0.   sums : (n, 3 + c) of places and columns of its points.
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
    def of(cls, places: FloatArray, columns: dict[str, np.ndarray]) -> _Rows:
        """Of points (n, 3), each by itself, and their columns."""
        values, n = [places], len(places)
        values += [columns["colors"].astype(np.float64)] if "colors" in columns else []
        if "intensity" in columns:
            known = np.isfinite(columns["intensity"])
            values.append(np.stack([np.where(known, columns["intensity"], 0), known], axis=1))
        labels = columns.get("labels", np.zeros(n, np.int64))
        return cls(np.zeros(n, np.uint64), np.concatenate(values, axis=1), np.ones(n), labels, np.ones(n, np.int64))

    @property
    def places(self) -> FloatArray:
        """(n, 3) the means of the points of each row."""
        return self.sums[:, :3] / self.weight[:, None]

    def joined(self, more: _Rows) -> _Rows:
        """These rows and more, none of them summed."""
        return _Rows(*(np.concatenate(pair) for pair in zip(vars(self).values(), vars(more).values(), strict=True)))

    def summed(self, side: float) -> _Rows:
        """The same points over voxels of this side; keys and order of these rows do not matter."""
        key = _voxel_keys(self.places, side)
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
        self.lead[row] = np.abs(lead)  # of 0, the next label leads
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


def _count(keys: np.ndarray) -> int:
    """How many different ones. (`np.unique` counts by hashing since NumPy 2.3: fifteen times as long.)"""
    keys = np.sort(keys)
    return 1 + int((keys[1:] != keys[:-1]).sum())


def _paired_off(label: IntArray, lead: IntArray, start: IntArray) -> tuple[IntArray, IntArray]:
    """Of groups of rows, that begin at `start`, the label that leads and by how much: its own leads less all others, or 0."""
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
    return label[run][best], np.maximum(2 * size[best] - total, 0)
