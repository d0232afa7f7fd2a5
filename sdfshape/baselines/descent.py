"""One step downhill, and the rates of the steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """The step of an optimizer along the gradient of a loss."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def halve_rates(optimizer: torch.optim.Optimizer, rates: Sequence[float], used: float) -> None:
    """The rate of each group of parameters, halved at every quarter of the budget: DeepSDF's halves four times in 2,000 epochs."""
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate * 0.5 ** math.floor(4 * used)
