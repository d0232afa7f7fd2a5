"""Lower bounds of the distance to the surface S, tightened: a ball that one value cannot empty is emptied box by box.

One value says that the ball of radius (|f(x)| - e) / L around x does not meet S; where |f| grows slower than the distance, that is less
than there is. So the cube around the ball of radius `goal`, a share of the proven upper bound, is cut into boxes.

Theorem. Let the boxes B_1 ... B_k cover the ball of radius g around x but for places that are in the ball of radius `lower`, or in boxes
[c - h, c + h]^3 with |f(c)| - e > L sqrt(3) h. Then dist(x, S) >= min(g, dist(x, B_1), ..., dist(x, B_k)).
Proof. |f| >= |f(c)| - e - L sqrt(3) h > 0 all over such a box, so S has no place in it, and none in the ball of radius `lower`. A place
of S nearer than g is therefore in some B_i.

Boxes are cut in eight for as long as the budget lasts. Where there are more than the budget allows, g sinks to the nearest of those that
are given up: what is returned holds at any moment, and never is below `lower`.
A middle is computed as x + (c - x), off by a few grains of the larger of both, not of the sum, which may be small: `slip` counts that.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..types import FloatArray, IntArray
from .clearance import placed
from .prune import CORNERS

if TYPE_CHECKING:
    from .certified import CertifiedField

ROWS = 4096  # at a time
LEVELS = 7  # of cutting in eight: boxes down to a 64th of the ball's radius
MOST_BOXES = 512  # of one place at one level
INWARD = 1 - 1e-12  # rounding of distances


def tightened(field: CertifiedField, points: FloatArray, lower: FloatArray, upper: FloatArray, tightness: float) -> FloatArray:
    """Proven lower bounds (m,) of the distance of places (m, 3) to S that are up to `tightness` times the upper ones, world units.

    lower, upper : (m,) proven bounds. Places without an upper bound, and those that are tight, keep their lower one.
    """
    out, known = np.array(lower), np.isfinite(upper)
    open_rows = np.flatnonzero(known & (lower < tightness * np.where(known, upper, 0)))
    for first in range(0, len(open_rows), ROWS):
        rows = open_rows[first : first + ROWS]
        out[rows] = np.maximum(lower[rows], _emptied(field, points[rows], lower[rows], tightness * upper[rows]))
    return out


def _emptied(field: CertifiedField, centres: FloatArray, lower: FloatArray, goal: FloatArray) -> FloatArray:
    """The radius (m,), at most `goal`, of balls that are proven empty."""
    owner, corner = np.arange(len(centres)), np.zeros((len(centres), 3), np.int64)  # boxes: corner in sides of the level's box
    reached = np.array(goal)
    slip = field.lipschitz_bound * 4 * 2.0**-52 * (float(np.abs(centres).max(initial=0)) + float(goal.max(initial=0)))
    for level in range(1, LEVELS + 1):
        owner, corner = np.repeat(owner, 8), (2 * corner[:, None] + CORNERS).reshape(-1, 3)
        half = 0.5**level * goal[owner]
        middle = (2 * corner + 1 - 2**level) * half[:, None]
        near = np.linalg.norm(np.maximum(np.abs(middle) - half[:, None], 0), axis=1) * INWARD
        beyond = np.linalg.norm(np.abs(middle) + half[:, None], axis=1)
        matters = np.flatnonzero((near < reached[owner]) & (beyond > lower[owner]))
        matters = matters[_nearest_of_each(owner[matters], near[matters], reached)]
        value, error = placed(field, centres[owner[matters]] + middle[matters])
        full = np.abs(value) - error - slip <= field.lipschitz_bound * math.sqrt(3) * half[matters] / INWARD
        owner, corner, near = owner[matters[full]], corner[matters[full]], near[matters[full]]
        if not len(owner):
            return reached
    np.minimum.at(reached, owner, near)
    return reached


def _nearest_of_each(owner: IntArray, near: FloatArray, reached: FloatArray) -> np.ndarray:
    """Rows of the MOST_BOXES nearest boxes of each owner; `reached` sinks, in place, to the nearest of the others."""
    order = np.lexsort((near, owner))
    start = np.concatenate([[0], np.flatnonzero(np.diff(owner[order])) + 1]) if len(order) else np.zeros(0, np.int64)
    rank = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
    np.minimum.at(reached, owner[order[rank >= MOST_BOXES]], near[order[rank >= MOST_BOXES]])
    return order[rank < MOST_BOXES]
