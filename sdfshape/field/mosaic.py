"""f(x) = min_k max(h_k, box_k) of a mosaic, asking only networks that can be the least. h_k: network k and its ramp (`lipschitz.boxes`).

Let u be the value of the network whose box holds x deepest. Any network with box_k(x) >= u has max(h_k, box_k) >= u, so it does not
matter: what is computed is the same number as with all of them (`Boxes.compose`, the slow twin in the tests). Near the surface u is near
0, so only boxes that hold x are asked: one, or a few where they overlap. (Boxes are told apart by `Boxes.beyond`, which is at most the
distance and costs a third of it.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..lipschitz import Boxes, Layers, kept
from ..types import IntArray

BEYOND = 1e-5  # unit frame: more than float32 can lose of a distance to a box


@dataclass(frozen=True, eq=False)
class Mosaic:
    """layers : of k networks.   boxes : theirs, in the dtype of the places that are asked."""

    layers: Layers
    boxes: Boxes

    def local_radii(self, farthest: float) -> Tensor:
        """(k,) how far from the middle of its box, in its own units, a network is asked about places that are at most `farthest` from 0."""
        boxes = self.boxes.map(Tensor.double)
        return (farthest + boxes.centre.norm(dim=1)) / boxes.scale

    def values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (b, d), unit frame -> f (b,) and the network (b,) that decides it."""
        walls = self.boxes.beyond(x)
        owner = _lowest(walls)
        f = torch.empty_like(x[:, 0])
        for k, rows in _groups(owner, len(walls)):
            f[rows] = self._one(k, x[rows])
        doubtful = walls < f
        doubtful.scatter_(0, owner[None], False)
        for k, rows in _rows_of(doubtful):
            other = self._one(k, x[rows])
            less = other < f[rows]
            f[rows[less]], owner[rows[less]] = other[less], k
        return f, owner

    def gradients(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (b, d), unit frame -> f (b,), and its gradient (b, d)."""
        with torch.no_grad():
            f, owner = self.values(x)
        gradient = torch.empty_like(x)
        for k, rows in _groups(owner, len(self.boxes.lo)):
            place = x[rows].requires_grad_()
            (gradient[rows],) = torch.autograd.grad(self._one(k, place).sum(), place)
        return f, gradient

    def pairs_within(self, x: Tensor, reach: float) -> tuple[IntArray, IntArray]:
        """(row, box) of all places x (b, d) and the boxes that are nearer than `reach` to them, and maybe of some more."""
        close = self.boxes.beyond(x) < reach + BEYOND
        row, box = np.nonzero(close.numpy().T)
        return row, box

    def alone(self, k: int, x: Tensor) -> Tensor:
        """h_k (b,) of network k at places x (b, d)."""
        layers, box = self._each[k]
        return box.ramped(layers(box.to_local(x)), box.distance(x))[0]

    @kept
    def _each(self) -> list[tuple[Layers, Boxes]]:
        """The networks one by one: a network is asked so often, about so few places, that cutting it out would cost as much."""
        cuts = [slice(k, k + 1) for k in range(len(self.boxes.lo))]
        return [(self.layers.map(lambda t, cut=cut: t[cut]), self.boxes.map(lambda t, cut=cut: t[cut])) for cut in cuts]

    def _one(self, k: int, x: Tensor) -> Tensor:
        layers, box = self._each[k]
        return box.compose(layers(box.to_local(x)), x)


def groups_of_pairs(key: IntArray, rows: IntArray) -> Iterator[tuple[int, Tensor]]:
    """(k, rows) for every k among the keys, rising."""
    order = np.argsort(key, kind="stable")
    ks, start = np.unique(key[order], return_index=True)
    for k, some in zip(ks.tolist(), np.split(rows[order], start)[1:], strict=True):
        yield k, torch.from_numpy(some)


def _lowest(rows: Tensor) -> Tensor:
    """(b,) the row of the least number in every column of (k, b): argmin, five times as fast."""
    least, owner = rows[0].clone(), torch.zeros(rows.shape[1], dtype=torch.int64, device=rows.device)
    for k in range(1, len(rows)):
        owner[rows[k] < least] = k
        torch.minimum(least, rows[k], out=least)
    return owner


def _rows_of(mask: Tensor) -> Iterator[tuple[int, Tensor]]:
    """(k, rows) for every row k of a mask (k, b) that holds some."""
    for k in mask.any(dim=1).nonzero()[:, 0].tolist():
        yield k, mask[k].nonzero()[:, 0]


def _groups(owner: Tensor, count: int) -> Iterator[tuple[int, Tensor]]:
    """(k, rows) for every k that some row has."""
    order = owner.argsort(stable=True)
    sizes = torch.bincount(owner, minlength=count).tolist()
    for k, rows in enumerate(order.split(sizes)):
        if len(rows):
            yield k, rows
