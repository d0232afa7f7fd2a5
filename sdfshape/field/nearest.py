"""From places to the surface: projections, which are estimates, and distances, which are certified.

Upper bounds. If f(x) and f(y) have different signs beyond their error, S meets the segment x y, so dist(x, S) <= |x - y|. Such a y is
looked for from x itself by Newton-Raphson steps (f falls by |f| along -f grad f / |grad f|^2 if it is a distance), and from the nearest
of the places that are known to be near S; then it is slid along the surface towards x while that makes the way shorter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..types import FloatArray
from .tighten import tightened

if TYPE_CHECKING:
    from .certified import CertifiedField

ROWS = 65_536  # at a time
BEYOND = 1e-4  # of half the longest side: how far behind the surface y is aimed
STEEP = 1e-3  # |grad f|^2 below which it is taken for this
SLIDES = 3
ON_SURFACE = 1e-6  # of half the longest side: |f| of what counts as projected, or a few float32 errors


@dataclass(frozen=True, eq=False)
class Projection:
    """places : (m, 3).   converged : (m,) whether |f| is about 0 there.   distance : (m,) from where they came.   World units."""

    places: FloatArray
    converged: np.ndarray
    distance: FloatArray


def project(field: CertifiedField, points: FloatArray, steps: int) -> Projection:
    """As `CertifiedField.project`."""
    y, good, open_rows = np.array(points), np.zeros(len(points), bool), np.arange(len(points))
    limit = max(ON_SURFACE * _half(field), 2 * field.float32_error)
    for step in range(steps + 1):
        f, slope = field.value_and_gradient(y[open_rows])
        there = np.abs(f) <= limit
        good[open_rows[there]] = True
        if there.all() or step == steps:
            break
        open_rows, f, slope = open_rows[~there], f[~there], slope[~there]
        y[open_rows] -= (f / _norm_sq(slope))[:, None] * slope
    return Projection(y, good, np.linalg.norm(y - points, axis=1))


def closest_point(field: CertifiedField, points: FloatArray) -> Projection:
    """As `CertifiedField.closest_point`: the nearest of what the search for upper bounds finds, brought to the surface."""
    best = project(field, points, 32)
    places, converged = np.array(best.places), best.converged.copy()
    distance = np.where(converged, best.distance, np.inf)
    for start in _starts(field, points):
        for _ in range(SLIDES):
            other = project(field, start, 32)
            gap = np.linalg.norm(other.places - points, axis=1)
            nearer = other.converged & (gap < distance)
            places[nearer], distance[nearer], converged[nearer] = other.places[nearer], gap[nearer], True
            start = _slid(field, points, places)
    return Projection(places, converged, np.linalg.norm(places - points, axis=1))


def distance_interval(field: CertifiedField, points: FloatArray, steps: int, tightness: float) -> tuple[FloatArray, FloatArray]:
    """As `CertifiedField.distance_interval`."""
    lower, upper = np.zeros(len(points)), np.full(len(points), np.inf)
    for first in range(0, len(points), ROWS):
        rows = slice(first, first + ROWS)
        least, upper[rows] = _interval(field, points[rows], steps)
        lower[rows] = tightened(field, points[rows], least, upper[rows], tightness)
    return lower, upper


def _interval(field: CertifiedField, points: FloatArray, steps: int) -> tuple[FloatArray, FloatArray]:
    f, error = field.certified(points)
    lower = np.maximum(np.abs(f) - error, 0) / field.lipschitz_bound
    upper = np.full(len(points), np.inf)
    sided = np.flatnonzero(np.abs(f) > error)  # nearer than the error the side of x itself is not known
    if not len(sided):
        return lower, upper
    x, side = points[sided], np.where(f[sided] > 0, 1.0, -1.0)
    best, place = np.full(len(x), np.inf), np.array(x)
    for start in (x, *_starts(field, x)):
        for _ in range(SLIDES):
            y, crossed = _crossing(field, start, side, steps)
            gap = np.linalg.norm(x - y, axis=1) * (1 + 1e-12)
            nearer = crossed & (gap < best)
            best[nearer], place[nearer] = gap[nearer], y[nearer]
            if not nearer.any():
                break
            start = _slid(field, x, place)
    upper[sided] = best
    return lower, upper


def _crossing(field: CertifiedField, start: FloatArray, side: FloatArray, steps: int) -> tuple[FloatArray, np.ndarray]:
    """Places (m, 3) on the other side of the surface than `side`, and which of them are proven to be."""
    y, crossed, open_rows = np.array(start), np.zeros(len(start), bool), np.arange(len(start))
    for _ in range(steps):
        f, slope = field.value_and_gradient(y[open_rows])
        ahead = side[open_rows] * f + BEYOND * _half(field)
        y[open_rows] -= (side[open_rows] * ahead / _norm_sq(slope))[:, None] * slope
        there, error = field.certified(y[open_rows])
        done = side[open_rows] * there < -error
        crossed[open_rows[done]] = True
        open_rows = open_rows[~done]
        if not len(open_rows):
            break
    return y, crossed


def _starts(field: CertifiedField, points: FloatArray) -> list[FloatArray]:
    """The nearest place that is known to be near the surface, if any is."""
    tree = field.near_surface
    return [tree.data[tree.query(points, workers=-1)[1]]] if tree.n else []


def _slid(field: CertifiedField, points: FloatArray, places: FloatArray) -> FloatArray:
    """Places moved in their tangent planes to where these are nearest to the points."""
    normal = field.normal(places)
    way = points - places
    return places + way - (way * normal).sum(axis=1, keepdims=True) * normal


def _half(field: CertifiedField) -> float:
    return float(np.ptp(field.bounds, axis=0).max()) / 2


def _norm_sq(slope: FloatArray) -> FloatArray:
    return np.maximum((slope**2).sum(axis=1), STEEP)
