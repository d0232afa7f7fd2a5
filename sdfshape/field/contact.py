"""A ball that moves along a path: how far it is proven to touch nothing.

Let p(t) be the path by its length, so |p(s) - p(t)| <= |s - t|. Then t -> f(p(t)) is L-Lipschitz, and over a piece [a, b] of the path
f >= (f(p(a)) + f(p(b)) - L (b - a)) / 2 - e: add f >= f(p(a)) - L (t - a) and f >= f(p(b)) - L (b - t). Where that exceeds the radius, the
centre is farther than the radius outside of the surface: |f| <= L dist, so the radius is taken L times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..types import FloatArray, as_points
from .clearance import MOST_PIECES, placed, tolerance_of

if TYPE_CHECKING:
    from .certified import CertifiedField


@dataclass(frozen=True, eq=False)
class Contact:
    """free_length : the ball is proven to be free as long as its centre has gone less than this.   clear : along the whole path.
    place : (3,) where the centre is then.   gap : f there, less the radius: about how far the ball is from touching.
    length : of the path. World units.
    """

    free_length: float
    clear: bool
    place: FloatArray
    gap: float
    length: float


def first_contact(field: CertifiedField, path: FloatArray, radius: float, tolerance: float | None) -> Contact:
    """As `CertifiedField.first_contact`; pieces of the path are halved until they are free, or no longer than the tolerance."""
    points = as_points(path, "path")
    if len(points) < 2:
        raise InputError(f"a path must have at least two points, got {len(points)}")
    if not (np.isfinite(radius) and radius >= 0):
        raise InputError(f"radius must be a finite length, 0 or above, got {radius}")
    tolerance = tolerance_of(field, tolerance)
    mark = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])

    def at(t: FloatArray) -> FloatArray:
        return np.stack([np.interp(t, mark, column) for column in points.T], axis=1)

    values, error = placed(field, points)
    a, b, fa, fb = mark[:-1], mark[1:], values[:-1], values[1:]
    needed = radius * max(field.lipschitz_bound, 1.0)
    blocked, evaluations, constant = np.inf, len(points), field.lipschitz_bound * (1 + (len(points) + 8) * 2.0**-51)  # lengths are summed
    while len(a):
        open_ = (fa + fb - constant * (b - a)) / 2 - error <= needed
        a, b, fa, fb = a[open_], b[open_], fa[open_], fb[open_]
        short = (b - a <= tolerance) | (evaluations + len(a) > MOST_PIECES)
        blocked = min(blocked, float(a[short].min(initial=np.inf)), float(a[fa <= needed].min(initial=np.inf)))
        go = ~short & (a < blocked)  # what lies behind the first contact does not matter
        a, b, fa, fb = a[go], b[go], fa[go], fb[go]
        middle = (a + b) / 2
        f, more = placed(field, at(middle))
        error, evaluations = max(error, more), evaluations + len(middle)
        a, b = np.concatenate([a, middle]), np.concatenate([middle, b])
        fa, fb = np.concatenate([fa, f]), np.concatenate([f, fb])
    free = min(blocked, float(mark[-1]))
    place = at(np.array([free]))
    return Contact(free, blocked == np.inf, place[0], float(field.certified(place)[0][0]) - needed, float(mark[-1]))
