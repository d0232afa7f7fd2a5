"""What the loop trains: stacks of orthogonal matrices that Muon turns, other numbers that Adam moves, values and slopes of a batch.

`StackNetwork` is the chain by hand (`lipschitz.stack`), `ImageNetwork` an image network by autograd: the loop knows no difference.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from ..lipschitz import Layers, certify
from ..lipschitz.images import TURNS, ImageLayers, ImagePlan, certify_image
from ..lipschitz.orthogonal import nearest_orthogonal
from ..lipschitz.stack import StackEngine, StackParameters
from .config import NetworkConfig

CPU = torch.device("cpu")


class Network(Protocol):
    """hidden : stacks of orthogonal matrices.   others : the remaining numbers. Both are changed in place."""

    hidden: list[Tensor]
    others: list[Tensor]

    def forward(self, u: Tensor, *, low: bool) -> Tensor:
        """u (k, b, d) -> f (k, b); in low precision where that is fast."""

    def backward(self, slopes: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """Slopes (k, b) of a loss in the last f -> its gradients in `hidden` and `others`, and in u."""

    def layers(self) -> Layers | ImageLayers:
        """As it stands: re-orthogonalised, condensed, certified."""


class StackNetwork:
    """`networks` chains side by side."""

    def __init__(self, config: NetworkConfig, dimension: int, batch: int, generator: torch.Generator, device: torch.device) -> None:
        self.dimension = dimension
        self.parameters = StackParameters.random(config.networks, config.depth, config.width, generator).to(device)
        self.hidden = [self.parameters.hidden]
        self.others = [self.parameters.bias, self.parameters.last, self.parameters.offset]
        self._engines = {low: StackEngine(self.parameters, batch, _low_precision() if low else torch.float32) for low in (True, False)}

    def forward(self, u: Tensor, *, low: bool) -> Tensor:
        self._engine = self._engines[low]
        return self._engine.forward(u, self.parameters)

    def backward(self, slopes: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
        gradient, du = self._engine.backward(slopes)
        return [gradient.hidden], [gradient.bias, gradient.last, gradient.offset], du

    def layers(self) -> Layers:
        return certify(self.parameters.to(CPU).layers(self.dimension))


class ImageNetwork:
    """One network on images of the plan; the last row is used at length 1."""

    def __init__(self, plan: ImagePlan, generator: torch.Generator, device: torch.device) -> None:
        def orthogonal(channels: int) -> Tensor:
            return torch.linalg.qr(torch.randn(1, TURNS, channels, channels, generator=generator))[0].contiguous().to(device)

        def spread(channels: int) -> Tensor:
            return ((2 * torch.rand(channels, generator=generator) - 1) / math.sqrt(channels)).to(device)

        self.plan = plan
        self.hidden = [orthogonal(channels) for channels, _ in plan.convolutions]
        # folds of |.| spread as in the chain, over an image whose pixels share what the chain has in one
        self.others = [spread(channels) / math.sqrt(pixels) for channels, pixels in plan.convolutions]
        self.others += [torch.randn(1, plan.left, generator=generator).to(device), torch.zeros(1, device=device)]

    def forward(self, u: Tensor, *, low: bool) -> Tensor:
        self._leaves = [t.detach().requires_grad_() for t in (*self.hidden, *self.others)]
        self._u = u.detach().requires_grad_()
        self._f = self._network(self._leaves).outputs(self._u, fused=True)[..., 0]
        return self._f.detach()

    def backward(self, slopes: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
        *gradients, du = torch.autograd.grad(self._f, [*self._leaves, self._u], slopes)
        return gradients[: len(self.hidden)], gradients[len(self.hidden) :], du

    def layers(self) -> ImageLayers:
        turned = [nearest_orthogonal(q) for q in self.hidden]
        return certify_image(self._network([*turned, *self.others]).map(lambda t: t.detach().to(CPU).clone()))

    def _network(self, tensors: list[Tensor]) -> ImageLayers:
        count = len(self.hidden)
        last = tensors[-2] / tensors[-2].norm()
        return ImageLayers(self.plan, tuple(q[0] for q in tensors[:count]), tuple(tensors[count:-2]), last, tensors[-1])


def make_network(config: NetworkConfig, dimension: int, batch: int, generator: torch.Generator, device: torch.device) -> Network:
    """The network that a configuration asks for."""
    if config.image is None:
        return StackNetwork(config, dimension, batch, generator, device)
    return ImageNetwork(ImagePlan(config.kind, config.image, config.width, config.depth, config.stages), generator, device)


def low_precision_available() -> bool:
    """Whether this processor multiplies in bfloat16 faster than in float32."""
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe and probe())


def _low_precision() -> torch.dtype:
    return torch.bfloat16 if low_precision_available() else torch.float32
