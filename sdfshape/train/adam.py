"""Adam (Kingma & Ba 2015, Algorithm 1) for the few small tensors that are not orthogonal matrices.

The same numbers as `torch.optim.Adam` (its slow twin in the tests), whose first use loads a compiler for 1.5 seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

EPSILON = 1e-8


class Adam:
    """Moves `parameters` in place. momentum, second_moment : the decay rates beta_1, beta_2 of the averages."""

    def __init__(self, parameters: Sequence[Tensor], momentum: float, second_moment: float) -> None:
        self.parameters, self.momentum, self.second_moment = list(parameters), momentum, second_moment
        self.average = [torch.zeros_like(p) for p in self.parameters]
        self.square = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rate: float, number: int) -> None:
        """Step `number`, counted from 1."""
        first, second = 1 - self.momentum**number, 1 - self.second_moment**number
        for p, m, v, g in zip(self.parameters, self.average, self.square, gradients, strict=True):
            m.lerp_(g, 1 - self.momentum)
            v.mul_(self.second_moment).addcmul_(g, g, value=1 - self.second_moment)
            p.addcdiv_(m, (v / second).sqrt_().add_(EPSILON), value=-rate / first)
