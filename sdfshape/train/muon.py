"""Muon on the orthogonal group: the optimiser of the hidden matrices. They stay orthogonal by the way they move.

Notation: Q orthogonal, G gradient, A = G Q^T - Q G^T skew (the gradient in the Lie algebra), M its running average.
Jordan et al. 2024 level the singular values of a momentum matrix (Muon); here the momentum lives in the Lie algebra,
and the levelled M turns Q.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..lipschitz.orthogonal import level_singular_values


class OrthogonalMuon:
    """Turns `matrices` (k, L, w, w) in place, by about `turn` radians a step in every plane."""

    def __init__(self, matrices: Tensor, momentum: float) -> None:
        self.matrices, self.momentum = matrices, momentum
        self.average = torch.zeros_like(matrices)

    @torch.no_grad()
    def step(self, gradient: Tensor, turn: float, settle: bool = True) -> None:
        """Q <- near exp(-turn level(M)) Q: the series to second order; and, to settle, one Newton-Schulz step back onto the group.

        For a turn of 0.1 the series leaves Q off the group by turn^3 / 2 = 5e-4 at most; a few such steps add up, and Newton-Schulz
        squares what they leave.
        """
        q = self.matrices.flatten(0, -3)
        skew = gradient @ self.matrices.mT
        self.average.lerp_(skew - skew.mT, 1 - self.momentum)
        a = level_singular_values(self.average).view_as(q)
        moved = a @ q
        q = torch.baddbmm(q.sub(moved, alpha=turn), a, moved, alpha=turn**2 / 2)
        if settle:
            q = torch.baddbmm(q, q, q.mT @ q, beta=1.5, alpha=-0.5)
        self.matrices.copy_(q.view_as(self.matrices))
