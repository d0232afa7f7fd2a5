"""One kind of layer trained on labelled places for some seconds, and what came of it."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from ..losses import bounded_hkr_loss
from ..sample import Evidence
from ..train.muon import OrthogonalMuon
from .budget import Budget
from .layer_net import GROUP, LayerNet

BATCH, MARGIN, WEIGHT, RAMP = 2048, 2e-3, (2.0, 100.0), 0.8  # as `TrainConfig`, an eighth of its batch
TURN, MOMENTUM, WARMUP = 0.04, 0.8, 0.03
LAST = 20  # steps whose loss is averaged


@dataclass(frozen=True, eq=False)
class Fitted:
    """net : trained.   step_ms : of the clock, mean.   loss : of the last steps, mean, at the full weight."""

    net: LayerNet
    steps: int
    step_ms: float
    loss: float


def fit_layers(net: LayerNet, evidence: Evidence, *, budget: Budget, rate: float, seed: int = 0) -> Fitted:
    """Bounded hKR on batches of both sides, lambda rising and the rate falling as in our training; no walk.

    rate : of Adam, for whatever the kind does not turn on the group.
    """
    rng = torch.Generator().manual_seed(seed)
    sides = [torch.as_tensor(side) for side in (evidence.inside, evidence.outside)]
    free = [p for name, p in net.named_parameters() if p.requires_grad and not (net.kind == GROUP and name == "weight")]
    optimizer = torch.optim.Adam(free, rate, betas=(MOMENTUM, 0.99))
    muon = OrthogonalMuon(net.weight.data[None], MOMENTUM) if net.kind == GROUP else None
    last: deque[float] = deque(maxlen=LAST)
    start, steps = time.perf_counter(), 0
    for used in budget.progress():
        share = min(1.0, used / WARMUP) * 0.5 * (1 + math.cos(math.pi * used)) + 1e-3
        weight = WEIGHT[0] * (WEIGHT[1] / WEIGHT[0]) ** min(1.0, used / RAMP)
        for group in optimizer.param_groups:
            group["lr"] = rate * share
        loss = _loss(net, sides, weight, rng)
        net.zero_grad()
        (loss / weight).backward()
        optimizer.step()
        if muon is not None and net.weight.grad is not None:
            muon.step(net.weight.grad[None], TURN * share)
        last.append(loss.item())
        steps += 1
    return Fitted(net, steps, 1e3 * (time.perf_counter() - start) / max(steps, 1), sum(last) / len(last))


def _loss(net: LayerNet, sides: list[Tensor], weight: float, rng: torch.Generator) -> Tensor:
    rows = torch.cat([side[torch.randint(len(side), (BATCH // 2,), generator=rng)] for side in sides])
    sign = torch.tensor([-1.0, 1.0]).repeat_interleave(BATCH // 2)
    return bounded_hkr_loss(sign * net(rows[:, :3]), rows[:, 4], margin=MARGIN, weight=weight)
