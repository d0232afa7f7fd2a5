"""Deep SVDD (Ruff et al. 2018) and its relatives, on rows of any length: a network that maps the data into a small ball.

Objectives: `one-class`, `soft-boundary` (R the (1 - nu) quantile of the distances) and, with labels, Deep SAD (eta). The centre is the
mean of the first pass, pushed away from 0. Regularisers against the collapse: `noise` and `variance` of Chong et al., weighted adaptively.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError
from ..frame import Frame
from ..types import FloatArray, IntArray
from .budget import Budget
from .descent import descend
from .networks import count_parameters
from .score_field import ScoreField, keeping_most
from .svdd_losses import (
    COLLAPSED,
    AdaptiveWeight,
    noise_loss,
    one_class_loss,
    semi_supervised_loss,
    soft_boundary_loss,
    soft_radius,
    variance_loss,
    variance_threshold,
)

OBJECTIVES, REGULARISERS = ("one-class", "soft-boundary"), ("none", "noise", "variance")
CENTRE_EPS = 0.1  # Ruff et al.'s code: coordinates of the centre are at least this far from 0
LEAK = 0.1


@dataclass(frozen=True)
class DeepSVDDConfig:
    """objective, nu : see the module.   eta : weight of labelled rows.   widths : of the hidden layers and of the space of the ball.
    bias : theirs has none, for it lets the network be constant.   heads : k of the noise regulariser.   warm_epochs : before R moves.
    """

    objective: str = "one-class"
    regulariser: str = "none"
    nu: float = 0.1
    eta: float = 1.0
    widths: tuple[int, ...] = (128, 128, 32)
    bias: bool = False
    rate: float = 1e-3
    decay: float = 1e-6
    batch: int = 256
    heads: int = 8
    warm_epochs: int = 10

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES or self.regulariser not in REGULARISERS:
            laws = f"objective one of {', '.join(OBJECTIVES)}, regulariser one of {', '.join(REGULARISERS)}"
            raise InputError(f"Deep SVDD must have an {laws}, got {self.objective!r} and {self.regulariser!r}")
        if not (0 < self.nu < 1 and self.eta > 0 and self.rate > 0):
            raise InputError(f"Deep SVDD must have nu in (0, 1), eta > 0 and rate > 0, got {self.nu}, {self.eta}, {self.rate}")


@dataclass(eq=False)
class DeepSVDD:
    """make_net(d) : a network of rows to `widths[-1]` features, in place of the dense one of `widths`.
    After `fit`: centre_ (h,), radius_, epochs_, and collapsed_, whether the map is constant for all that matters.
    """

    config: DeepSVDDConfig = field(default_factory=DeepSVDDConfig)
    seed: int = 0
    make_net: Callable[[int], nn.Module] | None = None

    def fit(self, rows: FloatArray, budget: Budget, labels: IntArray | None = None) -> DeepSVDD:
        """rows : (n, d), finite.   labels : (n,) 0 unknown, 1 normal, -1 anomalous: then Deep SAD in place of the objective."""
        if not np.isfinite(rows).all() or len(rows) < 2:
            raise InputError(f"Deep SVDD must have at least 2 finite rows, got {len(rows)}")
        torch.manual_seed(self.seed)
        config, rng = self.config, torch.Generator().manual_seed(self.seed)
        x = torch.as_tensor(rows, dtype=torch.float32)
        told = None if labels is None else torch.as_tensor(labels)
        self.net_ = self.make_net(x.shape[1]) if self.make_net else _network(x.shape[1], config.widths, bias=config.bias)
        head, noise = nn.Linear(config.widths[-1], config.heads), torch.randint(0, 2, (len(x), config.heads), generator=rng).float()
        self.centre_, self.radius_, weight = self._first_centre(x), 0.0, AdaptiveWeight()
        self.net_.train()
        optimizer = torch.optim.Adam([*self.net_.parameters(), *head.parameters()], config.rate, weight_decay=config.decay)
        batches = math.ceil(len(x) / config.batch)
        for step, _ in enumerate(budget.progress()):
            if step % batches == 0:
                order = torch.randperm(len(x), generator=rng)
            some = order[(step % batches) * config.batch :][: config.batch]
            features = self.net_(x[some])
            squared = ((features - self.centre_) ** 2).sum(dim=1)
            loss = self._loss(squared, None if told is None else told[some])
            regular = self._regulariser(features, head, noise[some], step // batches)
            total = loss if regular is None else loss + weight.update(loss.item(), regular.item()) * regular
            descend(optimizer, total)
            self.epochs_ = step // batches + 1
            if config.objective == "soft-boundary" and step // batches >= config.warm_epochs:
                self.radius_ = soft_radius(squared, config.nu)
        self.net_.eval()
        self.collapsed_ = self._is_collapsed(x, rng)
        return self

    def scores(self, rows: FloatArray) -> FloatArray:
        """(n,) |phi(x) - c|^2 - R^2: large is anomalous."""
        with torch.inference_mode():
            squared = ((self.net_(torch.as_tensor(rows, dtype=torch.float32)) - self.centre_) ** 2).sum(dim=1)
        return squared.double().numpy() - self.radius_**2

    def normality_and_gradient(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n,) minus the scores, and their gradients (n, d): for attacks."""
        x = torch.as_tensor(rows, dtype=torch.float32).requires_grad_()
        value = self.radius_**2 - ((self.net_(x) - self.centre_) ** 2).sum(dim=1)
        (slope,) = torch.autograd.grad(value.sum(), x)
        return value.detach().double().numpy(), slope.double().numpy()

    def _loss(self, squared: Tensor, labels: Tensor | None) -> Tensor:
        if labels is not None:
            return semi_supervised_loss(squared, labels, self.config.eta)
        if self.config.objective == "soft-boundary":
            return soft_boundary_loss(squared, self.radius_, self.config.nu)
        return one_class_loss(squared)

    def _regulariser(self, features: Tensor, head: nn.Module, labels: Tensor, epoch: int) -> Tensor | None:
        if self.config.regulariser == "noise":
            return noise_loss(head(features), labels)
        if self.config.regulariser == "variance" and len(features) > 1:
            return variance_loss(features, variance_threshold(epoch))
        return None

    def _first_centre(self, x: Tensor) -> Tensor:
        self.net_.eval()
        with torch.inference_mode():
            centre = self.net_(x).mean(dim=0)
        near = centre.abs() < CENTRE_EPS
        return torch.where(near, torch.where(centre < 0, -CENTRE_EPS, CENTRE_EPS), centre).clone()

    def _is_collapsed(self, x: Tensor, rng: torch.Generator) -> bool:
        """Whether places all over the box of the data, thrice as large, are mapped about as far from the centre as each other, or to no
        number.
        """
        middle, half = (x.amax(0) + x.amin(0)) / 2, (x.amax(0) - x.amin(0)) / 2
        places = middle + 3 * half * (2 * torch.rand(2048, x.shape[1], generator=rng) - 1)
        with torch.inference_mode():
            features = self.net_(places)
        spread = features.std(dim=0).norm() / (features.mean(dim=0).norm() + self.centre_.norm())
        return not bool(spread > COLLAPSED)


def fit_svdd_field(
    points_unit: FloatArray, frame: Frame, *, budget: Budget, config: DeepSVDDConfig | None = None, seed: int = 0
) -> ScoreField:
    """Deep SVDD of points (n, 3), unit frame, as a field whose level 0 keeps 99% of them: a score, not a distance."""
    svdd = DeepSVDD(config or DeepSVDDConfig(), seed).fit(points_unit, budget)
    info = {"epochs": svdd.epochs_, "collapsed": svdd.collapsed_, "supervision": "nothing"}
    return keeping_most(svdd.scores, points_unit, frame, count_parameters(svdd.net_), info)


def _network(inputs: int, widths: tuple[int, ...], *, bias: bool) -> nn.Sequential:
    sizes = [inputs, *widths]
    layers: list[nn.Module] = []
    for k, (i, o) in enumerate(pairwise(sizes)):
        layers += [nn.Linear(i, o, bias=bias), *([nn.LeakyReLU(LEAK)] if k + 1 < len(widths) else [])]
    return nn.Sequential(*layers)
