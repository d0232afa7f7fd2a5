"""`sdfshape render FIELD -o PICTURE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import words


def render(
    field: Annotated[Path, typer.Argument(help="A field (.sdf) that `reconstruct --model` kept.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture: .png.")],
    size: Annotated[int, typer.Option(help="Pixels along each side.")] = 512,
    azimuth: Annotated[float, typer.Option(help="Degrees around the upright axis.")] = 35.0,
    elevation: Annotated[float, typer.Option(help="Degrees above the horizon.")] = 20.0,
    up: Annotated[str, typer.Option(help="The axis that is up: x, y or z.")] = "y",
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Draw a field by sphere tracing: no window and no graphics card needed."""
    from ..errors import InputError, OutputError
    from ..field import load_field
    from ..io import check_writable
    from ..render import render_field, write_png

    if up not in ("x", "y", "z"):
        raise InputError(f"up must be x, y or z, got {up!r}")
    if output.suffix.lower() != ".png":
        raise OutputError(f"{output.name}: a picture must end in .png, got {output.suffix!r}: rename it")
    check_writable(output, overwrite=overwrite)
    image = render_field(load_field(field), width=size, height=size, azimuth_deg=azimuth, elevation_deg=elevation, up_axis="xyz".index(up))
    write_png(image, output, overwrite=overwrite)
    if not quiet:
        sys.stdout.write(f"{size} x {size} -> {output}\n")
