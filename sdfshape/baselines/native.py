"""Clouds for Open3D. Its native code gets finite, different points near the origin, and normals that are finite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..clean import clean
from ..errors import InputError
from ..types import FloatArray, Mesh, PointCloud

NORMALS = ("propagated", "given", "none")
NEIGHBOURS = 12


def native_cloud(cloud: PointCloud, normals: str) -> tuple[Any, FloatArray]:
    """Open3D's cloud and the world place (3,) of its origin.

    normals : "given" with the cloud, or "propagated": fitted to 12 neighbours and carried along a spanning tree (Hoppe et al. 1992), as
    Open3D's users do: right, or wrong for half of the cloud.
    Raises InputError without Open3D, and for given normals that are not there or not finite.
    """
    if normals not in NORMALS:
        raise InputError(f"normals must be {', '.join(NORMALS)}, got {normals!r}")
    kept, _ = clean(cloud, keep_outliers=True)
    given = kept.normals if normals == "given" else None
    if normals == "given" and (given is None or not np.isfinite(given).all()):
        came = "none" if given is None else "some that are not finite"
        raise InputError(f"given normals must be there and finite, got {came}: use propagated ones")
    open3d = open3d_module()
    middle = kept.bounds.mean(axis=0)  # near the origin: octrees work in float32
    native = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(kept.points - middle))
    if given is not None:
        native.normals = open3d.utility.Vector3dVector(given.copy())
    elif normals == "propagated":
        native.estimate_normals(open3d.geometry.KDTreeSearchParamKNN(NEIGHBOURS))
        with asking_qhull():
            native.orient_normals_consistent_tangent_plane(NEIGHBOURS)
    return native, middle


@contextmanager
def asking_qhull() -> Iterator[None]:
    """Turns an error of Qhull, a page long, into an InputError."""
    try:
        yield
    except RuntimeError as error:
        raise InputError("points must have Delaunay tetrahedra for this method, Qhull finds none: all on one sphere? one plane?") from error


def open3d_module() -> Any:
    """The module; raises InputError without it."""
    try:
        import open3d
    except ImportError as error:
        raise InputError('the classical methods need Open3D, which is not installed: pip install "sdfshape[baselines]"') from error
    return open3d


def mesh_from_native(native: Any, middle: FloatArray) -> Mesh:
    """The mesh in world units; raises InputError for one without faces."""
    faces = np.asarray(native.triangles)
    if not len(faces):
        raise InputError("the method must make faces of these points, it made none: it is not for such a cloud")
    return Mesh(np.asarray(native.vertices) + middle, faces)
