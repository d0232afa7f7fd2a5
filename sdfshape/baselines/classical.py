"""Meshes that join the points themselves: ball pivoting and alpha shapes, by Open3D. What no triangle joins stays a hole."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..errors import InputError
from ..types import FloatArray, Mesh, PointCloud
from .native import asking_qhull, mesh_from_native, native_cloud, open3d_module

BALLS = (1.0, 2.0, 4.0)  # radii of the pivoting balls, in mean distances to the nearest neighbour; Open3D's tutorial has 1 to 4
ALPHA = 5.0  # radius of the alpha shape, in the same: at 3 the bunny from 20,000 points is full of holes


def ball_pivoting(cloud: PointCloud, *, normals: str = "propagated") -> Mesh:
    """Ball pivoting (Bernardini et al. 1999): a ball that rolls over the points leaves a triangle where it rests on three. World units."""
    native, middle = native_cloud(cloud, normals)
    open3d = open3d_module()
    radii = open3d.utility.DoubleVector([ball * _spacing(np.asarray(native.points)) for ball in BALLS])
    return mesh_from_native(open3d.geometry.TriangleMesh.create_from_point_cloud_ball_pivoting(native, radii), middle)


def alpha_shape(cloud: PointCloud, *, radius: float | None = None) -> Mesh:
    """The alpha shape (Edelsbrunner and Mücke 1994): the border of what no ball of `radius` can empty, sheets included. World units.

    radius : world units, five mean distances to the nearest neighbour unless told. Raises InputError for one that is not above 0.
    """
    if radius is not None and not (np.isfinite(radius) and radius > 0):
        raise InputError(f"the radius of an alpha shape must be a length above 0, got {radius}")
    native, middle = native_cloud(cloud, "none")
    chosen = radius or ALPHA * _spacing(np.asarray(native.points))
    with asking_qhull():
        mesh = open3d_module().geometry.TriangleMesh.create_from_point_cloud_alpha_shape(native, chosen)
    return mesh_from_native(mesh, middle)


def _spacing(points: FloatArray) -> float:
    return float(cKDTree(points).query(points, k=2, workers=-1)[0][:, 1].mean())
