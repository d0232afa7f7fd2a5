"""What an attacker finds: projected gradient descent inside of an l2 ball around every row (Madry et al. 2018).

A found place is an upper bound of what is safe; `robustness` has the lower one. Bethune et al. 2023 attack with steps of .025 radii.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..types import FloatArray
from .robustness import auroc

STEP = 0.025  # of the radius
ValueAndGradient = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


def pgd_attack(
    score: ValueAndGradient, rows: FloatArray, radius: float, *, raise_score: bool, steps: int = 60, restarts: int = 3, seed: int = 0
) -> FloatArray:
    """The places (n, d), each within `radius` of its row, with the highest (or lowest) score that was found.

    score : (n, d) -> its values (n,) and gradients (n, d).   restarts : random starts in the ball, besides the row itself.
    """
    rng, sign = np.random.default_rng(seed), 1.0 if raise_score else -1.0
    start = np.array(rows, dtype=np.float64)
    best, best_value = start.copy(), sign * score(start)[0]
    for restart in range(restarts + 1):
        here = start if restart == 0 else start + _in_ball(start.shape, radius, rng)
        for step in range(steps + 1):
            value, gradient = score(here)
            better = sign * value > best_value
            best[better], best_value[better] = here[better], sign * value[better]
            if step < steps:
                length = np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-30)
                here = _into_ball(here + sign * STEP * radius * gradient / length, start, radius)
    return best


def attacked_auroc(
    score: ValueAndGradient, normal: FloatArray, anomalous: FloatArray, radius: float, *, steps: int = 60, restarts: int = 3, seed: int = 0
) -> float:
    """The AUROC (large is normal) after normal rows were pushed down and anomalous ones up: never below the certified one of a 1-Lipschitz
    score, which the tests hold it to.
    """
    low = pgd_attack(score, normal, radius, raise_score=False, steps=steps, restarts=restarts, seed=seed)
    high = pgd_attack(score, anomalous, radius, raise_score=True, steps=steps, restarts=restarts, seed=seed + 1)
    return auroc(score(low)[0], score(high)[0])


def _in_ball(shape: tuple[int, ...], radius: float, rng: np.random.Generator) -> FloatArray:
    direction = rng.normal(size=shape)
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-30)
    return radius * rng.random((len(direction), 1)) ** (1 / shape[1]) * direction


def _into_ball(places: FloatArray, centres: FloatArray, radius: float) -> FloatArray:
    """Back to the sphere, a hair inside of it: rounding must not let a place out."""
    away = places - centres
    length = np.linalg.norm(away, axis=1, keepdims=True)
    return centres + away * np.minimum(1, radius * (1 - 1e-12) / np.maximum(length, 1e-30))
