"""`CertifiedField`: what can be asked of any proven Lipschitz function that is negative inside of something.

Let f be L-Lipschitz, computed as `certified` with a proven error e, and S = {f = 0}. All that is certified here follows from one line,
    |f(x) - f(y)| <= L |x - y|,
and from continuity: between places of different sign there is a place of S. Values of `__call__` and of `gradient` are computed in
float32, and are estimates; whatever says certified is computed in float64 and allows for e.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from ..errors import InputError
from ..frame import Frame
from ..types import FloatArray, IntArray, Mesh, as_points
from .grid import Grid
from .prune import active_cells

if TYPE_CHECKING:
    from .clearance import Least
    from .combined import Moved, Offset
    from .contact import Contact
    from .nearest import Projection
    from .volume import VolumeInterval

NEAR_CELLS = 64  # along the longest side of the bounds: how finely the surface is known for a first guess of the nearest point


def require_certified(field: object, task: str) -> None:
    """Raises InputError for a function of which no Lipschitz bound is known: `task` would be wrong without one."""
    if not isinstance(field, CertifiedField):
        raise InputError(
            f"{task} needs a proven Lipschitz bound, {type(field).__name__} has none: take its mesh with sdfshape.baselines.extract_level"
        )


class CertifiedField(ABC):
    """A proven Lipschitz function of places (m, 3), world units: f < 0 inside, f > 0 outside, and outside of `bounds`."""

    @property
    @abstractmethod
    def lipschitz_bound(self) -> float:
        """L, proven."""

    @property
    @abstractmethod
    def bounds(self) -> FloatArray:
        """(2, 3) corners of a box that holds everything inside, and S."""

    @property
    @abstractmethod
    def float32_error(self) -> float:
        """Estimated |f in float32 - f|, world units."""

    @abstractmethod
    def certified(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        """f (m,) in float64 and a proven bound of its error, world units."""

    @abstractmethod
    def value_and_gradient(self, points_world: FloatArray) -> tuple[FloatArray, FloatArray]:
        """f (m,) and its gradient (m, 3), float64 arrays of float32 precision, world units."""

    def __call__(self, points_world: FloatArray) -> FloatArray:
        """f (m,) of places (m, 3), in float32 (see `float32_error`)."""
        return self.value_and_gradient(points_world)[0]

    def level_box(self, distance: float) -> FloatArray:
        """(2, 3) corners of a box that holds {f <= distance}: f is at least as large as a place is beyond the bounds along an axis."""
        grow = max(distance, 0.0)
        return np.stack([self.bounds[0] - grow, self.bounds[1] + grow])

    # --- the frame in which extraction and rendering work

    @cached_property
    def frame(self) -> Frame:
        """The unit frame of the bounds."""
        return Frame.from_points(self.bounds)

    @property
    def box_unit(self) -> tuple[FloatArray, FloatArray]:
        """Corners of the bounds, unit frame."""
        lo, hi = self.frame.to_unit(self.bounds)
        return lo, hi

    @cached_property
    def float32_error_unit(self) -> float:
        """Estimated |f in float32 - f|, unit frame."""
        return self.frame.length_to_unit(self.float32_error)

    def evaluate_unit(self, points_unit: FloatArray) -> FloatArray:
        """(m, 3) unit frame -> (m,) unit frame: the door used by extraction and rendering."""
        return self.frame.length_to_unit(self(self.frame.to_world(points_unit)))

    def value_and_gradient_unit(self, points_unit: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(m, 3) unit frame -> values (m,), unit frame, and gradients (m, 3)."""
        values, gradients = self.value_and_gradient(self.frame.to_world(points_unit))
        return self.frame.length_to_unit(values), gradients

    def same_surface_unit(self, points_unit: FloatArray) -> FloatArray:
        """As `evaluate_unit`, of a function with the same zero set, the same constant, and at most the same values, if one is cheaper."""
        return self.evaluate_unit(points_unit)

    @cached_property
    def surface_cells_unit(self) -> tuple[FloatArray, float]:
        """Centres (k, 3) of balls that hold all of S, and their radius, unit frame: cells that pruning in float32 keeps."""
        lo, hi = self.box_unit
        grid = Grid.over(lo, hi, NEAR_CELLS)
        cells = active_cells(self.same_surface_unit, grid, lipschitz=self.lipschitz_bound, slack=self.float32_error_unit).cells
        return grid.node_position(cells + 0.5), math.sqrt(3) / 2 * grid.spacing * (1 + 1e-9)

    @cached_property
    def near_surface(self) -> cKDTree:
        """Tree of the centres, world units, so that every place of S is near one."""
        return cKDTree(self.frame.to_world(self.surface_cells_unit[0]))

    # --- plain queries

    def gradient(self, points_world: FloatArray) -> FloatArray:
        """Gradient (m, 3) of f: dimensionless, length at most L, and near 1 where f is a true distance."""
        return self.value_and_gradient(points_world)[1]

    def normal(self, points_world: FloatArray) -> FloatArray:
        """(m, 3) the direction of the gradient: away from the surface outside, towards it inside; zero where the gradient is."""
        gradient = self.gradient(points_world)
        return gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-300)

    def contains(self, points_world: FloatArray) -> np.ndarray:
        """(m,) bool: f < 0, in float64; proven wherever |f| is above the error of `certified`."""
        return self.certified(points_world)[0] < 0

    def project(self, points_world: FloatArray, *, steps: int = 32) -> Projection:
        """Newton's way from places (m, 3) to the surface, and where it did not arrive."""
        from .nearest import project

        return project(self, as_points(points_world), steps)

    def closest_point(self, points_world: FloatArray) -> Projection:
        """Places of the surface that are about as near to places (m, 3) as any: an estimate from above."""
        from .nearest import closest_point

        return closest_point(self, as_points(points_world))

    # --- certified queries

    def distance_interval(self, points_world: FloatArray, *, steps: int = 24, tightness: float = 0.9) -> tuple[FloatArray, FloatArray]:
        """Certified (lower, upper), each (m,), of the distance of places (m, 3) to the surface S, world units.

        lower : (|f(x)| - e)+ / L, or more where `tighten` proves it: it works until lower >= tightness * upper, or gives up (about 200
        evaluations for a place beside the surface; tightness 0: none).   upper : |x - y| of a place y where f has the other sign beyond
        its error (`nearest`); infinity where none was found, or |f(x)| is below the error.   steps : of the search for such places.
        """
        from .nearest import distance_interval

        if not 0 <= tightness < 1:
            raise InputError(f"tightness must be in [0, 1), got {tightness}")
        return distance_interval(self, as_points(points_world), steps, tightness)

    def clearance_box(self, lo: FloatArray, hi: FloatArray) -> FloatArray | float:
        """Certified lower bound of f over whole boxes [lo, hi], (3,) or (m, 3), world units, from one evaluation each.

        Positive: every place of the box is at least that far outside the surface (L times, if L > 1). f(centre) - L half-diagonal - e.
        """
        from .clearance import box_bounds

        lower = box_bounds(self, lo, hi)[0]
        return float(lower[0]) if np.ndim(lo) == 1 else lower

    def clearance_sphere(self, centre: FloatArray, radius: FloatArray | float) -> FloatArray | float:
        """Certified lower bound of f over balls; centre (3,) or (m, 3), radius of each. f(centre) - L radius - e."""
        from .clearance import sphere_clearance

        lower = sphere_clearance(self, centre, radius)
        return float(lower[0]) if np.ndim(centre) == 1 else lower

    def clearance_segment(
        self, start: FloatArray, end: FloatArray, *, tolerance: float | None = None, enough: float | None = None
    ) -> FloatArray | float:
        """Certified lower bound of f over segments, (3,) or (m, 3) ends; bisected until it is within `tolerance` of the least value, or
        proven to be at least `enough`, or to be less.

        tolerance : world units, a thousandth of the size unless told.
        """
        from .clearance import Segments, least_over

        pieces = Segments.between(start, end)
        lower = least_over(self, pieces, tolerance=tolerance, enough=enough).lower
        return float(lower[0]) if np.ndim(start) == 1 else lower

    def classify_boxes(self, lo: FloatArray, hi: FloatArray) -> IntArray:
        """(m,) -1 for boxes [lo, hi] (m, 3) that are proven to be inside, 1 outside, 0 unknown; one evaluation each."""
        from .clearance import box_bounds

        lower, upper = box_bounds(self, lo, hi)
        return np.where(lower > 0, 1, np.where(upper < 0, -1, 0))

    def collides(self, shape: Mesh | tuple[FloatArray, FloatArray], margin: float = 0.0, *, tolerance: float | None = None) -> Least:
        """Certified bounds of the least f over the faces of a mesh, or over each of the boxes (lo, hi).

        `free(margin)` and `touches(margin)` of what comes say which shapes are proven to keep the margin, and which not to. A shape is its
        faces: one that encloses the whole surface without touching it is free (boxes are full).
        """
        from .clearance import Boxlike, Triangles, least_over

        pieces = Triangles.of(shape) if isinstance(shape, Mesh) else Boxlike.between(*shape)
        return least_over(self, pieces, tolerance=tolerance, enough=margin)

    def first_contact(self, path: FloatArray, radius: float = 0.0, *, tolerance: float | None = None) -> Contact:
        """How far a ball's centre may go along a polyline (k, 3) so that the ball is proven to stay outside of the surface."""
        from .contact import first_contact

        return first_contact(self, path, radius, tolerance)

    def volume_interval(self, *, share: float = 0.02) -> VolumeInterval:
        """Certified bounds of the volume of {f < 0}, and an estimate between; refined until the bounds are `share` of the volume apart, or
        the cells are too many.
        """
        from .volume import volume_interval

        if not 0 < share < 1:
            raise InputError(f"share must be in (0, 1), got {share}")
        return volume_interval(self, share)

    # --- other fields

    def offset(self, distance: float) -> Offset:
        """f - distance: larger by a positive distance (about; at least, nowhere more), smaller by a negative one."""
        from .combined import Offset

        return Offset(self, distance)

    def moved(self, rotation: FloatArray, translation: FloatArray | tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Moved:
        """The field carried along by x -> rotation x + translation; rotation (3, 3), orthonormal."""
        from .combined import Moved

        return Moved(self, rotation, np.asarray(translation))

    def __or__(self, other: CertifiedField) -> CertifiedField:
        from .combined import union

        return union(self, other)

    def __and__(self, other: CertifiedField) -> CertifiedField:
        from .combined import intersection

        return intersection(self, other)

    def __sub__(self, other: CertifiedField) -> CertifiedField:
        from .combined import difference

        return difference(self, other)
