"""A scene as one picture, without a window, an X server or a graphics card."""

from __future__ import annotations

import time

from ..errors import SdfShapeError
from ..types import IntArray
from .layers import Scene, Show
from .level import FULL_RESOLUTION
from .session import Session
from .stage import Stage


def scene_picture(scene: Scene, *, size: tuple[int, int] = (1200, 800), resolution: int = FULL_RESOLUTION) -> IntArray:
    """(h, w, 3) uint8, from home, in the colours that a window would begin with. Raises what the surface of a field raises."""
    session = Session(Show.of(scene), Stage(size=size), resolution=resolution)
    try:
        settle(session)
        if session.failed:
            raise SdfShapeError(session.failed)
        return session.stage.picture()
    finally:
        session.close()
        session.stage.close()


def settle(session: Session) -> None:
    """Wait until everything that was asked for is there."""
    while session.running:
        time.sleep(0.005)
        session.tick()
    session.tick()
