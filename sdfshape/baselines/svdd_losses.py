"""What Deep SVDD minimises, and what keeps it from the solution that is worth nothing.

A network that maps everything to the centre has no loss: the collapse. Ruff et al. forbid biases and bounded activations; Chong et al. 2020
("Simple and effective prevention of mode collapse in deep one-class classification") add a regulariser, and set its weight as they go.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

COLLAPSED = 0.1  # spread of the features of random places over their distance from 0, below which the map is constant for all that
# matters. Measured on a blob in 5 dimensions: .7 and up, with every regulariser and rate; .03 with biases and a decay of .01


def one_class_loss(squared: Tensor) -> Tensor:
    """Ruff et al. 2018, equation 4 without weight decay: mean of |phi(x) - c|^2."""
    return squared.mean()


def soft_boundary_loss(squared: Tensor, radius: float, nu: float) -> Tensor:
    """Ruff et al. 2018, equation 3: R^2 + mean(max(0, |phi(x) - c|^2 - R^2)) / nu."""
    return radius**2 + functional.relu(squared - radius**2).mean() / nu


def soft_radius(squared: Tensor, nu: float) -> float:
    """R that solves equation 3 for a held network: the (1 - nu) quantile of the distances."""
    return float(torch.quantile(squared.detach().sqrt(), 1 - nu))


def semi_supervised_loss(squared: Tensor, labels: Tensor, eta: float, eps: float = 1e-6) -> Tensor:
    """Deep SAD (Ruff et al. 2020, equation 7): labels 0 unknown, 1 normal, -1 anomalous; eta weighs the labelled, (|phi - c|^2)^label."""
    unknown = labels == 0
    known = eta * (squared[~unknown] + eps) ** labels[~unknown].to(squared.dtype)
    return (squared[unknown].sum() + known.sum()) / len(squared)


def noise_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Chong et al. 2020, section III-A: cross-entropy of k sigmoid heads (n, k) with random labels, drawn once for every point."""
    return functional.binary_cross_entropy_with_logits(logits, labels)


def variance_loss(features: Tensor, threshold: float) -> Tensor:
    """Chong et al. 2020, section III-B: max(0, d - variance of the minibatch's features), features (n, h)."""
    return functional.relu(threshold - features.var(dim=0).mean())


def variance_threshold(epoch: int, first: float = 0.1, factor: float = 10.0, every: int = 3) -> float:
    """The annealed d: .1 at first, a tenth of it after every three epochs."""
    return first / factor ** (epoch // every)


@dataclass(eq=False)
class AdaptiveWeight:
    """c_t = alpha c_(t-1) + beta (1 - alpha) L_svdd / L_reg, c_0 = 0 (Chong et al. 2020, equation 9): the regulariser stays `beta` of
    the loss.
    """

    alpha: float = 0.9
    beta: float = 0.5
    value: float = 0.0

    def update(self, loss: float, regulariser: float) -> float:
        if regulariser > 0:
            self.value = self.alpha * self.value + self.beta * (1 - self.alpha) * loss / regulariser
        return self.value
