"""`sdfshape view FILE...`."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..limits import UPRIGHT
from . import words

if TYPE_CHECKING:
    from ..viewer.layers import Show


def view(
    files: Annotated[
        list[Path],
        typer.Argument(help="Scans, meshes, fields (.sdf), shown together; or one folder: file by file, or a report that `compare` made."),
    ],
    web: Annotated[bool, typer.Option("--web", help="In a browser: serves a page and prints its address; Ctrl-C ends it.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write one page that opens from disk, anywhere, without this program.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture (.png), without any window.")] = None,
    truth: Annotated[Path | None, typer.Option(help="A true mesh: distances to it become colours.")] = None,
    part: words.Part = None,
    unit: Annotated[str, typer.Option(help="The unit of the file, to be shown: mm, m.")] = "units",
    up: words.Up = "y",
    resolution: Annotated[int, typer.Option(help="Cells of the surface of a field along its longest side, 8 to 512.")] = 200,
    host: Annotated[str, typer.Option(help="Of --web: the address to serve on; 0.0.0.0: to the whole network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Of --web: 0 takes a free one.")] = 0,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Look at scans, meshes and fields: in a window, in a browser, or as a page to keep.

    Turn, zoom, colour by distance, confidence or score, move the surface of a field in and out, slice and clip it, click a place to read
    its certified distance, measure, compare two. Press ? for all keys.
    """
    from ..errors import InputError
    from ..limits import check_request
    from ..viewer.opening import open_show
    from .outputs import check_outputs

    check_request(resolution, 0.0, dense=True)
    if sum(way is not None and way is not False for way in (web or None, html, picture)) > 1:
        raise InputError("a scene is shown in one way at a time, got several: choose --web, --html or --picture")
    if not 0 <= port < 65536:
        raise InputError(f"a port must be 0 to 65535, got {port}")
    check_outputs([("page", html), ("picture", picture)], [*files, truth], overwrite=overwrite)
    show = open_show(files, truth=truth, part=part, up=UPRIGHT.index(up), unit=unit)
    if len(show) > 1 and (html or picture) is not None:
        raise InputError(f"a page or a picture is of one scene, the folder has {len(show)} files: name those that belong together")
    if html is not None:
        _write_page(show, html, resolution, overwrite, quiet)
    elif picture is not None:
        _write_picture(show, picture, resolution, overwrite, quiet)
    elif web:
        _serve(show, resolution, host, port)
    else:
        _window(show, resolution)


def _window(show: Show, resolution: int) -> None:
    from ..viewer import DesktopFront, Session, window_stage

    session = Session(show, window_stage(), resolution=resolution)
    try:
        DesktopFront(session).run()
    finally:
        session.close()


def _serve(show: Show, resolution: int, host: str, port: int) -> None:
    from ..viewer import Session, Stage, WebFront
    from .watching import print_address

    session = Session(show, Stage(), resolution=resolution)
    with suppress(KeyboardInterrupt):  # the way to end it
        WebFront(session, title=f"sdfshape: {show.names[0]}").serve(host, port, print_address)
    session.close()


def _quiet(_: str) -> None:
    pass


def _tell(what: str) -> None:
    sys.stderr.write(f"{what} ...\n")


def _write_picture(show: Show, path: Path, resolution: int, overwrite: bool, quiet: bool) -> None:
    from ..render import write_png
    from ..viewer import scene_picture

    write_png(scene_picture(show.openers[0](), resolution=resolution), path, overwrite=overwrite)
    if not quiet:
        sys.stdout.write(f"{show.names[0]} -> {path}\n")


def _write_page(show: Show, path: Path, resolution: int, overwrite: bool, quiet: bool) -> None:
    from ..viewer import write_scene_page

    size = write_scene_page(
        show.openers[0](), path, resolution=resolution, overwrite=overwrite, progress=lambda what: None if quiet else _tell(what)
    )
    if not quiet:
        sys.stdout.write(f"{show.names[0]}, {size / 1e6:.1f} MB -> {path}\n")
