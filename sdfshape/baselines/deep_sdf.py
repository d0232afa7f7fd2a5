"""DeepSDF (Park, Florence, Straub, Newcombe, Lovegrove, CVPR 2019): a network that is told distances, one for a shape, or one for many.

Per shape (section 4.1): the network of section 4, clamped L1 (equation 4) on given distances. It is supervised, `info["supervision"]`
says by what. Auto-decoder (section 4.2): one network for all shapes, and for each a latent code that is trained with it (equation 9); a
shape that was not seen, or a part of it, gets its code by descent with the network held (equation 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..errors import InputError
from ..frame import Frame
from .budget import Budget
from .descent import descend, halve_rates
from .networks import DeepSDFNet, count_parameters, evaluate_net
from .score_field import ScoreField
from .supervision import Supervision


@dataclass(frozen=True)
class DeepSDFConfig:
    """width, depth : of the network.   clamp_distance : delta, unit frame.   rate, batch : of Adam.
    latent : numbers of a code.   code_sigma : of the codes' prior; 1 / sigma^2 weighs their length.   code_rate : of their steps.
    """

    width: int = 512
    depth: int = 8
    clamp_distance: float = 0.1
    rate: float = 5e-4
    batch: int = 4096
    latent: int = 128
    code_sigma: float = 0.01
    code_rate: float = 1e-3


def clamped_l1(values: Tensor, distances: Tensor, clamp_distance: float) -> Tensor:
    """Equation 4: |clamp(f, delta) - clamp(d, delta)|, (n,)."""
    return (values.clamp(-clamp_distance, clamp_distance) - distances.clamp(-clamp_distance, clamp_distance)).abs()


def fit_deep_sdf(
    supervision: Supervision, frame: Frame, *, budget: Budget, config: DeepSDFConfig | None = None, seed: int = 0
) -> ScoreField:
    """One shape: a field that aims at distances up to `clamp_distance` and has no bound on its slope."""
    config = config or DeepSDFConfig()
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    net = DeepSDFNet(config.width, config.depth)
    places, distances = _tensors(supervision)
    optimizer, steps, loss = torch.optim.Adam(net.parameters(), config.rate), 0, torch.zeros(())
    for used in budget.progress():
        halve_rates(optimizer, [config.rate], used)
        rows = torch.randint(len(places), (config.batch,), generator=rng)
        loss = clamped_l1(net(places[rows]), distances[rows], config.clamp_distance).mean()
        descend(optimizer, loss)
        steps += 1
    info = {"steps": steps, "loss": float(loss.detach()), "supervision": supervision.source}
    return ScoreField(lambda x: evaluate_net(net, x), frame, True, count_parameters(net), info)


@dataclass(eq=False)
class AutoDecoder:
    """Many shapes in one network.   codes_ : (shapes, latent), after `fit`.   All shapes stand in the frame of their own cloud."""

    config: DeepSDFConfig = field(default_factory=DeepSDFConfig)
    seed: int = 0

    def fit(self, shapes: Sequence[Supervision], budget: Budget) -> AutoDecoder:
        """Train network and codes (equation 9) on at least two shapes; every step draws from all of them."""
        if len(shapes) < 2:
            raise InputError(f"an auto-decoder must have at least 2 shapes, got {len(shapes)}: use fit_deep_sdf for one")
        torch.manual_seed(self.seed)
        config, rng = self.config, torch.Generator().manual_seed(self.seed)
        self.net_ = DeepSDFNet(config.width, config.depth, config.latent)
        codes = torch.nn.Parameter(config.code_sigma * torch.randn(len(shapes), config.latent))
        data, each = [_tensors(shape) for shape in shapes], max(config.batch // len(shapes), 1)
        groups: list[dict[str, Any]] = [{"params": list(self.net_.parameters())}, {"params": [codes]}]
        optimizer = torch.optim.Adam(groups, config.rate)
        for used in budget.progress():
            halve_rates(optimizer, [config.rate, config.code_rate], used)
            rows = [torch.randint(len(places), (each,), generator=rng) for places, _ in data]
            places = torch.stack([x[r] for (x, _), r in zip(data, rows, strict=True)])
            distances = torch.stack([d[r] for (_, d), r in zip(data, rows, strict=True)])
            loss = self._loss(places, distances, codes, warm=min(1.0, 10 * used))
            descend(optimizer, loss)
        self.codes_ = codes.detach()
        return self

    def infer(self, supervision: Supervision, budget: Budget) -> Tensor:
        """The code (latent,) of a shape or of a part of one (equation 10): the network is held."""
        config, rng = self.config, torch.Generator().manual_seed(self.seed)
        code = torch.nn.Parameter(self.codes_.mean(dim=0, keepdim=True).clone())
        places, distances = _tensors(supervision)
        optimizer = torch.optim.Adam([code], 5 * config.code_rate)
        for used in budget.progress():
            halve_rates(optimizer, [5 * config.code_rate], used)
            rows = torch.randint(len(places), (min(config.batch, len(places)),), generator=rng)
            loss = self._loss(places[None, rows], distances[None, rows], code, warm=1.0)
            descend(optimizer, loss)
        return code.detach()[0]

    def decode(self, code: Tensor, frame: Frame) -> ScoreField:
        """The shape of a code; of a mean of two codes, a shape between two."""

        def coded(places: Tensor) -> Tensor:
            return self.net_(torch.cat([places, code.expand(len(places), -1)], dim=-1))

        return ScoreField(
            lambda x: evaluate_net(coded, x),
            frame,
            True,
            count_parameters(self.net_) + code.numel(),
            {"supervision": "mesh or cloud of every shape"},
        )

    def _loss(self, places: Tensor, distances: Tensor, codes: Tensor, warm: float) -> Tensor:
        """Mean of equation 9's sum over (shapes, places); their prior grows over the first tenth (supplement)."""
        told = codes[:, None, :].expand(-1, places.shape[1], -1)
        values = self.net_(torch.cat([places, told], dim=-1))
        prior = warm * 1e-4 * codes.norm(dim=1).mean()  # 1 / sigma^2 times the batch's share, as their code has it
        return clamped_l1(values, distances, self.config.clamp_distance).mean() + prior


def _tensors(supervision: Supervision) -> tuple[Tensor, Tensor]:
    return torch.as_tensor(supervision.places, dtype=torch.float32), torch.as_tensor(supervision.distances, dtype=torch.float32)
