"""What a classifier of parts is trained on: places around the labelled points, and how far each is from another part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..types import FloatArray, IntArray

COUNT = 120_000
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


def labelled_places(
    points_unit: FloatArray, labels: IntArray, spacing: float, rng: np.random.Generator, count: int = COUNT
) -> LabelledPlaces:
    """Places around points (n, 3): half of them around points of all, half around as many of each part, so that small parts are heard."""
    classes, own = np.unique(labels, return_inverse=True)
    uniform = rng.uniform(-1, 1, (round(UNIFORM * count), 3))
    beside = (count - len(uniform)) // 2
    rows = [rng.integers(len(points_unit), size=beside)]
    each = max(beside // len(classes), 1)
    rows += [rng.choice(np.flatnonzero(own == k), each) for k in range(len(classes))]
    base = points_unit[np.concatenate(rows)]
    sigma = spacing * rng.choice(SIGMAS, (len(base), 1))
    places = np.concatenate([base + sigma * rng.normal(size=base.shape), uniform, points_unit])
    distances = np.stack([cKDTree(points_unit[own == k]).query(places, workers=-1)[0] for k in range(len(classes))], axis=1)
    nearest = np.sort(distances, axis=1)[:, :2]
    return LabelledPlaces(places, classes[distances.argmin(axis=1)], (nearest[:, 1] - nearest[:, 0]) / 2)
