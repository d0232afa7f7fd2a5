"""One network for every kind of 1-Lipschitz layer, so that they can be compared: same width, depth, loss and places."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..lipschitz import ACTIVATIONS
from ..lipschitz.certificate import spectral_norms_above
from .parametrisations import PARAMETRISATIONS, convex_potential_step, householder_activation, sdp_root, sdp_step

GROUP = "group"  # the matrices themselves, kept orthogonal by the way they move: what `sdfshape.train` does
RESIDUAL = ("sll", "cpl")  # their activation is ReLU, it is part of the proof
LAYER_KINDS = (GROUP, *PARAMETRISATIONS, *RESIDUAL)
LAYER_ACTIVATIONS = ("absolute", "max_min", "full_sort", "householder")


class LayerNet(nn.Module):
    """(n, 3) -> (n,).   kind : of LAYER_KINDS.   activation : of LAYER_ACTIVATIONS, not asked for residual kinds."""

    def __init__(self, kind: str, activation: str = "absolute", width: int = 64, depth: int = 5) -> None:
        super().__init__()
        if kind not in LAYER_KINDS or (kind not in RESIDUAL and activation not in LAYER_ACTIVATIONS):
            raise InputError(f"a layer must be {', '.join(LAYER_KINDS)} x {', '.join(LAYER_ACTIVATIONS)}, got {kind} x {activation}")
        self.kind, self.activation, self.width = kind, "relu" if kind in RESIDUAL else activation, width
        self.weight = nn.Parameter(self._start(depth, width))
        self.bias = nn.Parameter((2 * torch.rand(depth, width) - 1) / math.sqrt(width))
        self.scale = nn.Parameter(torch.zeros(depth, width), requires_grad=kind == "sll")
        self.angle = nn.Parameter(torch.full((depth, width // 2), math.pi / 2), requires_grad=self.activation == "householder")
        self.last = nn.Parameter(torch.randn(width))
        self.offset = nn.Parameter(torch.zeros(()))

    def _start(self, depth: int, width: int) -> Tensor:
        """Where training begins: a spread-out orthogonal matrix for every kind that can say one."""
        noise = torch.randn(depth, width, width)
        return noise if self.kind in ("cayley", "exponential", "householder") else torch.linalg.qr(noise)[0]

    def forward(self, x: Tensor) -> Tensor:
        last = self.last / self.last.norm()
        if self.kind in RESIDUAL:
            h = nn.functional.pad(x, (0, self.width - x.shape[1]))
            for j in range(len(self.weight)):
                step = (self.weight[j], self.bias[j])
                h = sdp_step(h, *step, self.scale[j]) if self.kind == "sll" else convex_potential_step(h, *step)
            return h @ last + self.offset
        q, h = self.matrices(), x
        for j in range(len(q)):
            h = self._act(h @ (q[j] if j else q[0, :, : x.shape[1]]).mT + self.bias[j], j)
        return h @ last + self.offset

    def matrices(self) -> Tensor:
        """(depth, w, w) the layers' matrices, of the kinds that have them."""
        return self.weight if self.kind == GROUP else PARAMETRISATIONS[self.kind](self.weight)

    def _act(self, h: Tensor, j: int) -> Tensor:
        return householder_activation(h, self.angle[j]) if self.activation == "householder" else ACTIVATIONS[self.activation](h)

    @torch.no_grad()
    def certified_constant(self) -> float:
        """Proven bound of the Lipschitz constant, computed in float64: the product of the layers' norms; of a residual layer with
        V = W D^(-1/2) it is max(1, 2 |V|^2 - 1), since its slope I - 2 V S V^T has eigenvalues in [1 - 2 |V|^2, 1].
        """
        double = LayerNet(self.kind, "absolute" if self.kind in RESIDUAL else self.activation, self.width, len(self.weight)).double()
        double.load_state_dict({name: value.double() for name, value in self.state_dict().items()})
        if self.kind not in RESIDUAL:
            return float(spectral_norms_above(double.matrices()).prod() * (1 + 1e-12))
        norm = torch.linalg.matrix_norm(double.weight, 2)[:, None]
        root = sdp_root(double.weight, double.scale) if self.kind == "sll" else norm
        above = spectral_norms_above(double.weight / root[:, None, :])
        return float((2 * above**2 - 1).clamp_min(1).prod() * (1 + 1e-12))
