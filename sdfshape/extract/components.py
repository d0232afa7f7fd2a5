"""Pieces of a mesh that no point of the scan explains are phantoms: dropped, and counted."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ..types import FloatArray, IntArray, Mesh

EXPLAINED_BY = 10  # points whose nearest vertex lies in a piece, below which the piece is a phantom


def vertex_components(mesh: Mesh) -> tuple[int, IntArray]:
    """How many connected pieces a mesh has, and the piece (v,) of each vertex."""
    rows, cols = mesh.faces[:, [0, 1]].ravel(), mesh.faces[:, [1, 2]].ravel()
    n = len(mesh.vertices)
    return connected_components(coo_matrix((np.ones(len(rows), np.int8), (rows, cols)), shape=(n, n)), directed=False)


def drop_unexplained(mesh: Mesh, points_world: FloatArray, minimum: int = EXPLAINED_BY) -> tuple[Mesh, int]:
    """The mesh without pieces that are the nearest surface of fewer than `minimum` points, and how many pieces those were.

    A network may leave a bubble where nothing was measured; a real part of a scan has points on it. The best explained piece stays.
    """
    count, piece = vertex_components(mesh)
    if count <= 1:
        return mesh, 0
    _, nearest = cKDTree(mesh.vertices).query(points_world, workers=-1)
    support = np.bincount(piece[nearest], minlength=count)
    keep = support >= minimum
    keep[support.argmax()] = True
    if keep.all():
        return mesh, 0
    kept_vertex = keep[piece]
    new_index = np.cumsum(kept_vertex) - 1
    faces = new_index[mesh.faces[kept_vertex[mesh.faces[:, 0]]]]
    colors = None if mesh.colors is None else mesh.colors[kept_vertex]
    return Mesh(mesh.vertices[kept_vertex], faces, colors), int((~keep).sum())
