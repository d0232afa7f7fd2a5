"""Second thoughts: patches of doubtful normals that contradict all the others are turned over.

The winding number w of a closed surface is 1 inside and 0 outside, so its mean over the two sides of a wall, the level, is 1/2. The wall of
a drill hole that the ball did not reach, turned the wrong way, has w near 2 and 1 beside it, a peg -1 and 0: levels 3/2 and -1/2. So
a patch whose level is off by more than OFF is turned, and turned back where that does not cut the error to a third: on sheets
and double walls no sign helps, and nothing is changed there. (The level, not the excess of w over [0, 1]: noise makes areas, and so w, too
large by a third, and whole patches of a noisy torus were turned.) Nothing is changed either if the errors do not fall in all.
Measured (share of wrong signs, before and after): featuretype, a plate with drill holes, .0195 and .0103 from 20,000 points, .045 and .027
with noise of 0.5% of the half-extent; on eighteen other solids, with noise of 0, 0.5% and 1% and with 3,000 points, equal to .0004.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..pieces import linked_pieces
from ..types import FloatArray, IntArray
from .neighbours import off_plane
from .oriented import OrientedCloud
from .winding import WindingNumber

STEP_SPACINGS = 1.0  # how far from the points, on both sides, the winding number is asked
ALIKE = 0.7  # cosine of two normals, less the slope of the way between them, above which doubtful neighbours are one patch
NEIGHBOURS = 7
OFF = 0.35
WORST = 0.75  # of the largest error: a patch beside a wrong one is accused too, so the worst go first
ROUNDS = 3
HELPS = 1 / 3
LEAST_POINTS = 3  # of a patch
MOST_ASKED = 200  # points of a patch that its level is a mean over


def overturn(cloud: OrientedCloud) -> OrientedCloud:
    """The cloud with the normals of some patches of unsure points turned over; their confidence is then 0."""
    doubtful = np.flatnonzero(~cloud.sure)
    if not len(doubtful):
        return cloud
    patch = _patches(cloud, doubtful)
    count = np.bincount(patch)
    asked = _some_of_each(patch, count)

    def error(normals: FloatArray) -> FloatArray:
        levels = _level(cloud, normals, doubtful[asked])
        return np.abs(np.bincount(patch[asked], levels) / np.bincount(patch[asked]) - 0.5)

    normals, before = cloud.normals, error(cloud.normals)
    for _ in range(ROUNDS):
        accused = (before > max(OFF, WORST * before[count >= LEAST_POINTS].max(initial=0))) & (count >= LEAST_POINTS)
        if not accused.any():
            break
        after = error(_turn(normals, doubtful[accused[patch]]))
        better = accused & (after < HELPS * before)
        trial = _turn(normals, doubtful[better[patch]])
        if not np.array_equal(better, accused):  # the rest is as it was: look again
            after = error(trial) if better.any() else before
        if (count * after).sum() >= (count * before).sum():
            break
        normals, before = trial, after
    overruled = (normals != cloud.normals).any(axis=1)
    if not overruled.any():
        return cloud
    return replace(cloud, normals=normals, confidence=np.where(overruled, 0.0, cloud.confidence))


def _some_of_each(patch: IntArray, count: IntArray) -> IntArray:
    """Rows of patch (m,), in their order, evenly spread: all of a small one, MOST_ASKED of a larger."""
    order = np.argsort(patch, kind="stable")
    size = np.repeat(count, count)
    share = np.minimum(MOST_ASKED / size, 1.0)
    place = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    return np.sort(order[np.floor((place + 1) * share + 1e-9) > np.floor(place * share + 1e-9)])


def _turn(normals: FloatArray, rows: IntArray) -> FloatArray:
    turned = normals.copy()
    turned[rows] *= -1
    return turned


def _patches(cloud: OrientedCloud, doubtful: IntArray) -> IntArray:
    """Patch number of each doubtful point: neighbours whose normals agree, and that lie on each other's tangent plane."""
    points, normals = cloud.points, cloud.normals
    row = np.repeat(doubtful, NEIGHBOURS)
    col = cloud.neighbours[doubtful, 1 : NEIGHBOURS + 1].ravel()
    joined = ~cloud.sure[col] & ((normals[row] * normals[col]).sum(1) - off_plane(points, normals, row, col) > ALIKE)
    patch = linked_pieces(row[joined], col[joined], len(points))[1]
    return np.unique(patch[doubtful], return_inverse=True)[1]


def _level(cloud: OrientedCloud, normals: FloatArray, rows: IntArray) -> FloatArray:
    """Mean of the winding number on the two sides of the points of the rows."""
    behind, ahead = WindingNumber(cloud.points, normals, cloud.areas).beside(rows, STEP_SPACINGS * cloud.spacing)
    return (behind + ahead) / 2
