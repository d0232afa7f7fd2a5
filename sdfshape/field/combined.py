"""Fields made of fields: moved, offset, united, cut. All are as Lipschitz as what they are made of.

Theorem. Let f and g be L-Lipschitz. Then so are f - d, -f, max(f, g) and min(f, g): |max(a, b) - max(a', b')| <= max(|a - a'|, |b - b'|).
With the rotation Q, f(Q^T (x - t)) is L |Q|_2-Lipschitz. Errors: those of max and min are at most the larger one; a moved place is off by
at most |Q|_2 gamma_6 (|x| + |t|) (Higham 2002, section 3.1), and f by L times that.

Signs are those of the union, the intersection, the difference. The values are bounds of the distance, and not always the distance: inside
of a union, and outside of an intersection beside its edges, |f| falls short of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import InputError
from ..types import FloatArray, as_points
from .certified import CertifiedField

GRAIN = 2.0**-53
ORTHONORMAL = 1e-9  # how far Q^T Q may be from the identity


@dataclass(frozen=True, eq=False)
class Offset(CertifiedField):
    """f - distance."""

    field: CertifiedField
    distance: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.distance):
            raise InputError(f"an offset must be a finite length, got {self.distance}")

    @property
    def lipschitz_bound(self) -> float:
        return self.field.lipschitz_bound

    @property
    def bounds(self) -> FloatArray:
        return self.level_box(0.0)

    def level_box(self, distance: float) -> FloatArray:
        """That of the field, for both distances."""
        return self.field.level_box(distance + self.distance)

    @property
    def float32_error(self) -> float:
        return self.field.float32_error

    def certified(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        values, error = self.field.certified(points_world)
        rounding = GRAIN * (float(np.abs(values).max(initial=0)) + abs(self.distance))
        return values - self.distance, error + 2 * rounding

    def value_and_gradient(self, points_world: FloatArray) -> tuple[FloatArray, FloatArray]:
        values, gradients = self.field.value_and_gradient(points_world)
        return values - self.distance, gradients


@dataclass(frozen=True, eq=False)
class Moved(CertifiedField):
    """f(Q^T (x - t)).   rotation : Q (3, 3).   translation : t (3,), world units."""

    field: CertifiedField
    rotation: FloatArray
    translation: FloatArray

    def __post_init__(self) -> None:
        q, t = as_points(self.rotation, "rotation"), as_points(np.atleast_2d(self.translation), "translation")
        if q.shape != (3, 3) or np.abs(q.T @ q - np.eye(3)).max() > ORTHONORMAL or len(t) != 1:
            raise InputError("a move must be an orthonormal (3, 3) rotation and a (3,) translation: scale the scan instead")
        object.__setattr__(self, "rotation", q)
        object.__setattr__(self, "translation", t[0])

    @cached_property
    def _norm(self) -> float:
        return float(np.linalg.norm(self.rotation, 2)) * (1 + 1e-13)

    @property
    def lipschitz_bound(self) -> float:
        return self.field.lipschitz_bound * self._norm

    @property
    def bounds(self) -> FloatArray:
        return self.level_box(0.0)

    def level_box(self, distance: float) -> FloatArray:
        """The box of the moved corners of that of the field, larger by what the rotation may be off and by rounding."""
        box = self.field.level_box(distance)
        corners = np.stack(np.meshgrid(*box.T, indexing="ij"), -1).reshape(-1, 3) @ self.rotation.T + self.translation
        size = float(np.abs(box).max()) + float(np.abs(self.translation).max())
        grow = 4 * ORTHONORMAL * float(np.abs(box).max()) + 16 * GRAIN * size
        return np.stack([corners.min(axis=0) - grow, corners.max(axis=0) + grow])

    @property
    def float32_error(self) -> float:
        return self.field.float32_error

    def certified(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        points = as_points(points_world)
        values, error = self.field.certified(self._back(points))
        size = float(np.linalg.norm(points, axis=1).max(initial=0)) + float(np.linalg.norm(self.translation))
        return values, error + self.lipschitz_bound * 8 * GRAIN * size

    def value_and_gradient(self, points_world: FloatArray) -> tuple[FloatArray, FloatArray]:
        values, gradients = self.field.value_and_gradient(self._back(as_points(points_world)))
        return values, gradients @ self.rotation.T

    def _back(self, points: FloatArray) -> FloatArray:
        return (points - self.translation) @ self.rotation


@dataclass(frozen=True, eq=False)
class _Chosen(CertifiedField):
    """At every place the value of one of the fields, with a sign: the largest, or the least.

    chosen_box : of the boxes (k, 2, 3) that hold {f_j <= distance}, the one that holds this field's.
    """

    fields: tuple[CertifiedField, ...]
    signs: tuple[float, ...]
    choose: Callable[..., FloatArray]
    chosen_box: Callable[[FloatArray], FloatArray]

    @property
    def lipschitz_bound(self) -> float:
        return max(field.lipschitz_bound for field in self.fields)

    @property
    def bounds(self) -> FloatArray:
        return self.level_box(0.0)

    def level_box(self, distance: float) -> FloatArray:
        return self.chosen_box(np.stack([field.level_box(distance) for field in self.fields]))

    @property
    def float32_error(self) -> float:
        return max(field.float32_error for field in self.fields)

    def certified(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        found = [field.certified(points_world) for field in self.fields]
        values = np.stack([sign * f for sign, (f, _) in zip(self.signs, found, strict=True)])
        return self.choose(values, axis=0), max(error for _, error in found)

    def value_and_gradient(self, points_world: FloatArray) -> tuple[FloatArray, FloatArray]:
        found = [field.value_and_gradient(points_world) for field in self.fields]
        values = np.stack([sign * f for sign, (f, _) in zip(self.signs, found, strict=True)])
        slopes = np.stack([sign * g for sign, (_, g) in zip(self.signs, found, strict=True)])
        chosen, rows = (values == self.choose(values, axis=0)).argmax(axis=0), np.arange(values.shape[1])
        return values[chosen, rows], slopes[chosen, rows]


def union(*fields: CertifiedField) -> CertifiedField:
    """Inside of any: min."""
    return _Chosen(_some(fields), (1.0,) * len(fields), np.min, lambda b: np.stack([b[:, 0].min(axis=0), b[:, 1].max(axis=0)]))


def intersection(*fields: CertifiedField) -> CertifiedField:
    """Inside of all: max. Raises InputError if their bounds do not meet: there is nothing inside."""
    both = _Chosen(_some(fields), (1.0,) * len(fields), np.max, lambda b: np.stack([b[:, 0].max(axis=0), b[:, 1].min(axis=0)]))
    if (both.bounds[0] >= both.bounds[1]).any():
        raise InputError("an intersection must have an inside, the bounds of these fields do not meet")
    return both


def difference(field: CertifiedField, *others: CertifiedField) -> CertifiedField:
    """Inside of the first and of none of the others: max(f, -g, ...)."""
    return _Chosen(_some((field, *others)), (1.0, *(-1.0 for _ in others)), np.max, lambda b: b[0])


def _some(fields: tuple[CertifiedField, ...]) -> tuple[CertifiedField, ...]:
    if not fields or not all(isinstance(field, CertifiedField) for field in fields):
        raise InputError(f"fields must be certified ones, one at least, got {[type(field).__name__ for field in fields]}")
    return fields
