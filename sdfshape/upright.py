"""Which way is up in pictures and views: one of `limits.UPRIGHT`, kept as its number."""

from __future__ import annotations

import numpy as np

from .types import FloatArray


def upright(up: int) -> FloatArray:
    """(3,) the unit vector that points up; up : place in UPRIGHT."""
    return np.eye(3)[up % 3] * (1.0 if up < 3 else -1.0)


def stood(way: FloatArray, up: int) -> FloatArray:
    """A direction (3,) that is told for the axis `up` % 3 as it is for `up`: upside down is half a turn about the axis after it."""
    return way if up < 3 else way * np.where(np.arange(3) == (up + 1) % 3, 1.0, -1.0)
