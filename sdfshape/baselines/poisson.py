"""Screened Poisson reconstruction (Kazhdan and Hoppe 2013) by Open3D: the classical method to beat.

It needs oriented normals. Without given ones they are fitted to 12 neighbours and carried along a spanning tree (Hoppe et al. 1992), as
Open3D's users do: right, or wrong for half of the cloud.
"""

from __future__ import annotations

import numpy as np

from ..clean import clean
from ..errors import InputError
from ..types import Mesh, PointCloud

DEPTH = 8
NORMALS = ("propagated", "given")
NEIGHBOURS = 12


def screened_poisson(cloud: PointCloud, *, depth: int = DEPTH, normals: str = "propagated") -> Mesh:
    """A mesh, world units, as Open3D returns it: not always closed, and larger than the scan where it is open.

    depth : of the octree, 4 to 12.   normals : "propagated", or "given" with the cloud.
    Raises InputError without Open3D, for a depth out of range, and for normals that are not there or not finite.
    """
    if not 4 <= depth <= 12:
        raise InputError(f"the depth of Poisson's octree must be 4 to 12, got {depth}: 8 is usual")
    if normals not in NORMALS:
        raise InputError(f"normals must be {' or '.join(NORMALS)}, got {normals!r}")
    kept, _ = clean(cloud, keep_outliers=True)  # the native code is given finite, different points only
    given = kept.normals if normals == "given" else None
    if normals == "given" and (given is None or not np.isfinite(given).all()):
        came = "none" if given is None else "some that are not finite"
        raise InputError(f"given normals must be there and finite, got {came}: use propagated ones")
    try:
        import open3d
    except ImportError as error:
        raise InputError('Poisson reconstruction needs Open3D, which is not installed: pip install "sdfshape[baselines]"') from error
    middle = kept.bounds.mean(axis=0)  # near the origin: the octree works in float32
    native = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(kept.points - middle))
    if given is not None:
        native.normals = open3d.utility.Vector3dVector(given.copy())
    else:
        native.estimate_normals(open3d.geometry.KDTreeSearchParamKNN(NEIGHBOURS))
        native.orient_normals_consistent_tangent_plane(NEIGHBOURS)
    mesh, _ = open3d.geometry.TriangleMesh.create_from_point_cloud_poisson(native, depth=depth)
    return Mesh(np.asarray(mesh.vertices) + middle, np.asarray(mesh.triangles))
