"""`RowField`: the certified function of rows behind a detector: f < 0 on the support, f > 0 away from it.

Guarantee. g is a 1-Lipschitz network (Theorem 1 of `lipschitz.certificate`), B the domain; f(x) = length max(g(y), dist(y, B) - slack), y
and length those of `row_frame`. A maximum of 1-Lipschitz functions is 1-Lipschitz, so |f(x) - f(x')| <= |x - x'| in the rows' own units: no
row nearer than f(x) - t has a value of t or less. Values are computed in float64; `rounding_error` bounds what that may change, and is
counted by `certified_radius`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..lipschitz import DiscLayers, ImageLayers, Layers, lipschitz_bound
from ..lipschitz.certificate import UNIT_ROUNDOFF, Norms, rounding_bounds, rounding_norms
from ..sample import Domain
from ..types import FloatArray
from .row_frame import RowFrame, as_tensor

CHUNK = 16_384  # rows at a time


@dataclass(frozen=True, eq=False)
class RowField:
    """layers : of one network, float32, certified.   frame : of the rows.   domain : B, unit frame.
    slack : >= 0, so large that B cuts nothing of the support that was learned: in many dimensions the walls of a box are nearer than that
    is deep. Far from B the network may say anything, there the distance to B speaks.
    """

    layers: Layers | ImageLayers | DiscLayers
    frame: RowFrame
    domain: Domain
    slack: float = 0.0

    @property
    def columns(self) -> int:
        """d: how many numbers a row has."""
        return self.frame.columns

    @cached_property
    def lipschitz_bound(self) -> float:
        """Proven upper bound of the Lipschitz constant of f, in the rows' own units."""
        return max(self.network_bound, 1.0)  # the distance to B has slope 1

    @cached_property
    def network_bound(self) -> float:
        """Proven upper bound of the constant of the network alone: at most 1."""
        return lipschitz_bound(self.layers.bounding_chain)

    def __call__(self, rows: FloatArray) -> FloatArray:
        """f (n,) of rows (n, d), float64."""
        out = np.zeros(len(rows))
        with torch.no_grad():  # what is kept from here is differentiated later
            for start in range(0, len(rows), CHUNK):
                out[start : start + CHUNK] = self.values(as_tensor(rows[start : start + CHUNK])).numpy()
        return out

    def values(self, rows: Tensor) -> Tensor:
        """f (n,) of rows (n, d) in float64, differentiable."""
        y = self.frame.to_unit(rows)
        return torch.maximum(self._double[0](y[None])[0], self.domain.distance(y) - self.slack) * self.frame.length

    def gradient(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """f (n,) and its gradient (n, d)."""
        values, gradients = np.zeros(len(rows)), np.zeros(np.shape(rows))
        for start in range(0, len(rows), CHUNK):
            some = slice(start, start + CHUNK)
            x = as_tensor(rows[some]).requires_grad_()
            f = self.values(x)
            (slope,) = torch.autograd.grad(f.sum(), x)
            values[some], gradients[some] = f.detach().numpy(), slope.numpy()
        return values, gradients

    def rounding_error(self, rows: FloatArray, moved: FloatArray | float = 0.0) -> FloatArray:
        """(n,) proven bounds of |f - computed f|, for each of these rows (n, d) and for all within `moved` of it, in the rows' units."""
        magnitude = self.frame.magnitude(rows) + moved / (self.frame.reach * self.frame.smallest_scale)
        at_zero, at_one = self._errors_at(0.0), self._errors_at(1.0)  # of each chain; every term grows linearly with the magnitude
        found = np.zeros(len(rows))
        for zero, one in zip(at_zero, at_one, strict=True):
            found = np.maximum(found, zero + (one - zero) * magnitude)
        return found * (1 + 1e-6)

    def certified_radius(self, rows: FloatArray, level: float) -> FloatArray:
        """(n,) proven: no row nearer than this to one of rows (n, d) has a computed value on the other side of the level; rows' units.

        The computed value of either row is off by `rounding_error` at most, so it is taken off twice.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # a row whose square is no number: nothing is proven of it
            away = np.abs(self(rows) - level)
            room = away - 2 * self.rounding_error(rows, moved=away)  # the other row may be that far
        return np.nan_to_num(np.maximum(room, 0), nan=0.0, posinf=0.0)

    def _errors_at(self, magnitude: float) -> list[float]:
        double, norms = self._double
        reach = self.frame.unit_radius(magnitude)
        domain = (self.frame.dimension + 8) * UNIT_ROUNDOFF * (reach + self.frame.dimension**0.5 + self.slack) * 2
        networks = rounding_bounds(double.bounding_chain, reach, norms=norms).tolist()
        return [self.frame.length * (self.frame.input_error(magnitude) + domain + network) for network in networks]

    def with_slack_for(self, rows: FloatArray) -> RowField:
        """The same field with the least slack that leaves the value of these rows (n, d) to the network where that is negative."""
        with torch.no_grad():  # what is kept from here is differentiated later
            y = self.frame.to_unit(rows)
            g, wall = self._double[0](y[None])[0], self.domain.distance(y)
        return replace(self, slack=max(0.0, float((wall - g)[g < 0].amax())) if bool((g < 0).any()) else 0.0)

    @cached_property
    def _double(self) -> tuple[Layers | ImageLayers | DiscLayers, Norms]:
        double = self.layers.map(Tensor.double)
        return double, rounding_norms(double.bounding_chain)
