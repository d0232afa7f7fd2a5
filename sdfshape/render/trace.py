"""Sphere tracing of 1-Lipschitz fields (Hart 1996).

Notation: o ray origins, u unit directions, t distance along the ray. f < 0 inside, f > 0 outside. A step of f / L cannot cross the
surface, because |f(x)| <= L dist(x, surface); what float32 adds is taken off every step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..types import FloatArray


@dataclass(frozen=True, eq=False)
class Hits:
    """t : (n,) distance travelled.   hit : (n,) bool, f <= tolerance was reached.   evaluations : of the field, over all rays."""

    t: FloatArray
    hit: np.ndarray
    evaluations: int


def sphere_trace(
    evaluate: Callable[[FloatArray], FloatArray],
    origins: FloatArray,
    directions: FloatArray,
    *,
    start: FloatArray,
    end: FloatArray,
    lipschitz: float = 1.0,
    error: float = 0.0,
    tolerance: float = 1e-3,
    max_steps: int = 256,
) -> Hits:
    """First hits of rays (n, 3) with {f = 0} between `start` and `end` (n,) along them. evaluate : (m, 3) -> (m,)."""
    t = np.array(start, dtype=np.float64)
    hit = np.zeros(len(t), bool)
    active = np.flatnonzero(t < end)
    evaluations = 0
    for _ in range(max_steps):
        if not len(active):
            break
        f = evaluate(origins[active] + t[active, None] * directions[active]).astype(np.float64)
        evaluations += len(active)
        arrived = f <= tolerance  # signed: a ray that starts inside is a hit where it starts
        hit[active[arrived]] = True
        active, f = active[~arrived], f[~arrived]
        t[active] += np.maximum(f - error, tolerance / 2) / lipschitz
        active = active[t[active] < end[active]]
    return Hits(t, hit, evaluations)


def box_span(origins: FloatArray, directions: FloatArray, lo: FloatArray, hi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where rays (n, 3) enter and leave the box [lo, hi]: (start, end), start >= 0; end < start for a miss."""
    safe = np.where(np.abs(directions) < 1e-12, 1e-12, directions)
    a, b = (lo - origins) / safe, (hi - origins) / safe
    return np.maximum(np.minimum(a, b).max(axis=1), 0), np.maximum(a, b).min(axis=1)
