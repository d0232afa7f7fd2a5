"""How steep a function is found to be: a lower bound of its Lipschitz constant, by looking; the upper one takes a proof."""

from __future__ import annotations

import numpy as np

from ..types import FloatArray
from .attack import ValueAndGradient

STEEPEST = 200  # places to go on from
ROUNDS = 40


def steepest_slope(function: ValueAndGradient, places: FloatArray, *, box: float, rng: np.random.Generator | None = None) -> float:
    """The largest length of the gradient that is found at places (n, d), and by random steps from the steepest of them, in [-box, box]^d.

    A gradient of a function that is smooth there is no longer than its Lipschitz constant.
    """
    rng = rng or np.random.default_rng(0)
    slope = np.linalg.norm(function(places)[1], axis=1)
    order = np.argsort(slope)[-STEEPEST:]
    best, here = slope[order], places[order]
    step = box / 20
    for _ in range(ROUNDS):
        there = np.clip(here + step * rng.normal(size=here.shape), -box, box)
        found = np.linalg.norm(function(there)[1], axis=1)
        better = found > best
        best, here = np.where(better, found, best), np.where(better[:, None], there, here)
        step *= 0.9
    return float(best.max())
