"""`SignedDistanceField`: NumPy and world units outside, a certified 1-Lipschitz network in the unit frame inside.

Guarantee (G). Let S = {f = 0}. f is 1-Lipschitz in world units (Theorem 1 of `lipschitz.certificate`; a change of frame divides lengths and
multiplies values by the same scale), so |f(x)| <= dist(x, S) for every x: if y in S, |f(x)| = |f(x) - f(y)| <= |x - y|. What is
certified here is evaluated in float64, and the proven rounding error (Theorem 2) is subtracted or added. The distance is to the field's
own surface S; how far S is from the scan is measured, not proven.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..frame import GRAIN, Frame
from ..lipschitz import Boxes, Layers, kept, lipschitz_bound, rounding_bound
from ..lipschitz.certificate import Norms, rounding_norms
from ..types import FloatArray, as_points
from .certified import CertifiedField
from .far import FarField, far_field
from .inner_walls import off_inner_walls
from .mosaic import Mosaic
from .wide import MANY, WideMosaic

CHUNK = 65_536  # points at a time: a network of a mosaic of 64 sees a thousand of them, small enough for the cache
WIDE_CHUNK = 262_144  # the same of a wide mosaic, of which a network sees few
ERROR_SAMPLES = 65_536
SINGLE_GRAIN = 2.0**-24  # unit roundoff of float32
FARTHEST = 1e15  # unit frame: where float64 has no digits left to tell places apart
ERROR_SAFETY = 4.0  # how much larger than the largest seen error the stated float32 error is


@dataclass(frozen=True, eq=False)
class SignedDistanceField(CertifiedField):
    """f(x) = scale sign(F) max(|F|, far), F the mosaic of `lipschitz.boxes`: negative inside, positive outside, world units.

    layers : the certified chain (float32).   boxes : of the networks.   frame : world <-> unit.
    float32_error_unit : estimate of |f in float32 - f|, unit frame.   info : how it was made (config, iso, input); JSON values.
    """

    layers: Layers
    boxes: Boxes
    frame: Frame
    float32_error_unit: float
    info: dict[str, Any] = field(default_factory=dict)

    @property
    def lipschitz_bound(self) -> float:
        """Proven upper bound of the Lipschitz constant: the larger of the networks' (`network_bound`) and the boxes', which is 1."""
        return max(self.network_bound, 1.0)

    @cached_property
    def network_bound(self) -> float:
        """Proven upper bound of the constants of the networks alone; <= 1 for every field that was trained or loaded."""
        return lipschitz_bound(self.layers)

    @property
    def parameters(self) -> int:
        """How many numbers the field is made of."""
        return self.layers.parameters

    @property
    def float32_error(self) -> float:
        """Estimated |f in float32 - f|, world units: four times the largest difference to float64 on 65,536 points of the domain."""
        return self.frame.length_to_world(self.float32_error_unit)

    @cached_property
    def far(self) -> FarField | None:
        """The cells that hold the surface (`field.far`), found in float32 with its proven rounding error as slack."""
        lo, hi = self.box_unit
        corners = np.array([lo, hi])
        slack = self._rounding_error_unit(float(np.linalg.norm(np.abs(corners).max(axis=0))), SINGLE_GRAIN)
        held = partial(off_inner_walls, self._mosaic, lipschitz=self.lipschitz_bound, slack=slack)
        return far_field(self.mosaic_unit, lo, hi, lipschitz=self.lipschitz_bound, slack=slack, held=held)

    def mosaic_unit(self, points_unit: FloatArray, dtype: torch.dtype = torch.float32) -> FloatArray:
        """(m, 3) -> (m,) unit frame: the networks alone, which have the same surface and may have smaller values far away from it."""
        out = np.zeros(len(points_unit), np.float32 if dtype == torch.float32 else np.float64)
        mosaic = self._mosaic if dtype == torch.float32 or self.is_wide else self._double_mosaic
        with torch.inference_mode():
            for rows in self._chunks(len(points_unit)):
                out[rows] = mosaic.values(torch.tensor(points_unit[rows].copy(), dtype=dtype))[0].numpy()
        return out

    def evaluate_unit(self, points_unit: FloatArray, dtype: torch.dtype = torch.float32) -> FloatArray:
        """(m, 3) unit frame -> (m,) unit frame: the door used by extraction and rendering."""
        values = self.mosaic_unit(points_unit, dtype)
        return values if self.far is None else self.far.raised(values, points_unit)

    def __call__(self, points_world: FloatArray) -> FloatArray:
        """Signed distance (m,) float64 of points (m, 3), world units, computed in float32 (see `float32_error`)."""
        points = as_points(points_world)
        return self.frame.length_to_world(self.evaluate_unit(self.frame.to_unit(points)).astype(np.float64))

    def value_and_gradient(self, points_world: FloatArray) -> tuple[FloatArray, FloatArray]:
        """f (m,) and its gradient (m, 3): dimensionless, length at most 1 and near 1 where f is a true distance. In float32."""
        values, gradients = self.value_and_gradient_unit(self.frame.to_unit(as_points(points_world)))
        return self.frame.length_to_world(values.astype(np.float64)), gradients.astype(np.float64)

    def value_and_gradient_unit(self, points_unit: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(m, 3) unit frame -> values (m,), gradients (m, 3), float32."""
        values, gradients = np.zeros(len(points_unit), np.float32), np.zeros((len(points_unit), 3), np.float32)
        for rows in self._chunks(len(points_unit)):
            f, gradient = self._mosaic.gradients(torch.tensor(points_unit[rows].copy(), dtype=torch.float32))
            values[rows], gradients[rows] = f.numpy(), gradient.numpy()
        return (values, gradients) if self.far is None else self.far.raised_gradients(values, gradients, points_unit)

    def certified(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        """f (m,) in float64 and a proven bound of its error, world units: |returned - f| <= error (Theorem 2)."""
        points = as_points(points_world)
        if not len(points):
            return np.zeros(0), 0.0
        unit = self.frame.to_unit(points)
        if not float(np.abs(unit).max()) < FARTHEST:
            raise InputError(f"points must be within {self.frame.length_to_world(FARTHEST):.3g} of the scan to be certified")
        values = self.frame.length_to_world(self.evaluate_unit(unit, torch.float64))
        return values, self._rounding_error(points, unit)

    @property
    def bounds(self) -> FloatArray:
        """(2, 3) the box of all boxes of the mosaic, world units: f is positive outside."""
        world = self.frame.to_world(np.stack(self.box_unit))
        grain = 4 * GRAIN * float(np.abs(world).max())
        return np.stack([world[0] - grain, world[1] + grain])

    @property
    def box_unit(self) -> tuple[FloatArray, FloatArray]:
        """Corners of the bounds, unit frame."""
        return self.boxes.lo.amin(0).double().numpy(), self.boxes.hi.amax(0).double().numpy()

    @cached_property
    def surface_cells_unit(self) -> tuple[FloatArray, float]:
        """The cells of `far`: found with the proven rounding error as slack, so none that meets S is missing."""
        return (np.zeros((0, 3)), 0.0) if self.far is None else (self.far.centres.data, self.far.radius)

    def same_surface_unit(self, points_unit: FloatArray) -> FloatArray:
        """The mosaic alone: without the search for the nearest cell."""
        return self.mosaic_unit(points_unit)

    def scan_distance_lower(self, points_world: FloatArray) -> FloatArray:
        """(m,) lower bound of the distance of places (m, 3) to the nearest point of the SCAN (not to S), world units.

        f(p) <= h for all points p of the scan, so f(x) <= |x - p| + h for all of them: dist(x, P) >= (f(x) - e - h) / L. h, the largest f
        at the points that were reconstructed from, was found then and is kept in the file: this bound stands on it.
        Raises InputError for a field that was made without a scan.
        """
        if "scan_highest" not in self.info:
            raise InputError("a field must know its scan to be a distance to it, this one was not made from one: use distance_interval")
        f, error = self.certified(points_world)
        return np.maximum(f - error - float(self.info["scan_highest"]), 0) / self.lipschitz_bound

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write as FIELD.sdf; raises OutputError where it cannot."""
        from .files import save_field

        save_field(self, path, overwrite=overwrite)

    @property
    def is_wide(self) -> bool:
        """Whether there are so many networks that only those near a place are asked (`wide`)."""
        return len(self.boxes.lo) > MANY

    @cached_property
    def _mosaic(self) -> Mosaic | WideMosaic:
        return (WideMosaic if self.is_wide else Mosaic)(self.layers, self.boxes)

    @kept
    def _double_mosaic(self) -> Mosaic:
        return Mosaic(self.layers.map(Tensor.double), self.boxes.map(Tensor.double))

    def _chunks(self, count: int) -> Iterator[slice]:
        size = WIDE_CHUNK if self.is_wide else CHUNK
        return (slice(start, start + size) for start in range(0, count, size))

    def _rounding_error(self, points: FloatArray, unit: FloatArray) -> float:
        """World units: that of the unit frame for the largest of these points, plus the change of frame."""
        network = self._rounding_error_unit(float(np.linalg.norm(unit, axis=1).max()))
        return self.frame.length_to_world(network) + self.frame.rounding(points)

    def _rounding_error_unit(self, farthest: float, grain: float = GRAIN) -> float:
        """Theorem 2 for |x| <= farthest and an arithmetic of unit roundoff `grain`, unit frame, plus the change to local coordinates and
        back, and the distances to boxes and cells.
        """
        reach = 2.0 ** math.ceil(math.log2(max(farthest, 1.0)))  # a larger one does as well, and is soon known
        if (reach, grain) not in self._known_errors:
            radius = float(self._mosaic.local_radii(reach).max())
            network = float(self.boxes.scale.double().max()) * rounding_bound(self.layers, radius * (1 + 8 * grain), grain, self._norms)
            self._known_errors[reach, grain] = network + 64 * grain * (1 + reach)
        return self._known_errors[reach, grain]

    @cached_property
    def _norms(self) -> Norms:
        return rounding_norms(self.layers)

    @cached_property
    def _known_errors(self) -> dict[tuple[float, float], float]:
        return {}


def measured_float32_error(layers: Layers, boxes: Boxes, seed: int = 0) -> float:
    """Estimate, unit frame: ERROR_SAFETY times the largest |float32 - float64| over ERROR_SAMPLES points of the domain, or of the boxes
    of a wide mosaic.
    """
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (ERROR_SAMPLES, 3))
    probe = SignedDistanceField(layers, boxes, Frame((0.0, 0.0, 0.0), 1.0), float32_error_unit=0.0)
    if probe.is_wide:
        box = rng.integers(len(boxes.lo), size=len(x))
        x = (boxes.centre[box] + (boxes.hi - boxes.lo)[box] / 2 * torch.from_numpy(x)).numpy()
    return ERROR_SAFETY * float(np.abs(probe.mosaic_unit(x) - probe.mosaic_unit(x, torch.float64)).max())
