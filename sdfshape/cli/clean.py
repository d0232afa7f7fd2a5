"""`sdfshape clean SCAN`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import words

if TYPE_CHECKING:
    from ..cleaning import CleanedScan
    from ..types import PointCloud


def clean(
    scan: Annotated[Path, typer.Argument(help="Points (.xyz .pts .txt .csv .pwn .ply .pcd .npy .npz .las .laz .e57).", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The points to write (.ply .npz .npy .xyz .pts .txt).")],
    mark: Annotated[bool, typer.Option("--mark", help="Keep all points that are finite; the column label says 1 for outliers.")] = False,
    preset: Annotated[Literal["fast", "default", "quality"], typer.Option(help="Of the surface that judges.")] = "fast",
    limit: Annotated[
        float | None, typer.Option(help="Farther from the surface is an outlier, in units of the scan; default: by spacing and noise.")
    ] = None,
    surface: words.Surface = "auto",
    seed: words.Seed = 0,
    threads: words.Threads = None,
    device: words.Device = "cpu",
    model: words.Model = None,
    report: words.Report = None,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Find the outliers of a scan by the surface it is of: drop them or mark them, and say how sure that is."""
    from ..errors import InputError
    from ..io import read_shape
    from ..options import Options
    from ..types import Mesh
    from .console import progress_bar
    from .outputs import check_outputs

    check_outputs([("points", output), ("field", model), ("report", report)], [scan], overwrite=overwrite)
    shape = read_shape(scan)
    if isinstance(shape, Mesh):
        raise InputError(f"{scan.name}: a scan must be points, this file has faces, whose points lie on them: nothing is to be cleaned")
    cloud = shape
    _check_columns(output, cloud, mark)
    options = Options(preset=preset, surface=surface, seed=seed, threads=threads, device=device, resolution=128)
    from ..cleaning import clean_scan

    with progress_bar(quiet) as show:
        done = clean_scan(cloud, options, limit=limit, progress=show)
    facts = done.facts() | {"input": str(scan), "output": str(output)}
    _write(done, facts, output, model, report, mark, overwrite)
    if not quiet:
        _summarise(facts, marked=mark)


def _write(
    done: CleanedScan, facts: dict[str, Any], output: Path, model: Path | None, report: Path | None, mark: bool, overwrite: bool
) -> None:
    from ..evaluate import write_report
    from ..io import write_points

    write_points(done.marked if mark else done.kept, output, overwrite=overwrite)
    if model:
        done.field.save(model, overwrite=overwrite)
    if report:
        write_report(facts, report, overwrite=overwrite)


def _check_columns(output: Path, cloud: PointCloud, mark: bool) -> None:
    """Raise before the work what could not be written after it."""
    from ..errors import InputError, OutputError

    if mark and cloud.labels is not None:
        raise InputError("marks are labels, and these points have labels: drop the outliers instead")
    if output.suffix.lower() == ".npy" and (mark or cloud.scan_columns):
        raise OutputError(f"{output.name}: .npy holds points and normals alone: use .ply or .npz")


def _summarise(facts: dict[str, Any], *, marked: bool) -> None:
    share = facts["outliers"] / facts["points"]
    sure = facts["certified_inliers"]
    lines = [
        f"points    {facts['points']:,}, {facts['outliers']:,} outliers ({share:.2%}) {'marked' if marked else 'dropped'}",
        f"limit     {facts['limit']:.4g} from the surface (spacing {facts['spacing']:.3g}, noise about {facts['noise']:.3g})",
        f"certified {sure['three_noise']:.2%} of the points stay inliers wherever three deviations of the noise move them, "
        f"{sure['half_spacing']:.2%} wherever half a spacing does",
        *(["note      a wrap (or sheet) keeps what lies inside of it: strays there are not found"] if facts["surface"] != "closed" else []),
        f"written   {facts['output']}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
