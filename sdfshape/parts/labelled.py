"""From labelled points to the meshes of their parts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from ..classifier import ClassifierConfig, fit_classifier
from ..errors import InputError
from ..extract.mesh import field_grid
from ..options import Options
from ..reconstruction import Progress, Reconstruction, reconstruct
from ..train.record import Record
from ..train.run import computing_with
from ..types import PointCloud, require_cloud
from .field import Parts
from .meshes import PartMesh, part_mesh
from .places import labelled_places
from .report import tell_parts

FEWEST_POINTS = 20  # of a part
SWALLOWED = 2.0  # spacings: a part whose points lie deeper inside of the solid, by their median, is not on its surface


@dataclass(frozen=True, eq=False)
class PartsReconstruction:
    """whole : of all points, as `reconstruct` makes it; its report has a section `parts`.   parts : the fields.   meshes : of each part."""

    whole: Reconstruction
    parts: Parts
    meshes: list[PartMesh]


def reconstruct_parts(
    cloud: PointCloud,
    options: Options | None = None,
    *,
    gap: float | None = None,
    config: ClassifierConfig | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
    **changes: Any,
) -> PartsReconstruction:
    """Labelled points -> a solid, cut by one signed distance classifier into parts that do not overlap, and a watertight mesh of each.

    cloud : with labels; points with negative ones shape the solid and belong to no part.   gap : between parts, world units; a cell of the
    extraction grid unless told.   Else as `reconstruct`, whose training alone keeps a checkpoint.
    Raises InputError for a cloud without labels, with fewer than two, or with one that fewer than 20 points have.
    """
    require_cloud(cloud)
    options, tell, config = replace(options or Options(), **changes), progress or (lambda _: None), config or ClassifierConfig()
    if options.iso != 0:
        raise InputError(f"parts are cut from the surface itself, iso must be 0, got {options.iso:g}")
    if gap is not None and not 0 <= gap < np.inf:
        raise InputError(f"the gap between parts must be a length of at least 0, got {gap}")
    known = labelled_rows(cloud, config.width)
    whole = _solid(cloud, known, options, checkpoint, tell)
    start = time.perf_counter()
    good = _believed(cloud, known, whole.scores.outliers, options)
    with computing_with(options.device, options.threads):
        parts = _classified(whole, cloud[good], gap, config, options, tell)
        trained = time.perf_counter()
        tell(Progress("extract parts"))
        meshes = [part_mesh(parts[label], cloud[good & (np.asarray(cloud.labels) == label)], options) for label in parts.labels]
    seconds = {"train_parts": trained - start, "extract_parts": time.perf_counter() - trained}
    tell_parts(whole.report, parts, meshes, cloud[good], seconds)
    return PartsReconstruction(whole, parts, meshes)


def labelled_rows(cloud: PointCloud, most: int = ClassifierConfig.width) -> np.ndarray:
    """(n,) the rows with finite points and a label, which is not negative; raises InputError where labels cannot be learned from."""
    if cloud.labels is None:
        raise InputError("a cloud must have labels to be cut into parts, this one has none: name their column")
    finite = np.isfinite(cloud.points).all(axis=1) & (cloud.labels >= 0)
    labels, counts = np.unique(cloud.labels[finite], return_counts=True)
    if len(labels) < 2:
        raise InputError(f"there must be 2 parts at least, the only label is {', '.join(map(str, labels))}: reconstruct without labels")
    if len(labels) > most:
        raise InputError(f"there can be {most} parts at most, the labels name {len(labels)}: is this the column of the parts?")
    if counts.min() < FEWEST_POINTS:
        few, count = int(labels[counts.argmin()]), int(counts.min())
        raise InputError(
            f"a part must have {FEWEST_POINTS} points at least, label {few} has {count}: join it with another, or keep more --points"
        )
    return finite


def _believed(cloud: PointCloud, known: np.ndarray, outliers: np.ndarray, options: Options) -> np.ndarray:
    """(n,) the rows without outliers; of a part of which too few would be left, all."""
    if options.keep_outliers:
        return known
    good, labels = known & ~outliers, np.asarray(cloud.labels)
    lost = [label for label in np.unique(labels[known]) if (good & (labels == label)).sum() < FEWEST_POINTS]
    return good | (known & np.isin(labels, lost))


def _solid(
    cloud: PointCloud, known: np.ndarray, options: Options, checkpoint: str | PathLike[str] | None, tell: Callable[[Progress], None]
) -> Reconstruction:
    """The solid; once more as sheets if `auto` filled the space in which some parts are."""
    whole = reconstruct(cloud, options, checkpoint=checkpoint, progress=tell)
    if options.surface != "auto" or whole.report["surface"]["kind"] in ("open", "points"):
        return whole
    values, spacing = whole.field(cloud.points[known]), whole.report["surface"]["spacing"]
    labels = np.asarray(cloud.labels)[known]
    deep = [int(k) for k in np.unique(labels) if np.median(values[labels == k]) < -SWALLOWED * spacing]
    if not deep:
        return whole
    again = None if checkpoint is None else Path(f"{fspath(checkpoint)}.sheets")
    sheets = reconstruct(cloud, replace(options, surface="open"), checkpoint=again, progress=tell)
    if again is not None:
        again.unlink(missing_ok=True)
    sheets.report["seconds"] |= {"thrown_away": whole.report["seconds"]["total"]}
    sheets.report["seconds"]["total"] += whole.report["seconds"]["total"]
    kind, names = whole.report["surface"]["kind"], ", ".join(map(str, deep))
    sheets.report["warnings"].append(
        f"as {kind} the inside is filled, and parts {names} in it: made as sheets (--surface {kind} forces it)"
    )
    return sheets


def _classified(
    whole: Reconstruction,
    cloud: PointCloud,
    gap: float | None,
    config: ClassifierConfig,
    options: Options,
    tell: Callable[[Progress], None],
) -> Parts:
    frame = whole.field.frame
    points, labels = frame.to_unit(cloud.points), np.asarray(cloud.labels)
    spacing = frame.length_to_unit(whole.report["surface"]["spacing"])
    tell(Progress("train parts"))
    given = labelled_places(points, labels, spacing, np.random.default_rng(options.seed))
    start = time.perf_counter()

    def told(record: Record) -> None:
        left = (time.perf_counter() - start) / record.step * (record.steps - record.step)
        tell(Progress("train parts", record.step, record.steps, record.loss, left))

    classifier = fit_classifier(given.places, given.labels, config=config, room=given.room, seed=options.seed, progress=told)
    cell = frame.length_to_world(field_grid(whole.field, options.resolution).spacing)
    return Parts(whole.field, classifier, cell if gap is None else gap)
