"""Which of thousands of boxes a place is near: a sparse grid of cells that know the boxes they touch.

A box grown by `reach` on all sides is entered in every cell that it meets. So every box within `reach` of a place is among those of its
cell, and there are as many of these as overlap there, however many boxes there are in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..types import FloatArray, IntArray

SLACK = 1e-6  # of the reach: more than the rounding of places and boxes can lose
MOST_ALONG = 2**20  # cells along an axis
MOST_ENTRIES = 64  # of a box in cells, on the average: with larger cells boxes of very different sizes stay few


@dataclass(frozen=True, eq=False)
class NearBoxes:
    """lo, hi : (k, 3) of the boxes, float64, unit frame.   reach : how near.   keys : (c,) of the cells that touch boxes, rising;
    members[starts[j] : starts[j + 1]] : the boxes of cell j, rising.   origin (3,), side : of the cells.
    """

    reach: float
    keys: IntArray
    starts: IntArray
    members: IntArray
    origin: FloatArray
    side: float

    @classmethod
    def over(cls, lo: FloatArray, hi: FloatArray, reach: float) -> Self:
        grown = reach * (1 + SLACK) + SLACK * float(np.abs([lo, hi]).max())
        low, high = lo - grown, hi + grown
        origin, side = low.min(axis=0), max(2 * reach, float((high.max(axis=0) - low.min(axis=0)).max()) / MOST_ALONG)
        while float((np.floor((high - origin) / side) - np.floor((low - origin) / side) + 1).prod(axis=1).sum()) > MOST_ENTRIES * len(lo):
            side *= 2
        first, last = (np.floor((corner - origin) / side).astype(np.int64) for corner in (low, high))
        counts = (last - first + 1).prod(axis=1)
        box = np.repeat(np.arange(len(lo)), counts)
        inner = np.arange(len(box)) - np.repeat(np.cumsum(counts) - counts, counts)  # the number of a cell among those of its box
        wide = (last - first + 1)[box]
        cell = first[box] + np.stack([inner // (wide[:, 1] * wide[:, 2]), inner // wide[:, 2] % wide[:, 1], inner % wide[:, 2]], axis=1)
        key = _key(cell)
        order = np.lexsort((box, key))
        keys, starts = np.unique(key[order], return_index=True)
        return cls(reach, keys, np.append(starts, len(key)), box[order], origin, side)

    def pairs(self, places: FloatArray) -> tuple[IntArray, IntArray]:
        """(row, box) of all places (m, 3) and the boxes that may be within reach of them, rows rising."""
        cell = np.floor((places - self.origin) / self.side)
        there = np.flatnonzero(((cell >= 0) & (cell < 2 * MOST_ALONG)).all(axis=1))
        key = _key(cell[there].astype(np.int64))
        place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        known = self.keys[place] == key
        place, there = place[known], there[known]
        count = self.starts[place + 1] - self.starts[place]
        row = np.repeat(there, count)
        inner = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        return row, self.members[np.repeat(self.starts[place], count) + inner]


def _key(cell: IntArray) -> IntArray:
    return (cell[:, 0] << 42) | (cell[:, 1] << 21) | cell[:, 2]
