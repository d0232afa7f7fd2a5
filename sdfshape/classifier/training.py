"""Training of a signed distance classifier: hKR over the gap between the right output and the best of the others.

The hidden matrices turn on the orthogonal group (`train.muon`), the last layer is brought back to its own set (`lipschitz.heads`) in every
step and at the end, so nothing is penalised: every network on the way could be certified.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from ..errors import InputError
from ..lipschitz import ACTIVATIONS, Layers
from ..lipschitz.certificate import certify_pairs
from ..lipschitz.heads import HEADS, LBFGS_STEPS, unbounded_pair_difference
from ..lipschitz.orthogonal import nearest_orthogonal
from ..lipschitz.stack import StackParameters
from ..train.adam import Adam
from ..train.muon import OrthogonalMuon
from ..train.record import Record
from ..types import FloatArray, IntArray
from .network import SignedDistanceClassifier, class_gap

FEWEST = 2  # classes


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """width, depth : of the hidden layers.   activation : absolute, max_min, oplu or full_sort.   head : unbounded or bounded.
    margin : m of the hinge, in the units of the places.   weight : (first, last) lambda.   turn, rate : of the steps.
    """

    width: int = 64
    depth: int = 5
    activation: str = "absolute"
    head: str = "unbounded"
    margin: float = 0.01
    weight: tuple[float, float] = (2.0, 100.0)
    steps: int = 600
    batch: int = 4096
    turn: float = 0.04
    rate: float = 1e-2
    momentum: float = 0.8
    second_moment: float = 0.99
    warmup: int = 50
    ramp: float = 0.8

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS or self.head not in HEADS:
            known = f"activation one of {', '.join(ACTIVATIONS)} and head one of {', '.join(HEADS)}"
            raise InputError(f"a classifier must have {known}, got {self.activation!r} and {self.head!r}")
        if self.width % 2 or self.width < 4 or self.depth < 1 or self.steps < 1 or self.batch < 1 or not self.margin > 0:
            raise InputError("width must be even and at least 4, depth, steps and batch at least 1, margin above 0")


def fit_classifier(
    places: FloatArray,
    labels: IntArray,
    *,
    config: ClassifierConfig | None = None,
    room: FloatArray | None = None,
    seed: int = 0,
    progress: Callable[[Record], None] = lambda _: None,
) -> SignedDistanceClassifier:
    """Learn the classes of places (n, d) from their labels (n,), integers.

    room : (n,) how far the nearest place of another class is known to be at least, the hinge asks for no more; the margin unless told.
    progress : called after every step with the loss and lambda.
    Raises InputError for fewer than two classes, or more than the last layer has room for.
    """
    config = config or ClassifierConfig()
    dimension, classes, own = _checked(places, labels, room, config)
    generator = torch.Generator().manual_seed(seed)
    net = _Net.random(dimension, len(classes), config, generator)
    data = torch.as_tensor(np.asarray(places), dtype=torch.float32), torch.as_tensor(own)
    asked = torch.full((len(own),), config.margin) if room is None else torch.as_tensor(room, dtype=torch.float32).clamp(max=config.margin)
    for step in range(config.steps):
        done = step / config.steps
        first, last = config.weight
        weight = first * (last / first) ** min(1.0, done / config.ramp)
        rows = torch.randint(len(own), (config.batch,), generator=generator)
        gap = net.gap(data[0][rows], data[1][rows])
        loss = (weight * functional.relu(asked[rows] - gap) - gap).mean()
        net.step(loss / weight, rate=min(1.0, (step + 1) / config.warmup) * 0.5 * (1 + math.cos(math.pi * done)), number=step + 1)
        progress(Record(step + 1, config.steps, loss.item(), weight))
    return SignedDistanceClassifier(certify_pairs(net.layers()), classes.astype(np.int64))


def _checked(places: FloatArray, labels: IntArray, room: FloatArray | None, config: ClassifierConfig) -> tuple[int, IntArray, IntArray]:
    """d of places (n, d), the classes, and the number of each place's; raises InputError for what cannot be learned."""
    rows, names = np.asarray(places), np.asarray(labels)
    if names.dtype.kind not in "iu" or names.ndim != 1:
        raise InputError(f"labels must be (n,) integers, got shape {names.shape} of {names.dtype}")
    if rows.ndim != 2 or len(rows) != len(names) or not np.isfinite(rows).all():
        raise InputError(f"places must be (n, d) finite numbers with a label each, got shape {rows.shape} and {len(names)} labels")
    if room is not None and np.shape(room) != (len(names),):
        raise InputError(f"room must be (n,) lengths, one a place, got shape {np.shape(room)} for {len(names)} places")
    classes, own = np.unique(names, return_inverse=True)
    if not FEWEST <= len(classes) <= config.width:
        raise InputError(f"there must be {FEWEST} to {config.width} classes (the width), got {len(classes)}")
    if not 1 <= rows.shape[1] <= config.width:
        raise InputError(f"places must have 1 to {config.width} numbers each (the width), got {rows.shape[1]}")
    return rows.shape[1], classes, own


@dataclass(eq=False)
class _Net:
    """What is trained.   tensors : biases (1, L, w), the last layer before it is brought to its set (K, w), its bias (K,)."""

    config: ClassifierConfig
    dimension: int
    hidden: Tensor
    tensors: list[Tensor]

    def __post_init__(self) -> None:
        self._muon = OrthogonalMuon(self.hidden, self.config.momentum)
        self._adam = Adam(self.tensors, self.config.momentum, self.config.second_moment)

    @classmethod
    def random(cls, dimension: int, classes: int, config: ClassifierConfig, generator: torch.Generator) -> _Net:
        chain = StackParameters.random(1, config.depth, config.width, generator)
        rows = torch.linalg.qr(torch.randn(config.width, classes, generator=generator))[0].T / math.sqrt(2)
        return cls(config, dimension, chain.hidden, [chain.bias, rows.contiguous(), torch.zeros(classes)])

    def gap(self, places: Tensor, own: Tensor) -> Tensor:
        """(b,): how far the right output is above the best of the others."""
        for tensor in (self.hidden, *self.tensors):
            tensor.requires_grad_()
        return class_gap(self._chain(self.hidden, HEADS[self.config.head](self.tensors[1])).outputs(places[None])[0], own)

    def step(self, loss: Tensor, *, rate: float, number: int) -> None:
        """Down the gradient; then the last layer is put back where it counts."""
        gradients = torch.autograd.grad(loss, (self.hidden, *self.tensors))
        for tensor in (self.hidden, *self.tensors):
            tensor.requires_grad_(False)
        self._muon.step(gradients[0], self.config.turn * rate)
        self._adam.step(gradients[1:], self.config.rate * rate, number)
        self.tensors[1].copy_(HEADS[self.config.head](self.tensors[1]))

    def layers(self) -> Layers:
        """The network with its matrices orthogonal, and its last layer on its set, to the digits of float32."""
        double, unbounded = self.tensors[1].double(), self.config.head == "unbounded"
        last = unbounded_pair_difference(double, 16 * LBFGS_STEPS) if unbounded else nearest_orthogonal(double) / math.sqrt(2)
        return self._chain(nearest_orthogonal(self.hidden), last.float()).map(Tensor.contiguous)

    def _chain(self, hidden: Tensor, last: Tensor) -> Layers:
        bias, _, offset = self.tensors
        matrices = (hidden[:, 0, :, : self.dimension], *hidden[:, 1:].unbind(1), last[None])
        return Layers(matrices, (*(b[:, None, :] for b in bias.unbind(1)), offset[None, None, :]), self.config.activation)
