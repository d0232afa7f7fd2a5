"""Boxes that a mosaic of networks shares out: f(x) = min_k max(g_k(x), box_k(x)).

The distance to a box is 1-Lipschitz; so are the maximum and the minimum of 1-Lipschitz functions. So f is exactly 1-Lipschitz and
its zero set is the union over k of (shape of network k) cut with (box k). With one network the box is the scan's, a little
larger: it closes whatever a network might put far away from every point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..frame import PAD

OVERLAP = 0.15  # of the smallest side: how much neighbouring boxes share


@dataclass(frozen=True, eq=False)
class Boxes:
    """lo, hi : (k, d) corners, unit frame. Network k sees (x - centre_k) / scale_k, its box is then at most 1.6 long."""

    lo: Tensor
    hi: Tensor

    @property
    def centre(self) -> Tensor:
        return (self.lo + self.hi) / 2

    @property
    def scale(self) -> Tensor:
        return (self.hi - self.lo).amax(dim=1) / 1.6

    def to_local(self, x: Tensor) -> Tensor:
        """(b, d) -> (k, b, d)."""
        return (x[None] - self.centre[:, None]) / self.scale[:, None, None]

    def distance(self, x: Tensor) -> Tensor:
        """(b, d) -> (k, b) signed distance to each box, negative inside."""
        q = torch.maximum(self.lo[:, None] - x[None], x[None] - self.hi[:, None])
        return q.clamp_min(0).norm(dim=2) + q.amax(dim=2).clamp_max(0)

    def beyond(self, x: Tensor) -> Tensor:
        """(b, d) -> (k, b) how far x is beyond the walls of each box along the worst axis: the distance inside, at most that outside."""
        far = x.new_full((len(self.lo), len(x)), -torch.inf)
        for axis, column in enumerate(x.T.contiguous()):
            torch.maximum(far, self.lo[:, axis, None] - column, out=far)
            torch.maximum(far, column - self.hi[:, axis, None], out=far)
        return far

    def compose(self, local: Tensor, x: Tensor) -> Tensor:
        """Values (k, b) of the networks, in their own units, and the points (b, d) -> f (b,), unit frame."""
        return torch.maximum(local * self.scale[:, None], self.distance(x)).amin(dim=0)

    def map(self, change) -> Self:  # type: ignore[no-untyped-def]
        return type(self)(change(self.lo), change(self.hi))


def split_boxes(points_unit: np.ndarray, count: int, walls: tuple[np.ndarray, np.ndarray] | None = None) -> Boxes:
    """`count` = 2^j overlapping boxes with equally many of the points (n, d), by halving the longest side at the median.

    walls : (lo, hi) of all of them; a little outside of the points unless told.
    """
    lo, hi = walls or outer_walls(points_unit)
    cells = halved(lo, hi, points_unit, count)
    pad = OVERLAP / 2 * min((b - a).min() for a, b in cells) if count > 1 else 0.0
    corners = [(np.maximum(a - pad, lo), np.minimum(b + pad, hi)) for a, b in cells]
    both = torch.tensor(np.array(corners), dtype=torch.float32)
    return Boxes(both[:, 0].contiguous(), both[:, 1].contiguous())


def outer_walls(points_unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(lo, hi) of the box of points (n, d), PAD outside of them."""
    return points_unit.min(axis=0) - PAD, points_unit.max(axis=0) + PAD


def halved(lo: np.ndarray, hi: np.ndarray, points: np.ndarray, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """`count` = 2^j cells (lo, hi) that fill a box, with about equally many of the points (n, d): the longest side is cut at the median,
    or at a tenth of it.
    """
    if count == 1:
        return [(lo, hi)]
    axis = int(np.argmax(hi - lo))
    middle = float(np.median(points[:, axis]))
    middle = min(max(middle, lo[axis] + 0.1 * (hi - lo)[axis]), hi[axis] - 0.1 * (hi - lo)[axis])
    below_hi, above_lo = hi.copy(), lo.copy()
    below_hi[axis] = above_lo[axis] = middle
    left = points[:, axis] <= middle
    some = [points[left] if left.any() else points, points[~left] if (~left).any() else points]
    return halved(lo, below_hi, some[0], count // 2) + halved(above_lo, hi, some[1], count // 2)
