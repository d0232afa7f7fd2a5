"""The published recipe, as preset `paper`: a yardstick that runs, not the default.

Bethune et al. 2023 (ICML, arXiv:2303.01978), section 5.3 and appendix: 2,048 points of the shape are the positives; negatives come from
Algorithm 1 (T = 4, eta ~ U(0, 1)) on the field as it is; a 3-512-512-512-512-1 network with Bjorck-orthonormalised matrices and FullSort;
hKR with lambda = 100; RMSprop; batches of 128; 40 epochs, the first 5 with T = 0 (warm start); the surface is the level that keeps 99% of
the points (iso = first percentile of the scores), extracted at 200^3.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..lipschitz import Boxes, Layers, certify
from ..lipschitz.orthogonal import bjorck_orthonormalize, nearest_orthogonal
from ..losses import hkr_loss
from .config import TrainConfig
from .record import Record

WARM_EPOCHS = 5
WALK_STEPS = 4


class PaperLoop:
    """Positives: points (n, 3), unit frame. Same interface as `OneClassLoop`: run, layers, state, restore."""

    def __init__(self, points_unit: Tensor, boxes: Boxes, config: TrainConfig, seed: int) -> None:
        self.config, self.boxes, self.points = config, boxes, points_unit.float()
        self.generator = torch.Generator().manual_seed(seed)
        sizes = [3] + [config.network.width] * config.network.depth + [1]
        shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        self.weights = [nearest_orthogonal(torch.randn(s, generator=self.generator)).requires_grad_() for s in shapes]
        self.biases = [torch.zeros(out, requires_grad=True) for out, _ in shapes]
        self.optimizer = torch.optim.RMSprop([*self.weights, *self.biases], lr=config.optimizer.rate)
        self.order = torch.randperm(len(self.points), generator=self.generator)
        self.step = 0

    def run(self) -> Iterator[Record]:
        """One record a batch; an epoch is one pass over the points."""
        batch, steps = self.config.optimizer.batch, self.config.optimizer.steps
        per_epoch = max(1, len(self.points) // batch)
        while self.step < steps:
            if self.step % per_epoch == 0:
                self.order = torch.randperm(len(self.points), generator=self.generator)
            start = self.step % per_epoch * batch
            positives = self.points[self.order[start : start + batch]]
            proposals = 2 * torch.rand(len(positives), 3, generator=self.generator) - 1
            orthogonal = self._orthogonal()
            negatives = self._walk(proposals, orthogonal, WALK_STEPS if self.step >= WARM_EPOCHS * per_epoch else 0)
            f = orthogonal(self.boxes.to_local(torch.cat([positives, negatives])))[0] * self.boxes.scale[0]
            inside, outside = f[: len(positives)], f[len(positives) :]
            loss = hkr_loss(inside, outside, margin=self.config.margin, weight=self.config.weight[1])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.step += 1
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

    def _walk(self, z: Tensor, orthogonal: Layers, steps: int) -> Tensor:
        """Algorithm 1: z <- Proj_B(z - (eta / T) f(z) grad f / |grad f|^2), T times, only from outside."""
        frozen = orthogonal.map(Tensor.detach)
        eta = torch.rand(len(z), 1, generator=self.generator)
        for _ in range(steps):
            z = z.detach().requires_grad_()
            f = frozen(self.boxes.to_local(z))[0] * self.boxes.scale[0]
            (gradient,) = torch.autograd.grad(f.sum(), z)
            step = eta / steps * f.detach().clamp_min(0)[:, None] * gradient / gradient.square().sum(1, keepdim=True).clamp_min(1e-6)
            z = (z.detach() - step).clamp(-1, 1)
        return z.detach()

    def state(self) -> dict[str, Tensor]:
        """All that must survive an interruption, as tensors."""
        state = {"generator": self.generator.get_state(), "step": torch.tensor(self.step), "order": self.order}
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
        with torch.no_grad():
            for j, parameter in enumerate([*self.weights, *self.biases]):
                parameter.copy_(state[f"parameter_{j}"])
                prefix = f"rms_{j}_"
                if self.step:
                    self.optimizer.state[parameter] = {k[len(prefix) :]: v.clone() for k, v in state.items() if k.startswith(prefix)}
