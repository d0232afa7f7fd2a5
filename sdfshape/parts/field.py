"""The parts of a solid as fields: a place is in part k if it is in the solid and the classifier says k.

Theorem. Let f be the solid's field, g_1 ... g_K the outputs of a signed distance classifier, in world units, with all differences
L-Lipschitz, and side_k = max_(j != k) (g_j - g_k). Then p_k = max(f, side_k + gap / 2) is max(L, L_f)-Lipschitz: maxima of Lipschitz
functions are. {p_k < 0} lies in {side_k < 0}, where g_k is the only largest output, so for j != k {p_j < 0} and {p_k < 0} have no place in
common. With a gap > 0 they are at least gap / L apart: side_j + side_k >= (g_k - g_j) + (g_j - g_k) = 0 everywhere, so from a place with
side_k <= -gap / 2 to one with side_j <= -gap / 2 side_k rises by the gap at least. |p_k| / max(L, L_f) is at most the distance to the
boundary of part k.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from os import PathLike

import numpy as np
import torch

from ..classifier import SignedDistanceClassifier
from ..errors import InputError
from ..field import CertifiedField, SignedDistanceField
from ..field.signed_distance import ERROR_SAFETY, ERROR_SAMPLES, FARTHEST
from ..frame import GRAIN
from ..types import FloatArray, IntArray, as_points


@dataclass(frozen=True, eq=False)
class Parts:
    """solid : what the parts are parts of.   classifier : of places in the solid's unit frame.   gap : between parts, world units."""

    solid: SignedDistanceField
    classifier: SignedDistanceClassifier
    gap: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.gap) and self.gap >= 0):
            raise InputError(f"the gap between parts must be a length of at least 0, got {self.gap}")
        if self.classifier.dimension != 3:
            raise InputError(f"a classifier of parts must take places of 3 numbers, this one takes {self.classifier.dimension}")

    @property
    def labels(self) -> list[int]:
        """The labels of the parts, rising."""
        return [int(label) for label in self.classifier.classes]

    def __repr__(self) -> str:
        return f"Parts({', '.join(map(str, self.labels))}; gap {self.gap:.4g})"

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[int]:
        """The labels, as of a dictionary."""
        return iter(self.labels)

    def __getitem__(self, label: int) -> PartField:
        if label not in self.labels:
            raise InputError(f"a part must be one of {', '.join(map(str, self.labels))}, got {label}")
        return PartField(self, self.labels.index(label))

    def part_at(self, points_world: FloatArray) -> IntArray:
        """(m,) the label of the part that each place (m, 3) belongs to, or would if it were in the solid."""
        return self.classifier.predict(self._unit(points_world)[0])

    def certified_label_radius(self, points_world: FloatArray) -> FloatArray:
        """(m,) proven: no place nearer than this gets another label than `part_at` gives to the place itself. World units.

        What is asked is off from the place by the change of frame: that is taken off.
        """
        unit, moved = self._unit(points_world)
        return np.maximum(self.solid.frame.length_to_world(self.classifier.certified_radius(unit)) * (1 - 4 * GRAIN) - moved, 0)

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write solid and classifier as one FIELD.sdf; raises OutputError where it cannot."""
        from .files import save_parts

        save_parts(self, path, overwrite=overwrite)

    def _unit(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        """Places in the unit frame, and how far off they are, world units; raises InputError for places beyond all digits."""
        points = as_points(points_world)
        unit = self.solid.frame.to_unit(points)
        if not float(np.abs(unit).max(initial=0)) < FARTHEST:
            raise InputError(f"places must be within {self.solid.frame.length_to_world(FARTHEST):.3g} of the scan")
        return unit, self.solid.frame.rounding(points)


@dataclass(frozen=True, eq=False)
class PartField(CertifiedField):
    """p_k of one part, world units: negative inside of it.   index : of the classifier's output."""

    parts: Parts
    index: int

    @property
    def lipschitz_bound(self) -> float:
        return max(self.parts.solid.lipschitz_bound, self.parts.classifier.pair_bound)

    @property
    def bounds(self) -> FloatArray:
        return self.level_box(0.0)

    def level_box(self, distance: float) -> FloatArray:
        """That of the solid: p_k >= f."""
        return self.parts.solid.level_box(distance)

    @cached_property
    def float32_error(self) -> float:
        """The larger of the solid's and, measured in the same way, the classifier's."""
        x = np.random.default_rng(0).uniform(-1, 1, (ERROR_SAMPLES // 4, 3))
        single, double = (self.parts.classifier.scores(x, dtype) for dtype in (torch.float32, torch.float64))
        off = 2 * ERROR_SAFETY * float(np.abs(single - double).max())
        return max(self.parts.solid.float32_error, self.parts.solid.frame.length_to_world(off))

    def certified(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        points = as_points(points_world)
        if not len(points):
            return np.zeros(0), 0.0
        solid, solid_error = self.parts.solid.certified(points)
        side, side_error = self.certified_side(points)
        return np.maximum(solid, side + self.parts.gap / 2), max(solid_error, side_error + 2 * GRAIN * self.parts.gap)

    def certified_side(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        """side_k (m,) in float64 and a proven bound of its error, world units; below 0 only this part can be."""
        frame, classifier = self.parts.solid.frame, self.parts.classifier
        points = as_points(points_world)
        unit = frame.to_unit(points)
        side = self._side(classifier.scores(unit, torch.float64))
        network = 2 * classifier.rounding_error(float(np.linalg.norm(unit, axis=1).max()))
        error = frame.length_to_world(network) + classifier.pair_bound * frame.rounding(points)
        return frame.length_to_world(side), error + 4 * GRAIN * frame.length_to_world(float(np.abs(side).max()))

    def value_and_gradient(self, points_world: FloatArray) -> tuple[FloatArray, FloatArray]:
        solid, solid_slope = self.parts.solid.value_and_gradient(points_world)
        frame, unit = self.parts.solid.frame, self.parts.solid.frame.to_unit(as_points(points_world))
        own = np.full(len(unit), self.index)
        gap, slope = self.parts.classifier.gap_and_gradient(unit, own)
        side = self.parts.gap / 2 - frame.length_to_world(gap)
        return np.maximum(solid, side), np.where((solid >= side)[:, None], solid_slope, -slope)

    def __call__(self, points_world: FloatArray) -> FloatArray:
        """p_k (m,) of places (m, 3), in float32."""
        points = as_points(points_world)
        return self._raised(self.parts.solid(points), points)

    def same_surface_unit(self, points_unit: FloatArray) -> FloatArray:
        """With the solid's cheaper twin."""
        points = self.frame.to_world(points_unit)
        solid = self.parts.solid
        values = solid.frame.length_to_world(solid.same_surface_unit(solid.frame.to_unit(points)).astype(np.float64))
        return self.frame.length_to_unit(self._raised(values, points))

    def _raised(self, values: FloatArray, points: FloatArray) -> FloatArray:
        frame = self.parts.solid.frame
        side = self._side(self.parts.classifier.scores(frame.to_unit(points))).astype(np.float64)
        return np.maximum(values, frame.length_to_world(side) + self.parts.gap / 2)

    def _side(self, scores: FloatArray) -> FloatArray:
        others = np.delete(scores, self.index, axis=1)
        return others.max(axis=1) - scores[:, self.index]
