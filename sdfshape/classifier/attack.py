"""The nearest place of another class, searched: how far the certified radius is from the truth.

A walk to the boundary by Newton's steps (DeepFool, Moosavi-Dezfooli et al. 2016), then along it towards where it started, and back onto it
when it has left it: a minimum-norm attack. It finds places, so its distances are upper bounds; the certified radius is the lower one, and
LB / MAP = radius / distance (Brau et al. 2023, section 5) says how much of the distance is proven.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..types import FloatArray
from .network import SignedDistanceClassifier

BEYOND = 1 + 1e-4  # the walk is in float32: what it finds is asked again in float64, a hair farther
OVERSHOOT = 1.02  # of a Newton step: to land on the other side
PULL = 0.3  # share of the way back along the boundary, once it is reached


@dataclass(frozen=True, eq=False)
class Attack:
    """places : (n, d) the nearest found of another class.   distances : (n,) to them; infinity where none was found."""

    places: FloatArray
    distances: FloatArray


class NearestFound:
    """The nearest places of another class that a search from `start` (n, d) has come to so far."""

    def __init__(self, classifier: SignedDistanceClassifier, places: FloatArray) -> None:
        self.classifier, self.start = classifier, np.array(places, dtype=np.float64)
        self.own = classifier.scores(self.start, torch.float64).argmax(axis=1)
        self.places, self.distances = self.start.copy(), np.full(len(self.start), np.inf)

    def gap(self, here: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Of the own class (n,), and its gradient; what has another class and is nearer is kept."""
        gap, gradient = self.classifier.gap_and_gradient(here, self.own)
        away = np.linalg.norm(here - self.start, axis=1)
        better = (gap < 0) & (away < self.distances)
        self.places[better], self.distances[better] = here[better], away[better]
        return gap, gradient

    def attack(self) -> Attack:
        """Drawn back to the first other class on the line from where it started."""
        return Attack(*_first_other_class(self.classifier, self.start, self.own, self.places, self.distances))


def nearest_other_class(classifier: SignedDistanceClassifier, places: FloatArray, *, steps: int = 60) -> Attack:
    """Search from places (n, d); `steps` evaluations of the gradient each."""
    found = NearestFound(classifier, places)
    here = found.start.copy()
    for _ in range(steps):
        gap, gradient = found.gap(here)
        length = np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-9)
        normal = gradient / length
        back = found.start - here
        along = back - (back * normal).sum(axis=1, keepdims=True) * normal
        onto = here - np.where(gap > 0, OVERSHOOT * gap, gap / OVERSHOOT)[:, None] * normal / length
        here = onto + np.where(np.isfinite(found.distances), PULL, 0)[:, None] * along
    return found.attack()


def _first_other_class(
    classifier: SignedDistanceClassifier, start: FloatArray, own: np.ndarray, best: FloatArray, distance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Between a place and where another class was found, the first other class on a line, by bisection."""

    def is_other(share: FloatArray) -> np.ndarray:
        return classifier.scores(start + share[:, None] * (best - start), torch.float64).argmax(axis=1) != own

    low, high = np.zeros(len(start)), np.full(len(start), BEYOND)
    found = np.isfinite(distance) & is_other(high)
    for _ in range(40):
        middle = (low + high) / 2
        other = is_other(middle)
        high, low = np.where(other, middle, high), np.where(other, low, middle)
    nearest = start + high[:, None] * (best - start)
    return np.where(found[:, None], nearest, start), np.where(found, np.linalg.norm(nearest - start, axis=1), np.inf)
