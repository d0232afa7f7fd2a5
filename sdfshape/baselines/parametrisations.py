"""Ways from free numbers to 1-Lipschitz layers, as the literature has them: batched over the leading axes, differentiable.

Orthogonal: a square matrix W of free numbers becomes a Q with Q Q^T = I. Not orthogonal, yet of norm at most 1: AOL. Our own training turns
the matrices themselves on the group (`train.muon`) and needs none of these.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..lipschitz.orthogonal import bjorck_orthonormalize


def cayley(weight: Tensor) -> Tensor:
    """(I - A) (I + A)^-1 of the skew part A = W - W^T (Trockman & Kolter 2021, section 3.2): rotations without an eigenvalue -1."""
    a, one = weight - weight.mT, torch.eye(weight.shape[-1], dtype=weight.dtype, device=weight.device)
    return torch.linalg.solve(one + a, one - a)


def bjorck(weight: Tensor) -> Tensor:
    """The nearest orthogonal matrix, by iteration (Anil et al. 2019, section 4.2)."""
    return bjorck_orthonormalize(weight)


def qr(weight: Tensor) -> Tensor:
    """The first factor of W = Q R, with the diagonal of R positive: then it is the only one, and smooth in W."""
    q, r = torch.linalg.qr(weight)
    return q * torch.where(r.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0).to(q.dtype)[..., None, :]


def exponential(weight: Tensor) -> Tensor:
    """exp of the skew part (Lezcano-Casado & Martinez-Rubio 2019): all rotations."""
    return torch.linalg.matrix_exp((weight - weight.mT) / 2)


def householder(weight: Tensor) -> Tensor:
    """The product of w reflections, each in one column of the lower triangle of W (Mhammedi et al. 2017)."""
    lower = weight.tril(-1)
    vectors = lower + torch.eye(weight.shape[-1], dtype=weight.dtype, device=weight.device)
    return torch.linalg.householder_product(lower, 2 / vectors.square().sum(dim=-2))


def almost_orthogonal(weight: Tensor) -> Tensor:
    """W diag(sum_j |W^T W|_ij)^(-1/2) (Prach & Lampert 2022, theorem 1): of norm at most 1, and less unless W is orthogonal."""
    return weight / (weight.mT @ weight).abs().sum(dim=-1).clamp_min(1e-12).sqrt()[..., None, :]


PARAMETRISATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "cayley": cayley,
    "bjorck": bjorck,
    "qr": qr,
    "exponential": exponential,
    "householder": householder,
    "aol": almost_orthogonal,
}


def householder_activation(x: Tensor, angle: Tensor) -> Tensor:
    """Of channel pairs (j, j + w/2): the pair where it lies below the line at half the angle, else its reflection in that line, so that
    the map is continuous (Singla, Singla, Feizi 2022, equation 5). angle (w/2,) is learned; at pi/2 it is MaxMin.
    """
    a, b = x.chunk(2, dim=-1)
    above = a * torch.sin(angle / 2) - b * torch.cos(angle / 2) <= 0
    cosine, sine = torch.cos(angle), torch.sin(angle)
    first, second = torch.where(above, cosine * a + sine * b, a), torch.where(above, sine * a - cosine * b, b)
    return torch.cat([first, second], dim=-1)


def sdp_step(h: Tensor, weight: Tensor, bias: Tensor, scale: Tensor) -> Tensor:
    """SLL: h - 2 W D^-1 relu(W^T h + b), D_ii = sum_j |W^T W|_ij q_j / q_i (Araujo et al. 2023, theorem 3)."""
    root = sdp_root(weight, scale)
    return _potential_step(h, weight / root[..., None, :], bias / root)


def sdp_root(weight: Tensor, scale: Tensor) -> Tensor:
    """D^(1/2) (..., w) of SLL: |W D^(-1/2)|_2 <= 1."""
    q = scale.exp()
    return (((weight.mT @ weight).abs() @ q[..., None])[..., 0] / q).sqrt()


def convex_potential_step(h: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """CPL: h - 2 / |W|^2 W relu(W^T h + b) (Meunier et al. 2022, equation 8)."""
    norm = torch.linalg.matrix_norm(weight, 2)
    return _potential_step(h, weight / norm, bias / norm)


def _potential_step(h: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """h - 2 V relu(V^T h + b): 1-Lipschitz for |V|_2 <= 1, its slope I - 2 V S V^T with 0 <= S <= 1 has eigenvalues in [-1, 1]."""
    return h - 2 * torch.relu(h @ v + bias) @ v.mT
