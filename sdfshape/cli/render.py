"""`sdfshape render FIELD -o PICTURE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..limits import UPRIGHT
from . import words

if TYPE_CHECKING:
    from ..field import CertifiedField
    from ..render import View
    from ..render.camera import Camera
    from ..types import PointCloud

MOST_FRAMES = 720
FILMS = (".gif", ".mp4")


def render(
    field: Annotated[Path, typer.Argument(help="A field (.sdf) that `reconstruct --model` kept.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help=".png; .gif, .mp4: a turn around the shape; .npz: color, depth, normals and steps as numbers."),
    ],
    size: Annotated[int, typer.Option(help="Pixels along each side.")] = 512,
    show: Annotated[
        Literal["picture", "depth", "normals", "steps"], typer.Option(help="steps: evaluations of the field a ray (many are bright).")
    ] = "picture",
    azimuth: words.Azimuth = 35.0,
    elevation: words.Elevation = 20.0,
    up: words.Up = "y",
    parallel: Annotated[bool, typer.Option("--parallel", help="Without perspective.")] = False,
    transparent: Annotated[bool, typer.Option("--transparent", help="No background (of a .png picture).")] = False,
    shadows: Annotated[bool, typer.Option("--shadows/--no-shadows", help="Cast soft shadows.")] = True,
    scan: Annotated[Path | None, typer.Option(help="Points, or a mesh, whose colours the surface takes.")] = None,
    frames: Annotated[int, typer.Option(help="Of a .gif or .mp4: pictures of the turn.")] = 36,
    part: words.Part = None,
    threads: words.Threads = None,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Draw a field by sphere tracing: no window and no graphics card needed."""
    from ..render import camera_for
    from ..train.run import computing_with
    from .loading import field_or_part
    from .outputs import check_outputs

    _check(output, show, transparent, frames)
    check_outputs([("any", output)], [field, scan], overwrite=overwrite)
    with computing_with("cpu", threads):
        loaded, colors = field_or_part(field, part), _coloured(scan) if scan else None
        turns = [azimuth + 360 * k / frames for k in range(frames)] if output.suffix.lower() in FILMS else [azimuth]
        cameras = [camera_for(loaded, turn, elevation, UPRIGHT.index(up), parallel=parallel) for turn in turns]
        wanted = {"width": size, "height": size, "shadows": shadows, "colors": colors}
        views = _views(loaded, cameras, wanted, quiet)
    _write(views, output, show, transparent, overwrite)
    if not quiet:
        sys.stdout.write(f"{size} x {size}, {sum(view.steps.mean() for view in views) / len(views):.2f} evaluations a pixel -> {output}\n")


def _coloured(scan: Path) -> PointCloud:
    from ..errors import InputError
    from ..io import read_points

    cloud = read_points(scan)
    if cloud.colors is None:
        raise InputError(f"{scan.name}: --scan gives the picture its colours, this has none: leave --scan out")
    return cloud


def _views(field: CertifiedField, cameras: list[Camera], wanted: dict[str, Any], quiet: bool) -> list[View]:
    """What each camera sees, all from as far away as the farthest: else the shape would breathe as it turns."""
    from ..render import view_field

    views, farthest = [], max(camera.distance for camera in cameras)
    for k, camera in enumerate(cameras):
        views.append(view_field(field, camera.at_distance(farthest), **wanted))
        if not quiet and len(cameras) > 1:
            _tell(f"picture {k + 1} of {len(cameras)}", last=k + 1 == len(cameras))
    return views


def _tell(what: str, *, last: bool) -> None:
    """On one line of a terminal; in a file, a line each."""
    terminal = sys.stderr.isatty()
    sys.stderr.write("\r" * terminal + what + "\n" * (last or not terminal))


def _check(output: Path, show: str, transparent: bool, frames: int) -> None:
    from ..errors import InputError, OutputError
    from ..render import require_film

    ending = output.suffix.lower()
    if ending not in (".png", ".npz", *FILMS):
        raise OutputError(f"{output.name}: a picture must end in .png, .gif, .mp4 or .npz, got {output.suffix!r}: rename it")
    if ending == ".mp4":
        require_film()
    if transparent and (ending != ".png" or show != "picture"):
        raise InputError("a transparent background is for .png pictures: leave --transparent out, or write one")
    if not 1 <= frames <= MOST_FRAMES:
        raise InputError(f"frames must be 1 to {MOST_FRAMES}, got {frames}")


def _write(views: list[View], output: Path, show: str, transparent: bool, overwrite: bool) -> None:
    import numpy as np

    from ..io import atomic_write
    from ..render import write_gif, write_mp4, write_png

    first = views[0]
    if output.suffix.lower() in FILMS:
        write = write_gif if output.suffix.lower() == ".gif" else write_mp4
        write([view.shown(show) for view in views], output, overwrite=overwrite)
    elif output.suffix.lower() == ".npz":
        with atomic_write(output, overwrite=overwrite) as temporary, Path(temporary).open("wb") as file:
            np.savez_compressed(file, color=first.color, depth=first.depth, normals=first.normals, steps=first.steps)
    else:
        write_png(first.color if transparent else first.shown(show), output, overwrite=overwrite)
