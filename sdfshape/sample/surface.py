"""Points from a mesh: uniform by area, with noise, outliers and uneven density if asked."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..types import FloatArray, Mesh, PointCloud
from .laws import check_sample
from .scanner import strew, thinned


def sample_surface(mesh: Mesh, count: int, seed: int) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """(count, 3) points uniform by area, the (count, 3) normals and the (count,) indices of their faces.

    Raises InputError for a mesh without area.
    """
    import trimesh

    tri = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    if not len(mesh.faces) or not 0 < tri.area < np.inf:
        raise InputError(f"a mesh must have area to be sampled, got {len(mesh.faces)} faces of area {tri.area:g}")
    points, face = trimesh.sample.sample_surface(tri, count, seed=seed)
    return np.asarray(points, dtype=np.float64), np.asarray(tri.face_normals[face]), np.asarray(face)


def cloud_of_mesh(
    mesh: Mesh, count: int, seed: int, *, noise: float = 0.0, outliers: float = 0.0, unevenness: float = 1.0, normals: bool = False
) -> PointCloud:
    """A cloud of `count` points, world units; colours follow where the mesh has them.

    noise : standard deviation of an isotropic Gaussian, as a share of the longest side of the mesh's box.
    outliers : share of the points that are uniform in that box instead.
    unevenness : how many times denser the points are at one end, along a random axis, than at the other.
    """
    check_sample(count, seed, noise=noise, outliers=outliers, unevenness=unevenness)
    rng = np.random.default_rng(seed)
    if unevenness > 1:
        points, face_normals, face = sample_surface(mesh, round(count * 2 * unevenness**0.5), seed)
        rows = thinned(points, count, unevenness, rng)
        points, face_normals, face = points[rows], face_normals[rows], face[rows]
    else:
        points, face_normals, face = sample_surface(mesh, count, seed)
    lo, hi = mesh.bounds
    points = points + noise * (hi - lo).max() * rng.normal(size=points.shape)
    strew(points, outliers, lo, hi, rng)
    colors = None
    if mesh.colors is not None:
        corners = mesh.faces[face]
        gap = np.linalg.norm(mesh.vertices[corners] - points[:, None], axis=2)
        colors = mesh.colors[corners[np.arange(count), gap.argmin(axis=1)]]
    return PointCloud(points, normals=face_normals if normals else None, colors=colors)
