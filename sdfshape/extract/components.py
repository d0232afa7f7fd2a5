"""Pieces of a mesh that no point of the scan explains are phantoms: dropped, and counted."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..clean import Dropped
from ..errors import InputError
from ..orient.neighbours import SPACING_NEIGHBOUR
from ..outliers import FEW_POINTS, FEW_SHARE, MANY_STRAYS
from ..pieces import linked_pieces
from ..types import FloatArray, IntArray, Mesh

SOME_FACES = 100_000  # looked at at a time, to bound the memory
EXPLAINED_BY = 10  # points that need a piece, below which the piece is a phantom


def vertex_components(mesh: Mesh) -> tuple[int, IntArray]:
    """How many connected pieces a mesh has, and the piece (v,) of each vertex."""
    return linked_pieces(mesh.faces[:, [0, 1]].ravel(), mesh.faces[:, [1, 2]].ravel(), len(mesh.vertices))


def enclosed_volumes(mesh: Mesh, piece: IntArray) -> FloatArray:
    """(k,) the volume that each piece of a closed mesh encloses, negative of the wall of a cavity; piece (v,) as `vertex_components`.

    Gauss: sum over its faces of det(a, b, c) / 6, from the middle of the mesh, where it rounds least.
    """
    volumes = np.zeros(int(piece.max(initial=-1)) + 1)
    middle = mesh.vertices.mean(axis=0) if len(mesh.faces) else 0.0
    for start in range(0, len(mesh.faces), SOME_FACES):
        faces = mesh.faces[start : start + SOME_FACES]
        a, b, c = np.moveaxis(mesh.vertices[faces] - middle, 1, 0)
        volumes += np.bincount(piece[faces[:, 0]], np.einsum("fi,fi->f", a, np.cross(b, c)) / 6, minlength=len(volumes))
    return volumes


def count_bodies(mesh: Mesh) -> int:
    """How many pieces of a closed mesh are bodies, not walls of cavities."""
    return int((enclosed_volumes(mesh, vertex_components(mesh)[1]) > 0).sum())


def is_watertight(mesh: Mesh) -> bool:
    """Whether there are faces, and every edge has two of them that run along it in opposite directions, and no more."""
    start, end = mesh.faces.ravel(), np.roll(mesh.faces, -1, axis=1).ravel()
    there, back = (np.sort(a * len(mesh.vertices) + b) for a, b in ((start, end), (end, start)))
    return len(there) > 0 and bool((np.diff(there) > 0).all()) and np.array_equal(there, back)


def least_explained(dropped: Dropped, count: int) -> int:
    """How many of the `count` points kept must need a piece of the mesh: more where so many strays were found that clumps of them are left.

    Measured (3,000 points, 20% strays): clumps of up to 14 strays had become pieces of rocker-arm; Chamfer distance 2.1 times the clean
    one with 10 points, 1.4 times with 15 to 50.
    """
    if dropped.stray_share < MANY_STRAYS:
        return EXPLAINED_BY
    return max(EXPLAINED_BY, few_points(count))


def few_points(count: int) -> int:
    """How many of `count` points a part has at least: 1% of them, or FEW_POINTS if that is less."""
    return min(FEW_POINTS, int(FEW_SHARE * count))


def drop_unexplained(mesh: Mesh, points_world: FloatArray, minimum: int = EXPLAINED_BY) -> tuple[Mesh, int]:
    """The mesh without pieces that fewer than `minimum` points need, and how many pieces those were.

    A point needs a piece if the pieces with more points are farther from it by more than a spacing of the cloud and an edge of the mesh
    (distances are to vertices). A network may leave a bubble beside the surface or where nothing was measured: no point needs it. The
    piece nearest to most points always stays.
    """
    count, piece = vertex_components(mesh)
    if count <= 1:
        return mesh, 0
    distance, nearest = cKDTree(mesh.vertices).query(points_world, workers=-1)
    owner = piece[nearest]
    support = np.bincount(owner, minlength=count)
    cloud = cKDTree(points_world)
    some = points_world[:: max(1, len(points_world) // 2000)]
    spacing = float(np.median(cloud.query(some, k=min(SPACING_NEIGHBOUR + 1, len(points_world)), workers=-1)[0][:, -1]))
    edges = mesh.vertices[mesh.faces] - mesh.vertices[np.roll(mesh.faces, 1, axis=1)]
    farther = spacing + float(np.linalg.norm(edges, axis=2).max())
    keep = np.zeros(count, bool)
    for candidate in np.argsort(-support, kind="stable"):
        if support[candidate] < minimum and keep.any():
            break
        mine = owner == candidate
        keep[candidate] = not keep.any() or _needed(mesh.vertices[keep[piece]], points_world[mine], distance[mine] + farther) >= minimum
    return (mesh, 0) if keep.all() else (_pieces(mesh, keep[piece]), int((~keep).sum()))


def drop_small(mesh: Mesh, share: float) -> tuple[Mesh, int]:
    """The mesh without pieces of less than `share` of the area of all, in [0, 1), and how many pieces those were; the largest stays."""
    if not 0 <= share < 1:
        raise InputError(f"the share of the area below which pieces are dropped must be in [0, 1), got {share}")
    count, piece = vertex_components(mesh)
    corners = mesh.vertices[mesh.faces]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    each = np.bincount(piece[mesh.faces[:, 0]], weights=areas, minlength=count)
    keep = (each >= share * each.sum()) | (each == each.max())
    return (mesh, 0) if keep.all() else (_pieces(mesh, keep[piece]), int((~keep).sum()))


def _needed(others: FloatArray, points: FloatArray, limit: FloatArray) -> int:
    """How many of the points are farther than their limit from all of the other vertices."""
    return int((cKDTree(others).query(points, workers=-1)[0] > limit).sum())


def _pieces(mesh: Mesh, kept_vertex: np.ndarray) -> Mesh:
    """The mesh of the vertices in the mask; no face may have some in and some out."""
    new_index = np.cumsum(kept_vertex) - 1
    faces = new_index[mesh.faces[kept_vertex[mesh.faces[:, 0]]]]
    columns = (mesh.colors, mesh.normals, mesh.labels, mesh.intensity)
    return Mesh(mesh.vertices[kept_vertex], faces, *(None if column is None else column[kept_vertex] for column in columns))
