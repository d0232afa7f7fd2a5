"""Gradient-norm preserving activations: 1-Lipschitz, slope +1 or -1 almost everywhere. Work on the last axis."""

from __future__ import annotations

import torch
from torch import Tensor


def absolute(x: Tensor) -> Tensor:
    """|x|, the cheapest of them; with a bias it expresses MaxMin (Prach & Lampert; Brau et al. 2023 use it for unit gradients)."""
    return x.abs()


def full_sort(x: Tensor) -> Tensor:
    """All channels in rising order (Anil et al. 2019): a permutation, so an isometry almost everywhere."""
    return x.sort(dim=-1).values


def max_min(x: Tensor) -> Tensor:
    """The larger ones of channel j and channel j + w/2, then the smaller ones (Anil et al. 2019, GroupSort of two). w must be even."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([torch.maximum(a, b), torch.minimum(a, b)], dim=-1)


def oplu(x: Tensor) -> Tensor:
    """Of neighbours (2j, 2j + 1) the larger, then the smaller (Chernodub & Nowicki 2016): MaxMin with its channels in another order."""
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([torch.maximum(a, b), torch.minimum(a, b)], dim=-1).flatten(-2)


ACTIVATIONS = {"absolute": absolute, "full_sort": full_sort, "max_min": max_min, "oplu": oplu}
