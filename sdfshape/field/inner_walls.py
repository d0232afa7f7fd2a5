"""Cells on the walls between boxes, deep inside of a shape, that hold no surface though the mosaic is near 0 there.

Notation: F = min_k max(h_k, box_k) of a mosaic, h_k as in `mosaic`, L-Lipschitz; c the centre of a cell of half-diagonal r.
Where boxes share little, F is as near to 0 at the walls between them, inside of the shape, as the boxes overlap: `prune`, which knows
values alone, keeps cells there, and the distance to cells (`far`) would end at walls that are no surface.

Lemma. Let K be boxes with h_k(c) < -L r. If every place of the cell lies inside one of the boxes of K, then F < 0 all over the cell.
Proof. Let z lie in the cell, and inside box k of K: box_k(z) < 0. h_k(z) <= h_k(c) + L |z - c| < 0. So F(z) <= max(h_k(z), box_k(z)) < 0.
Boxes nearer than r to c are asked, and PIECES^3 equal cubes of the cell: each inside one box of K, whole. What is not proven is kept.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import torch

from ..lipschitz import Boxes
from ..types import FloatArray, IntArray
from .grid import Grid
from .mosaic import groups_of_pairs

PIECES = 4
AT_ONCE = 16_384  # cells
MARGIN = 1e-9  # unit frame: of the boxes' walls, in float64, for the rounding of centres


class BoxedNetworks(Protocol):
    """`Mosaic` or `WideMosaic`."""

    @property
    def boxes(self) -> Boxes: ...

    def pairs_within(self, x: torch.Tensor, reach: float) -> tuple[IntArray, IntArray]: ...

    def alone(self, k: int, x: torch.Tensor) -> torch.Tensor: ...


def off_inner_walls(
    mosaic: BoxedNetworks, grid: Grid, cells: IntArray, values: FloatArray, *, lipschitz: float, slack: float
) -> np.ndarray:
    """Mask (m,) of cells (m, 3) that the lemma does not free. values : (m,) of F at their centres; slack : of the computed h_k and F."""
    keep = np.ones(len(cells), bool)
    rows = np.flatnonzero(values < 0)
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        keep[some] = ~_free(mosaic, grid.node_position(cells[some] + 0.5), values[some], grid.spacing, lipschitz, slack)
    return keep


def _free(mosaic: BoxedNetworks, centres: FloatArray, values: FloatArray, side: float, lipschitz: float, slack: float) -> np.ndarray:
    radius = math.sqrt(3) / 2 * side * (1 + 1e-6)
    x = torch.tensor(centres, dtype=torch.float32)
    row, box = mosaic.pairs_within(x, radius + MARGIN)
    lo, hi = mosaic.boxes.corners()
    deepest = np.full(len(centres), np.inf)
    np.minimum.at(deepest, row, np.maximum(lo[box] - centres[row], centres[row] - hi[box]).max(axis=1))
    walled = np.asarray(values <= deepest + slack)  # elsewhere the network whose box holds c deepest is not low: others are not tried
    row, box = row[walled[row]], box[walled[row]]
    low = ramped_pairs(mosaic, x, row, box) < -lipschitz * radius - slack
    return _covered(centres, side, lo, hi, row[low], box[low])


def ramped_pairs(mosaic: BoxedNetworks, x: torch.Tensor, row: IntArray, box: IntArray) -> FloatArray:
    """h_k (p,) of networks at places x (b, d), by pairs (row, box) of these."""
    out = np.zeros(len(row), np.float32)
    with torch.inference_mode():
        for k, some in groups_of_pairs(box, np.arange(len(row))):
            out[some.numpy()] = mosaic.alone(k, x[torch.from_numpy(row)[some]]).numpy()
    return out


def _covered(centres: FloatArray, side: float, lo: FloatArray, hi: FloatArray, row: IntArray, box: IntArray) -> np.ndarray:
    """Mask (m,) of the cubes around centres (m, 3) of which every piece lies inside one of the boxes of its pairs (row, box)."""
    steps = (np.arange(PIECES) + 0.5) / PIECES - 0.5
    half = side / (2 * PIECES) * (1 + 1e-6) + MARGIN
    held = np.zeros((len(centres), PIECES, PIECES, PIECES), bool)
    along = centres[row][:, :, None] + side * steps
    within = (along - half > lo[box][:, :, None]) & (along + half < hi[box][:, :, None])
    np.logical_or.at(held, row, within[:, 0, :, None, None] & within[:, 1, None, :, None] & within[:, 2, None, None, :])
    return np.asarray(held.all(axis=(1, 2, 3)))
