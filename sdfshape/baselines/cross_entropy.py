"""A plain classifier as a detector: a ReLU network, cross-entropy, the rows against uniform proposals. Nothing bounds its slopes."""

from __future__ import annotations

from itertools import pairwise
from typing import Self

import numpy as np
import torch
from torch import nn

from ..sample import Domain
from ..types import FloatArray
from .descent import descend

WIDTH, DEPTH, BATCH, RATE = 128, 4, 256, 1e-3


class CrossEntropyNet:
    """`fit`, then `decision_function` (n,): logits, large is normal."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, rows: FloatArray, side: float, *, steps: int) -> Self:
        """rows : (n, d).   side : proposals are uniform in [-side, side]^d."""
        torch.manual_seed(self.seed)
        x, rng = torch.tensor(rows, dtype=torch.float32), torch.Generator().manual_seed(self.seed)
        sizes = [x.shape[1]] + [WIDTH] * DEPTH
        hidden = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
        self.net_ = nn.Sequential(*hidden, nn.Linear(WIDTH, 1))
        optimizer = torch.optim.Adam(self.net_.parameters(), RATE)
        truth = torch.tensor([1.0, 0.0]).repeat_interleave(BATCH)
        for _ in range(steps):
            some = x[torch.randint(len(x), (BATCH,), generator=rng)]
            others = side * Domain().uniform(BATCH, x.shape[1], rng)
            logits = self.net_(torch.cat([some, others]))[:, 0]
            descend(optimizer, nn.functional.binary_cross_entropy_with_logits(logits, truth))
        return self

    def decision_function(self, rows: FloatArray) -> FloatArray:
        """(n,) logits."""
        with torch.inference_mode():
            return self.net_(torch.tensor(rows, dtype=torch.float32))[:, 0].double().numpy()

    def gradient(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Logits (n,) and their gradients (n, d)."""
        x = torch.tensor(rows, dtype=torch.float32).requires_grad_()
        logits = self.net_(x)[:, 0]
        (slope,) = torch.autograd.grad(logits.sum(), x)
        return logits.detach().double().numpy(), np.asarray(slope.double().numpy())
