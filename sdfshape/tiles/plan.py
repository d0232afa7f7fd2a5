"""Where the tiles of a scan are. All in the unit frame of the whole scan unless said otherwise.

The box of the scan is halved until there are as many cells as tiles, with about equally many points each: they fill it, so a place
between the points is in a tile too. The walls of a tile stand a little outside of its cell, so that neighbours overlap; what it learns
from reaches beyond its walls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..frame import HALF_EXTENT, Frame
from ..lipschitz.boxes import halved, outer_walls
from ..types import FloatArray

OVERLAP = 0.04  # of the longest side of a cell: how far outside of it its walls stand
REACH = 0.12  # unit frame of a tile: how far beyond its walls it looks; its outermost networks see 0.1 of their own boxes at most
MOST_TILES = 2048  # of which a field file can hold all


@dataclass(frozen=True, eq=False)
class Tile:
    """cell, walls : (2, 3) corners.   index : its number."""

    index: int
    cell: FloatArray
    walls: FloatArray

    @property
    def frame(self) -> Frame:
        """Of the tile, inside of that of the scan."""
        return Frame.from_points(self.walls)

    @property
    def region(self) -> FloatArray:
        """(2, 3) corners of what it learns from."""
        grow = REACH * self.frame.scale
        return np.stack([self.walls[0] - grow, self.walls[1] + grow])

    def holds(self, points: FloatArray) -> np.ndarray:
        """(n,) which points are in the region."""
        return in_box(points, self.region)


def in_box(points: FloatArray, box: FloatArray) -> np.ndarray:
    """(n,) which points (n, 3) are between the corners (2, 3) of a box, or on its walls."""
    return ((points >= box[0]) & (points <= box[1])).all(axis=1)


def check_count(count: int) -> None:
    """Raise InputError unless it is a power of two that is not too large."""
    if not (isinstance(count, int) and 1 <= count <= MOST_TILES and count & (count - 1) == 0):
        raise InputError(f"tiles must be a power of two, at most {MOST_TILES}, got {count!r}")


def cut(points: FloatArray, count: int) -> list[Tile]:
    """`count` tiles of points (n, 3); raises what `check_count` raises."""
    check_count(count)
    lo, hi = outer_walls(points)
    tiles = []
    for index, (a, b) in enumerate(halved(lo, hi, points, count)):
        pad = OVERLAP * float((b - a).max())
        tiles.append(Tile(index, np.stack([a, b]), np.stack([np.maximum(a - pad, lo), np.minimum(b + pad, hi)])))
    return tiles


assert HALF_EXTENT + REACH < 1  # the domain of a tile holds its region
