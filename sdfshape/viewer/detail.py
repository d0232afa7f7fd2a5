"""What of a large layer is drawn: few enough points and triangles that it turns at once. Numbers never come from here.

Points are a random part. Triangles are clustered: vertices in one cell of a grid become the first of them, faces that collapse go
(Rossignac and Borrel 1993). Every vertex that is drawn is one of the layer's own, so that its colours and values are found by row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import FloatArray, IntArray

STILL_FACES, MOVING_FACES = 700_000, 60_000  # measured without a graphics card, 1200 x 800: half a second, and a twentieth
STILL_POINTS, MOVING_POINTS = 1_000_000, 120_000


@dataclass(frozen=True, eq=False)
class Detail:
    """rows : of the vertices that are drawn, or None for all.   faces : (t, 3) indices into those rows; empty for points."""

    rows: IntArray | None
    faces: IntArray

    def of(self, column: np.ndarray) -> np.ndarray:
        """The part of a column that is drawn."""
        return column if self.rows is None else column[self.rows]


def point_detail(count: int, most: int) -> Detail:
    """At most `most` of `count` points, at random, the same every time."""
    none = np.zeros((0, 3), np.int64)
    if count <= most:
        return Detail(None, none)
    return Detail(np.sort(np.random.default_rng(0).choice(count, most, replace=False)), none)


def face_detail(vertices: FloatArray, faces: IntArray, most: int) -> Detail:
    """About `most` triangles at most; exactly the layer's own if it has no more."""
    if len(faces) <= most:
        return Detail(None, faces)
    side = np.sqrt(2 * _area(vertices, faces) / most)  # a plane cut into squares of this side has `most` triangles
    for _ in range(4):  # a crumpled surface meets more cells than its area says
        detail = _clustered(vertices, faces, side)
        if len(detail.faces) <= most:
            break
        side *= 1.05 * np.sqrt(len(detail.faces) / most)
    return detail


def _area(vertices: FloatArray, faces: IntArray) -> float:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def _clustered(vertices: FloatArray, faces: IntArray, side: float) -> Detail:
    lo = vertices.min(axis=0)
    side = max(side, float(np.ptp(vertices, axis=0).max()) / 2**20, 1e-300)  # so that three counts share 63 bits
    cell = np.floor((vertices - lo) / side).astype(np.int64)
    key = (cell[:, 0] << 42) | (cell[:, 1] << 21) | cell[:, 2]
    _, rows, which = np.unique(key, return_index=True, return_inverse=True)
    merged = which.reshape(-1)[faces]
    a, b, c = merged.T
    return Detail(rows, merged[(a != b) & (b != c) & (c != a)])


def vertex_normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """(v, 3) float32 of length 1, mean of the faces around weighted by area; zero for a vertex of no face."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    corner = faces.T.ravel()
    total = np.stack([np.bincount(corner, np.tile(normals[:, k], 3), len(vertices)) for k in range(3)], axis=1)
    return (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-300)).astype(np.float32)
