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


def level_singular_values(w: Tensor, iterations: int = 5) -> Tensor:
    """All singular values of W brought near 1, by five steps of a quintic (Muon: Jordan et al. 2024; its coefficients)."""
    shape = w.shape
    w = (w / (w.flatten(-2).norm(dim=-1)[..., None, None] + 1e-12)).reshape(-1, *shape[-2:])
    for _ in range(iterations):
        gram = w @ w.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=-4.7750, alpha=2.0315)
        w = torch.baddbmm(w, polynomial, w, beta=3.4445)
    return w.reshape(shape)


def nearest_orthogonal(weight: Tensor) -> Tensor:
    """U V^T of the singular value decomposition, computed in float64, returned in the dtype that came."""
    u, _, vt = torch.linalg.svd(weight.double(), full_matrices=False)
    return (u @ vt).to(weight.dtype)
