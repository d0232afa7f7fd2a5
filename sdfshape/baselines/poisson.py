"""Screened Poisson reconstruction (Kazhdan and Hoppe 2013) by Open3D: the classical method to beat."""

from __future__ import annotations

from ..errors import InputError
from ..types import Mesh, PointCloud
from .native import mesh_from_native, native_cloud, open3d_module

DEPTH = 8


def screened_poisson(cloud: PointCloud, *, depth: int = DEPTH, normals: str = "propagated") -> Mesh:
    """A mesh, world units, as Open3D returns it: not always closed, and larger than the scan where it is open.

    depth : of the octree, 4 to 12.   normals : see `native_cloud`.
    Raises InputError without Open3D, for a depth out of range, and for normals that are not there or not finite.
    """
    if not 4 <= depth <= 12:
        raise InputError(f"the depth of Poisson's octree must be 4 to 12, got {depth}: 8 is usual")
    native, middle = native_cloud(cloud, normals)
    mesh, _ = open3d_module().geometry.TriangleMesh.create_from_point_cloud_poisson(native, depth=depth)
    return mesh_from_native(mesh, middle)
