"""`sdfshape batch FOLDER|MANIFEST -o OUTPUT`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import words

if TYPE_CHECKING:
    from ..batch import ShapeJob


def batch(
    source: Annotated[
        Path,
        typer.Argument(help="A folder of scans or meshes (looked through to its end), or a manifest, .csv or .toml.", show_default=False),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder for the results: one in it for each shape.")],
    modelnet: Annotated[Literal["train", "test"] | None, typer.Option(help="SOURCE is ModelNet10 as it comes: this split of it.")] = None,
    file_format: Annotated[str, typer.Option("--format", help="Of the meshes: ply, obj, stl, off or glb.")] = "ply",
    workers: Annotated[int | None, typer.Option(help="Shapes at a time; default: one a core.")] = None,
    threads: Annotated[int | None, typer.Option(help="Of each shape; default: the cores divided by the workers.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="A Dask cluster that runs already, whose machines see the same folders.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="A shape that takes longer is ended, and is a row.")] = None,
    max_memory: Annotated[float | None, typer.Option(metavar="MB", help="A shape that takes more is ended, and is a row.")] = None,
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="A picture of each shape, for the summary.")] = True,
    again: Annotated[bool, typer.Option("--again", help="Do also what is done.")] = False,
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
    from ..batch import BatchRequest, run_batch
    from ..batch.jobs import KINDS
    from ..batch.summary import counts
    from ..errors import SdfShapeError

    options = {name: asked[name] for name in KINDS if asked[name] is not None}
    jobs = _jobs(source, modelnet, options)
    request = BatchRequest(
        output=output,
        ending=f".{file_format.lower().lstrip('.')}",
        picture=pictures,
        workers=workers or max(1, min(len(os.sched_getaffinity(0)), len(jobs))),
        threads=threads,
        scheduler=scheduler,
        timeout=timeout,
        max_memory=max_memory,
        again=again,
    )
    with _shown(len(jobs), quiet) as (on_row, on_link):
        rows = run_batch(jobs, request, on_row, on_link)
    if not quiet:
        sys.stdout.write(f"{counts(rows)}\nsummary   {output / 'batch.html'}\ntable     {output / 'batch.csv'}\n")
    if bad := [row for row in rows if row["status"] not in ("done", "kept")]:
        raise SdfShapeError(f"{len(bad)} of {len(rows)} shapes failed, the first: {bad[0]['name']}: {bad[0]['reason']}")


def _jobs(source: Path, modelnet: Literal["train", "test"] | None, options: dict[str, Any]) -> list[ShapeJob]:
    from ..batch import jobs_of_folder, jobs_of_manifest, jobs_of_modelnet
    from ..batch.jobs import check_options

    check_options(options, "batch")
    if modelnet is not None:
        return jobs_of_modelnet(source, modelnet, options)
    if source.suffix.lower() in (".csv", ".toml") and not source.is_dir():
        return jobs_of_manifest(source, options)
    return jobs_of_folder(source, options)


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
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=count)

        def on_row(row: dict[str, Any]) -> None:
            said = f": {row['reason']}" if row["reason"] else f"  {row.get('faces', 0):>9,} faces  {row['seconds']:6.1f} s"
            console.print(f"{row['status']:<8}{row['name']}{said}", markup=False, soft_wrap=True)
            bar.advance(task)

        yield on_row, lambda link: console.print(f"dashboard {link}", markup=False, soft_wrap=True)
