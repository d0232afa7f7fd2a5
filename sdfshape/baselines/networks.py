"""The networks of the peers, by their recipes: plain, periodic, soft, and the 1-Lipschitz one of 2024."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from ..types import FloatArray


class DeepSDFNet(nn.Module):
    """DeepSDF (Park et al. 2019, section 4 and supplement): `depth` hidden layers of ReLU with weight norm, the input fed again to the
    middle one, tanh at the end. Its values are in (-1, 1), its slope is bounded by nothing.   latent : numbers of a code beside x.
    """

    def __init__(self, width: int = 512, depth: int = 8, latent: int = 0) -> None:
        super().__init__()
        self.skip, inputs = depth // 2, 3 + latent
        sizes = [inputs, *[width] * depth]
        outs = [width - inputs if k + 1 == self.skip else width for k in range(depth)]
        self.hidden = nn.ModuleList(weight_norm(nn.Linear(i, o)) for i, o in zip(sizes[:-1], outs, strict=True))
        self.last = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for k, layer in enumerate(self.hidden):
            h = functional.relu(layer(torch.cat([h, x], dim=-1) if k == self.skip else h))
        return torch.tanh(self.last(h)).squeeze(-1)


class SirenNet(nn.Module):
    """SIREN (Sitzmann et al. 2020, section 3.2 and supplement): sin(30 (W x + b)), their initialisation."""

    OMEGA = 30.0

    def __init__(self, width: int = 256, depth: int = 4) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(nn.Linear(3 if k == 0 else width, width) for k in range(depth))
        self.last = nn.Linear(width, 1)
        for k, layer in enumerate([*self.hidden, self.last]):
            bound = 1 / 3 if k == 0 else math.sqrt(6 / width) / self.OMEGA
            nn.init.uniform_(layer.weight, -bound, bound)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = torch.sin(self.OMEGA * layer(x))
        return self.last(x).squeeze(-1)


class SoftplusNet(nn.Module):
    """IGR (Gropp et al. 2020, section 5): softplus of sharpness 100, the input again in the middle, and the geometric initialisation of SAL
    (Atzmon and Lipman 2020, theorem 1): about a ball of radius 1 / 2 before training.
    """

    RADIUS = 0.5

    def __init__(self, width: int = 512, depth: int = 8) -> None:
        super().__init__()
        self.skip = depth // 2
        outs = [width - 3 if k + 1 == self.skip else width for k in range(depth)]
        self.hidden = nn.ModuleList(nn.Linear(3 if k == 0 else width, o) for k, o in enumerate(outs))
        self.last = nn.Linear(width, 1)
        for layer, out in zip(self.hidden, outs, strict=True):
            nn.init.normal_(layer.weight, 0.0, math.sqrt(2 / out))  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.last.weight, math.sqrt(math.pi / width), 1e-5)
        nn.init.constant_(self.last.bias, -self.RADIUS)

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for k, layer in enumerate(self.hidden):
            h = functional.softplus(layer(torch.cat([h, x], dim=-1) / math.sqrt(2) if k == self.skip else h), beta=100)
        return self.last(h).squeeze(-1)


class SLLNet(nn.Module):
    """The 1-Lipschitz network of Coiffier and Bethune 2024: SDP-based layers x - 2 W D^-1 relu(W^T x + b) (Araujo et al. 2023, theorem 3),
    a zero-padded input and a last row of length 1.
    """

    STEP = 2.0  # the theorem's; no larger one will do

    def __init__(self, width: int = 128, depth: int = 20) -> None:
        super().__init__()
        self.width = width
        self.weights = nn.ParameterList(nn.init.xavier_normal_(torch.empty(width, width)) for _ in range(depth))
        self.biases = nn.ParameterList(torch.zeros(width) for _ in range(depth))
        self.scales = nn.ParameterList(torch.zeros(width) for _ in range(depth))
        self.last = nn.Parameter(torch.randn(width) / math.sqrt(width))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        h = functional.pad(x, (0, self.width - 3))
        for weight, bias, scale in zip(self.weights, self.biases, self.scales, strict=True):
            q = scale.exp()
            bound = (weight.T @ weight).abs() @ q / q  # D: |W^T W| q / q, row by row
            h = h - self.STEP * functional.linear(functional.relu(functional.linear(h, weight.T, bias)) / bound, weight)
        return h @ (self.last / self.last.norm()) + self.bias


def count_parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def evaluate_net(net: Callable[[Tensor], Tensor], x: FloatArray) -> FloatArray:
    """(m, 3) -> (m,) float64, computed in float32."""
    with torch.inference_mode():
        return net(torch.as_tensor(x, dtype=torch.float32)).double().numpy()
