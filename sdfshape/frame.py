"""The one door between world units (outside) and the unit frame (inside).

x_unit = (x_world - centre) / scale. In the unit frame the cloud is centred and its longest half-extent is HALF_EXTENT, so that the
domain B = [-1, 1]^3 leaves room around it. A similarity without rotation: normals are unchanged, distances carry the factor `scale`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from .errors import DegenerateCloudError
from .types import FloatArray

HALF_EXTENT = 0.8
GRAIN = 2.0**-53  # unit roundoff of float64
PAD = 0.05  # unit frame: how far outside the cloud the outer walls of a field stand


@dataclass(frozen=True)
class Frame:
    """centre : (3,) float64, world.   scale : float > 0, world length of one unit-frame length."""

    centre: tuple[float, float, float]
    scale: float

    @classmethod
    def from_points(cls, points_world: FloatArray) -> Self:
        """The frame of a cloud (n, 3): middle of its box, longest half-extent 0.8. Raises DegenerateCloudError for a box of size 0."""
        lo, hi = points_world.min(axis=0), points_world.max(axis=0)
        with np.errstate(over="ignore"):
            scale = float((hi - lo).max() / 2 / HALF_EXTENT)
        if not (0 < scale < np.inf):
            raise DegenerateCloudError(f"points must spread over a finite box, its longest side is {2 * HALF_EXTENT * scale:g}")
        return cls(tuple(float(c) for c in lo + (hi - lo) / 2), scale)  # type: ignore[arg-type]

    def to_unit(self, points_world: FloatArray) -> FloatArray:
        """(m, 3) world -> (m, 3) unit, float64."""
        return (np.asarray(points_world, dtype=np.float64) - self.centre) / self.scale

    def to_world(self, points_unit: FloatArray) -> FloatArray:
        """(m, 3) unit -> (m, 3) world, float64."""
        return np.asarray(points_unit, dtype=np.float64) * self.scale + self.centre

    def rounding(self, points_world: FloatArray) -> float:
        """Proven bound of how far `to_unit`, in float64, puts any of the places (m, 3) from where it is, as a world length."""
        return 4 * GRAIN * (float(np.abs(points_world).max(initial=0)) + max(abs(c) for c in self.centre)) * 3**0.5

    def length_to_world(self, length_unit):  # type: ignore[no-untyped-def]
        """A length, distance or array of them, unit -> world."""
        return length_unit * self.scale

    def length_to_unit(self, length_world):  # type: ignore[no-untyped-def]
        """A length, distance or array of them, world -> unit."""
        return length_world / self.scale
