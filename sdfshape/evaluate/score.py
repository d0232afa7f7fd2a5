"""The trained one-class score of points: which of those that came belong to the surface.

The score is the networks' signed distance (OCSDF: the score of the one-class classifier). Cleaning before the training sees only how
points stand to each other; the surface knows better, because it goes where many points agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..field import SignedDistanceField
from ..types import FloatArray

MEDIAN_TO_SIGMA = 1.4826  # of |x|, x Gaussian
OFF_SPACINGS, OFF_SIGMAS = 1.5, 4.0  # farther from the surface than both is an outlier


@dataclass(frozen=True, eq=False)
class Scores:
    """values : (n,) signed distance to the trained surface, world units, nan for rows that are not finite.
    limit : farther outside than this a point is an outlier, world units.   inner : the same inside; infinite where it may have been filled.
    """

    values: FloatArray
    limit: float
    inner: float

    @property
    def outliers(self) -> np.ndarray:
        """(n,) bool: off the surface by more than the limit, or not finite."""
        return ~((self.values <= self.limit) & (self.values >= -self.inner))


def one_class_scores(field: SignedDistanceField, points: FloatArray, *, spacing: float, noise: float, filled: bool) -> Scores:
    """Scores of points (n, 3), world units. spacing, noise : of the cloud that was trained on.
    filled : whether hidden faces may lie deep inside, as in a wrap. Of a closed surface the noise of these points is measured once more:
    averages that were trained on are less noisy than what they stand for.

    The networks alone are asked (`mosaic_unit`): far from the surface their values are too small, but not that small.
    """
    finite = np.isfinite(points).all(axis=1)
    values = np.full(len(points), np.nan)
    values[finite] = field.frame.length_to_world(field.mosaic_unit(field.frame.to_unit(points[finite])).astype(np.float64))
    if not filled and finite.any():
        noise = max(noise, MEDIAN_TO_SIGMA * float(np.median(np.abs(values[finite]))))
    limit = max(OFF_SPACINGS * spacing, OFF_SIGMAS * noise)
    limit = limit if np.isfinite(limit) else float("inf")  # the paper's recipe measures no spacing
    return Scores(values, limit, float("inf") if filled else limit)
