"""A large scan in; one mesh, one certified field and a report out: oriented as a whole, trained in tiles, joined.

The field is the least of all tiles' (`field.wide`): min_k max(h_k, box_k) over the networks of all of them, each box within the walls
of its tile. A minimum of maxima of 1-Lipschitz functions is 1-Lipschitz, so the join needs no care for the guarantee. One grid is laid over
all of it, so the mesh has no seams to sew.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ..account import Job, job_report
from ..batch.locking import locked
from ..clean import Dropped, distinct_rows
from ..errors import EmptySurfaceError, InputError
from ..extract import drop_unexplained, extract_mesh, finish, least_explained
from ..field import SignedDistanceField
from ..field.signed_distance import measured_float32_error
from ..frame import HALF_EXTENT, PAD, Frame
from ..limits import TILED_RESOLUTION
from ..options import Options
from ..orient.neighbours import SPACING_NEIGHBOUR
from ..orient.oriented import SLAB_SPACINGS
from ..reconstruction import Progress, Reconstruction, Stopwatch, check_level, hints_of, scores_of
from ..sample import Gathered, gather_evidence
from ..shaping import remember_scan
from ..thin import averaged, enough_points
from ..train.config import TrainConfig, preset
from ..train.run import computing_with
from ..types import FloatArray, PointCloud, require_cloud
from .evidence import Coarse
from .folder import Plan, TileFolder
from .plan import check_count, cut
from .run import Workforce, run_tiles
from .training import joined

FILLS_NOTHING = "in tiles nothing is filled: --surface wrap was taken as open"
COARSE_LABELS = 5_000  # only to see that the scan has both sides
# of the whole grid: least thickness of a sheet's slab. Measured on a terrain of 2 million points in 4 tiles: 1.8, as for one mosaic, left
# 219 pieces that no point explains and a hole; 2.7 left 49 and none
SLAB_CELLS = 2.7
SPACING_SAMPLE = 20_000  # points whose spacing stands for all


@dataclass(frozen=True, eq=False)
class _Scan:
    """kept : what is trained on, of `cloud`.   gathered : of the coarse image; its spacing is that of all points.
    points : (n, 3) of what is kept, unit frame.
    """

    cloud: PointCloud
    kept: PointCloud
    voxel: float
    dropped: Dropped
    gathered: Gathered
    points: FloatArray
    plan: Plan


def reconstruct_tiles(
    cloud: PointCloud,
    options: Options | None = None,
    *,
    tiles: int,
    workforce: Workforce | None = None,
    work: str | PathLike[str] | None = None,
    config: TrainConfig | None = None,
    progress: Callable[[Progress], None] | None = None,
    **changes: Any,
) -> Reconstruction:
    """`reconstruct` for scans with more detail than one mosaic shows: `tiles` mosaics, and as many times the points.

    tiles : a power of two.   workforce : who trains them; one after the other here unless told.
    work : folder for what is done, so that an interrupted run goes on; one that goes at the end unless told.
    options, **changes : of `reconstruct`; resolution is that of a tile, the grid of all has up to sqrt(tiles) times as many cells.
        surface wrap is taken as open: what is filled, no tile alone can see.

    Raises what `reconstruct` raises, and SdfShapeError where a tile failed.
    """
    require_cloud(cloud)
    options = replace(options or Options(), **changes)
    config = config or preset(options.preset)
    check_tiled(options, config, tiles)
    clock, force = Stopwatch(progress or (lambda _: None)), workforce or Workforce(threads=options.threads)
    force = replace(force, device=force.device or options.device)
    with ExitStack() as stack:
        folder = stack.enter_context(locked(Path(stack.enter_context(tempfile.TemporaryDirectory()) if work is None else work)))
        stack.enter_context(computing_with(options.device, options.threads))
        scan = _prepared(cloud, options, tiles, config, clock.start)
        made = _trained(scan, TileFolder(folder), force, clock)
        return _made(scan, made, options, tiles, clock)


def check_tiled(options: Options, config: TrainConfig, tiles: int) -> None:
    """Raise InputError for what cannot be done in tiles."""
    check_count(tiles)
    if config.network.kind != "orthogonal":
        raise InputError("tiles need a preset that tells inside from outside, got paper: use another")
    if options.max_memory is not None:
        raise InputError("max_memory is predicted for one mosaic, not for tiles: use fewer workers, or a lower resolution")


def _prepared(cloud: PointCloud, options: Options, tiles: int, config: TrainConfig, stage: Callable[[str], None]) -> _Scan:
    """The scan cleaned, averaged, oriented as a whole, and cut."""
    stage("orient")
    rng = np.random.default_rng(options.seed)
    kept, voxel, dropped = enough_points(cloud, tiles * config.points, rng, keep_outliers=options.keep_outliers)
    frame = Frame.from_points(kept.points)
    check_level(options.iso, frame)
    unit = frame.to_unit(kept.points)
    rows = distinct_rows(unit)
    kept, unit = kept[rows], unit[rows]
    spacing = _spacing(unit, rng)
    few = averaged(kept, kept, config.points)[0] if len(kept) > config.points else kept
    surface = "open" if options.surface == "wrap" else options.surface
    some = frame.to_unit(few.points)
    gathered = gather_evidence(some, surface, COARSE_LABELS, rng, stage, 0.0, hints_of(few, options))
    kind = "closed" if gathered.kind == "closed" else "open"
    thickness = max(SLAB_CELLS * _cell(options, tiles), 2 * SLAB_SPACINGS * spacing)
    assert gathered.oriented is not None
    image = gathered.oriented
    coarse = Coarse(image.points, image.sharpened, image.areas, image.spacing, kind, thickness)
    warnings = (*gathered.warnings, *((FILLS_NOTHING,) if options.surface == "wrap" else ()))
    least = 0.0 if kind == "closed" else thickness  # a closed surface in tiles has no slabs
    gathered = replace(gathered, warnings=warnings, spacing=spacing, kind=kind, least_thickness=least, thickened=0.0)
    config = config if kind == "closed" else config.for_slabs()
    return _Scan(cloud, kept, voxel, dropped, gathered, unit, Plan(coarse, cut(unit, tiles), frame, config, options.seed))


def _cell(options: Options, tiles: int) -> float:
    """Side of a cell of the whole grid, unit frame."""
    return 2 * (HALF_EXTENT + PAD) / (whole_resolution(options.resolution, tiles) - 2)


def _spacing(points: FloatArray, rng: np.random.Generator) -> float:
    some = points[np.sort(rng.permutation(len(points))[:SPACING_SAMPLE])]
    return float(np.median(cKDTree(points).query(some, k=SPACING_NEIGHBOUR + 1, workers=-1)[0][:, -1]))


def whole_resolution(resolution: int, tiles: int) -> int:
    """Cells along the longest side of all tiles, for `resolution` of one: a surface has as many tiles as the square of its length."""
    return max(resolution, min(round(resolution * math.sqrt(tiles)), TILED_RESOLUTION))


def _trained(scan: _Scan, work: TileFolder, force: Workforce, clock: Stopwatch) -> SignedDistanceField:
    """The field of all tiles; those of this plan that are in the folder are not trained again."""
    clock.start("train")
    plan = scan.plan
    mark, count = work.write_plan(plan, scan.points), len(plan.tiles)
    left = [tile.index for tile in plan.tiles if not work.is_done(tile.index, mark)]

    def told(done: int, seconds: float) -> None:
        clock.tell(Progress("tiles", count - len(left) + done, count, seconds_left=seconds))

    told(0, float("nan"))
    run_tiles(work, mark, left, force, told)
    parts = [part for tile in plan.tiles if (part := work.read_tile(tile.index, mark)) is not None]
    if not parts:
        raise EmptySurfaceError("tiles must have a surface, none of them has an inside: use --surface open, or fewer tiles")
    layers, boxes = joined(parts)
    info = {"config": plan.config.as_dict(), "seed": plan.seed, "surface": plan.coarse.kind, "level_unit": 0.0, "tiles": count}
    field = SignedDistanceField(layers, boxes, plan.frame, measured_float32_error(layers, boxes), info)
    remember_scan(field, plan.frame.to_world(scan.points))
    return field


def _made(scan: _Scan, field: SignedDistanceField, options: Options, tiles: int, clock: Stopwatch) -> Reconstruction:
    clock.start("extract")
    field.info["preset"] = options.preset
    extraction = extract_mesh(field, resolution=whole_resolution(options.resolution, tiles), iso=options.iso)
    least = least_explained(scan.dropped, len(scan.kept))
    mesh, phantoms = (extraction.mesh, 0) if options.keep_all else drop_unexplained(extraction.mesh, scan.kept.points, least)
    done = finish(mesh, field, options.iso, scan=scan.kept, max_deviation=options.max_deviation, vertex_normals=options.vertex_normals)
    scores = scores_of(field, scan.cloud, scan.gathered)
    clock.start("")
    job = Job(scan.cloud, scan.kept, scan.dropped, scan.voxel, scan.gathered, options, scan.plan.config, clock.seconds)
    report = job_report(job, field, extraction, done, phantoms, scores)
    return Reconstruction(done.mesh, field, report | {"tiles": {"count": tiles, "networks": len(field.boxes.lo)}}, scores)
