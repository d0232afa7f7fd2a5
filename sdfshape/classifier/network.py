"""`SignedDistanceClassifier`: scores whose differences are distances (Brau et al. 2023).

Guarantee. Let g_1 ... g_K be the outputs and L the proven bound of all their differences (Theorem 3 of `lipschitz.certificate`). Where
class y wins, gap(x) = g_y(x) - max_(j != y) g_j(x) > 0. A place x' of another class j has g_j(x') >= g_y(x'), so
    gap(x) <= (g_y - g_j)(x) - (g_y - g_j)(x') <= L |x - x'|:
no place within gap(x) / L has another class. Gaps are certified in float64; two outputs are off by at most e each, so 2 e is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..lipschitz import Layers, pair_bound, rounding_bound
from ..lipschitz.certificate import Norms, rounding_norms
from ..types import FloatArray, IntArray

CHUNK = 32_768  # rows at a time


@dataclass(frozen=True, eq=False)
class SignedDistanceClassifier:
    """layers : of one network with K outputs.   classes : (K,) int64, what each output stands for."""

    layers: Layers
    classes: IntArray

    @property
    def dimension(self) -> int:
        """d: how many numbers a place has."""
        return self.layers.matrices[0].shape[-1]

    @cached_property
    def pair_bound(self) -> float:
        """L: proven upper bound of the Lipschitz constant of every difference of two scores."""
        return pair_bound(self.layers)

    def scores(self, places: FloatArray, dtype: torch.dtype = torch.float32) -> FloatArray:
        """g (n, K) of places (n, d)."""
        rows, layers = self._rows(places), self.layers.map(lambda t: t.to(dtype))
        out = np.zeros((len(rows), len(self.classes)), np.float32 if dtype == torch.float32 else np.float64)
        with torch.inference_mode():
            for start in range(0, len(rows), CHUNK):
                some = torch.tensor(rows[start : start + CHUNK], dtype=dtype)
                out[start : start + len(some)] = layers.outputs(some[None])[0].numpy()
        return out

    def predict(self, places: FloatArray) -> IntArray:
        """(n,) the class of each place, by scores in float64: the one that `certified_radius` is about."""
        return self.classes[self.scores(places, torch.float64).argmax(axis=1)]

    def certified_radius(self, places: FloatArray) -> FloatArray:
        """(n,) proven: no place nearer than this has another class than `predict` gives. 0 where nothing can be proven."""
        rows = self._rows(places)
        if not len(rows):
            return np.zeros(0)
        two = np.partition(self.scores(rows, torch.float64), -2, axis=1)[:, -2:]
        error = self.rounding_error(float(np.linalg.norm(rows, axis=1).max()))
        gap = np.maximum(two[:, 1] - two[:, 0] - 2 * error, 0)
        return np.divide(gap, self.pair_bound, out=np.where(gap > 0, np.inf, 0.0), where=np.full(len(gap), self.pair_bound > 0))

    def rounding_error(self, radius: float) -> float:
        """Proven bound of |g - computed g| in float64, every output, for |x| <= radius."""
        double, norms = self._double
        return rounding_bound(double, radius * (1 + 1e-15), norms=norms)

    @cached_property
    def _double(self) -> tuple[Layers, Norms]:
        """The layers in float64 and their norms: proofs ask for the rounding error in every round."""
        double = self.layers.map(Tensor.double)
        return double, rounding_norms(double)

    def gap_and_gradient(self, places: FloatArray, of: IntArray | None = None) -> tuple[FloatArray, FloatArray]:
        """g_y - max_(j != y) g_j (n,) and its gradient (n, d), in float32; y is the winner, or `of` (n,): numbers of outputs."""
        rows = self._rows(places)
        gaps, gradients = np.zeros(len(rows)), np.zeros(rows.shape)
        for start in range(0, len(rows), CHUNK):
            some = slice(start, start + CHUNK)
            x = torch.tensor(rows[some], dtype=torch.float32).requires_grad_()
            outputs = self.layers.outputs(x[None])[0]
            own = outputs.detach().argmax(dim=1) if of is None else torch.as_tensor(of[some])
            gap = class_gap(outputs, own)
            (gradient,) = torch.autograd.grad(gap.sum(), x)
            gaps[some], gradients[some] = gap.detach().numpy(), gradient.numpy()
        return gaps, gradients

    def boundary_points(self, places: FloatArray) -> FloatArray:
        """(n, d) x - gap grad gap: the nearest place of the boundary, where gap is the distance (slope 1 on the way). An estimate."""
        gap, gradient = self.gap_and_gradient(places)
        return self._rows(places) - gap[:, None] * gradient

    def _rows(self, places: FloatArray) -> FloatArray:
        rows = np.array(places, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.dimension or not np.isfinite(rows).all():
            raise InputError(f"places must be (n, {self.dimension}) finite numbers, got shape {rows.shape}")
        return rows


def class_gap(outputs: Tensor, own: Tensor) -> Tensor:
    """(n, K), (n,) -> (n,): the output `own` minus the largest of the others."""
    chosen = own[:, None]
    return outputs.gather(1, chosen)[:, 0] - outputs.scatter(1, chosen, -torch.inf).amax(dim=1)
