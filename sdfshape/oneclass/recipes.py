"""The two ways of training: our fast default, and the paper's recipe in any dimension. Both end in the loops of `train`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..errors import InputError
from ..lipschitz import Boxes
from ..sample import Domain, Evidence
from ..sample.evidence import NO_EVIDENCE
from ..train import NetworkConfig, OptimizerConfig, TrainConfig
from ..train.config import RecipeConfig
from ..train.record import Record
from ..train.run import computing_with, make_loop, train_layers
from ..types import FloatArray
from .discs import disc_network
from .evidence import measure_evidence
from .field import RowField
from .row_frame import RowFrame

RECIPES, ALGORITHMS, NETWORKS = ("default", "paper"), ("lazy", "alternate"), ("chain", "discs", "vgg", "gnp")
BALL_HOLDS = 0.99  # of the rows, at least
REACH = 5.0  # deviations: the paper's hypercube is ten of them wide, its ball has this radius
MARGINS = (0.01, 0.05, 0.2, 1.0)  # the paper's, deviations
PLACES = 40_000
EPOCHS, LEAST_EPOCH, BATCH = 40, 15, 128  # the paper's; an epoch of few rows has 15 steps in its code


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a detector asks of a training; None is what the recipe says. `OneClassSDF` explains the names."""

    recipe: str
    share: float
    domain: str
    standard: bool
    margin: float
    weight: float | None
    steps: int | None
    width: int | None
    depth: int | None
    neighbours: int | None
    walk_steps: int
    eta: float
    algorithm: str
    updates: int
    warm_epochs: int
    device: str
    network: str
    image: tuple[int, int, int] | None

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES or self.algorithm not in ALGORITHMS:
            law = f"recipe one of {', '.join(RECIPES)} and algorithm one of {', '.join(ALGORITHMS)}"
            raise InputError(f"a detector must have a {law}, got {self.recipe!r} and {self.algorithm!r}")
        if self.network not in NETWORKS or (self.network in ("chain", "discs")) != (self.image is None):
            raise InputError(f"network must be chain or discs, or vgg or gnp with an image_shape, got {self.network!r} and {self.image}")
        if self.network != "chain" and self.recipe == "paper":
            raise InputError(f"the paper's recipe trains a chain here: network={self.network!r} needs recipe='default'")
        if self.network == "discs" and not self.steps is self.weight is self.neighbours is None:
            raise InputError(
                "discs are fitted in closed form: steps, weight and neighbors are for networks that are trained, leave them out"
            )
        if self.neighbours is not None and self.neighbours < 1:
            raise InputError(f"neighbors must be at least 1, got {self.neighbours}")
        if not 0 < self.margin < math.inf or (self.weight is not None and not 0 < self.weight < math.inf):
            raise InputError(f"margin and weight must be above 0 and finite, got {self.margin} and {self.weight}")
        sizes = [n for n in (self.steps, self.width, self.depth) if n is not None]
        if min(sizes, default=1) < 1 or self.walk_steps < 0:
            raise InputError(f"steps, width and depth must be at least 1 and walk_steps at least 0, got {sizes} and {self.walk_steps}")


def train_field(rows: FloatArray, request: Request, seed: int, progress: Callable[[Record, float], None]) -> RowField:
    """The certified field of rows (n, d), n >= 2."""
    domain, frame = Domain(request.domain), _frame(rows, request)
    deviation = 1.0 if request.standard else max(float((rows - rows.mean(axis=0)).std()), 1e-12)
    reach = REACH * deviation
    if request.domain == "ball" or frame.basis is not None:
        # in many dimensions most rows are farther than five deviations from their mean, also along a principal direction
        order = 2 if request.domain == "ball" else np.inf
        reach = max(reach, float(np.quantile(np.linalg.norm(frame.to_unit(rows).numpy(), ord=order, axis=1), BALL_HOLDS)))
    frame = replace(frame, reach=reach)
    unit = domain.project(frame.to_unit(rows))
    if request.network == "discs":
        discs = disc_network(unit.numpy(), discs=request.width, flat=request.depth, share=request.share, seed=seed)
        return RowField(discs, frame, domain, slack=discs.reach)  # discs end: near them the domain knows no more
    side = torch.full((1, frame.dimension), 0.8)  # a box that leaves the unit frame as it is
    config = _paper(request, len(rows)) if request.recipe == "paper" else _default(request, frame.dimension)
    evidence = _evidence(unit.numpy(), domain, config, request, seed)
    with computing_with(request.device, None) as device:
        loop = make_loop(evidence, unit.numpy(), Boxes(-side, side), config, seed, device)
        return RowField(train_layers(loop, progress), frame, domain).with_slack_for(rows)


def _frame(rows: FloatArray, request: Request) -> RowFrame:
    """Image networks see all pixels; raises InputError where rows are not images of the shape that is told."""
    if request.image is None:
        return RowFrame.from_rows(rows, standard=request.standard)
    if math.prod(request.image) != rows.shape[1]:
        raise InputError(f"rows must be images of {request.image}, {math.prod(request.image)} numbers each, got {rows.shape[1]}")
    return RowFrame.from_rows(rows, standard=request.standard, most=rows.shape[1])


def _evidence(unit: FloatArray, domain: Domain, config: TrainConfig, request: Request, seed: int) -> Evidence:
    if config.network.kind == "bjorck":
        return NO_EVIDENCE
    rng = np.random.default_rng(seed)
    return measure_evidence(unit, domain, count=PLACES, share=request.share, neighbours=request.neighbours, rng=rng)


def _default(request: Request, dimension: int) -> TrainConfig:
    """Every number has its line in apps/85_ablation.py."""
    steps = request.steps or 400
    if request.image is None:
        width = max(request.width or 64, 2 * math.ceil(dimension / 2))
        network, batch = NetworkConfig(networks=1, width=width, depth=request.depth or 4), 2048
    else:
        width, depth = request.width or 32, request.depth or 2
        network, batch = NetworkConfig(kind=request.network, networks=1, width=width, depth=depth, image=request.image), 256
    return TrainConfig(
        network=network,
        optimizer=OptimizerConfig(steps=steps, batch=batch, warmup=min(50, steps)),
        margin=request.margin / REACH,
        weight=(min(2.0, request.weight or 100.0), request.weight or 100.0),
        walk=request.walk_steps > 0,
        walked=2,
    )


def _paper(request: Request, rows: int) -> TrainConfig:
    """Bethune et al. 2023: lambda 100, batches of 128, 40 epochs, RMSprop at the 5e-4 of their code for tables."""
    epoch = max(LEAST_EPOCH, rows // BATCH)
    weight = request.weight or 100.0
    updates = request.updates if request.algorithm == "lazy" else 0
    return TrainConfig(
        network=NetworkConfig(kind="bjorck", networks=1, width=request.width or 512, depth=request.depth or 4),
        optimizer=OptimizerConfig(steps=request.steps or EPOCHS * epoch, batch=BATCH, rate=5e-4, warmup=1, low_share=0.0),
        margin=request.margin / REACH,
        weight=(weight, weight),
        recipe=RecipeConfig(
            domain=request.domain,
            walk_steps=request.walk_steps,
            share=request.eta,
            updates=updates,
            warm_epochs=request.warm_epochs,
            least_epoch=LEAST_EPOCH,
        ),
    )
