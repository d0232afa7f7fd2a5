"""The scan's colours on the mesh: a blend of the nearest points, nearer ones more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from ..types import Mesh, PointCloud

NEAREST = 4


def transfer_colors(mesh: Mesh, cloud: PointCloud) -> Mesh:
    """The mesh with a colour per vertex, or as it came where the cloud has none. Weights fall with the square of the distance."""
    if cloud.colors is None or not len(mesh.vertices):
        return mesh
    nearest = list(range(1, min(NEAREST, len(cloud)) + 1))  # as a list: then a single one has an axis too
    distance, index = cKDTree(cloud.points).query(mesh.vertices, k=nearest, workers=-1)
    weight = 1 / (distance**2 + 1e-12 * distance.max() ** 2 + 1e-300)
    weight /= weight.sum(axis=1, keepdims=True)
    blended = (weight[..., None] * cloud.colors[index]).sum(axis=1)
    return replace(mesh, colors=np.clip(np.rint(blended), 0, 255).astype(np.uint8))
