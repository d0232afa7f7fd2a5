"""Boxes that a mosaic of networks shares out: f(x) = min_k max((1 - b) s_k g_k(x) + b r_k(x), box_k(x)), r_k(x) = max(box_k(x) + w_k, 0).

Theorem. For 0 <= b <= 1 and 1-Lipschitz s_k g_k, f is 1-Lipschitz. Proof. The signed distance to a box is 1-Lipschitz, so is r_k, the
maximum of two such functions; (1 - b) s_k g_k + b r_k changes by at most (1 - b) |x - y| + b |x - y|; maxima and minima keep the constant.

What the ramp r_k is for. Two networks differ by some d where their boxes overlap. Without a ramp (b = 0) the lesser one's surface ends at
its wall, and there the other's begins, d beside it: a slit, straight along the wall, that the eye finds on a flat side. r_k rises from 0,
at the depth w_k, to w_k at the wall, so that near its own wall a network gives way to its neighbour: with a slope of b / (1 - b)
instead of a step, if d <= b w_k. The price: slopes of 1 - b instead of 1 where a network alone decides.

With one network the box is the scan's, a little larger: it closes whatever a network might put far away from every point; b is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..frame import PAD, Frame
from .kept import kept

OVERLAP = 0.15  # of the smallest side: how much neighbouring boxes share
DEPTH = 0.15  # w_k, of the smallest side of the cell
RAMP = 0.02  # b: the Chamfer distance is that without; .05 hides the last of the slits, for 3% more


@dataclass(frozen=True, eq=False)
class Boxes:
    """lo, hi : (k, d) corners, unit frame. Network k sees (x - centre_k) / scale_k, its box is then at most 1.6 long.
    ramp : (k, 2) b and w_k of every box; no ramps unless told.
    """

    lo: Tensor
    hi: Tensor
    ramp: Tensor = None  # type: ignore[assignment]  # None: zeros, below

    def __post_init__(self) -> None:
        if self.ramp is None:
            object.__setattr__(self, "ramp", self.lo.new_zeros(*self.lo.shape[:1], 2))

    @kept
    def centre(self) -> Tensor:
        return (self.lo + self.hi) / 2

    @kept
    def scale(self) -> Tensor:
        return (self.hi - self.lo).amax(dim=1) / 1.6

    def corners(self) -> tuple[np.ndarray, np.ndarray]:
        """(k, d) lo, hi as float64 arrays."""
        return self.lo.double().numpy(), self.hi.double().numpy()

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
        box = self.distance(x)
        return torch.maximum(self.ramped(local, box), box).amin(dim=0)

    def ramped(self, local: Tensor, box: Tensor) -> Tensor:
        """h_k = (1 - b) s_k g_k + b r_k (k, b), from the values of the networks, in their own units, and the distances to their boxes."""
        share, width = self.ramp.T[..., None]
        return (1 - share) * local * self.scale[:, None] + share * (box + width).clamp_min(0)

    def lowering(self, level: float) -> Tensor:
        """(k,) what to take from the values of the networks, in their own units, to take `level` from (1 - b) s_k g_k."""
        return level / (self.scale * (1 - self.ramp[:, 0]))

    def map(self, change) -> Self:  # type: ignore[no-untyped-def]
        """`change` of every tensor: another dtype, device, some of the boxes."""
        return type(self)(change(self.lo), change(self.hi), change(self.ramp))

    def moved(self, frame: Frame) -> Self:
        """The same boxes as they are outside of a frame, in which they are given; float32."""
        lo, hi = (torch.tensor(frame.to_world(corner.numpy()), dtype=torch.float32) for corner in (self.lo, self.hi))
        return type(self)(lo, hi, self.ramp * torch.tensor([1.0, frame.scale]))


def split_boxes(points_unit: np.ndarray, count: int, walls: tuple[np.ndarray, np.ndarray] | None = None) -> Boxes:
    """`count` = 2^j overlapping boxes with equally many of the points (n, d), by halving the longest side at the median.

    walls : (lo, hi) of all of them; a little outside of the points unless told.
    """
    lo, hi = walls or outer_walls(points_unit)
    cells = np.array(halved(lo, hi, points_unit, count))  # (count, 2, d)
    smallest = (cells[:, 1] - cells[:, 0]).min(axis=1)
    pad, ramp = (OVERLAP / 2 * smallest.min(), RAMP) if count > 1 else (0.0, 0.0)
    corners = np.maximum(cells[:, 0] - pad, lo), np.minimum(cells[:, 1] + pad, hi)
    ramps = np.stack([np.full(count, ramp), DEPTH * smallest], axis=1)
    return Boxes(*(torch.tensor(numbers, dtype=torch.float32) for numbers in (*corners, ramps)))


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
