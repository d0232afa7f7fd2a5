"""Mosaics of thousands of networks, as the tiles of a large scan make them: only the boxes near a place are looked at.

Notation: h_k, box_k as in `mosaic`; B the signed distance to the box of all boxes; c > 0 the reach. Let
    F = min_k max(h_k, box_k),   G = min(F, max(c, B)).

Theorem. G is as Lipschitz as F, has its sign everywhere and its zero set, and G >= B. Proof. B is 1-Lipschitz, c constant, and minima and
maxima keep the constant. max(c, B) > 0, so G and F have the same sign and zeros. Every box lies in the box of all, so box_k >= B, F >= B.
A network with box_k(x) >= c does not matter to G(x) where B(x) <= c, and where B(x) > c all of them have box_k >= B, so G = B there.

So what is asked at a place are networks whose boxes are nearer than c: as many as overlap there. (`Boxes.beyond` is at most box_k: those
that it keeps are enough.) Far away from the surface G falls short of F; the distance to the cells (`far`), which needs no more than signs
of one sign a side, stands in for it there, as it does for F.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..lipschitz import Boxes, Layers, kept
from ..types import FloatArray, IntArray
from .mosaic import BEYOND, groups_of_pairs
from .near_boxes import NearBoxes

MANY = 128  # boxes, above which a mosaic is a wide one (with 128 a wide one takes twice the time of a plain one)
REACH, LARGE = 0.5, 0.9  # c, in the longest side of a box than which this share of all are smaller; c is at least
CELLS = 8 / 256  # so much of the longest side of all: several of the cells (`far`) that stand in beyond it
NONE = -1  # the owner of a place that no network decides


@dataclass(frozen=True, eq=False)
class WideMosaic:
    """layers : of k networks, float32.   boxes : theirs, float32."""

    layers: Layers
    boxes: Boxes

    @cached_property
    def reach(self) -> float:
        """c, unit frame: of the boxes alone, so that it is the same wherever the field is."""
        sides = (self.boxes.hi.double() - self.boxes.lo.double()).amax(dim=1)
        whole = float((self.boxes.hi.double().amax(dim=0) - self.boxes.lo.double().amin(dim=0)).max())
        return max(REACH * float(sides.quantile(LARGE)), CELLS * whole)

    @cached_property
    def near(self) -> NearBoxes:
        return NearBoxes.over(*self.boxes.corners(), self.reach)

    @kept
    def whole(self) -> Boxes:
        """The box of all boxes."""
        return Boxes(self.boxes.lo.amin(dim=0, keepdim=True), self.boxes.hi.amax(dim=0, keepdim=True))

    def local_radii(self, farthest: float) -> Tensor:
        """(k,) how far from the middle of its box, in its own units, a network is ever asked: beside its box, wherever the place is."""
        boxes = self.boxes.map(Tensor.double)
        return 3**0.5 * (0.8 + 1.01 * self.reach / boxes.scale)

    def values(self, x: Tensor) -> tuple[Tensor, IntArray]:
        """x (b, d), unit frame -> G (b,) in its dtype, and the network (b,) that decides it, or NONE."""
        boxes = self.boxes.map(lambda t: t.to(x.dtype))
        cap = self.whole.map(lambda t: t.to(x.dtype)).distance(x)[0].clamp_min(self.reach)
        f, owner = cap.clone(), np.full(len(x), NONE, np.int64)
        row, box = self.near.pairs(x.double().numpy())
        walls = _beyond(boxes, x, row, box)
        row, box, walls = (column[walls < self.reach] for column in (row, box, walls))
        first = _deepest(row, walls)
        self._lower(f, owner, x, row[first], box[first])
        rest = walls < f.numpy()[row]
        rest[first] = False
        self._lower(f, owner, x, row[rest], box[rest])
        return f, owner

    def gradients(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (b, d), unit frame -> G (b,), and its gradient (b, d)."""
        with torch.no_grad():
            f, owner = self.values(x)
        gradient = torch.zeros_like(x)
        for k, rows in groups_of_pairs(owner[owner != NONE], np.flatnonzero(owner != NONE)):
            gradient[rows] = _slope(x[rows], lambda place, k=k: self._one(k, place))  # type: ignore[misc]
        far = torch.from_numpy(np.flatnonzero(owner == NONE))
        far = far[f[far] > self.reach]
        whole = self.whole.map(lambda t: t.to(x.dtype))
        gradient[far] = _slope(x[far], lambda place: whole.distance(place)[0])
        return f, gradient

    def pairs_within(self, x: Tensor, reach: float) -> tuple[IntArray, IntArray]:
        """(row, box) of all places x (b, 3) and the boxes nearer than `reach` <= c to them, and maybe of some more."""
        assert reach <= self.reach
        row, box = self.near.pairs(x.double().numpy())
        close = _beyond(self.boxes, x, row, box) < reach + BEYOND
        return row[close], box[close]

    def alone(self, k: int, x: Tensor) -> Tensor:
        """h_k (b,) of network k at places x (b, 3)."""
        layers, box = self._cut(k, x.dtype)
        return box.ramped(layers(box.to_local(x)), box.distance(x))[0]

    def _lower(self, f: Tensor, owner: IntArray, x: Tensor, row: IntArray, box: IntArray) -> None:
        """Lower f and name the owner where a network of the pairs is less; one network after the other, in their order."""
        for k, rows in groups_of_pairs(box, row):
            value = self._one(k, x[rows])
            less = value < f[rows]
            f[rows[less]], owner[rows[less].numpy()] = value[less], k

    def _one(self, k: int, x: Tensor) -> Tensor:
        layers, box = self._cut(k, x.dtype)
        return box.compose(layers(box.to_local(x)), x)

    def _cut(self, k: int, dtype: torch.dtype) -> tuple[Layers, Boxes]:
        return self.layers.map(lambda t: t[k : k + 1].to(dtype)), self.boxes.map(lambda t: t[k : k + 1].to(dtype))


def _beyond(boxes: Boxes, x: Tensor, row: IntArray, box: IntArray) -> FloatArray:
    """(p,) `Boxes.beyond` of the pairs, in the dtype of the places."""
    lo, hi, places = boxes.lo.numpy(), boxes.hi.numpy(), x.numpy()
    far = np.full(len(row), -np.inf, places.dtype)
    for axis in range(places.shape[1]):
        column = places[row, axis]
        np.maximum(far, lo[box, axis] - column, out=far)
        np.maximum(far, column - hi[box, axis], out=far)
    return far


def _deepest(row: IntArray, walls: FloatArray) -> IntArray:
    """Of each row's pairs, which come together, the first with the least number."""
    if not len(row):
        return np.zeros(0, np.int64)
    start = np.flatnonzero(np.diff(row, prepend=-1))
    least = np.repeat(np.minimum.reduceat(walls, start), np.diff(start, append=len(row)))
    hit = np.flatnonzero(walls == least)
    return hit[np.diff(row[hit], prepend=-1) > 0]


def _slope(x: Tensor, value) -> Tensor:  # type: ignore[no-untyped-def]
    if not len(x):
        return torch.zeros_like(x)
    place = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(place).sum(), place)
    return gradient
