"""The published recipe, as preset `paper`: a yardstick that runs, not the default. In any dimension.

Bethune et al. 2023 (ICML, arXiv:2303.01978), section 5.3 and appendix: 2,048 points of the shape are the positives; negatives come from
Algorithm 1 (T = 4, eta ~ U(0, 1)) on the field as it is; a d-512-512-512-512-1 network with Bjorck-orthonormalised matrices and FullSort;
hKR with lambda = 100; RMSprop; batches of 128; 40 epochs, the first 5 with T = 0 (warm start); the surface is the level that keeps 99% of
the points (iso = first percentile of the scores), extracted at 200^3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..lipschitz import Boxes, Layers, certify
from ..lipschitz.orthogonal import bjorck_orthonormalize, nearest_orthogonal
from ..losses import hkr_loss
from ..sample import Domain, newton_raphson_walk
from .config import TrainConfig
from .record import Record

CONVERGED = 0.01  # Algorithm 2: an epoch that lowers the loss by less of it ends the round


class PaperLoop:
    """Positives: points (n, d), unit frame. Same interface as `OneClassLoop`: run, layers, state, restore."""

    def __init__(self, points_unit: Tensor, boxes: Boxes, config: TrainConfig, seed: int) -> None:
        self.config, self.boxes, self.points = config, boxes, points_unit.float()
        self.domain = Domain(config.recipe.domain)
        self.generator = torch.Generator().manual_seed(seed)
        sizes = [self.points.shape[1]] + [config.network.width] * config.network.depth + [1]
        shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        self.weights = [nearest_orthogonal(torch.randn(s, generator=self.generator)).requires_grad_() for s in shapes]
        self.biases = [torch.zeros(out, requires_grad=True) for out, _ in shapes]
        self.optimizer = torch.optim.RMSprop([*self.weights, *self.biases], lr=config.optimizer.rate)
        self.order = torch.randperm(len(self.points), generator=self.generator)
        self.negatives = self.points[:0]  # Q_t: what the last walk left, as many batches as it is used for
        self.round = torch.tensor([0.0, math.inf, 0.0])  # of Algorithm 2: this epoch's loss, the last one's, whether to walk anew
        self.step = 0

    def run(self) -> Iterator[Record]:
        """One record a batch; an epoch is one pass over the points, or more where they are few."""
        batch, steps = self.config.optimizer.batch, self.config.optimizer.steps
        batches = max(1, len(self.points) // batch)
        while self.step < steps:
            start = self.step % batches * batch
            if start == 0:
                self.order = torch.randperm(len(self.points), generator=self.generator)
            positives = self.points[self.order[start : start + batch]]
            epoch = max(batches, self.config.recipe.least_epoch)
            proposals = self._proposals(len(positives), epoch)
            orthogonal = self._orthogonal()
            negatives = self._negatives(proposals, len(positives), orthogonal, epoch)
            f = orthogonal(self.boxes.to_local(torch.cat([positives, negatives])))[0] * self.boxes.scale[0]
            inside, outside = f[: len(positives)], f[len(positives) :]
            loss = hkr_loss(inside, outside, margin=self.config.margin, weight=self.config.weight[1])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.step += 1
            self._judge_round(float(loss.detach()), epoch)
            yield Record(self.step, steps, float(loss.detach()), self.config.weight[1])

    def layers(self) -> Layers:
        """Bjorck's last error is taken away in float64; then condensed and certified."""
        with torch.no_grad():
            loose = self._orthogonal()
            matrices = tuple(nearest_orthogonal(w.detach()) for w in loose.matrices)
            return certify(Layers(matrices, tuple(b.detach().clone() for b in loose.biases), loose.activation))

    def _orthogonal(self) -> Layers:
        matrices = tuple(bjorck_orthonormalize(w)[None] for w in self.weights)
        return Layers(matrices, tuple(b[None, None] for b in self.biases), "full_sort")

    def _proposals(self, count: int, epoch: int) -> Tensor | None:
        """Uniform in the domain, when a walk is due: one batch of them, or, where a walk is used again, an epoch's."""
        updates = self.config.recipe.updates
        if len(self.negatives) and (self.round[2] == 0 if updates == 0 else self.step % updates):
            return None
        self.round[2] = 0
        batches = min(updates or epoch, epoch)
        return self.domain.uniform(count * batches, self.points.shape[1], self.generator)

    def _negatives(self, proposals: Tensor | None, count: int, orthogonal: Layers, epoch: int) -> Tensor:
        """The next `count` of the places that walked last."""
        if proposals is not None:
            recipe, frozen = self.config.recipe, orthogonal.map(Tensor.detach)
            self.negatives = newton_raphson_walk(
                lambda z: frozen(self.boxes.to_local(z))[0] * self.boxes.scale[0],
                proposals,
                steps=recipe.walk_steps if self.step >= recipe.warm_epochs * epoch else 0,
                share=recipe.share * torch.rand(len(proposals), 1, generator=self.generator),
                domain=self.domain,
            )
        start = self.step * count % len(self.negatives)
        return self.negatives[start : start + count]

    def _judge_round(self, loss: float, epoch: int) -> None:
        """At the end of an epoch: whether Algorithm 2 has trained on this Q_t for long enough."""
        self.round[0] += loss / epoch
        if self.step % epoch == 0:
            now, last = float(self.round[0]), float(self.round[1])
            settled = last - now < CONVERGED * abs(last)
            self.round = torch.tensor([0.0, math.inf if settled else now, float(settled)])

    def state(self) -> dict[str, Tensor]:
        """All that must survive an interruption, as tensors."""
        state = {"generator": self.generator.get_state(), "step": torch.tensor(self.step), "order": self.order}
        state |= {"negatives": self.negatives, "round": self.round}
        for j, parameter in enumerate([*self.weights, *self.biases]):
            state[f"parameter_{j}"] = parameter.detach()
            for name, value in self.optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    state[f"rms_{j}_{name}"] = value
        return state

    def restore(self, state: dict[str, Tensor]) -> None:
        """Stand where `state` was taken; points, config and seed must be the same."""
        self.generator.set_state(state["generator"])
        self.step, self.order = int(state["step"]), state["order"].clone()
        self.negatives, self.round = state["negatives"].clone(), state["round"].clone()
        with torch.no_grad():
            for j, parameter in enumerate([*self.weights, *self.biases]):
                parameter.copy_(state[f"parameter_{j}"])
                prefix = f"rms_{j}_"
                if self.step:
                    self.optimizer.state[parameter] = {k[len(prefix) :]: v.clone() for k, v in state.items() if k.startswith(prefix)}
