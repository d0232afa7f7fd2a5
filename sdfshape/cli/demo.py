"""`sdfshape demo`: a real shape from a file that a dependency ships, no download."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError, OutputError
from . import words


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write; made if it is not there.")] = Path("sdfshape-demo"),
    preset: words.Preset = "default",
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Reconstruct an airplane from 20,000 points: mesh, field, report and picture, in under a minute."""
    from ..reconstruction import Options
    from .job import run_job
    from .outputs import Outputs

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder of the demo must be one that can be made: {error.strerror}") from error
    outputs = Outputs(
        mesh=folder / "airplane.ply",
        field=folder / "airplane.sdf",
        report=folder / "airplane.json",
        picture=folder / "airplane.png",
        overwrite=overwrite,
        view=(-50.0, 30.0, 2),
    )
    source = _airplane()
    report = run_job(source, outputs, Options(preset=preset), truth=source, quiet=quiet)
    if not quiet:
        sys.stdout.write(
            f"\nDone in {report['seconds']['total']:.0f} s. Open {folder / 'airplane.png'}, or airplane.ply in any mesh viewer.\n"
        )


def _airplane() -> Path:
    """airplane.ply as PyVista ships it: found without importing PyVista, which needs a second and a graphics library."""
    spec = find_spec("pyvista")
    path = Path(spec.origin).parent / "examples" / "airplane.ply" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise InputError("the demo must find airplane.ply in the package pyvista, it is not there: install pyvista")
    return path
