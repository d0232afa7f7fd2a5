"""Last layers of classifiers: rows whose differences have length 1, so that the margin of two outputs is a distance.

Notation: U (K, w) the last layer, u_j its rows, d_jk = |u_j - u_k|. Behind a chain of isometries h, every difference of two outputs
(u_j - u_k) . h + b_j - b_k is d_jk-Lipschitz. Brau, Rossolini, Biondi, Buttazzo 2023 ("Robust-by-Design Classification via Unitary-Gradient
Neural Networks", section 4): d_jk = 1 makes it a signed distance to the boundary between j and k.

Bounded: orthonormal rows over sqrt 2 (|U|_2 = 1 / sqrt 2). Unbounded: any rows with all d_jk = 1, found by L-BFGS.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .orthogonal import bjorck_orthonormalize

LBFGS_STEPS, LBFGS_MEMORY = 4, 6  # a step of training moves the rows a little: four are enough to come back
ENOUGH_DECREASE = 1e-4  # Armijo's


def bounded_pair_difference(weight: Tensor) -> Tensor:
    """(K, w), K <= w -> the nearest orthonormal rows, divided by sqrt 2. Differentiable."""
    return bjorck_orthonormalize(weight) / math.sqrt(2)


def pair_norms(head: Tensor) -> Tensor:
    """(K, w) -> (K, K): |u_j - u_k|."""
    return (head[:, None] - head[None, :]).norm(dim=-1)


def pair_norm_loss(head: Tensor) -> Tensor:
    """Psi(U) = sum over j < k of (|u_j - u_k|^2 - 1)^2 / 4: 0 where all pairs differ by 1, and only there."""
    return _misfit(head).square().sum() / 8


def unbounded_pair_difference(weight: Tensor, steps: int = LBFGS_STEPS) -> Tensor:
    """(K, w), K <= w + 1 -> rows near by with all |u_j - u_k| = 1: `steps` steps of L-BFGS down the pair-norm loss.

    Nocedal & Wright 2006, Algorithms 7.4 and 3.1. Every step is made of tensors, so the gradient flows through.
    """
    u, slope = weight, _slope(weight)
    moves: list[tuple[Tensor, Tensor]] = []
    for _ in range(steps):
        if float(slope.detach().norm()) < 4 * torch.finfo(slope.dtype).eps * len(weight):
            break
        direction = -_two_loops(slope, moves) if moves else -slope / (2 * len(weight))
        after = u + _armijo(u.detach(), slope.detach(), direction.detach()) * direction
        slope_after = _slope(after)
        move, change = after - u, slope_after - slope
        if _inner(move, change) > torch.finfo(slope.dtype).eps * _inner(change, change):  # of positive curvature, and more than rounding
            moves = [*moves[1 - LBFGS_MEMORY :], (move, change)]
        u, slope = after, slope_after
    return u


HEADS: dict[str, Callable[[Tensor], Tensor]] = {"bounded": bounded_pair_difference, "unbounded": unbounded_pair_difference}


def _misfit(u: Tensor) -> Tensor:
    """(K, K): |u_j - u_k|^2 - 1, and 0 on the diagonal."""
    square = u.square().sum(dim=1)
    return (square[:, None] + square[None, :] - 2 * u @ u.T - 1) * (1 - torch.eye(len(u), dtype=u.dtype, device=u.device))


def _inner(a: Tensor, b: Tensor) -> float:
    return float((a.detach() * b.detach()).sum())


def _slope(u: Tensor) -> Tensor:
    """Of Psi: row j is the sum over k of (|u_j - u_k|^2 - 1) (u_j - u_k)."""
    misfit = _misfit(u)
    return misfit.sum(dim=1, keepdim=True) * u - misfit @ u


def _two_loops(slope: Tensor, moves: list[tuple[Tensor, Tensor]]) -> Tensor:
    """The inverse Hessian's approximation times the slope."""
    q, found = slope, []
    for s, y in reversed(moves):
        share = (s * q).sum() / (s * y).sum()
        q = q - share * y
        found.append(share)
    s, y = moves[-1]
    r = q * (s * y).sum() / (y * y).sum()
    for (s, y), share in zip(moves, reversed(found), strict=True):
        r = r + s * (share - (y * r).sum() / (s * y).sum())
    return r


def _armijo(u: Tensor, slope: Tensor, direction: Tensor) -> float:
    """The length of the step: halved until Psi falls as it should; 0 if it does not."""
    before, fall = float(pair_norm_loss(u)), float((slope * direction).sum())
    length = 1.0
    while length > 1e-6:
        if float(pair_norm_loss(u + length * direction)) <= before + ENOUGH_DECREASE * length * fall:
            return length
        length /= 2
    return 0.0
