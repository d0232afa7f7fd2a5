"""A virtual range scanner: what a scan of a mesh would look like, with the faults of real ones. Deterministic by seed.

Cameras stand around the mesh on a sphere of DISTANCE times its radius, evenly spread and turned at random. Each sends rays at random over
the cone that holds the mesh, so what is far away or oblique gets fewer points, and what is hidden from all of them none. A hit is moved
along its ray (range noise), all hits of a camera together (registration error), and some points are strays in the box.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..orient.neighbours import tangents
from ..types import FloatArray, Mesh, PointCloud
from .laws import check_sample
from .rays import ray_caster

DISTANCE = 2.5
GRAZING = 0.1  # |cosine| below which a surface returns no light
MOST_ROUNDS = 6  # of shooting: a mesh that is hardly hit is no use
GOLDEN = (1 + 5**0.5) / 2


def scan_of_mesh(
    mesh: Mesh,
    count: int,
    seed: int,
    *,
    views: int = 12,
    noise: float = 0.0,
    registration: float = 0.0,
    outliers: float = 0.0,
    unevenness: float = 1.0,
    normals: bool = False,
) -> PointCloud:
    """`count` points of a mesh seen from `views` cameras, world units.

    noise : standard deviation along the ray, as a share of the longest side of the mesh's box.
    registration : the same of each camera's shift, and of its turn in radians.
    outliers : share of the points that are uniform in that box instead.
    unevenness : how many times denser the points are at one end, along a random axis, than at the other.
    normals : of the surface, towards the camera.
    Raises InputError for a mesh that no ray hits.
    """
    check_sample(count, seed, noise=noise, outliers=outliers, unevenness=unevenness, views=views, registration=registration)
    rng = np.random.default_rng(seed)
    lo, hi = mesh.bounds
    size = float((hi - lo).max())
    points, facing, camera = _shoot(mesh, round(count * 2 * unevenness**0.5), views, rng, noise * size)
    for k in range(views):
        mine = camera == k
        turn, shift = _small_rotation(registration * rng.normal(size=3)), registration * size * rng.normal(size=3)
        middle = (lo + hi) / 2
        points[mine], facing[mine] = (points[mine] - middle) @ turn.T + middle + shift, facing[mine] @ turn.T
    rows = thinned(points, count, unevenness, rng)
    points, facing = points[rows], facing[rows]
    strew(points, outliers, lo, hi, rng)
    return PointCloud(points, normals=facing if normals else None)


def strew(points: FloatArray, share: float, lo: FloatArray, hi: FloatArray, rng: np.random.Generator) -> None:
    """Put a share of the points (n, 3) anywhere in the box [lo, hi] instead, in place."""
    stray = rng.permutation(len(points))[: round(share * len(points))]
    points[stray] = rng.uniform(lo, hi, (len(stray), 3))


def thinned(points: FloatArray, count: int, unevenness: float, rng: np.random.Generator) -> np.ndarray:
    """Rows of up to `count` of the points, `unevenness` times denser at one end along a random axis than at the other."""
    along = points @ _directions(1, rng)[0]
    share = (along - along.min()) / max(np.ptp(along), 1e-300)
    keep = unevenness**-share
    return np.sort(rng.choice(len(points), size=min(count, len(points)), replace=False, p=keep / keep.sum()))


def _shoot(mesh: Mesh, enough: int, views: int, rng: np.random.Generator, noise: float) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """Hits (m, 3) with the surface's normals towards the camera (m, 3) and the camera's number (m,), about as many from each camera."""
    lo, hi = mesh.bounds
    middle, radius = (lo + hi) / 2, float(np.linalg.norm(hi - lo)) / 2
    cast = ray_caster(mesh)
    eyes = middle + DISTANCE * radius * _directions(views, rng)
    found: list[tuple[FloatArray, FloatArray, np.ndarray]] = []
    rays = max(64, 2 * enough // views)
    for _ in range(MOST_ROUNDS):
        for k, eye in enumerate(eyes):
            way = _cone(middle - eye, np.arcsin(1 / DISTANCE), rays, rng)
            reach, normal = cast(np.broadcast_to(eye, way.shape), way, 2 * DISTANCE * radius)
            cosine = -(normal * way).sum(axis=1)
            seen = np.isfinite(reach) & (np.abs(cosine) > GRAZING)
            depth = reach[seen] + noise * rng.normal(size=int(seen.sum()))
            towards = normal[seen] * np.sign(cosine[seen])[:, None]
            found.append((eye + depth[:, None] * way[seen], towards, np.full(len(depth), k)))
        if sum(len(points) for points, _, _ in found) >= enough:
            break
    points, facing, camera = (np.concatenate(columns) for columns in zip(*found, strict=True))
    if not len(points):
        raise InputError(f"a mesh must be hit by the scanner's rays, none of {len(eyes) * rays * MOST_ROUNDS} did: check the mesh")
    return points, facing, camera


def _directions(count: int, rng: np.random.Generator) -> FloatArray:
    """(count, 3) of length 1, evenly spread by the golden angle, turned at random."""
    z = 1 - (2 * np.arange(count) + 1) / count
    angle = 2 * np.pi * np.arange(count) / GOLDEN
    ring = np.sqrt(1 - z**2)
    return np.c_[ring * np.cos(angle), ring * np.sin(angle), z] @ np.linalg.qr(rng.normal(size=(3, 3)))[0].T


def _cone(axis: FloatArray, half_angle: float, count: int, rng: np.random.Generator) -> FloatArray:
    """(count, 3) of length 1, uniform in the cone around `axis`."""
    w = axis / np.linalg.norm(axis)
    u, v = tangents(w[None])
    cosine = rng.uniform(np.cos(half_angle), 1, count)
    angle = rng.uniform(0, 2 * np.pi, count)
    sine = np.sqrt(1 - cosine**2)
    return cosine[:, None] * w + (sine * np.cos(angle))[:, None] * u + (sine * np.sin(angle))[:, None] * v


def _small_rotation(vector: FloatArray) -> FloatArray:
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(vector).as_matrix()
