"""Fields in closed form, to cut and to join scans with: their values are the distances."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..types import FloatArray, as_points
from .certified import CertifiedField

GRAINS = 32 * 2.0**-53  # of the largest length that takes part: more than the dozen operations below can lose


@dataclass(frozen=True, eq=False)
class _Solid(CertifiedField):
    """1-Lipschitz, as distances are."""

    @property
    def lipschitz_bound(self) -> float:
        return 1.0

    @property
    def float32_error(self) -> float:
        """Computed in float64: about nothing."""
        return 2 * GRAINS * float(np.abs(self.bounds).max())

    def certified(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        points = as_points(points_world)
        largest = float(np.abs(points).max(initial=0)) + float(np.abs(self.bounds).max())
        return self._distance(points)[0], GRAINS * largest

    def value_and_gradient(self, points_world: FloatArray) -> tuple[FloatArray, FloatArray]:
        return self._distance(as_points(points_world))

    @abstractmethod
    def _distance(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The distance (m,) and its gradient (m, 3)."""


@dataclass(frozen=True, eq=False)
class Sphere(_Solid):
    """centre : (3,).   radius : above 0. World units."""

    centre: tuple[float, float, float]
    radius: float

    def __post_init__(self) -> None:
        as_points([self.centre], "centre")
        if not (np.isfinite(self.radius) and self.radius > 0):
            raise InputError(f"radius must be a finite length above 0, got {self.radius}")

    @property
    def bounds(self) -> FloatArray:
        return np.asarray(self.centre) + np.array([[-1.0], [1.0]]) * self.radius

    def _distance(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        way = points - self.centre
        length = np.linalg.norm(way, axis=1)
        return length - self.radius, way / np.maximum(length, 1e-300)[:, None]


@dataclass(frozen=True, eq=False)
class Box(_Solid):
    """lo, hi : (3,) corners, lo below hi. World units."""

    lo: tuple[float, float, float]
    hi: tuple[float, float, float]

    def __post_init__(self) -> None:
        lo, hi = as_points([self.lo, self.hi], "lo and hi")
        if (lo >= hi).any():
            raise InputError(f"lo must be below hi, got {tuple(self.lo)} and {tuple(self.hi)}")

    @property
    def bounds(self) -> FloatArray:
        return np.array([self.lo, self.hi], dtype=np.float64)

    def _distance(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        lo, hi = self.bounds
        q, side = np.maximum(lo - points, points - hi), np.where(points > (lo + hi) / 2, 1.0, -1.0)
        out, deepest = np.maximum(q, 0), q.argmax(axis=1)
        length = np.linalg.norm(out, axis=1)
        inside = np.eye(3)[deepest]
        slope = side * np.where((length > 0)[:, None], out / np.maximum(length, 1e-300)[:, None], inside)
        return length + np.minimum(q.max(axis=1), 0), slope
