"""A reconstruction from file to files, as `reconstruct` and `demo` run it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, OutputError
from ..io import write_points
from ..types import Mesh, PointCloud
from .outputs import Outputs as Outputs
from .outputs import check_normals_kept
from .outputs import checkpoint_of as checkpoint_of
from .part_files import check_parts, painted_whole, write_part_files
from .watching import front_for as front_for

if TYPE_CHECKING:
    from ..parts import PartsReconstruction
    from ..reconstruction import Options, Progress, Reconstruction
    from ..streaming import Scan
    from ..train.watch import Watch
    from .watching import Front

DEFAULT_POINTS = 20_000


def chosen_options(asked: Mapping[str, Any]) -> Options:
    """The options that a command was given: its parameters that are named as the fields of `Options`."""
    from ..options import Options

    return Options(**{field.name: asked[field.name] for field in fields(Options) if field.name in asked})


def as_cloud(shape: PointCloud | Mesh, points: int | None, seed: int) -> PointCloud:
    """A cloud to reconstruct: a mesh is sampled uniformly (20,000 points unless told), a larger cloud than told is thinned at random."""
    import numpy as np

    from ..sample.surface import cloud_of_mesh

    if points is not None and points < 100:
        raise InputError(f"points must be at least 100, got {points}")
    if isinstance(shape, Mesh):
        return cloud_of_mesh(shape, points or DEFAULT_POINTS, seed)
    if points is None or points >= len(shape):
        return shape
    return shape[np.sort(np.random.default_rng(seed).permutation(len(shape))[:points])]


def check_cleaned(cleaned: Path | None, cloud: PointCloud, preset: str) -> None:
    """Raise OutputError for points that could not be told, or written, after the work."""
    if cleaned is None:
        return
    if preset == "paper":
        raise OutputError(f"{cleaned.name}: cleaned points need a preset that measures their spacing, got paper: use another")
    if cleaned.suffix.lower() == ".npy" and cloud.scan_columns:
        raise OutputError(
            f"{cleaned.name}: .npy holds points and normals alone, these have {' and '.join(cloud.scan_columns)}: use .ply or .npz"
        )


def run_job(
    source: Path,
    outputs: Outputs,
    options: Options,
    *,
    points: int | None = None,
    truth: Path | None = None,
    labels: str | None = None,
    part_gap: float | None = None,
    quiet: bool = False,
    front: Front | None = None,
) -> dict[str, Any]:
    """Read, reconstruct, write all outputs, summarise; returns the report. labels : the column of the parts, `part_gap` between them.

    front : shows it while it runs.
    """
    outputs.check(source, truth)
    check_normals_kept(outputs.mesh, options.vertex_normals)
    if part_gap is not None and labels is None:
        raise InputError("--part-gap is the room between parts: name the column of the parts with --labels")
    from ..io import read_mesh
    from ..streaming import ENOUGH, read_scan
    from .console import progress_bar

    scan = read_scan(source, max(ENOUGH, points or 0), label_column=labels)
    shape, cloud = scan.shape, as_cloud(scan.shape, points, options.seed)
    if isinstance(shape, Mesh):  # what was sampled from faces lies on them
        options = replace(options, keep_outliers=True)
    check_cleaned(outputs.cleaned, cloud, options.preset)
    if labels is not None:
        check_parts(cloud, outputs, source, truth)
    true_mesh = read_mesh(truth) if truth else None

    def work(show: Callable[[Progress], None], watch: Watch | None) -> Reconstruction:
        result, made = _made(cloud, options, outputs, labels is not None, part_gap, show, watch)
        complete(result, made, cloud, outputs, scan, true_mesh, quiet)
        return result

    if front is not None:
        return front.run(cloud, source.name, work, options.resolution, options.iso).report
    with progress_bar(quiet) as show:
        result = work(show, None)
    return result.report


def complete(
    result: Reconstruction,
    made: PartsReconstruction | None,
    cloud: PointCloud,
    outputs: Outputs,
    scan: Scan,
    truth: Mesh | None,
    quiet: bool,
) -> None:
    """Complete the report, write all files, say what was made."""
    from .console import summarise

    scan.tell(result.report)
    if truth is not None:
        from ..evaluate.report import metric_facts

        result.report["metrics"] = metric_facts(result.mesh, truth)
    written = _write(result, made, cloud, outputs)
    if outputs.checkpoint is not None:
        outputs.checkpoint.unlink(missing_ok=True)
    summarise(result.report, outputs.named() | written, quiet)


def _made(
    cloud: PointCloud,
    options: Options,
    outputs: Outputs,
    cut: bool,
    gap: float | None,
    show: Callable[[Progress], None],
    watch: Watch | None,
) -> tuple[Reconstruction, PartsReconstruction | None]:
    """The reconstruction, and its parts if it is to be cut."""
    if not cut:
        from ..reconstruction import reconstruct

        return reconstruct(cloud, options, checkpoint=outputs.checkpoint, progress=show, watch=watch), None
    from ..parts import reconstruct_parts

    made = painted_whole(reconstruct_parts(cloud, options, gap=gap, checkpoint=outputs.checkpoint, progress=show), cloud)
    return made.whole, made


def _write(result: Reconstruction, made: PartsReconstruction | None, cloud: PointCloud, outputs: Outputs) -> dict[str, str]:
    """Write everything; returns the files of the parts, by kind."""
    start = time.perf_counter()
    result.mesh.write(outputs.mesh, overwrite=outputs.overwrite)
    if outputs.field:
        (made.parts if made else result.field).save(outputs.field, overwrite=outputs.overwrite)
    if outputs.picture:
        from ..render import render_field, write_png

        azimuth, elevation, up = outputs.view
        colors = result.mesh if result.mesh.colors is not None else None
        image = render_field(result.field, azimuth_deg=azimuth, elevation_deg=elevation, up_axis=up, colors=colors)
        write_png(image, outputs.picture, overwrite=outputs.overwrite)
    if outputs.cleaned:
        write_points(cloud[~result.scores.outliers], outputs.cleaned, overwrite=outputs.overwrite)
    seconds = result.report["seconds"]
    seconds["write"] = time.perf_counter() - start
    seconds["total"] = sum(value for stage, value in seconds.items() if stage != "total")
    if outputs.report:
        from ..evaluate import write_report

        write_report(result.report, outputs.report, overwrite=outputs.overwrite)
    return write_part_files(made, outputs) if made else {}
