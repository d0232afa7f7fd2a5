"""Orthogonal matrices: how to come to one. Batched over leading axes; Q has orthonormal rows or columns.

Notation: W any matrix, Q orthogonal, sigma singular values.
"""

from __future__ import annotations

import torch
from torch import Tensor


def bjorck_orthonormalize(weight: Tensor, iterations: int = 12, power_iterations: int = 8) -> Tensor:
    """Nearest orthogonal matrix by W <- 1.5 W - 0.5 W W^T W (Bjorck & Bowie 1971, order 1; Anil et al. 2019).

    Converges for 0 < sigma < sqrt(3); W is first divided by an upper bound of its norm. Differentiable.
    What is left (1e-3 to 1e-6) is taken away at export, where the certificate is computed.
    """
    w = weight / _norm_above(weight, power_iterations)
    if w.shape[-2] > w.shape[-1]:
        return _bjorck(w.mT, iterations).mT
    return _bjorck(w, iterations)


def _bjorck(w: Tensor, iterations: int) -> Tensor:
    for _ in range(iterations):
        w = 1.5 * w - 0.5 * (w @ w.mT) @ w
    return w


def _norm_above(w: Tensor, iterations: int) -> Tensor:
    """|(W W^T)^(2^j)|_F^(1 / 2^(j+1)): never below the spectral norm, above it by at most rank^(1 / 2^(j+2))."""
    with torch.no_grad():
        gram = w @ w.mT if w.shape[-2] <= w.shape[-1] else w.mT @ w
        scale = gram.flatten(-2).norm(dim=-1)[..., None, None]
        gram, logarithm, power = gram / scale, scale.log(), 1.0
        for _ in range(min(iterations, 6)):
            gram, power = gram @ gram, 2 * power
            norm = gram.flatten(-2).norm(dim=-1)[..., None, None]
            gram, logarithm = gram / norm, logarithm + norm.log() / power
        return (logarithm / 2).exp()


# odd quintics a s + b s^3 + c s^5, each nearest to 1 on the interval where the one before it has brought the values: [.05, 1] first
# (minimax by linear programming, after Amsel et al. 2025, "The Polar Express")
LEVELLING = ((6.7525, -18.3513, 13.2636), (2.5379, -1.8747, 0.4413))


def level_singular_values(w: Tensor) -> Tensor:
    """Singular values of W (..., n, n) brought nearer to 1: those from .05 to 1 of |W W^T|_F^(1/2) to .78 to 1.22, smaller ones 17-fold.

    That root is the largest singular value at least, and n^(1/4) of it at most. Two steps for Muon (Jordan et al. 2024), whose five
    are no better here: what is far below the largest is noise of the batch.
    """
    shape, w = w.shape, w.reshape(-1, *w.shape[-2:])
    for k, (a, b, c) in enumerate(LEVELLING):
        gram = w @ w.mT
        if k == 0:
            scale = gram.flatten(-2).norm(dim=-1).sqrt()[:, None, None].clamp_min(1e-18)
            w, gram = w / scale, gram / scale.square()
        w = torch.baddbmm(w, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), w, beta=a)
    return w.reshape(shape)


def nearest_orthogonal(weight: Tensor) -> Tensor:
    """U V^T of the singular value decomposition, computed in float64, returned in the dtype that came."""
    u, _, vt = torch.linalg.svd(weight.double(), full_matrices=False)
    return (u @ vt).to(weight.dtype)
