"""What points of the scan carry, on the mesh: a blend of the nearest ones of the same sheet, nearer ones more.

Two sheets may be nearer to each other than points are: the nearest points of a vertex are then of both. Those of its own sheet lie in its
tangent plane, those of the other in front of it or behind; and where inside and outside exist, the field rises the other way there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ..types import FloatArray, IntArray, Mesh, PointCloud

NEAREST, LOOKED_AT = 4, 12  # points of one blend, of so many that are nearest
OFF_PLANE = 0.5  # in their distances from the vertex: how far off its tangent plane the weight has fallen to 1/e
FAINT = 1e-9  # weight of what is on another sheet: alone, it is taken all the same
CHUNK = 200_000  # vertices at a time


def transfer_columns(mesh: Mesh, cloud: PointCloud, normals: FloatArray | None, point_normals: FloatArray | None = None) -> Mesh:
    """The mesh with the colours, labels and intensity of the cloud, as far as it has some: means with weights that fall with the square of
    the distance; of labels the one with the largest weight.

    normals : (v, 3) of the vertices, outward, length 1 or 0; None: those of the faces.   point_normals : (n, 3) of the points, if known.
    """
    if not cloud.scan_columns or not len(mesh.vertices):
        return mesh
    normals = vertex_normals(mesh) if normals is None else normals
    tree = cKDTree(cloud.points)
    found: dict[str, list[Any]] = {name: [] for name in cloud.scan_columns}
    for start in range(0, len(mesh.vertices), CHUNK):
        rows = slice(start, start + CHUNK)
        index, weight = _blend(tree, mesh.vertices[rows], normals[rows], point_normals)
        for name, column in cloud.scan_columns.items():
            found[name].append(_mixed(name, column[index], weight))
    return replace(mesh, **{name: np.concatenate(parts) for name, parts in found.items()})


def vertex_normals(mesh: Mesh) -> FloatArray:
    """(v, 3) means of the normals of the faces at each vertex, larger faces more; length 1, or 0."""
    corners = mesh.vertices[mesh.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.stack([np.bincount(mesh.faces.ravel(), np.repeat(across[:, k], 3), len(mesh.vertices)) for k in range(3)], axis=1)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-300)


def _blend(tree: cKDTree, vertices: FloatArray, normals: FloatArray, point_normals: FloatArray | None) -> tuple[IntArray, FloatArray]:
    """(m, k) points of each vertex and their weights, which sum to 1."""
    nearest = list(range(1, min(LOOKED_AT, tree.n) + 1))  # as a list: then a single one has an axis too
    distance, index = tree.query(vertices, k=nearest, workers=-1)
    off = np.einsum("vki,vi->vk", tree.data[index] - vertices[:, None], normals)
    scale = distance[:, :1] + distance.mean(axis=1, keepdims=True) + 1e-300
    same = np.exp(-((off / (OFF_PLANE * scale)) ** 2))
    if point_normals is not None:
        same *= np.maximum(np.einsum("vki,vi->vk", point_normals[index], normals), 0)
    weight = (same + FAINT) / (distance**2 + 1e-12 * distance.max() ** 2 + 1e-300)
    best = np.argsort(-weight, axis=1, kind="stable")[:, :NEAREST]
    index, weight = np.take_along_axis(index, best, axis=1), np.take_along_axis(weight, best, axis=1)
    return index, weight / weight.sum(axis=1, keepdims=True)


def _mixed(name: str, values: np.ndarray, weight: FloatArray) -> np.ndarray:
    if name == "labels":
        votes = (weight[:, None, :] * (values[:, None, :] == values[:, :, None])).sum(axis=2)
        return np.take_along_axis(values, votes.argmax(axis=1)[:, None], axis=1)[:, 0]
    if name == "intensity":
        known = np.isfinite(values)
        share = (weight * known).sum(axis=1)
        with np.errstate(invalid="ignore"):
            return (weight * np.where(known, values, 0)).sum(axis=1) / np.where(share > 0, share, np.nan)
    return np.clip(np.rint((weight[..., None] * values).sum(axis=1)), 0, 255).astype(np.uint8)
