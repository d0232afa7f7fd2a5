"""`sdfshape batch FOLDER|MANIFEST -o OUTPUT`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import words

if TYPE_CHECKING:
    from ..batch import ShapeJob


Source = Annotated[
    Path, typer.Argument(help="A folder of scans or meshes (and those in it), or a manifest, .csv or .toml.", show_default=False)
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The folder for the results: one in it for each shape.")]
Split = Annotated[Literal["train", "test"] | None, typer.Option(help="SOURCE is ModelNet10 as it comes: this split of it.")]
Format = Annotated[str, typer.Option("--format", help="Of the meshes: ply, obj, stl, off or glb.")]
Workers = Annotated[int | None, typer.Option(help="Shapes at a time; default: one a core.")]
EachThreads = Annotated[int | None, typer.Option(help="Of each shape; default: the cores divided by the workers.")]
Timeout = Annotated[float | None, typer.Option(metavar="SECONDS", help="A shape that takes longer is ended, and is a row.")]
MaxMemory = Annotated[float | None, typer.Option(metavar="MB", help="A shape that is predicted to take more, or does, is a row.")]
Pictures = Annotated[bool, typer.Option("--pictures/--no-pictures", help="A picture of each shape, for the summary.")]
Again = Annotated[bool, typer.Option("--again", help="Do also what is done.")]


def batch(
    source: Source,
    output: Output,
    modelnet: Split = None,
    file_format: Format = "ply",
    workers: Workers = None,
    threads: EachThreads = None,
    scheduler: words.Scheduler = None,
    timeout: Timeout = None,
    max_memory: MaxMemory = None,
    pictures: Pictures = True,
    again: Again = False,
    preset: words.Preset = "default",
    surface: words.Surface = "auto",
    resolution: words.ScanResolution = 200,
    iso: words.Iso = 0.0,
    points: words.Points = None,
    normals: words.Normals = "auto",
    seed: words.Seed = 0,
    device: words.Device = "cpu",
    keep_all: words.KeepAll = False,
    keep_outliers: words.KeepOutliers = False,
    max_deviation: words.MaxDeviation = None,
    vertex_normals: words.VertexNormals = False,
    up: words.Up = "y",
    quiet: words.Quiet = False,
) -> None:
    """Reconstruct many shapes: one process each; what fails is a row with its reason, and the rest goes on.

    The same command goes on where it was interrupted: a shape whose input, options and version are those of its results is not done again.
    In OUTPUT: a folder for each shape, batch.csv, batch.html with pictures, batch.jsonl with every event.
    """
    asked = locals()
    from ..batch.jobs import KINDS
    from ..errors import SdfShapeError
    from .outputs import check_normals_kept

    check_normals_kept(output / f"mesh.{file_format.lower().lstrip('.')}", vertex_normals)
    jobs = _jobs(source, modelnet, output, {name: asked[name] for name in KINDS if asked[name] is not None})
    rows = _run(jobs, asked)
    if bad := [row for row in rows if row["status"] not in ("done", "kept")]:
        raise SdfShapeError(f"{len(bad)} of {len(rows)} shapes failed, the first: {bad[0]['name']}: {bad[0]['reason']}")


def _run(jobs: list[ShapeJob], asked: dict[str, Any]) -> list[dict[str, Any]]:
    """All shapes, told as they end. asked : the parameters of the command."""
    from ..batch import BatchRequest, run_batch
    from ..batch.summary import counts
    from ..limits import cores

    same = {name: asked[name] for name in ("output", "threads", "scheduler", "timeout", "max_memory", "again")}
    workers = asked["workers"] if asked["workers"] is not None else max(1, min(cores(), len(jobs)))
    ending = f".{asked['file_format'].lower().lstrip('.')}"
    request = BatchRequest(**same, ending=ending, picture=asked["pictures"], workers=workers)
    with _shown(len(jobs), asked["quiet"]) as (on_row, on_link):
        rows = run_batch(jobs, request, on_row, on_link)
    if not asked["quiet"]:
        output = asked["output"]
        sys.stdout.write(f"{counts(rows)}\nsummary   {output / 'batch.html'}\ntable     {output / 'batch.csv'}\n")
    return rows


def _jobs(source: Path, modelnet: Literal["train", "test"] | None, output: Path, options: dict[str, Any]) -> list[ShapeJob]:
    from ..batch import jobs_of_folder, jobs_of_manifest, jobs_of_modelnet
    from ..batch.jobs import check_options

    check_options(options, "batch")
    if modelnet is not None:
        return jobs_of_modelnet(source, modelnet, options)
    if source.suffix.lower() in (".csv", ".toml") and not source.is_dir():
        return jobs_of_manifest(source, options, output=output)
    return jobs_of_folder(source, options, output=output)


@contextmanager
def _shown(count: int, quiet: bool) -> Iterator[tuple[Callable[[dict[str, Any]], None], Callable[[str], None]]]:
    """What is told of a shape as it ends: a line, above a bar where there is a terminal."""
    if quiet:
        yield lambda _: None, lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("shapes"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=count)

        def on_row(row: dict[str, Any]) -> None:
            said = f": {row['reason']}" if row["reason"] else f"  {row.get('faces', 0):>9,} faces  {row['seconds']:6.1f} s"
            console.print(f"{row['status']:<8}{row['name']}{said}", markup=False, soft_wrap=True)
            bar.advance(task)

        yield on_row, lambda link: console.print(f"dashboard {link}", markup=False, soft_wrap=True)
