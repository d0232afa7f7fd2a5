"""What is seen, as files: a picture, a turn, the surface. As bytes, because a browser saves them itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OutputError, SdfShapeError
from ..io import atomic_write, write_mesh

if TYPE_CHECKING:
    from .session import Session

FRAMES = 36
TURN_SIZE = 640  # pixels of the longer side of a turn


def saved(session: Session, what: str) -> tuple[str, bytes]:
    """(ending, content) of "screenshot", "turntable" or "export"."""
    if what == "screenshot":
        from ..render import write_png

        return ".png", _written(".png", lambda path: write_png(session.stage.picture(), path, overwrite=True))
    if what == "turntable":
        return ".gif", _written(".gif", lambda path: _turn(session, path))
    if what == "export":
        ending, mesh = f".{session.values['export_as']}", session.surface()
        return ending, _written(ending, lambda path: write_mesh(mesh, path, overwrite=True))
    raise OutputError(f"what is saved must be screenshot, turntable or export, got {what!r:.40}")


def save_beside(session: Session, what: str, folder: Path) -> Path:
    """Write it to a new file of the folder: NAME.ending, NAME-2.ending, ..."""
    ending, content = saved(session, what)
    stem = name_for(session, what)
    for count in range(1, 10_000):
        path = folder / f"{stem}{f'-{count}' if count > 1 else ''}{ending}"
        if not path.exists():
            with atomic_write(path) as temporary:
                temporary.write_bytes(content)
            return path
    raise OutputError(f"{folder}: a free name must be found, {stem}-1 to {stem}-9999 exist: clear the folder")


def name_for(session: Session, what: str) -> str:
    """Of the file, without ending."""
    stem, level = Path(session.scene.layers[0].name).stem, session.values.get("iso", 0.0)
    if what != "export":
        return f"{stem}-view"
    return stem if level == 0 else f"{stem}-at-{level:.4g}"


def said_if_it_fails(session: Session, work: Callable[[], object]) -> None:
    """Do it; an error becomes a line of status: a window or a page goes on."""
    try:
        work()
    except SdfShapeError as error:
        session.status, session.changed = str(error), True
    except Exception as error:
        session.status, session.changed = f"this failed: {type(error).__name__}: {error}", True


def _written(ending: str, write: Callable[[Path], None]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="sdfshape-") as folder:
        path = Path(folder) / f"saved{ending}"
        write(path)
        return path.read_bytes()


def _turn(session: Session, path: Path) -> None:
    """A whole turn around the upright axis, back to where it began."""
    from ..render import write_gif

    stage, pictures = session.stage, []
    width, height = stage.window.GetSize()
    scale = min(1.0, TURN_SIZE / max(width, height))
    with stage.eye.kept():
        stage.resize(round(width * scale), round(height * scale))
        try:
            for _ in range(FRAMES):
                pictures.append(stage.picture())
                stage.eye.turn(360 / FRAMES)
        finally:
            stage.resize(width, height)
    write_gif(pictures, path, overwrite=True)
