"""Two attacks of others that search the nearest place of another class, to hold ours and the certified radius against.

DDN (Rony et al. 2019, "Decoupling Direction and Norm", Algorithm 1): steps down the gap on a sphere whose radius shrinks by a share while
another class is found, and grows otherwise. Iterative penalty (Carlini & Wagner 2017, as used by Brau et al. 2022 for minimal distances):
least |x' - x|^2 + c max(0, gap), with c by bisection. Both find places: their distances are upper bounds.
"""

from __future__ import annotations

import math

import numpy as np

from ..types import FloatArray
from .attack import Attack, NearestFound
from .network import SignedDistanceClassifier

GAMMA, FIRST_STEP, LAST_STEP = 0.05, 1.0, 0.01  # DDN's: share of the radius, steps along a cosine
ROUNDS, FIRST_WEIGHT, HEAVIER = 8, 1.0, 8.0  # of the penalty: searches, its first weight, its growth until another class is found
LEAST = 1e-12


def ddn_attack(classifier: SignedDistanceClassifier, places: FloatArray, *, steps: int = 200, radius: float = 1.0) -> Attack:
    """From places (n, d), with a first radius in their units."""
    best = NearestFound(classifier, places)
    delta, sphere = np.zeros(best.start.shape), np.full(len(best.start), radius)
    for step in range(steps):
        gap, gradient = best.gap(best.start + delta)
        sphere *= np.where(gap < 0, 1 - GAMMA, 1 + GAMMA)
        size = radius * (LAST_STEP + (FIRST_STEP - LAST_STEP) * (1 + math.cos(math.pi * step / steps)) / 2)
        delta = delta - size * gradient / _length(gradient)
        delta = delta * (sphere[:, None] / _length(delta))
    best.gap(best.start + delta)
    return best.attack()


def penalty_attack(classifier: SignedDistanceClassifier, places: FloatArray, *, steps: int = 60, rate: float = 0.1) -> Attack:
    """From places (n, d); `steps` a round, steps of `rate` in the units of the places, falling to 0."""
    best = NearestFound(classifier, places)
    low, high = np.zeros(len(best.start)), np.full(len(best.start), np.inf)
    weight = np.full(len(best.start), FIRST_WEIGHT)
    for _ in range(ROUNDS):
        here, found = best.start.copy(), np.zeros(len(best.start), bool)
        for step in range(steps):
            gap, gradient = best.gap(here)
            found |= gap < 0
            slope = 2 * (here - best.start) + np.where(gap >= 0, weight, 0)[:, None] * gradient
            here = here - rate * (1 - step / steps) * slope / np.maximum(_length(slope), rate)
        high, low = np.where(found, weight, high), np.where(found, low, weight)
        weight = np.where(np.isfinite(high), (low + np.where(np.isfinite(high), high, 0)) / 2, weight * HEAVIER)
    return best.attack()


def _length(rows: FloatArray) -> FloatArray:
    return np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), LEAST)
