"""From labelled points to the meshes of their parts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ..classifier import ClassifierConfig, fit_classifier
from ..errors import EmptySurfaceError, InputError
from ..evaluate.report import mesh_facts
from ..extract import drop_unexplained, extract_mesh, finish
from ..extract.mesh import field_grid
from ..field.clearance import Triangles, least_over
from ..options import Options
from ..orient.neighbours import SPACING_NEIGHBOUR
from ..reconstruction import Progress, Reconstruction, reconstruct
from ..train.record import Record
from ..train.run import computing_with
from ..types import FloatArray, Mesh, PointCloud
from .field import PartField, Parts
from .places import labelled_places

FEWEST_POINTS = 20  # of a part
SWALLOWED = 2.0  # spacings: a part whose points lie deeper inside of the solid, by their median, is not on its surface


@dataclass(frozen=True, eq=False)
class PartMesh:
    """mesh : world units, None for a part that has no inside.   apart : whether the mesh is proven to touch no other part.
    phantoms : pieces that no point of the part explains, left out.
    """

    label: int
    mesh: Mesh | None
    apart: bool
    phantoms: int


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

    cloud : with labels.   gap : between parts, world units; a cell of the extraction grid unless told.   Else as `reconstruct`.
    Raises InputError for a cloud without labels, with fewer than two, or with one that fewer than 20 points have.
    """
    options, tell = replace(options or Options(), **changes), progress or (lambda _: None)
    if options.iso != 0:
        raise InputError(f"parts are cut from the surface itself, iso must be 0, got {options.iso:g}")
    if gap is not None and not gap >= 0:
        raise InputError(f"the gap between parts must be a length of at least 0, got {gap}")
    known = labelled_rows(cloud)
    whole = _solid(cloud, known, options, checkpoint, tell)
    start = time.perf_counter()
    good = known & ~whole.scores.outliers
    with computing_with(options.device, options.threads):
        parts = _classified(whole, cloud[good], gap, config, options, tell)
        trained = time.perf_counter()
        tell(Progress("extract parts"))
        meshes = [_part_mesh(parts[label], cloud[good & (np.asarray(cloud.labels) == label)], options) for label in parts.labels]
    seconds = {"train_parts": trained - start, "extract_parts": time.perf_counter() - trained}
    _tell_report(whole.report, parts, meshes, cloud[good], seconds)
    return PartsReconstruction(whole, parts, meshes)


def labelled_rows(cloud: PointCloud) -> np.ndarray:
    """(n,) the rows with finite points; raises InputError where labels cannot be learned from."""
    if cloud.labels is None:
        raise InputError("a cloud must have labels to be cut into parts, this one has none: name their column")
    finite = np.isfinite(cloud.points).all(axis=1)
    labels, counts = np.unique(cloud.labels[finite], return_counts=True)
    if len(labels) < 2:
        raise InputError(
            f"there must be 2 parts at least, all points have the label {', '.join(map(str, labels))}: reconstruct without labels"
        )
    if counts.min() < FEWEST_POINTS:
        few = int(labels[counts.argmin()])
        raise InputError(f"a part must have {FEWEST_POINTS} points at least, label {few} has {counts.min()}: join it with another")
    if len(labels) > (most := ClassifierConfig().width):
        raise InputError(f"there can be {most} parts at most, the labels name {len(labels)}: is this the column of the parts?")
    return finite


def _solid(
    cloud: PointCloud, known: np.ndarray, options: Options, checkpoint: str | PathLike[str] | None, tell: Callable[[Progress], None]
) -> Reconstruction:
    """The solid; once more as sheets if `auto` filled the space in which some parts are."""
    whole = reconstruct(cloud, options, checkpoint=checkpoint, progress=tell)
    if options.surface != "auto" or whole.report["surface"]["kind"] == "open":
        return whole
    values, spacing = whole.field(cloud.points[known]), whole.report["surface"]["spacing"]
    labels = np.asarray(cloud.labels)[known]
    deep = [int(k) for k in np.unique(labels) if np.median(values[labels == k]) < -SWALLOWED * spacing]
    if not deep:
        return whole
    sheets = reconstruct(cloud, replace(options, surface="open"), progress=tell)
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
    config: ClassifierConfig | None,
    options: Options,
    tell: Callable[[Progress], None],
) -> Parts:
    frame = whole.field.frame
    points, labels = frame.to_unit(cloud.points), np.asarray(cloud.labels)
    k = min(SPACING_NEIGHBOUR + 1, len(points))
    spacing = float(np.median(cKDTree(points).query(points[:: max(1, len(points) // 5000)], k=k, workers=-1)[0][:, -1]))
    tell(Progress("train parts"))
    given = labelled_places(points, labels, spacing, np.random.default_rng(options.seed))
    start = time.perf_counter()

    def told(record: Record) -> None:
        left = (time.perf_counter() - start) / record.step * (record.steps - record.step)
        tell(Progress("train parts", record.step, record.steps, record.loss, left))

    classifier = fit_classifier(given.places, given.labels, config=config, room=given.room, seed=options.seed, progress=told)
    cell = frame.length_to_world(field_grid(whole.field, options.resolution).spacing)
    return Parts(whole.field, classifier, cell if gap is None else gap)


def _part_mesh(part: PartField, scan: PointCloud, options: Options) -> PartMesh:
    label = part.parts.labels[part.index]
    try:
        found = extract_mesh(part, resolution=options.resolution).mesh
    except EmptySurfaceError:
        return PartMesh(label, None, True, 0)
    mesh, phantoms = (found, 0) if options.keep_all else drop_unexplained(found, scan.points)
    done = finish(mesh, part, 0.0, scan=scan, max_deviation=options.max_deviation, vertex_normals=options.vertex_normals)
    return PartMesh(label, done.mesh, stays_apart(part, done.mesh), phantoms)


def stays_apart(part: PartField, mesh: Mesh) -> bool:
    """Whether all faces of the part's mesh are proven to lie where only this part can be: then no two such meshes touch."""
    return bool(least_over(_MinusSide(part), Triangles.of(mesh), enough=0.0).free().all())


@dataclass(frozen=True, eq=False)
class _MinusSide:
    """-side_k: above 0 where only part k can be."""

    part: PartField

    @property
    def lipschitz_bound(self) -> float:
        return self.part.parts.classifier.pair_bound

    @property
    def bounds(self) -> FloatArray:
        return self.part.bounds

    def certified(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        side, error = self.part.certified_side(points_world)
        return -side, error


def _tell_report(report: dict[str, Any], parts: Parts, meshes: list[PartMesh], cloud: PointCloud, seconds: dict[str, float]) -> None:
    """The section `parts`, its seconds and its warnings."""
    labels, found = np.asarray(cloud.labels), parts.part_at(cloud.points)
    radius = parts.certified_label_radius(cloud.points)
    each = []
    for part in meshes:
        rows = labels == part.label
        facts = {
            "label": part.label,
            "points": int(rows.sum()),
            "right": float((found[rows] == part.label).mean()),
            "proven_apart": part.apart,
        }
        each.append(facts | ({"mesh": mesh_facts(part.mesh, part.phantoms)} if part.mesh else {"mesh": None}))
        if part.mesh is None:
            report["warnings"].append(f"part {part.label} has no inside and no mesh: too thin for its points, or lost among its neighbours")
        elif not part.apart:
            report["warnings"].append(
                f"the mesh of part {part.label} is not proven to stay apart from the others: a larger --part-gap proves it"
            )
    report["parts"] = {
        "each": each,
        "right": float((found == labels).mean()),
        "gap": parts.gap,
        "lipschitz_bound": parts.classifier.pair_bound,
        "parameters": parts.classifier.layers.parameters,
        "certified_radius_median": float(np.median(radius)),
    }
    total = report["seconds"].pop("total")
    report["seconds"] |= seconds | {"total": total + sum(seconds.values())}
