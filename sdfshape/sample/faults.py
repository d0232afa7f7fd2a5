"""The faults of real scans by name, made on a mesh whose truth is known: what the benchmark tries every program on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..errors import InputError
from ..types import Mesh, PointCloud
from .scanner import scan_of_mesh
from .surface import cloud_of_mesh


@dataclass(frozen=True, kw_only=True)
class Fault:
    """points : 0 as many as asked for.   noise, outliers, unevenness : of `cloud_of_mesh`.   views : cameras of `scan_of_mesh`, 0 none.
    missing : share of the points that is cut out, in so many patches.
    """

    points: int = 0
    noise: float = 0.0
    outliers: float = 0.0
    unevenness: float = 1.0
    views: int = 0
    missing: float = 0.0
    patches: int = 1

    @property
    def partial(self) -> bool:
        """Whether much of the surface is not in the cloud: then a distance to all of it says little."""
        return self.missing > 0 or 0 < self.views < 6


FAULTS = {
    "clean": Fault(),
    "noise-0.3%": Fault(noise=0.003),
    "noise-0.6%": Fault(noise=0.006),
    "2048-points": Fault(points=2048),
    "3000-points": Fault(points=3000),
    "outliers-10%": Fault(outliers=0.1),
    "outliers-20%": Fault(outliers=0.2),
    "third-missing": Fault(missing=1 / 3),
    "holes": Fault(missing=1 / 3, patches=8),
    "one-camera": Fault(views=1),
    "two-cameras": Fault(views=2),
}


def cloud_with(mesh: Mesh, fault: Fault, count: int, seed: int) -> PointCloud:
    """A cloud of `count` points (fewer if some are missing) with true normals, world units."""
    count = fault.points or count
    if fault.views:
        cloud = scan_of_mesh(
            mesh, count, seed, views=fault.views, noise=fault.noise, outliers=fault.outliers, unevenness=fault.unevenness, normals=True
        )
    else:
        cloud = cloud_of_mesh(mesh, count, seed, noise=fault.noise, outliers=fault.outliers, unevenness=fault.unevenness, normals=True)
    return with_holes(cloud, fault.missing, seed, patches=fault.patches)


def with_holes(cloud: PointCloud, share: float, seed: int, *, patches: int = 1) -> PointCloud:
    """The cloud without a share of its points: the nearest to each of `patches` random ones, as many for each."""
    if not (0 <= share <= 0.9 and patches >= 1):
        raise InputError(f"what is missing must be 0 to 0.9 of the points, in 1 patch or more, got {share} in {patches}")
    rng, left = np.random.default_rng(seed), cloud
    each = round(share * len(cloud) / patches)
    for _ in range(patches if each else 0):
        middle = left.points[rng.integers(len(left))]
        gone = cKDTree(left.points).query(middle, k=each)[1]
        left = left[np.setdiff1d(np.arange(len(left)), gone)]
    return left
