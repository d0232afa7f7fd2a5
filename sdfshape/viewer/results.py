"""What becomes of work that is done: each kind of job has a place in the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import SdfShapeError
from .colorings import Coloring
from .controls import layer_name
from .level import Leveled
from .probing import Reading
from .slicing import Slice

if TYPE_CHECKING:
    from .session import Session


def take(session: Session, kind: str, result: Any) -> None:
    """Put a result, or the error of a job, where it belongs."""
    if isinstance(result, SdfShapeError):
        session.status = session.failed = str(result)
    elif kind == "iso":
        _level(session, result)
    elif kind == "slice":
        _slice(session, result)
    elif kind.startswith("click"):
        _reading(session, result)
    elif kind == "growth":
        session.grown(result)
    elif kind.startswith("paint"):
        _paint(session, int(kind.removeprefix("paint")), result)


def _level(session: Session, made: Leveled) -> None:
    k = session.scene.level_layer
    if k is None:
        return
    session.replace_layer(k, session.scene.layers[k].with_mesh(made.mesh, made.iso if made.final else None))
    session.status = ""
    session.read([])  # what was read was read of another surface
    if made.final and (field := session.scene.level_field) is not None:
        session.jobs.submit("preview", session.level.prepare(field))


def _slice(session: Session, made: Slice) -> None:
    session.slice = made
    session.stage.set_slice(made)
    session.stage.set_bar(Coloring(made.what, made.rgb, None, made.limits, made.table, session.scene.unit if made.signed else ""))
    where = f"slice at {'xyz'[made.axis]} = {made.at:.6g} {session.scene.unit}"
    session.status = f"{where}, iso-lines every {made.step:g} {session.scene.unit}, distance 0 in black"


def _reading(session: Session, found: Reading | None) -> None:
    if found is None:
        session.status = "nothing there: click on a surface or a point"
        session.read([])
        return
    session.status = ""
    more = session.values["measure"] and len(session.readings) == 1
    session.read([*session.readings, found] if more else [found])


def _paint(session: Session, k: int, paint: Coloring | None) -> None:
    if paint is not None:
        stale = paint.name != session.values[layer_name(k, "color")]
        if stale or len(paint.rgb) != len(session.scene.layers[k].places):
            return  # not what is wanted now, or of a surface that has moved since
    session.paints.pop(k, None)
    if paint is not None:
        session.paints[k] = paint
    session.stage.paint(k, None if paint is None else paint.rgb)
    barred = [one for one in (paint, *session.paints.values()) if one is not None and one.values is not None]
    session.bar = barred[0] if barred else None
    if session.slice is None:
        session.stage.set_bar(session.bar)
    if paint is not None and paint.about:
        session.status = f"{session.scene.layers[k].name}: {paint.name}, {paint.about} {paint.unit}".rstrip()
