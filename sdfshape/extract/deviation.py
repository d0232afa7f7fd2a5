"""How far two meshes are apart at most: proven, from distances of corners.

Theorem. The distance to a triangle B is a convex function, because B is a convex set. So over a triangle A it is largest in a corner of A,
and sup over A of dist(x, M) <= max over corners a of dist(a, B) for any triangle B of the mesh M. Where no one triangle B serves all of
A, A is cut in halves; so are these. (A small A needs no corners: it is within its radius of its middle.)
Lower bound: the distance of any place of A to M.
Errors: a distance between coordinates of size s, computed in float64, is off by less than 64 grains of s, which are added.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..field.clearance import Triangles
from ..types import FloatArray, IntArray, Mesh

ROUNDING = 64 * 2.0**-53
MOST_PIECES = 12_000_000  # triangles looked at
MOST_ROUNDS = 24
ROWS = 20_000  # triangles at a time


@dataclass(frozen=True)
class Deviation:
    """Certified bounds of the largest distance from a place of one mesh to the other, world units.
    upper : at most the limit that was asked for, or infinity where that could not be proven.
    """

    lower: float
    upper: float


def deviation_within(first: Mesh, second: Mesh, limit: float) -> Deviation:
    """Bounds of the Hausdorff distance of two meshes, both ways; ends as soon as `limit` is proven or refuted."""
    there = _one_way(first, second, limit)
    if there.upper > limit:
        return there
    back = _one_way(second, first, limit)
    return Deviation(max(there.lower, back.lower), max(there.upper, back.upper))


def deviation_seen(first: Mesh, second: Mesh) -> float:
    """An estimate from below of the Hausdorff distance of two meshes: at vertices and middles of faces, both ways."""
    seen = [
        _Target(b).nearest(np.concatenate([a.vertices, a.vertices[a.faces].mean(axis=1)]))[0] for a, b in ((first, second), (second, first))
    ]
    return max(float(gap.max()) for gap in seen)


def _one_way(first: Mesh, second: Mesh, limit: float) -> Deviation:
    slack = ROUNDING * max(float(np.abs(mesh.vertices).max()) for mesh in (first, second))
    target = _Target(second)
    pieces, lower, upper, seen = first.vertices[first.faces], 0.0, 0.0, 0
    for _ in range(MOST_ROUNDS):
        seen += len(pieces)
        if seen > MOST_PIECES:
            break
        middles = pieces.mean(axis=1)
        gap, nearest = target.nearest(middles)
        lower = max(lower, float(gap.max()) - slack)
        if lower > limit:
            break
        radius = _radii(pieces)
        reach = gap + radius + slack
        wide = np.flatnonzero((reach > limit) & (radius < target.usual + limit))  # larger ones have no face that serves all of them
        reach[wide] = _farthest_corner(pieces[wide], target.corners, nearest[wide]) + slack
        done = reach <= limit
        upper = max(upper, float(reach[done].max(initial=0.0)))
        if done.all():
            return Deviation(lower, upper)
        pieces = Triangles(np.zeros(len(pieces), np.int64), pieces).split(~done).corners
    return Deviation(lower, np.inf)


class _Target:
    """A mesh to which distances are asked.   corners : (t, 3, 3)."""

    def __init__(self, mesh: Mesh) -> None:
        import igl

        self.middle = mesh.bounds.mean(axis=0)  # faces are looked for near the origin
        self.corners = mesh.vertices[mesh.faces]
        self.usual = 1.5 * float(np.median(_radii(self.corners)))
        self._vertices, self._faces, self._tree = mesh.vertices - self.middle, mesh.faces, igl.AABB()
        self._tree.init(self._vertices, self._faces)

    def nearest(self, places: FloatArray) -> tuple[FloatArray, IntArray]:
        """(m,) distance of places (m, 3) to the mesh, and the nearest face."""
        gap_sq, face, _ = self._tree.squared_distance(self._vertices, self._faces, places - self.middle)
        return np.sqrt(gap_sq), face


def _radii(pieces: FloatArray) -> FloatArray:
    return np.linalg.norm(pieces - pieces.mean(axis=1, keepdims=True), axis=2).max(axis=1)


def _farthest_corner(pieces: FloatArray, faces: FloatArray, chosen: IntArray) -> FloatArray:
    """(k,) the largest distance of the corners of triangles (k, 3, 3) to one of the faces (t, 3, 3), chosen (k,)."""
    rows = [slice(first, first + ROWS) for first in range(0, len(pieces), ROWS)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(lambda some: _farthest_of_some(pieces[some], faces[chosen[some]]), rows)
        return np.concatenate([np.zeros(0), *parts])


def _farthest_of_some(pieces: FloatArray, targets: FloatArray) -> FloatArray:
    from trimesh.triangles import closest_point

    first = targets[:, :1]  # trimesh has tolerances without units: each target is brought to the size 1
    size = np.maximum(np.ptp(targets, axis=1).max(axis=1), 1e-300)[:, None, None]
    corners = ((pieces - first) / size).reshape(-1, 3)
    nearest = closest_point(np.repeat((targets - first) / size, 3, axis=0), corners)
    return size[:, 0, 0] * np.linalg.norm(corners - nearest, axis=1).reshape(-1, 3).max(axis=1)
