"""Which points are outliers: strays that fill space instead of lying on a surface. Found from distances alone, whatever the units.

Notation: d_k the distance of a point to its k-th neighbour, typical the median d_6 of the points that look like a surface. Peeled off, in
up to ROUNDS rounds, because strays hide one another:
* points much sparser than their neighbours: d_6 > SPARSE times the median d_6 of these (local outlier factor, Breunig et al. 2000);
* points much sparser than typical, where the cloud fills a volume: points on a surface have d_12 / d_6 near sqrt 2, in a volume near
  2^(1/3), and the geometric mean over MANY neighbours tells the two apart (correlation dimension, Grassberger and Procaccia 1983). A
  sparse part of a scan is a surface still, and stays.
Last, islands of few points that nothing within LINK typical distances joins to the rest.
Measured on eight shapes with noise of 0.2% of the size: of 10% and 20% uniform outliers all but 0.3% of the points farther than three
spacings from the surface are found, at 2,048 and 20,000 points; of the points of the surface at most 0.3% are dropped, 3% where the
density varies by ten. A test that asks for no more than distances cannot tell an outlier within a spacing or two of the surface.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from .pieces import linked_pieces
from .types import FloatArray, IntArray

MANY = 24
SPARSE = 2.0
BETWEEN = 1.33  # d_12 / d_6 between a surface, 1.41, and a volume, 1.26
LEAST_SURFACE = 0.3  # share of the points that must look like a surface to say what is typical
ROUNDS = 4
FINISHED = 5e-4  # share of the points found in a round, below which it was the last
LINK, LINKED_TO = 2.5, 12
FEW_POINTS, FEW_SHARE = 30, 0.01
MOST = 0.5  # share of the points: if more seem to be outliers, this cloud is not what the rules are made for, and none is


def find_outliers(points: FloatArray) -> np.ndarray:
    """Mask (n,) of the outliers among points (n, 3), any frame. Law: n >= 100 different finite points, as `clean` leaves them."""
    none = np.zeros(len(points), bool)
    kept, near = np.arange(len(points)), _neighbours(points)
    for _ in range(ROUNDS):
        sparse = _sparse(*near)
        if not sparse.any():
            break
        kept = kept[~sparse]
        if len(kept) < (1 - MOST) * len(points):
            return none
        if sparse.sum() <= FINISHED * len(points):
            near = _without(sparse, *near)
            break
        near = _neighbours(points[kept])
    found = ~none
    found[kept[~_islands(*near)]] = False
    return found if found.mean() <= MOST else none


def _neighbours(points: FloatArray) -> tuple[FloatArray, IntArray]:
    return cKDTree(points).query(points, k=MANY + 1, workers=-1)


def _without(gone: np.ndarray, distance: FloatArray, index: IntArray) -> tuple[FloatArray, IntArray]:
    """The neighbours of the others, where a few are gone: these are infinitely far away."""
    rows, number = ~gone, np.cumsum(~gone) - 1
    return np.where(gone[index[rows]], np.inf, distance[rows]), number[index[rows]]


def _sparse(distance: FloatArray, index: IntArray) -> np.ndarray:
    d6 = np.maximum(distance[:, 6], 1e-300)
    surface = np.log(np.maximum(distance[:, 12], 1e-300) / d6)[index].mean(axis=1) > np.log(BETWEEN)
    typical = np.median(d6[surface]) if surface.mean() > LEAST_SURFACE else np.median(d6)
    return (d6 > SPARSE * np.median(d6[index[:, 1:7]], axis=1)) | (~surface & (d6 > SPARSE * typical))


def _islands(distance: FloatArray, index: IntArray) -> np.ndarray:
    linked = distance[:, 1 : LINKED_TO + 1] <= LINK * np.median(distance[:, 6])
    row, col = np.nonzero(linked)
    _, island = linked_pieces(row, index[row, col + 1], len(index))
    size = np.bincount(island)
    small = size < min(FEW_POINTS, FEW_SHARE * len(index))
    small[size.argmax()] = False
    return small[island]
