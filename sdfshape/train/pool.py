"""Draws batches from evidence, and walks them towards the surface: Algorithm 1 of Bethune et al. 2023, spread over two steps of training.

One in `walked` places of a batch, a quarter where sides are known, is a place of the step before, moved once by
    x <- Proj_B(x - eta f(x) grad f / |grad f|^2),   eta ~ U(0, 1),
with the gradient that the training step computed anyway: the walk costs little. The others are fresh from the evidence, which knows more of
the surface than the walk finds: with a half that walks the Chamfer distance is 2% larger, for 10% more time a step. Slabs need that half
(Hausdorff distance of an open sheet .027 of its size, with a quarter .037). A place never moves more than nine tenths of the way its
evidence allows, so it cannot pass the surface and its label stays right; places with no such way are drawn anew. Walkers that live longer
starve the far field (measured: Chamfer .036 against .018), so each walks once and is replaced.

Layout of a batch u (k, b, d), local frames of k networks: [insides | outsides], each [walkers | other fresh ones | walked].
A place that moved by a step is at most that much farther from the surface than it was. In any dimension d.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..lipschitz import Boxes
from ..sample import Evidence

MARGIN_OF_BOX = 1.2  # a network also sees a little beyond its box, or its field would be free there
REACH = 0.9  # share of the allowed way that a place may move
SOME = 4096  # places for a box that sees none of a side


def walkers_of(batch: int, boxes: Boxes, walked: int) -> int:
    """Places of each box and side that walk, in a batch of about `batch` over all boxes."""
    return max(1, batch // (2 * walked * len(boxes.lo)))


def batch_of(batch: int, boxes: Boxes, walked: int) -> int:
    """Places of each box in a batch of about `batch` over all boxes."""
    return 2 * walked * walkers_of(batch, boxes, walked)


class SamplePool:
    """An endless, reproducible supply of labelled places for each box of a mosaic."""

    def __init__(
        self,
        evidence: Evidence,
        boxes: Boxes,
        batch: int,
        *,
        walk: bool,
        walked: int,
        generator: torch.Generator,
        device: torch.device,
    ) -> None:
        self.walkers = walkers_of(batch, boxes, walked)
        self.walk_on, self.generator = walk, generator
        sides = [torch.as_tensor(side) for side in (evidence.inside, evidence.outside)]
        seen = [[_near_box(side, boxes, k, generator) for side in sides] for k in range(len(boxes.lo))]
        self._fresh_ones = (walked - 1) * self.walkers
        longest = max(self._fresh_ones, max(len(rows) for pair in seen for rows in pair))
        # a whole number of steps and the walkers of one: what a pass draws for walks alone is fresh in the next one
        step = walked * self.walkers
        self._count = -(-(longest - self.walkers) // step) * step + self.walkers
        # (k, side, count, d + 2), and the first of them again: a batch is one slice, wherever it starts
        rounds = self._count + self._fresh_ones
        self._places = torch.stack([torch.stack([_repeated(rows, self._count, rounds) for rows in pair]) for pair in seen]).to(device)
        self._next = torch.zeros((), dtype=torch.int64)
        corners = torch.tensor([-1.0, 1.0])[:, None, None]
        self._domain = ((corners - boxes.centre) / boxes.scale[:, None]).to(device)
        self._fresh = self._places[:, :, : self._fresh_ones]
        self._walked = self._draw(self.walkers)

    def batch(self) -> tuple[Tensor, Tensor]:
        """Places (k, b, d), insides first, and about how far the surface is from each (k, b), at most."""
        self._fresh = self._draw(self._fresh_ones)
        both = torch.cat([self._fresh, self._walked], dim=2).flatten(1, 2)  # (k, side, fresh then walked, d + 2)
        return both[..., :-2], both[..., -1]

    def walk(self, f: Tensor, gradient: Tensor) -> None:
        """One Newton-Raphson step of the walkers; f (k, b) and its gradient (k, b, d) at the last batch."""
        if not self.walk_on:
            self._walked = self._draw(self.walkers)
            return
        shape, start = (len(f), 2, self._fresh_ones + self.walkers), self._fresh[:, :, : self.walkers]
        f, gradient = f.view(shape)[:, :, : self.walkers], gradient.view(*shape, -1)[:, :, : self.walkers]
        eta = torch.rand(f.shape, generator=self.generator).to(f.device)
        # places on the wrong side of the field stay: the walk leads to the surface, never through it
        right = torch.stack([f[:, 0] < 0, f[:, 1] > 0], dim=1)
        step = -(eta * f * right)[..., None] * gradient / gradient.square().sum(-1, keepdim=True).clamp_min(1e-2)
        reach = start[..., -2:-1]
        step = step * (REACH * reach / step.norm(dim=-1, keepdim=True).clamp_min(1e-12)).clamp_max(1)
        there = start[..., :-2] + step
        moved = torch.maximum(torch.minimum(there, self._domain[1][:, None, None]), self._domain[0][:, None, None])
        farther = start[..., -1:] + step.norm(dim=-1, keepdim=True)
        self._walked = torch.where(reach > 0, torch.cat([moved, reach, farther], dim=-1), self._draw(self.walkers))

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold to draw the same places again."""
        return {"next": self._next, "walked": self._walked}

    def restore(self, state: dict[str, Tensor]) -> None:
        self._next = state["next"].clone()
        self._walked = torch.empty_like(self._walked).copy_(state["walked"])  # of another shape: an error here

    def _draw(self, count: int) -> Tensor:
        """(k, 2, count, d + 2): the next places of every box and side, in the order shuffled at the start."""
        start = int(self._next)
        self._next.fill_((start + count) % self._count)
        return self._places[:, :, start : start + count]


def _near_box(places: Tensor, boxes: Boxes, k: int, generator: torch.Generator) -> Tensor:
    """The rows (n, d + 2) in or around box k, shuffled, in its local frame; some of all rows if the box sees none of this side."""
    half = (boxes.hi[k] - boxes.lo[k]) / 2 * MARGIN_OF_BOX
    seen = places[((places[:, :-2] - boxes.centre[k]).abs() <= half).all(dim=1)]
    seen = seen if len(seen) else places[torch.randperm(len(places), generator=generator)[:SOME]]
    seen = seen[torch.randperm(len(seen), generator=generator)]
    return torch.cat([(seen[:, :-2] - boxes.centre[k]), seen[:, -2:]], dim=1) / boxes.scale[k]


def _repeated(rows: Tensor, count: int, rounds: int) -> Tensor:
    """The rows, over and over until there are `count`, and these over and over until there are `rounds`."""
    for length in (count, rounds):
        rows = rows.repeat(-(-length // len(rows)), 1)[:length]
    return rows
