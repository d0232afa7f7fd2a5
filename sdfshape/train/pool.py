"""Draws batches from evidence, and walks them towards the surface: Algorithm 1 of Bethune et al. 2023, spread over two steps of training.

Half of a batch is fresh from the evidence; the other half are the fresh places of the step before, moved once by
    x <- Proj_B(x - eta f(x) grad f / |grad f|^2),   eta ~ U(0, 1),
with the gradient that the training step computed anyway: the walk costs nothing. A place never moves more than nine tenths of the way
its evidence allows, so it cannot pass the surface and its label stays right; places with no such way are drawn anew. Walkers that live
longer starve the far field (measured: Chamfer .036 against .018), so each walks once and is replaced.

Layout of a batch u (k, b, 3), local frames of k networks: [fresh inside | walked inside | fresh outside | walked outside], a quarter each.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..lipschitz import Boxes
from ..sample import Evidence

MARGIN_OF_BOX = 1.2  # a network also sees a little beyond its box, or its field would be free there
REACH = 0.9  # share of the allowed way that a place may move


class SamplePool:
    """An endless, reproducible supply of labelled places for each box of a mosaic."""

    def __init__(
        self, evidence: Evidence, boxes: Boxes, batch: int, *, walk: bool, generator: torch.Generator, device: torch.device
    ) -> None:
        self.quarter = batch // (4 * len(boxes.lo))
        self.walk_on, self.generator = walk, generator
        sides = (torch.as_tensor(evidence.inside), torch.as_tensor(evidence.outside))
        self._places = [
            [_shuffled(_at_least(_near_box(side, boxes, k), self.quarter), generator).to(device) for side in sides]
            for k in range(len(boxes.lo))
        ]
        self._next = torch.zeros(len(boxes.lo), 2, dtype=torch.int64)
        corners = torch.tensor([-1.0, 1.0])[:, None, None]
        self._domain = ((corners - boxes.centre) / boxes.scale[:, None]).to(device)
        self._fresh = self._draw()
        self._walked = self._draw()

    def batch(self) -> Tensor:
        """(k, b, 3): insides first."""
        self._fresh = self._draw()
        both = torch.cat([self._fresh, self._walked], dim=2)  # (k, side, fresh then walked, 4)
        return both[..., :3].flatten(1, 2)

    def walk(self, f: Tensor, gradient: Tensor) -> None:
        """One Newton-Raphson step of the fresh places; f (k, b) and its gradient (k, b, 3) at the last batch."""
        if not self.walk_on:
            self._walked = self._draw()
            return
        shape = (len(f), 2, 2 * self.quarter)
        f, gradient = f.view(shape)[:, :, : self.quarter], gradient.view(*shape, 3)[:, :, : self.quarter]
        eta = torch.rand(f.shape, generator=self.generator).to(f.device)
        # places on the wrong side of the field stay: the walk leads to the surface, never through it
        right = torch.stack([f[:, 0] < 0, f[:, 1] > 0], dim=1)
        step = -(eta * f * right)[..., None] * gradient / gradient.square().sum(-1, keepdim=True).clamp_min(1e-2)
        reach = REACH * self._fresh[..., 3:]
        step = step * (reach / step.norm(dim=-1, keepdim=True).clamp_min(1e-12)).clamp_max(1)
        moved = torch.maximum(torch.minimum(self._fresh[..., :3] + step, self._domain[1][:, None, None]), self._domain[0][:, None, None])
        walked = torch.cat([moved, self._fresh[..., 3:]], dim=-1)
        self._walked = torch.where(reach > 0, walked, self._draw())

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold to draw the same places again."""
        return {"next": self._next, "walked": self._walked}

    def restore(self, state: dict[str, Tensor]) -> None:
        self._next, self._walked = state["next"].clone(), state["walked"].to(self._walked.device, copy=True)

    def _draw(self) -> Tensor:
        """(k, 2, quarter, 4): the next places of every box and side, in the order shuffled at the start."""
        return torch.stack([torch.stack([self._take(k, side) for side in (0, 1)]) for k in range(len(self._places))])

    def _take(self, network: int, side: int) -> Tensor:
        places, start = self._places[network][side], int(self._next[network, side])
        if start + self.quarter > len(places):
            start = 0
        self._next[network, side] = start + self.quarter
        return places[start : start + self.quarter]


def _near_box(places: Tensor, boxes: Boxes, k: int) -> Tensor:
    """The rows (n, 4) in or around box k, in its local frame; of all rows if the box sees none of this side."""
    half = (boxes.hi[k] - boxes.lo[k]) / 2 * MARGIN_OF_BOX
    seen = places[((places[:, :3] - boxes.centre[k]).abs() <= half).all(dim=1)]
    seen = seen if len(seen) else places
    return torch.cat([(seen[:, :3] - boxes.centre[k]), seen[:, 3:]], dim=1) / boxes.scale[k]


def _at_least(places: Tensor, count: int) -> Tensor:
    """The places, over and over until there are `count`."""
    return places if len(places) >= count else places.repeat(-(-count // len(places)), 1)


def _shuffled(places: Tensor, generator: torch.Generator) -> Tensor:
    return places[torch.randperm(len(places), generator=generator)]
