"""How low a field can be over whole boxes, balls, segments and triangles: proven from a few values, by splitting where needed.

Lemma. A piece within the distance r of its centre c has f >= f(c) - L r - e all over it, and its least value is at most f(c) + e.
(Middles are rounded: a piece may stand beside where it should by a grain of its coordinates for every split, 64 at most: L times that is
counted as an error too.) `least_over` splits the pieces whose lower bound is not yet near the least value found: what it returns holds at
any moment, so a budget of evaluations costs tightness, never truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from ..errors import InputError
from ..types import FloatArray, IntArray, Mesh, as_points

if TYPE_CHECKING:
    from .certified import CertifiedField

TOLERANCE = 1e-3  # of the longest side of the bounds
MOST_PIECES = 2_000_000  # evaluations of one search
OUTWARD = 1 + 1e-14  # rounding of radii
SPLITS = 64  # more, and a piece is smaller than a grain of its coordinates


def placed(field: Bounded, points: FloatArray) -> tuple[FloatArray, float]:
    """`certified`, whose error also allows for places that are off by `SPLITS` grains of the largest coordinate."""
    values, error = field.certified(points)
    return values, error + field.lipschitz_bound * SPLITS * 2.0**-52 * float(np.abs(points).max(initial=0))


class Bounded(Protocol):
    """What `least_over` needs to know of a function; a `CertifiedField` is one."""

    @property
    def lipschitz_bound(self) -> float: ...
    @property
    def bounds(self) -> FloatArray: ...
    def certified(self, points_world: FloatArray) -> tuple[FloatArray, float]: ...


class Pieces(Protocol):
    """Parts of shapes.   owner : (k,) the shape of each.   centres : (k, 3).   radii : (k,)."""

    @property
    def owner(self) -> IntArray: ...
    @property
    def centres(self) -> FloatArray: ...
    @property
    def radii(self) -> FloatArray: ...
    def split(self, rows: np.ndarray) -> Self:
        """The pieces in a mask, each cut into smaller ones that cover it."""
        ...


@dataclass(frozen=True, eq=False)
class _Ended:
    """start, end : (k, 3), the places of each piece that are farthest apart."""

    owner: IntArray
    start: FloatArray
    end: FloatArray

    @property
    def centres(self) -> FloatArray:
        return (self.start + self.end) / 2

    @property
    def radii(self) -> FloatArray:
        return np.linalg.norm(self.end - self.start, axis=1) / 2


class Segments(_Ended):
    """From start to end."""

    @classmethod
    def between(cls, start: FloatArray, end: FloatArray) -> Self:
        a, b = _pair(start, end, "start", "end")
        return cls(np.arange(len(a)), a, b)

    def split(self, rows: np.ndarray) -> Self:
        middle = self.centres[rows]
        start, end = np.concatenate([self.start[rows], middle]), np.concatenate([middle, self.end[rows]])
        return type(self)(np.tile(self.owner[rows], 2), start, end)


class Boxlike(_Ended):
    """start : the lowest corner.   end : the highest."""

    @classmethod
    def between(cls, lo: FloatArray, hi: FloatArray) -> Self:
        a, b = _pair(lo, hi, "lo", "hi")
        if (a > b).any():
            raise InputError(f"lo must not be above hi, it is in {int((a > b).any(axis=1).sum())} of {len(a)} boxes")
        return cls(np.arange(len(a)), a, b)

    def split(self, rows: np.ndarray) -> Self:
        """Halves of the longest side."""
        lo, hi = self.start[rows], self.end[rows]
        axis, each = np.argmax(hi - lo, axis=1), np.arange(len(lo))
        middle = (lo[each, axis] + hi[each, axis]) / 2
        first_hi, second_lo = hi.copy(), lo.copy()
        first_hi[each, axis] = second_lo[each, axis] = middle
        return type(self)(np.tile(self.owner[rows], 2), np.concatenate([lo, second_lo]), np.concatenate([first_hi, hi]))


@dataclass(frozen=True, eq=False)
class Triangles:
    """corners : (k, 3, 3)."""

    owner: IntArray
    corners: FloatArray

    @classmethod
    def of(cls, mesh: Mesh) -> Self:
        if not len(mesh.faces):
            raise InputError("a mesh must have faces to collide, got none")
        return cls(np.zeros(len(mesh.faces), np.int64), mesh.vertices[mesh.faces])

    @property
    def centres(self) -> FloatArray:
        return self.corners.mean(axis=1)

    @property
    def radii(self) -> FloatArray:
        return np.linalg.norm(self.corners - self.centres[:, None], axis=2).max(axis=1)

    def split(self, rows: np.ndarray) -> Self:
        """Halves of the longest edge."""
        some = self.corners[rows]
        longest = np.linalg.norm(np.roll(some, -1, axis=1) - some, axis=2).argmax(axis=1)
        turned = some[np.arange(len(some))[:, None], (longest[:, None] + np.arange(3)) % 3]  # the longest edge first
        middle = (turned[:, 0] + turned[:, 1]) / 2
        a, b = turned.copy(), turned.copy()
        a[:, 1] = b[:, 0] = middle
        return type(self)(np.tile(self.owner[rows], 2), np.concatenate([a, b]))


@dataclass(frozen=True, eq=False)
class Least:
    """lower, upper : (m,) certified bounds of the least f over each shape.   places : (m, 3) where `upper` was found.
    evaluations : spent.
    """

    lower: FloatArray
    upper: FloatArray
    places: FloatArray
    evaluations: int

    def free(self, margin: float = 0.0) -> np.ndarray:
        """(m,) proven: f >= margin all over the shape."""
        return self.lower >= margin

    def touches(self, margin: float = 0.0) -> np.ndarray:
        """(m,) proven: f < margin somewhere on the shape. Neither free nor touching: undecided, within the tolerance."""
        return self.upper < margin


def least_over(field: Bounded, pieces: Pieces, *, tolerance: float | None = None, enough: float | None = None) -> Least:
    """Bounds of the least f over the shapes that the pieces cover, no farther apart than `tolerance`, or on one side of `enough`."""
    tolerance = tolerance_of(field, tolerance)
    count = int(pieces.owner.max(initial=-1)) + 1
    closed, upper, places = np.full(count, np.inf), np.full(count, np.inf), np.zeros((count, 3))
    evaluations, constant = 0, field.lipschitz_bound
    while len(pieces.owner):
        centres, owner = pieces.centres, pieces.owner
        values, error = placed(field, centres)
        evaluations += len(values)
        lower = values - constant * pieces.radii * OUTWARD - error
        order = np.argsort(values)[::-1]  # the least of each owner comes last, and stays
        better = order[values[order] + error < upper[owner[order]]]
        upper[owner[better]], places[owner[better]] = values[better] + error, centres[better]
        known = np.minimum(closed, _least_of(owner, lower, count))
        open_ = lower < upper[owner] - max(tolerance, 4 * error)
        if enough is not None:
            open_ &= ((known < enough) & (upper >= enough))[owner] & (lower < enough)
        if evaluations + 2 * open_.sum() > MOST_PIECES:
            open_[:] = False
        closed = np.minimum(closed, _least_of(owner[~open_], lower[~open_], count))
        pieces = pieces.split(open_)
    return Least(closed, upper, places, evaluations)


def tolerance_of(field: Bounded, asked: float | None) -> float:
    """What was asked for, or TOLERANCE of the size; raises InputError unless it is above 0."""
    tolerance = TOLERANCE * float(np.ptp(field.bounds, axis=0).max()) if asked is None else asked
    if not tolerance > 0:
        raise InputError(f"tolerance must be a length above 0, got {tolerance}")
    return tolerance


def _least_of(owner: IntArray, values: FloatArray, count: int) -> FloatArray:
    out = np.full(count, np.inf)
    np.minimum.at(out, owner, values)
    return out


def box_bounds(field: CertifiedField, lo: FloatArray, hi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(m,) certified lower and upper bounds of f over boxes, from one evaluation each."""
    boxes = Boxlike.between(lo, hi)
    values, error = placed(field, boxes.centres)
    reach = field.lipschitz_bound * boxes.radii * OUTWARD + error
    return values - reach, values + reach


def sphere_clearance(field: CertifiedField, centre: FloatArray, radius: FloatArray | float) -> FloatArray:
    """(m,) certified lower bounds of f over balls."""
    centres = as_points(np.atleast_2d(centre), "centre")
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(centres),))
    if not ((radii >= 0) & np.isfinite(radii)).all():
        raise InputError("radius must be a finite length, 0 or above, for every centre")
    values, error = placed(field, centres)
    return values - field.lipschitz_bound * radii * OUTWARD - error


def _pair(a: FloatArray, b: FloatArray, first: str, second: str) -> tuple[FloatArray, FloatArray]:
    one, two = as_points(np.atleast_2d(a), first), as_points(np.atleast_2d(b), second)
    if one.shape != two.shape:
        raise InputError(f"{first} and {second} must have as many rows, got {len(one)} and {len(two)}")
    return one, two
