"""f(x) = min_k max(s_k g_k, box_k) of a mosaic, asking only the networks that can be the least.

Let u be the value of the network whose box holds x deepest. Any network with box_k(x) >= u has max(s_k g_k, box_k) >= u, so it does not
matter: what is computed is the same number as with all of them (`Boxes.compose`, the slow twin in the tests). Near the surface u is near
0, so only boxes that hold x are asked: one, or a few where they overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..lipschitz import Boxes, Layers


@dataclass(frozen=True, eq=False)
class Mosaic:
    """layers : of k networks.   boxes : theirs, in the dtype of the places that are asked."""

    layers: Layers
    boxes: Boxes

    def values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (b, d), unit frame -> f (b,) and the network (b,) that decides it."""
        walls = self.boxes.distance(x)
        owner = walls.argmin(dim=0)
        f = torch.empty_like(x[:, 0])
        for k, rows in _groups(owner, len(walls)):
            f[rows] = self._one(k, x[rows], walls[k, rows])
        doubtful = walls < f
        doubtful.scatter_(0, owner[None], False)
        for k in range(len(walls)):
            rows = doubtful[k].nonzero()[:, 0]
            if len(rows):
                other = self._one(k, x[rows], walls[k, rows])
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
            box = self.boxes.map(lambda t, k=k: t[k : k + 1])
            (gradient[rows],) = torch.autograd.grad(self._one(k, place, box.distance(place)[0]).sum(), place)
        return f, gradient

    def _one(self, k: int, x: Tensor, wall: Tensor) -> Tensor:
        scale = self.boxes.scale[k]
        local = self.layers.map(lambda t: t[k : k + 1])(((x - self.boxes.centre[k]) / scale)[None])[0]
        return torch.maximum(local * scale, wall)


def _groups(owner: Tensor, count: int) -> Iterator[tuple[int, Tensor]]:
    """(k, rows) for every k that some row has."""
    order = owner.argsort(stable=True)
    sizes = torch.bincount(owner, minlength=count).tolist()
    for k, rows in enumerate(order.split(sizes)):
        if len(rows):
            yield k, rows
