"""A scan without its outliers: the trained one-class score says which points belong to the surface, and how surely.

Notation. f the certified field, V the vertices of its mesh, delta the diagonal of a cell. Score h(x) = max(|f(x)|, dist(x, V) - delta):
deep inside of a mosaic |f| is far below the distance, for the walls of its boxes cut it; every place of the surface has a vertex within
delta, so the second term is below the distance too.
Theorem. h is 1-Lipschitz, as a maximum of such functions, so a point with h <= limit stays within the limit while it moves by less than
limit - h: that is the certified radius of an inlier, less the proven error of f in float64. The limit itself is a choice
(`evaluate.score`), the surface an estimate: what is proven is that the verdict on this point does not hang on the digits, or the noise,
of its coordinates. Of a wrap, and of sheets, what lies inside is kept, strays too: there h is f. Verdicts are those of the plain score in
float32, radii are of f in float64. Where pieces of the mesh were left out because no point explains them, points at these are outliers
though f is small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from .errors import InputError
from .evaluate.score import Scores
from .field import SignedDistanceField
from .field.signed_distance import FARTHEST
from .options import Options
from .reconstruction import Progress, Reconstruction, reconstruct
from .types import FloatArray, PointCloud

RESOLUTION = 128  # of the mesh that nobody sees


@dataclass(frozen=True, eq=False)
class CleanedScan:
    """cloud : that came.   scores : of its points.   radius : (n,) certified, world units; 0 for outliers.   spacing, noise : of the cloud.
    field : the surface that says so.   report : of the reconstruction.
    """

    cloud: PointCloud
    scores: Scores
    radius: FloatArray
    spacing: float
    noise: float
    field: SignedDistanceField
    report: dict[str, Any]

    @property
    def kept(self) -> PointCloud:
        """The points that belong to the surface, with all their columns."""
        return self.cloud[~self.scores.outliers]

    @property
    def marked(self) -> PointCloud:
        """All finite points; label 1 for outliers, 0 for others. Raises InputError where the labels would be lost."""
        if self.cloud.labels is not None:
            raise InputError("marks are labels, and these points have labels: drop the outliers instead, or read without labels")
        finite = np.isfinite(self.cloud.points).all(axis=1)
        return replace(self.cloud[finite], labels=self.scores.outliers[finite].astype(np.int64))

    def certified_share(self, radius: float) -> float:
        """The share of all points that are inliers, and stay so wherever they are moved by less than `radius`, world units."""
        return float((self.radius >= radius).mean()) if radius > 0 else float((~self.scores.outliers).mean())

    def facts(self) -> dict[str, Any]:
        """What a report says: counts, the limit, and the shares certified for a move of three deviations of the noise, and of half a
        spacing.
        """
        return {
            "points": len(self.cloud),
            "outliers": int(self.scores.outliers.sum()),
            "limit": self.scores.limit,
            "spacing": self.spacing,
            "noise": self.noise,
            "certified_inliers": {
                "three_noise": self.certified_share(3 * self.noise),
                "half_spacing": self.certified_share(self.spacing / 2),
            },
            "median_certified_radius": float(np.median(self.radius[~self.scores.outliers])) if (~self.scores.outliers).any() else 0.0,
            "lipschitz_bound": self.field.network_bound,
            "surface": self.report["surface"]["kind"],
        }


def clean_scan(
    cloud: PointCloud,
    options: Options | None = None,
    *,
    limit: float | None = None,
    progress: Callable[[Progress], None] | None = None,
    **changes: Any,
) -> CleanedScan:
    """Learn the surface of a cloud (preset fast), and judge every point of it. Parameters and errors as `reconstruct`.

    limit : farther from the surface than this is an outlier, world units; None: by spacing and noise (`evaluate.score`).
    """
    if limit is not None and not 0 < limit < np.inf:
        raise InputError(f"limit must be a length above 0, got {limit}")
    options = replace(options or Options(preset="fast", resolution=RESOLUTION), **changes)
    if options.preset == "paper":
        raise InputError("cleaning needs a preset that measures the spacing of the points, got paper: use another")
    result = reconstruct(cloud, options, progress=progress)
    spacing, noise = (float(result.report["surface"][key]) for key in ("spacing", "noise_estimate"))
    judge = _Judge(result, options.resolution)
    scores = judge.scores(cloud.points, limit)
    return CleanedScan(cloud, scores, judge.radius(cloud.points, scores), spacing, noise, result.field, result.report)


class _Judge:
    """h and its bounds, for one reconstruction."""

    def __init__(self, result: Reconstruction, resolution: int) -> None:
        self.result, self.filled = result, result.scores.inner == np.inf
        self.cell = math.sqrt(3) * float(np.ptp(result.field.bounds, axis=0).max()) / (resolution - 2)
        self.tree = cKDTree(result.mesh.vertices)

    def scores(self, points: FloatArray, limit: float | None) -> Scores:
        """h with the sign of f, and the limits."""
        given = self.result.scores
        values, finite = given.values.copy(), np.isfinite(given.values)
        values[finite] = np.copysign(self._h(points[finite], values[finite]), values[finite])
        if limit is None:
            return replace(given, values=values)
        return Scores(values, limit, np.inf if self.filled else limit)

    def radius(self, points: FloatArray, scores: Scores) -> FloatArray:
        radius, field = np.zeros(len(points)), self.result.field
        near = ~scores.outliers
        near[near] = np.abs(field.frame.to_unit(points[near])).max(axis=1, initial=0.0) < FARTHEST
        if near.any():
            values, error = field.certified(points[near])
            grain = 1e-12 * float(np.abs(points[near]).max() + np.abs(field.bounds).max())  # of the distances to vertices
            room = scores.limit - self._h(points[near], values) - error - grain
            radius[near] = np.maximum(room, 0)
        return radius

    def _h(self, points: FloatArray, f: FloatArray) -> FloatArray:
        return f if self.filled else np.maximum(np.abs(f), self.tree.query(points, workers=-1)[0] - self.cell)
