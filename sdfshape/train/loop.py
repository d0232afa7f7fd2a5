"""The one-class loop (Bethune et al. 2023, Algorithms 1 to 3), on one screen: `run`.

Lazy as in Algorithm 3: one step of the optimiser a walk. The weight lambda rises: a small one first gives slope 1 everywhere,
a large one then puts the sign right at the surface.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor

from ..lipschitz import Boxes, Layers
from ..losses import bounded_hkr_loss, bounded_hkr_slopes
from ..sample import Evidence
from .adam import Adam
from .config import TrainConfig
from .muon import OrthogonalMuon
from .network import CPU, make_network
from .pool import SamplePool, batch_of
from .record import Record

LOSS_EVERY = 10  # steps: the loss itself is only told
SETTLE_EVERY, LARGE_TURN = (
    4,
    0.1,
)  # steps: matrices that turn by so much are off the group by 1e-4 in between; larger turns settle each time


class OneClassLoop:
    """Everything that a run holds and a checkpoint must keep."""

    def __init__(self, evidence: Evidence, boxes: Boxes, config: TrainConfig, seed: int, device: torch.device = CPU) -> None:
        self.config, self.boxes = config, boxes
        optimizer = config.optimizer
        self.generator = torch.Generator().manual_seed(seed)
        batch = batch_of(optimizer.batch, boxes, config.walked)
        self.network = make_network(config.network, boxes.lo.shape[1], batch, self.generator, device)
        self.pool = SamplePool(
            evidence, boxes, optimizer.batch, walk=config.walk, walked=config.walked, generator=self.generator, device=device
        )
        self.muons = [OrthogonalMuon(hidden, optimizer.momentum) for hidden in self.network.hidden]
        self.adam = Adam(self.network.others, optimizer.momentum, optimizer.second_moment)
        self.side = torch.tensor([-1.0, 1.0], device=device).repeat_interleave(batch // 2)  # s = side f
        self.loss = torch.zeros((), device=device)
        self.step = 0

    def run(self) -> Iterator[Record]:
        """Train to the end from wherever the loop stands, one record a step."""
        steps = self.config.optimizer.steps
        while self.step < steps:
            rate, weight = schedule(self.step, self.config)
            u, distance = self.pool.batch()  # P and Q0: fresh ones, and what walked in the step before
            f = self.network.forward(u, low=self.step < self.config.optimizer.low_share * steps)
            score, distance = (f * self.side).unflatten(1, (2, -1)), distance.unflatten(1, (2, -1))
            slopes = bounded_hkr_slopes(score, distance, margin=self.config.margin, weight=weight).flatten(1) * self.side
            turning, moving, du = self.network.backward(slopes)
            self.pool.walk(f, du / torch.where(slopes == 0, 1, slopes)[..., None])  # Qt: the proposals, one step nearer to {f = 0}
            self._update(turning, moving, rate)
            self.step += 1
            if self.step % LOSS_EVERY == 1 or self.step == steps:
                self.loss = bounded_hkr_loss(score, distance, margin=self.config.margin, weight=weight).sum(1).mean()
            yield Record(self.step, steps, float(self.loss), weight)

    def layers(self) -> Layers:
        """The network as it stands: re-orthogonalised, condensed, certified. (Of images an `ImageLayers`, which is asked the same
        things.)
        """
        return cast(Layers, self.network.layers())

    def _update(self, turning: Sequence[Tensor], moving: Sequence[Tensor], rate: float) -> None:
        turn = self.config.optimizer.turn * rate
        settle = turn > LARGE_TURN or self.step % SETTLE_EVERY == SETTLE_EVERY - 1
        for muon, gradient in zip(self.muons, turning, strict=True):
            muon.step(gradient, turn, settle)
        self.adam.step(moving, self.config.optimizer.rate * rate, self.step + 1)

    def state(self) -> dict[str, Tensor]:
        """All that must survive an interruption, as tensors."""
        state = {"generator": self.generator.get_state(), "step": torch.tensor(self.step), "loss": self.loss}
        state |= {f"pool_{name}": value for name, value in self.pool.state().items()}
        for j, muon in enumerate(self.muons):
            state |= {f"hidden_{j}": muon.matrices, f"muon_{j}": muon.average}
        for j, tensors in enumerate(zip(self.network.others, self.adam.average, self.adam.square, strict=True)):
            state |= {f"{name}_{j}": tensor for name, tensor in zip(("other", "average", "square"), tensors, strict=True)}
        return state

    def restore(self, state: dict[str, Tensor]) -> None:
        """Stand where `state` was taken; the evidence, boxes, config and seed must be the same."""
        self.generator.set_state(state["generator"])
        self.step, self.loss = int(state["step"]), state["loss"].clone()
        for j, muon in enumerate(self.muons):
            muon.matrices.copy_(state[f"hidden_{j}"])
            muon.average.copy_(state[f"muon_{j}"])
        self.pool.restore({name: state[f"pool_{name}"] for name in self.pool.state()})
        for j, tensors in enumerate(zip(self.network.others, self.adam.average, self.adam.square, strict=True)):
            for name, tensor in zip(("other", "average", "square"), tensors, strict=True):
                tensor.copy_(state[f"{name}_{j}"])


def schedule(step: int, config: TrainConfig) -> tuple[float, float]:
    """(rate, lambda): the rate warms up, then falls as half a cosine to 0; lambda rises geometrically over `ramp` of the steps."""
    optimizer, (first, last) = config.optimizer, config.weight
    done = step / optimizer.steps
    rate = min(1.0, (step + 1) / optimizer.warmup) * 0.5 * (1 + math.cos(math.pi * done))
    return rate, first * (last / first) ** min(1.0, done / config.ramp)
