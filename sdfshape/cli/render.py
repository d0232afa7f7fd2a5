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
    azimuth: words.Azimuth = 35.0,
    elevation: words.Elevation = 20.0,
    up: words.Up = "y",
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Draw a field by sphere tracing: no window and no graphics card needed."""
    from ..field import load_field
    from ..io import check_writable
    from ..render import render_field, write_png
    from .job import require_png

    require_png(output)
    check_writable(output, overwrite=overwrite)
    image = render_field(load_field(field), width=size, height=size, azimuth_deg=azimuth, elevation_deg=elevation, up_axis="xyz".index(up))
    write_png(image, output, overwrite=overwrite)
    if not quiet:
        sys.stdout.write(f"{size} x {size} -> {output}\n")
