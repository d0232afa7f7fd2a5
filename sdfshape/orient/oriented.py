"""Outward normals of a bare cloud: planes fitted to neighbours, one sign per patch, each patch turned to where it sees more sky.

Notation: p points, n normals, k neighbours, tau radius of the opaque shell; all lengths in the unit frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..types import FloatArray, IntArray
from .propagate import elect
from .visibility import Sky, look_around

NEIGHBOURS = 12
SHELL_SPACINGS = 1.5
SKY_NODES = 96
LOOK_OUT = (1.0, 1.5, 2.0, 3.0)  # distances, in shell radii, at which a point looks around on both sides


@dataclass(frozen=True, eq=False)
class OrientedCloud:
    """points, normals : (n, 3), unit frame, normals outward, length 1.   areas : (n,) surface share of each point.
    spacing : typical distance between neighbours.   patches : (n,) patch number.
    confidence : (n,) in [0, 1]: how one-sided the vote of the point's patch was (0 a coin toss, 1 unanimous).
    """

    points: FloatArray
    normals: FloatArray
    areas: FloatArray
    spacing: float
    patches: IntArray
    confidence: FloatArray
    sky: Sky
    tree: cKDTree


def neighbours_of(points: FloatArray, k: int = NEIGHBOURS) -> tuple[cKDTree, FloatArray, IntArray]:
    """k-d tree, distances (n, k) and indices (n, k); the point itself comes first."""
    tree = cKDTree(points)
    distance, index = tree.query(points, k=k, workers=-1)
    return tree, distance, index


def plane_normals(points: FloatArray, index: IntArray) -> FloatArray:
    """(n, 3) unit normals of the planes through the neighbours, sign arbitrary: the least eigenvector of their covariance."""
    gap = points[index] - points[index].mean(axis=1, keepdims=True)
    return np.linalg.eigh(np.einsum("nki,nkj->nij", gap, gap))[1][:, :, 0]


def orient(points_unit: FloatArray) -> OrientedCloud:
    """Outward normals of points (n, 3) without any hint. Law: n >= NEIGHBOURS different finite points."""
    tree, distance, index = neighbours_of(points_unit)
    normals = plane_normals(points_unit, index)
    spacing = float(np.median(distance[:, 6]))
    sky = look_around(tree, SHELL_SPACINGS * spacing, SKY_NODES)
    vote = _sky_vote(points_unit, normals, sky)
    patch, sign, confidence = elect(points_unit, normals, index, vote)
    return OrientedCloud(
        points=points_unit,
        normals=normals * sign[:, None],
        areas=np.pi * distance[:, 8] ** 2 / 8,
        spacing=spacing,
        patches=patch,
        confidence=confidence,
        sky=sky,
        tree=tree,
    )


def _sky_vote(points: FloatArray, normals: FloatArray, sky: Sky) -> FloatArray:
    """(n,) how much more sky there is on the side of the normal than on the other."""
    difference = np.zeros(len(points))
    for reach in LOOK_OUT:
        step = reach * sky.radius * normals
        difference += sky.seen_from(points + step) - sky.seen_from(points - step)
    return difference
