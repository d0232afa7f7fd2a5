"""Losses, and how the notations of the field convert into ours.

Notation. f < 0 inside. s: signed score, s = -f on positives (inside), +f on negatives (outside); large s is right.
m: margin, lambda: weight. Averages are taken within each class, so that unbalanced batches mean the same.

| where                         | their form                                         | ours                                              |
|-------------------------------|----------------------------------------------------|---------------------------------------------------|
| OCSDF (Bethune et al. 2023)   | lambda max(0, m - y f) - y f, f > 0 inside         | `hkr_loss`, f sign flipped                        |
| deel-torchlip `hkr_loss`      | alpha-mix, `min_margin`; balanced batches          | min_margin = 2 m, alpha = 2 lambda / (1 + 2 lambda) |
| Coiffier & Bethune 2024, code | relu(m - s) + mean(-s) / lambda                    | `hkr_loss` / lambda                               |
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor


def hkr_loss(inside: Tensor, outside: Tensor, *, margin: float | Tensor, weight: float) -> Tensor:
    """Hinge-Kantorovich-Rubinstein loss (Bethune et al. 2023, equation 6; form and notation above), mean over the last axis.

    inside, outside : (..., n), (..., m)    values of f on positives P and negatives Q, unit frame
    margin : m > 0, unit frame              weight : lambda > 0
    Returns (...,): E_P[lambda max(0, m - s) - s] + E_Q[lambda max(0, m - s) - s].
    """
    return _hkr(-inside, margin, weight) + _hkr(outside, margin, weight)


def _hkr(score: Tensor, margin: float | Tensor, weight: float) -> Tensor:
    return (weight * functional.relu(margin - score) - score).mean(dim=-1)


def bounded_hkr_loss(score: Tensor, distance: Tensor, *, margin: float, weight: float) -> Tensor:
    """hKR where the distance to the surface is known: lambda max(0, min(m, d) - s) + |d - s|, mean over the last axis.

    score (..., n) : s.   distance (..., n) : d >= 0, of each place to the surface, in the same frame.
    No 1-Lipschitz s that vanishes on the surface passes d, so where s <= d this is hKR up to the constant d, with a margin that no place is
    too near to reach. It differs where s > d: there the surface is in the wrong place, and hKR would push on.
    """
    hinge = functional.relu(distance.clamp(max=margin) - score)
    return (weight * hinge + (distance - score).abs()).mean(dim=-1)


def eikonal_residual(gradients: Tensor) -> Tensor:
    """Mean of | |grad f| - 1 | over rows (..., d): 0 for a distance, at most 1 for a 1-Lipschitz field."""
    return (gradients.norm(dim=-1) - 1).abs().mean()


def bounded_hkr_slopes(score: Tensor, distance: Tensor, *, margin: float, weight: float) -> Tensor:
    """d(`bounded_hkr_loss` / weight) / ds for every value, by hand: -(sign(d - s) / weight + [s < min(m, d)]) / n.

    Divided by the weight, so that a rising weight does not raise the length of the steps.
    """
    hinge = (score < distance.clamp(max=margin)).to(score.dtype)
    return -(torch.sign(distance - score) / weight + hinge) / score.shape[-1]
