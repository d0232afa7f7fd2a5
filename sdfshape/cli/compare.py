"""`sdfshape compare SCAN -o FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..limits import UPRIGHT
from . import words

if TYPE_CHECKING:
    from ..comparison import CompareJob
    from ..comparison.run import Row


def compare(
    scan: Annotated[Path, typer.Argument(help="The scan; of a mesh the vertices.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for report.html, report.json and report.csv.")],
    methods: Annotated[str, typer.Option(help="Names with commas between, or all; see above for those that are taken else.")] = "",
    truth: Annotated[Path | None, typer.Option(help="The true mesh, in the same units and pose; distances are measured to it.")] = None,
    budget: Annotated[float, typer.Option(help="Seconds that each method that trains may train.")] = 60.0,
    resolution: Annotated[int, typer.Option(help="Cells of the grid that meshes are taken from.")] = 128,
    up: words.Up = "y",
    seed: words.Seed = 0,
    threads: words.Threads = None,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Ours beside other methods on one scan: a page with numbers and pictures that opens from disk.

    Ours: default, fast, quality, paper. Classical: poisson, ball-pivoting, alpha-shape. Networks: deepsdf, siren, igr, sll, svdd,
    svdd-noise, svdd-variance. Scores: one-class-svm, isolation-forest. Unless told: default, poisson, ball-pivoting, alpha-shape, deepsdf,
    siren, igr, svdd. Each that trains takes its budget, and about as long again. One that fails is a row with its reason. DeepSDF is told
    the distances to --truth if there is one. Needs pip install "sdfshape\\[baselines]".
    """
    from ..comparison import compare_methods, files_of, write_page
    from ..comparison.methods import chosen, missing_packages
    from ..errors import InputError
    from ..limits import check_request, check_threads

    check_request(resolution, 0.0, dense=True)
    check_threads(threads)
    names = chosen(methods)
    _check_folder(output, files_of(output, names, truth=truth is not None), scan, truth, overwrite=overwrite)
    asked = {"seconds": budget, "resolution": resolution, "seed": seed, "up": UPRIGHT.index(up)}
    job = _job(scan, truth, names, threads, asked)

    def tell(what: str) -> None:
        if not quiet:
            sys.stderr.write(f"{what}\n")

    for name, package in missing_packages(job.methods).items():
        tell(f'{name} needs the package {package}, it will be a row without numbers: pip install "sdfshape[baselines]"')
    rows = compare_methods(job, tell)
    write_page(rows, job, output, title=f"{scan.name}: {_count(rows)}", progress=tell)
    if not quiet:
        failed = ", ".join(row.method for row in rows if "error" in row.facts)
        sys.stdout.write(f"{_count(rows)}{f' ({failed} failed)' if failed else ''} -> {output / 'report.html'}\n")
    if all("error" in row.facts for row in rows):
        raise InputError(f"at least one method must succeed, none did: {output / 'report.html'} says why")


def _count(rows: list[Row]) -> str:
    return "1 method" if len(rows) == 1 else f"{len(rows)} methods"


def _check_folder(output: Path, files: list[Path], scan: Path, truth: Path | None, *, overwrite: bool) -> None:
    """Raise OutputError now for a report that could not be written, or would replace what it is about."""
    from ..errors import OutputError
    from .outputs import is_same_file

    if output.exists() and not output.is_dir():
        raise OutputError(f"{output.name}: a report must be a folder, this is a file: choose another name")
    if (output / "report.html").exists() and not overwrite:
        raise OutputError(f"{output}: a report exists: choose another folder, or --overwrite")
    for path in files:
        if any(given and is_same_file(path, given) for given in (scan, truth)):
            raise OutputError(f"{path.name}: an output must not be an input: choose another folder")


def _job(scan: Path, truth: Path | None, methods: tuple[str, ...], threads: int | None, asked: dict[str, Any]) -> CompareJob:
    from ..comparison import CompareJob
    from ..io import read_mesh, read_points

    true_mesh = read_mesh(truth) if truth else None
    return CompareJob(read_points(scan), methods, true_mesh, threads=threads, **asked)
