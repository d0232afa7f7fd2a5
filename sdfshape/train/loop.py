"""The one-class loop (Bethune et al. 2023, Algorithms 1 to 3), on one screen: `run`.

Lazy as in Algorithm 3: one step of the optimiser a walk. The weight lambda rises: a small one first gives slope 1 everywhere,
a large one then puts the sign right at the surface.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..lipschitz import Boxes, Layers, certify
from ..lipschitz.stack import StackEngine, StackParameters
from ..losses import hkr_loss, hkr_slopes
from ..sample import Evidence
from .config import TrainConfig
from .muon import OrthogonalMuon
from .pool import SamplePool
from .record import Record

CPU = torch.device("cpu")


class OneClassLoop:
    """Everything that a run holds and a checkpoint must keep."""

    def __init__(self, evidence: Evidence, boxes: Boxes, config: TrainConfig, seed: int, device: torch.device = CPU) -> None:
        self.config, self.boxes = config, boxes
        optimizer, network = config.optimizer, config.network
        self.generator = torch.Generator().manual_seed(seed)
        self.parameters = StackParameters.random(network.networks, network.depth, network.width, self.generator).to(device)
        self.pool = SamplePool(evidence, boxes, optimizer.batch, walk=config.walk, generator=self.generator, device=device)
        batch = 4 * self.pool.quarter
        self.engines = [StackEngine(self.parameters, batch, dtype) for dtype in (_low_precision(), torch.float32)]
        self.muon = OrthogonalMuon(self.parameters.hidden, optimizer.momentum)
        self.others = [self.parameters.bias, self.parameters.last, self.parameters.offset]
        self.adam = torch.optim.Adam(self.others, lr=optimizer.rate, betas=(optimizer.momentum, optimizer.second_moment), fused=True)
        self.step = 0

    def run(self) -> Iterator[Record]:
        """Train to the end from wherever the loop stands, one record a step."""
        steps = self.config.optimizer.steps
        while self.step < steps:
            rate, weight = schedule(self.step, self.config)
            engine = self.engines[self.step >= self.config.optimizer.low_share * steps]
            u = self.pool.batch()  # P and Q0: half fresh, half walked in the step before
            f = engine.forward(u, self.parameters)
            inside, outside = f.chunk(2, dim=1)
            slopes = torch.cat(hkr_slopes(inside, outside, margin=self.config.margin, weight=weight), dim=1)
            gradient, du = engine.backward(slopes)
            self.pool.walk(f, du / slopes[..., None])  # Qt: the proposals, one Newton-Raphson step nearer to {f = 0}
            self._update(gradient, rate)
            self.step += 1
            loss = hkr_loss(inside, outside, margin=self.config.margin, weight=weight).mean()
            yield Record(self.step, steps, float(loss), weight)

    def layers(self) -> Layers:
        """The network as it stands: re-orthogonalised, condensed, certified."""
        return certify(self.parameters.to(CPU).layers(self.boxes.lo.shape[1]))

    def _update(self, gradient: StackParameters, rate: float) -> None:
        self.muon.step(gradient.hidden, self.config.optimizer.turn * rate)
        self.adam.param_groups[0]["lr"] = self.config.optimizer.rate * rate
        for parameter, slope in zip(self.others, (gradient.bias, gradient.last, gradient.offset), strict=True):
            parameter.grad = slope
        self.adam.step()

    def state(self) -> dict[str, Tensor]:
        """All that must survive an interruption, as tensors."""
        state = {"generator": self.generator.get_state(), "step": torch.tensor(self.step), "hidden": self.parameters.hidden}
        state |= {"muon": self.muon.average} | {f"pool_{name}": value for name, value in self.pool.state().items()}
        for j, parameter in enumerate(self.others):
            state[f"other_{j}"] = parameter
            for name, value in self.adam.state.get(parameter, {}).items():
                state[f"adam_{j}_{name}"] = value
        return state

    def restore(self, state: dict[str, Tensor]) -> None:
        """Stand where `state` was taken; the evidence, boxes, config and seed must be the same."""
        self.generator.set_state(state["generator"])
        self.step = int(state["step"])
        self.parameters.hidden.copy_(state["hidden"])
        self.muon.average.copy_(state["muon"])
        self.pool.restore({name: state[f"pool_{name}"] for name in self.pool.state()})
        for j, parameter in enumerate(self.others):
            parameter.copy_(state[f"other_{j}"])
            if self.step:
                self.adam.state[parameter] = {
                    name: state[f"adam_{j}_{name}"].to(parameter.device, copy=True) for name in ("step", "exp_avg", "exp_avg_sq")
                }


def schedule(step: int, config: TrainConfig) -> tuple[float, float]:
    """(rate, lambda): the rate warms up, then falls as half a cosine to 0; lambda rises geometrically over `ramp` of the steps."""
    optimizer, (first, last) = config.optimizer, config.weight
    done = step / optimizer.steps
    rate = min(1.0, (step + 1) / optimizer.warmup) * 0.5 * (1 + math.cos(math.pi * done))
    return rate, first * (last / first) ** min(1.0, done / config.ramp)


def low_precision_available() -> bool:
    """Whether this processor multiplies in bfloat16 faster than in float32."""
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe and probe())


def _low_precision() -> torch.dtype:
    return torch.bfloat16 if low_precision_available() else torch.float32
