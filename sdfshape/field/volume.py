"""How much is inside: certified bounds by an octree.

Cells proven to be inside count below and above, cells proven to be outside count neither, the rest counts above. The estimate takes of an
undecided cell the share that a plane at the distance f from its centre would cut off, about.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..types import FloatArray
from .clearance import placed
from .prune import CORNERS

if TYPE_CHECKING:
    from .certified import CertifiedField

FIRST = 16  # cells along the longest side
MOST_CELLS = 1_000_000  # at once
SUM_ERROR = 1e-12  # relative: of counting cells and of their size


@dataclass(frozen=True)
class VolumeInterval:
    """lower, upper : certified, world units cubed.   estimate : between them.   evaluations : spent."""

    lower: float
    upper: float
    estimate: float
    evaluations: int


def volume_interval(field: CertifiedField, share: float) -> VolumeInterval:
    """As `CertifiedField.volume_interval`. What is inside lies in the bounds."""
    lo, hi = field.bounds
    side = float((hi - lo).max()) / FIRST
    counts = [max(1, math.ceil(length / side)) for length in hi - lo]
    corners = lo + side * np.indices(counts).reshape(3, -1).T
    inside, evaluations = 0.0, 0
    while True:
        values, error = placed(field, corners + side / 2)
        evaluations += len(values)
        reach = field.lipschitz_bound * math.sqrt(3) / 2 * side * (1 + 1e-12) + error
        inside += float((values < -reach).sum()) * side**3
        unknown = np.abs(values) <= reach
        left = float(unknown.sum()) * side**3
        if left <= share * (inside + left / 2) or 8 * unknown.sum() > MOST_CELLS or not unknown.any():
            cut = float(np.clip(0.5 - values[unknown] / side, 0, 1).sum()) * side**3
            return VolumeInterval(inside * (1 - SUM_ERROR), (inside + left) * (1 + SUM_ERROR), inside + cut, evaluations)
        corners, side = _octants(corners[unknown], side / 2), side / 2


def _octants(corners: FloatArray, side: float) -> FloatArray:
    return (corners[:, None] + side * CORNERS).reshape(-1, 3)
