"""Drop what cannot be a point of a surface: rows that are not finite, exact duplicates, outliers. Refuse clouds without a volume."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .errors import DegenerateCloudError
from .outliers import find_outliers
from .types import FloatArray, IntArray, PointCloud

MINIMUM_POINTS = 100
LARGEST_COORDINATE = 1e100  # squares and sums of such numbers still fit into float64
FLATNESS = 1e-6  # thickness / length below which a cloud counts as flat or straight: float32 files carry ~1e-7 of noise


@dataclass(frozen=True)
class Dropped:
    """How many rows were dropped, by reason, of those that were looked at."""

    looked_at: int = 0
    non_finite: int = 0
    duplicates: int = 0
    outliers: int = 0

    @property
    def stray_share(self) -> float:
        """Of the different finite points that were looked at, how many were outliers."""
        return self.outliers / max(1, self.looked_at - self.non_finite - self.duplicates)


def clean(cloud: PointCloud, *, keep_outliers: bool = False) -> tuple[PointCloud, Dropped]:
    """The rows that are finite, not exact duplicates of an earlier row, and no outliers, in their order, and how many were not.

    Outliers are kept if fewer than 100 points would remain.

    Raises
    ------
    DegenerateCloudError    fewer than 100 points remain, or they are all equal, on one line, or in one plane
    """
    finite = np.isfinite(cloud.points).all(axis=1)
    kept = cloud if finite.all() else cloud[finite]
    first = distinct_rows(kept.points)
    dropped = Dropped(looked_at=len(cloud), non_finite=int((~finite).sum()), duplicates=len(kept) - len(first))
    if dropped.duplicates:
        kept = kept[first]
    _refuse_degenerate(kept.points, len(cloud), dropped)
    if keep_outliers:
        return kept, dropped
    stray = find_outliers(kept.points)
    if not stray.any() or (~stray).sum() < MINIMUM_POINTS:
        return kept, dropped
    dropped = replace(dropped, outliers=int(stray.sum()))
    _refuse_degenerate(kept.points[~stray], len(cloud), dropped)
    return kept[~stray], dropped


def distinct_rows(points: FloatArray) -> IntArray:
    """Indices of the points (n, 3) that repeat no earlier one, rising."""
    return np.sort(np.unique(points, axis=0, return_index=True)[1])


def _refuse_degenerate(points: FloatArray, came: int, dropped: Dropped) -> None:
    if dropped.duplicates and len(points) == 1:
        raise DegenerateCloudError(f"points must spread over a volume, all {came - dropped.non_finite} are equal: check the file's columns")
    if len(points) < MINIMUM_POINTS:
        raise DegenerateCloudError(
            f"a cloud must have at least {MINIMUM_POINTS} different finite points, got {len(points)} "
            f"({came} rows, {dropped.non_finite} not finite, {dropped.duplicates} duplicates): "
            + ("check the file's columns" if 2 * dropped.non_finite > came else "use a denser scan")
        )
    largest = float(np.abs(points).max())
    if largest > LARGEST_COORDINATE:
        raise DegenerateCloudError(f"coordinates must be below {LARGEST_COORDINATE:g}, got {largest:g}: check the file's units")
    extent = (points.max(axis=0) - points.min(axis=0)).max()
    centred = (points - points.mean(axis=0)) / extent
    size = np.linalg.svd(centred.T @ centred / len(points), compute_uv=False) ** 0.5  # standard deviations, falling
    if size[1] < FLATNESS * size[0]:
        raise DegenerateCloudError(f"points must spread over a volume, these {len(points)} lie on one line: check the file's columns")
    if size[2] < FLATNESS * size[0]:
        raise DegenerateCloudError(f"points must spread over a volume, these {len(points)} lie in one plane: scan it from more sides")
