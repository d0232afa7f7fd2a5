"""`SignedDistanceField`: NumPy and world units outside, a certified 1-Lipschitz network in the unit frame inside.

Guarantee (G). Let S = {f = 0}. f is 1-Lipschitz in world units (Theorem 1 of `lipschitz.certificate`; a change of frame divides lengths and
multiplies values by the same scale), so |f(x)| <= dist(x, S) for every x: if y in S, |f(x)| = |f(x) - f(y)| <= |x - y|. What is
certified here is evaluated in float64, and the proven rounding error (Theorem 2) is subtracted or added. The distance is to the field's
own surface S; how far S is from the scan is measured, not proven.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..frame import Frame
from ..lipschitz import Boxes, Layers, lipschitz_bound, rounding_bound
from ..types import FloatArray, as_points
from .far import FarField, far_field
from .mosaic import Mosaic

CHUNK = 32_768  # points at a time: a network of a mosaic sees a few thousand of them, small enough for the cache
ERROR_SAMPLES = 65_536
GRAIN, SINGLE_GRAIN = 2.0**-53, 2.0**-24  # unit roundoff of float64, of float32
ERROR_SAFETY = 4.0  # how much larger than the largest seen error the stated float32 error is


@dataclass(frozen=True, eq=False)
class SignedDistanceField:
    """f(x) = scale sign(F) max(|F|, far), F = min_k max(g_k, box_k): negative inside, positive outside, world units.

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
        lo, hi = (corner.double().numpy() for corner in (self.boxes.lo.amin(0), self.boxes.hi.amax(0)))
        corners = np.array([lo, hi])
        slack = self._rounding_error_unit(float(np.linalg.norm(np.abs(corners).max(axis=0))), SINGLE_GRAIN)
        return far_field(self.mosaic_unit, lo, hi, lipschitz=self.lipschitz_bound, slack=slack)

    def mosaic_unit(self, points_unit: FloatArray, dtype: torch.dtype = torch.float32) -> FloatArray:
        """(m, 3) -> (m,) unit frame: the networks alone, which have the same surface and may have smaller values far away from it."""
        mosaic = Mosaic(self.layers, self.boxes) if dtype == torch.float32 else Mosaic(self._double_layers(), self.boxes.map(Tensor.double))
        out = np.zeros(len(points_unit), np.float32 if dtype == torch.float32 else np.float64)
        with torch.inference_mode():
            for start in range(0, len(points_unit), CHUNK):
                x = torch.tensor(points_unit[start : start + CHUNK].copy(), dtype=dtype)
                out[start : start + len(x)] = mosaic.values(x)[0].numpy()
        return out

    def evaluate_unit(self, points_unit: FloatArray, dtype: torch.dtype = torch.float32) -> FloatArray:
        """(m, 3) unit frame -> (m,) unit frame: the door used by extraction and rendering."""
        values = self.mosaic_unit(points_unit, dtype)
        return values if self.far is None else self.far.raised(values, points_unit)

    def __call__(self, points_world: FloatArray) -> FloatArray:
        """Signed distance (m,) float64 of points (m, 3), world units, computed in float32 (see `float32_error`)."""
        points = as_points(points_world)
        return self.frame.length_to_world(self.evaluate_unit(self.frame.to_unit(points)).astype(np.float64))

    def gradient(self, points_world: FloatArray) -> FloatArray:
        """Gradient (m, 3) of f at points (m, 3): dimensionless, length at most 1 and near 1 where f is a true distance."""
        return self.value_and_gradient_unit(self.frame.to_unit(as_points(points_world)))[1].astype(np.float64)

    def value_and_gradient_unit(self, points_unit: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(m, 3) unit frame -> values (m,), gradients (m, 3), float32."""
        values, gradients = np.zeros(len(points_unit), np.float32), np.zeros((len(points_unit), 3), np.float32)
        for start in range(0, len(points_unit), CHUNK):
            rows = slice(start, start + CHUNK)
            f, gradient = Mosaic(self.layers, self.boxes).gradients(torch.tensor(points_unit[rows].copy(), dtype=torch.float32))
            values[rows], gradients[rows] = f.numpy(), gradient.numpy()
        return (values, gradients) if self.far is None else self.far.raised_gradients(values, gradients, points_unit)

    def certified(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        """f (m,) in float64 and a proven bound of its error, world units: |returned - f| <= error (Theorem 2)."""
        points = as_points(points_world)
        if not len(points):
            return np.zeros(0), 0.0
        unit = self.frame.to_unit(points)
        values = self.frame.length_to_world(self.evaluate_unit(unit, torch.float64))
        return values, self._rounding_error(points, unit)

    def distance_interval(self, points_world: FloatArray, *, steps: int = 24) -> tuple[FloatArray, FloatArray]:
        """Certified (lower, upper), each (m,), of the distance of points (m, 3) to the field's surface S, world units.

        lower : (|f(x)| - error)+, by (G).
        upper : |x - y| of a point y where f has the other sign beyond its error: f is continuous, so S meets the segment x y.
            y is looked for by Newton-Raphson steps and a little beyond; infinity where none was found in `steps` steps, or |f(x)| is
            below the error.
        """
        points = as_points(points_world)
        f, error = self.certified(points)
        lower = np.maximum(np.abs(f) - error, 0) / self.lipschitz_bound
        upper = np.full(len(points), np.inf)
        side = np.where(f > 0, 1.0, -1.0)
        y, reach = np.array(points), 1e-4 * self.frame.scale
        open_rows = np.flatnonzero(np.abs(f) > error)  # nearer than the error the side of x itself is not known
        for _ in range(steps):
            value, slope = self.value_and_gradient_unit(self.frame.to_unit(y[open_rows]))
            norm_sq = np.maximum((slope.astype(np.float64) ** 2).sum(1, keepdims=True), 1e-3)
            ahead = side[open_rows, None] * (np.abs(self.frame.length_to_world(value.astype(np.float64)))[:, None] + reach)
            y[open_rows] -= ahead * slope / norm_sq
            there, there_error = self.certified(y[open_rows])
            crossed = side[open_rows] * there < -there_error
            done = open_rows[crossed]
            upper[done] = np.linalg.norm(points[done] - y[done], axis=1) * (1 + 1e-12)
            open_rows = open_rows[~crossed]
            if not len(open_rows):
                break
        return lower, upper

    def clearance_box(self, lo: FloatArray, hi: FloatArray) -> FloatArray | float:
        """Certified lower bound of f over whole boxes [lo, hi], (3,) or (m, 3), world units, from one evaluation each.

        Positive: every point of the box is at least that far outside the surface. f(centre) - half-diagonal - error.
        """
        lo_rows, hi_rows = as_points(np.atleast_2d(lo), "lo"), as_points(np.atleast_2d(hi), "hi")
        f, error = self.certified((lo_rows + hi_rows) / 2)
        half_diagonal = np.linalg.norm(hi_rows - lo_rows, axis=1) / 2 * (1 + 1e-15)
        bound = f - self.lipschitz_bound * half_diagonal - error
        return float(bound[0]) if np.ndim(lo) == 1 else bound

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write as FIELD.sdf; raises OutputError where it cannot."""
        from .files import save_field

        save_field(self, path, overwrite=overwrite)

    def _double_layers(self) -> Layers:
        return self.layers.map(Tensor.double)

    def _rounding_error(self, points: FloatArray, unit: FloatArray) -> float:
        """World units: that of the unit frame for the largest of these points, plus the change of frame."""
        frame = 4 * GRAIN * (float(np.abs(points).max()) + max(abs(c) for c in self.frame.centre)) * 3**0.5
        return self.frame.length_to_world(self._rounding_error_unit(float(np.linalg.norm(unit, axis=1).max()))) + frame

    def _rounding_error_unit(self, farthest: float, grain: float = GRAIN) -> float:
        """Theorem 2 for |x| <= farthest and an arithmetic of unit roundoff `grain`, unit frame, plus the change to local coordinates and
        back, and the distances to boxes and cells.
        """
        scale = self.boxes.scale.double()
        radius = float(((farthest + self.boxes.centre.double().norm(dim=1)) / scale).max())
        network = float(scale.max()) * rounding_bound(self._double_layers(), radius * (1 + 8 * grain), grain)
        return network + 64 * grain * (1 + farthest)


def measured_float32_error(layers: Layers, boxes: Boxes, seed: int = 0) -> float:
    """Estimate, unit frame: ERROR_SAFETY times the largest |float32 - float64| over ERROR_SAMPLES points of the domain."""
    x = np.random.default_rng(seed).uniform(-1, 1, (ERROR_SAMPLES, 3))
    probe = SignedDistanceField(layers, boxes, Frame((0.0, 0.0, 0.0), 1.0), float32_error_unit=0.0)
    return ERROR_SAFETY * float(np.abs(probe.mosaic_unit(x) - probe.mosaic_unit(x, torch.float64)).max())
