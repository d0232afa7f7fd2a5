"""The 1-Lipschitz chain: what training makes, what the certificate judges, what a field evaluates. Dimension-free, batched.

Notation: k networks side by side, each with its own points; u (k, b, d) input; layer j maps h -> |W_j h + b_j|, the last
one is a plain row vector. With |W_j|_2 <= 1 and a 1-Lipschitz activation the chain is 1-Lipschitz: a composition of such maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from .activations import ACTIVATIONS


@dataclass(frozen=True, eq=False)
class Layers:
    """matrices[j] : (k, out, in), biases[j] : (k, 1, out); `activation` after every layer but the last, whose out is 1 in a field."""

    matrices: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    activation: str

    def __call__(self, u: Tensor, hidden_dtype: torch.dtype | None = None) -> Tensor:
        """(k, b, d) -> (k, b): the first output. `hidden_dtype` is the precision of the products between first and last layer."""
        return self.outputs(u, hidden_dtype)[..., 0]

    def outputs(self, u: Tensor, hidden_dtype: torch.dtype | None = None) -> Tensor:
        """(k, b, d) -> (k, b, out): all outputs of the last layer, of which a field has one and a classifier several."""
        act = ACTIVATIONS[self.activation]
        last = len(self.matrices) - 1
        h = u
        for j, (w, b) in enumerate(zip(self.matrices, self.biases, strict=True)):
            if hidden_dtype is not None and j > 0:
                low = hidden_dtype if j < last else u.dtype
                h, w, b = h.to(low), w.to(low), b.to(low)
            h = torch.baddbmm(b, h, w.mT)
            if j < last:
                h = act(h)
        return h

    def map(self, change) -> Self:  # type: ignore[no-untyped-def]
        """The chain with `change` applied to every tensor (a dtype, a device, a copy)."""
        return type(self)(tuple(map(change, self.matrices)), tuple(map(change, self.biases)), self.activation)

    def lowered(self, by: Tensor) -> Self:
        """The chain g_k - by_k, by (k,): another level set becomes the zero set, the constant stays."""
        return type(self)(self.matrices, (*self.biases[:-1], self.biases[-1] - by.to(self.biases[-1])[:, None, None]), self.activation)

    @property
    def bounding_chain(self) -> Self:
        """What the certificate judges: the chain itself. (An image network has one with the same factors.)"""
        return self

    @property
    def parameters(self) -> int:
        """How many numbers the chain holds."""
        return sum(t.numel() for t in (*self.matrices, *self.biases))
