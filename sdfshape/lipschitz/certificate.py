"""What is proven of a condensed network, and how far floating-point numbers may stray from it.

Theorem 1 (constant). Let g(u) = w . a(W_L a(... a(W_1 u + b_1) ...) + b_L) + c with 1-Lipschitz activations a. Then g is
    (|w|_2 prod_j |W_j|_2)-Lipschitz: each map is |W_j|_2-Lipschitz and constants of compositions multiply. `lipschitz_bound` is this
    product for the stored float32 numbers, computed in float64 and rounded up: a computed singular value is off by at most
    SVD_ERROR |W|_2 (backward stability, Golub & Van Loan 2013, section 8.6: a small multiple of the size times 1.1e-16).
    f = min_k max((1 - b) s_k g_k((x - c_k) / s_k) + b r_k(x), box_k(x)), r_k as in `boxes`, has the largest of these constants and 1.

Theorem 2 (rounding). With unit roundoff u and gamma_n = n u / (1 - n u), a computed product of a row of n numbers is off by at most
    gamma_n |row|.|h|, in any order of summation, with or without fused operations (Higham 2002, section 3.1). So the error
    of layer j obeys   e_j <= |W_j|_2 e_(j-1) + gamma_(n+2) (| |W_j| |_2 (R_(j-1) + e_(j-1)) + |b_j|_2),   R_j <= |W_j|_2 R_(j-1) + |b_j|_2,
    where R bounds |h|; activations that sort or take absolute values are exact and 1-Lipschitz. `rounding_bound` runs this
    recursion for the domain's largest |u|. In float64 it is about 1e-12; certified queries are evaluated there. In float32 the
    bound is about 1e-3, a thousand times what is ever seen, so for float32 we give a measurement instead and call it that.

Theorem 3 (pairs). If the last layer has rows u_1 ... u_K, every difference of two outputs is a network of Theorem 1 with the last vector
    u_j - u_k: (|u_j - u_k|_2 prod_j |W_j|_2)-Lipschitz. `pair_bound` is the largest of these constants, rounded up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from .layers import Layers

SVD_ERROR = 1e-13
UNIT_ROUNDOFF = 2.0**-53  # of float64


def spectral_norms_above(matrices: Tensor) -> Tensor:
    """(..., m, n) -> (...,) float64 upper bounds of the largest singular values (Theorem 1)."""
    return torch.linalg.matrix_norm(matrices.double(), 2) * (1 + SVD_ERROR)


def lipschitz_bound(layers: Layers) -> float:
    """Proven upper bound of the Lipschitz constant of every network of the chain (Theorem 1)."""
    product = torch.ones(len(layers.matrices[0]), dtype=torch.float64)
    for w in layers.matrices:
        product = product * spectral_norms_above(w.cpu())
    return float(product.max() * (1 + 1e-15 * len(layers.matrices)))


def pair_bound(layers: Layers) -> float:
    """Proven upper bound of the Lipschitz constants of all differences of two outputs (Theorem 3)."""
    rows = layers.matrices[-1].double().cpu()
    apart = (rows[:, :, None] - rows[:, None, :]).norm(dim=-1).amax(dim=(1, 2)) * (1 + SVD_ERROR)
    for w in layers.matrices[:-1]:
        apart = apart * spectral_norms_above(w.cpu())
    return float(apart.max() * (1 + 1e-15 * len(layers.matrices)))


Norms = list[tuple[Tensor, Tensor, Tensor]]


def rounding_norms(layers: Layers) -> Norms:
    """Of each layer what Theorem 2 asks for, each (k,): upper bounds of |W|_2 and | |W| |_2, and |b|_2."""
    pairs = zip(layers.matrices, layers.biases, strict=True)
    return [(spectral_norms_above(w), spectral_norms_above(w.abs()), b.double().norm(dim=(1, 2))) for w, b in pairs]


def gamma(n: int, unit_roundoff: float = UNIT_ROUNDOFF) -> float:
    """gamma_n of Theorem 2."""
    return n * unit_roundoff / (1 - n * unit_roundoff)


def rounding_bound(layers: Layers, radius: float, unit_roundoff: float = UNIT_ROUNDOFF, norms: Norms | None = None) -> float:
    """Proven bound of |computed g(u) - g(u)| for |u|_2 <= radius (Theorem 2), `unit_roundoff` of the arithmetic used.

    norms : `rounding_norms(layers)`, for who asks often.
    """
    return float(rounding_bounds(layers, radius, unit_roundoff, norms).max())


def rounding_bounds(layers: Layers, radius: float, unit_roundoff: float = UNIT_ROUNDOFF, norms: Norms | None = None) -> Tensor:
    """(k,) those of every network of the chain. Each is affine in the radius; their maximum is not."""
    reach = torch.full((len(layers.matrices[0]),), radius, dtype=torch.float64)
    error = radius * unit_roundoff * torch.ones_like(reach)  # the input itself is rounded once
    for w, (norm, norm_abs, shift) in zip(layers.matrices, norms or rounding_norms(layers), strict=True):
        error = norm * error + gamma(w.shape[-1] + 2, unit_roundoff) * (norm_abs * (reach + error) + shift)
        reach = norm * reach + shift
    return error * (1 + 1e-9)


def certify(layers: Layers) -> Layers:
    """The same chain with the last vector divided by the bound, so that `lipschitz_bound` of what is returned is <= 1."""
    last = layers.matrices[-1]
    scale = torch.ones(len(last), dtype=torch.float64)
    for w in layers.matrices:
        scale = scale * spectral_norms_above(w)
    return _divided(layers, scale, lipschitz_bound)


def certify_pairs(layers: Layers) -> Layers:
    """The same classifier (k = 1) with its last layer divided by `pair_bound`, if that is above 1, so that it is <= 1.

    The mean row and the mean bias are taken away first: no difference of two outputs changes, and less is left to round.
    """
    last, bias = layers.matrices[-1].double(), layers.biases[-1].double()
    last, bias = last - last.mean(dim=1, keepdim=True), bias - bias.mean(dim=2, keepdim=True)
    scale = torch.tensor([max(pair_bound(layers), 1.0)], dtype=torch.float64)
    middle = (*layers.biases[:-1], (bias / scale[:, None, None]).to(layers.biases[-1]))
    return _divided(Layers((*layers.matrices[:-1], last.to(layers.matrices[-1])), middle, layers.activation), scale, pair_bound)


def _divided(layers: Layers, scale: Tensor, bound: Callable[[Layers], float]) -> Layers:
    """The last matrices divided by scale (k,) where it is above 1."""

    def rebuilt(last: Tensor) -> Layers:
        return Layers((*layers.matrices[:-1], last), layers.biases, layers.activation)

    return divided_last(layers.matrices[-1], scale[:, None, None], rebuilt, bound)


Built = TypeVar("Built")


def divided_last(last: Tensor, scale: Tensor, rebuilt: Callable[[Tensor], Built], bound: Callable[[Built], float]) -> Built:
    """What is rebuilt from `last` divided by scale where that is above 1, and rounded with one more grain of it until `bound` holds."""
    for grain in range(8):
        candidate = rebuilt((last.double() / torch.clamp(scale * (1 + grain * 2.0**-24), min=1.0)).to(last.dtype))
        if bound(candidate) <= 1:
            return candidate
    raise AssertionError("eight grains of float32 must be enough: the rounding of a vector changes its norm by at most one")
