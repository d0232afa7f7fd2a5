"""What a key does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .controls import following

if TYPE_CHECKING:
    from .session import Session

NUDGE = 0.02  # of a slider, by key


def press(session: Session, key: str) -> str | None:
    """A key pressed in the picture; returns the name of an action that the front must do itself (files, the end of a training), or None."""
    if key in ("[", "]") and "iso" in session.values:
        _nudge(session, "iso", 1 if key == "]" else -1)
    elif key in ("Left", "Right") and session.values.get("wipe"):
        _nudge(session, "wipe_at", 1 if key == "Right" else -1)
    elif key in ("X", "Y", "Z"):
        session.act(f"view_{key}")
    else:
        control = next((control for control in session.controls if control.key == key), None)
        if control is not None and control.kind == "action":
            if control.group in FRONTS:
                return control.name
            session.act(control.name)
        elif control is not None:
            session.set(control.name, following(control, session.values[control.name]))
    return None


FRONTS = ("Save", "Reconstruction")  # groups whose actions a front does


def _nudge(session: Session, name: str, way: int) -> None:
    """Move a slider by a small step."""
    control = session.by_name[name]
    session.set(name, session.values[name] + way * NUDGE * (control.hi - control.lo))
