"""1-Lipschitz networks that measure how far a place is from the nearest of k flat discs: an orthogonal layer each, pooled by norms.

Notation. u place, d numbers; disc j: centre c_j, an orthogonal Q_j whose last p rows span it, radius r_j; h = Q_j (u - c_j).
    g_j(u) = |(|h_1 ... h_(d-p)|, max(0, |h_(d-p+1) ... h_d| - r_j))|,    g = min_j g_j - offset.
With exactly orthogonal Q_j this is the distance to the disc {c_j + Q_j^T (0, t), |t| <= r_j}. Q_j c_j is stored: a plain layer.

Theorem (constant). g is max_j |Q_j|_2-Lipschitz: the norms of two groups of h are together 1-Lipschitz in h, so is max(0, . - r) in its
argument, so is the norm of both; a minimum of L-Lipschitz functions is L-Lipschitz.

Theorem (rounding). The chain below has the same factors: the layer; the identity of d (the squares summed: gamma_(d+2) |h|, as of a pool in
`images`); the identity of 2 with bias r (the subtraction); the identity of 2 (the last norm); a unit row with bias offset. Theorem 2
of `certificate` runs over it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from .certificate import divided_last, lipschitz_bound
from .layers import Layers


@dataclass(frozen=True, eq=False)
class DiscLayers:
    """matrices : (k, d, d) Q.   biases : (k, 1, d) -Q c.   radii : (k,) >= 0.   offset : (1,).   flat : p, in [0, d)."""

    matrices: Tensor
    biases: Tensor
    radii: Tensor
    offset: Tensor
    flat: int

    @classmethod
    def from_discs(cls, centres: Tensor, bases: Tensor, radii: Tensor, offset: float, flat: int) -> DiscLayers:
        """As given, float64, not certified. centres (k, d), bases Q (k, d, d), radii (k,)."""
        biases = -(bases @ centres[..., None])[:, None, :, 0]
        return cls(bases, biases, radii, torch.tensor([offset], dtype=torch.float64), flat)

    def __call__(self, u: Tensor) -> Tensor:
        """(1, b, d) -> (1, b), as a chain of one network."""
        split = self.matrices.shape[1] - self.flat
        nearest = torch.full_like(u[..., 0], torch.inf)
        for q, b, r in zip(self.matrices, self.biases, self.radii, strict=True):  # k at once would be k times the memory
            h = torch.addmm(b, u[0], q.mT)
            within = torch.linalg.vector_norm(h[:, split:], dim=1) - r
            off = torch.stack([torch.linalg.vector_norm(h[:, :split], dim=1), within.clamp_min(0)])
            nearest = torch.minimum(nearest, torch.linalg.vector_norm(off, dim=0))
        return nearest - self.offset

    @property
    def reach(self) -> float:
        """s with g(u) >= |u| - s: the farthest that a disc goes from 0, and the offset, to a millionth of |u| (the Q_j are rounded)."""
        return float((self.biases.norm(dim=2)[:, 0] + self.radii).max() + self.offset.abs()) * (1 + 1e-5) + 1e-5

    def map(self, change) -> Self:  # type: ignore[no-untyped-def]
        """The network with `change` applied to every tensor."""
        return type(self)(change(self.matrices), change(self.biases), change(self.radii), change(self.offset), self.flat)

    @property
    def parameters(self) -> int:
        return sum(t.numel() for t in (self.matrices, self.biases, self.radii, self.offset))

    @property
    def bounding_chain(self) -> Layers:
        """A plain chain whose constant, and whose rounding bound, are at least those of this network."""
        k, d = self.matrices.shape[:2]
        subtracted = torch.stack([torch.zeros_like(self.radii), -self.radii], dim=1)[:, None]
        row = torch.tensor([[[1.0, 0.0]]]).to(self.offset).expand(k, 1, 2)
        matrices = [self.matrices, _eye(k, d, self.offset), _eye(k, 2, self.offset), _eye(k, 2, self.offset), row]
        biases = [self.biases, torch.zeros_like(self.biases), subtracted, torch.zeros_like(subtracted)]
        return Layers(tuple(matrices), (*biases, -self.offset.expand(k)[:, None, None]), "absolute")


def certify_discs(layers: DiscLayers) -> DiscLayers:
    """The same network in float32, with its matrices divided by the bound, rounded until the bound is at most 1."""
    layers = layers.map(Tensor.float)

    def bound(of: DiscLayers) -> float:
        return lipschitz_bound(of.bounding_chain)

    scale = torch.tensor(bound(layers), dtype=torch.float64)
    return divided_last(layers.matrices, scale, lambda matrices: replace(layers, matrices=matrices), bound)


def _eye(k: int, n: int, like: Tensor) -> Tensor:
    return torch.eye(n, dtype=like.dtype).expand(k, n, n)
