"""The Newton-Raphson walk (Bethune et al. 2023, Algorithm 1): proposals from all over the domain go to the current level set.

    z <- Proj_B(z - (eta / T) (f(z) - level) grad f / |grad f|^2),   T times, only while f(z) > level.
A 1-Lipschitz f is never overshot by a full step (eta = 1): no place nearer than f(z) - level has that level.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .domain import Domain

if TYPE_CHECKING:
    from torch import Tensor

LEAST_SQUARE = 1e-6  # of a gradient's length: where f is flat a step would have no end


def newton_raphson_walk(
    field: Callable[[Tensor], Tensor], start: Tensor, *, steps: int, share: Tensor, domain: Domain, level: float = 0.0
) -> Tensor:
    """Where `start` (n, d) comes to. field : (n, d) -> (n,), differentiable.   steps : T.   share : (n, 1) eta of every place."""
    import torch

    z = start
    for _ in range(steps):
        z = z.detach().requires_grad_()
        f = field(z)
        (gradient,) = torch.autograd.grad(f.sum(), z)
        way = (f.detach() - level).clamp_min(0)[:, None]
        step = share / steps * way * gradient / gradient.square().sum(1, keepdim=True).clamp_min(LEAST_SQUARE)
        z = domain.project(z.detach() - step)
    return z.detach()
