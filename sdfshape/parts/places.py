"""What a classifier of parts is trained on: places around the labelled points, and how far each is from another part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..types import FloatArray, IntArray

COUNT = 120_000
MOST_POINTS = 100_000  # of all parts, if each has its share
SIGMAS = (0.25, 1.0, 3.0)  # of places beside the points, in spacings
UNIFORM = 0.2  # share of places in the whole domain: inside of thick solids no point is near


@dataclass(frozen=True, eq=False)
class LabelledPlaces:
    """places : (n, 3), unit frame.   labels : (n,) of the nearest point.   room : (n,) no place nearer than this is nearer to a point of
    another label: half of how much farther the nearest of those is, because both distances change by 1 at most along a way of 1.
    """

    places: FloatArray
    labels: IntArray
    room: FloatArray


def some_of_each(labels: IntArray, most: int, rng: np.random.Generator) -> IntArray:
    """Rows, rising: all, or about `most` of them in the parts' proportions, of no part fewer than most / parts / 10 if it has as many."""
    classes, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(labels) <= most:
        return np.arange(len(labels))
    least = most // (10 * len(classes))
    kept = np.minimum(counts, np.maximum(counts * most // len(labels), least))
    rows = [rng.choice(np.flatnonzero(own == k), size, replace=False) for k, size in enumerate(kept)]
    return np.sort(np.concatenate(rows))


def labelled_places(
    points_unit: FloatArray, labels: IntArray, spacing: float, rng: np.random.Generator, count: int = COUNT
) -> LabelledPlaces:
    """Places around points (n, 3) and the points themselves: half around points of all, half around as many of each part, so that small
    parts are heard.
    """
    rows = some_of_each(labels, MOST_POINTS, rng)
    points, (classes, own) = points_unit[rows], np.unique(labels[rows], return_inverse=True)
    uniform = rng.uniform(-1, 1, (round(UNIFORM * count), 3))
    beside = (count - len(uniform)) // 2
    each = max(beside // len(classes), 1)
    base = [rng.integers(len(points), size=beside), *(rng.choice(np.flatnonzero(own == k), each) for k in range(len(classes)))]
    middle = points[np.concatenate(base)]
    places = np.concatenate([middle + spacing * rng.choice(SIGMAS, (len(middle), 1)) * rng.normal(size=middle.shape), uniform, points])
    nearest, first, second = np.zeros(len(places), int), np.full(len(places), np.inf), np.full(len(places), np.inf)
    for k in range(len(classes)):
        distance = cKDTree(points[own == k]).query(places, workers=-1)[0]
        nearer = distance < first
        second = np.where(nearer, first, np.minimum(second, distance))
        nearest[nearer], first[nearer] = k, distance[nearer]
    nearest[-len(points) :] = own  # also where another part has a point in the same place
    return LabelledPlaces(places, classes[nearest], (second - first) / 2)
