"""A regular grid of cubic cells, unit frame, and what lies where in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..types import FloatArray, IntArray


@dataclass(frozen=True)
class Grid:
    """origin : (3,) corner of cell (0, 0, 0).   spacing : side of a cell.   cells : cells per axis; nodes are cells + 1."""

    origin: tuple[float, float, float]
    spacing: float
    cells: tuple[int, int, int]

    @classmethod
    def over(cls, lo: FloatArray, hi: FloatArray, resolution: int) -> Self:
        """The grid with `resolution` cells along the longest side of the box [lo, hi], covering the box."""
        size = np.asarray(hi, dtype=np.float64) - lo
        spacing = float(size.max()) / resolution
        # a hair less than whole cells must not cost a further layer
        cells = tuple(max(1, math.ceil(side / spacing - 1e-9)) for side in size)
        return cls(tuple(float(c) for c in lo), spacing, cells)  # type: ignore[arg-type]

    @property
    def nodes(self) -> tuple[int, int, int]:
        x, y, z = self.cells
        return (x + 1, y + 1, z + 1)

    @property
    def dense_evaluations(self) -> int:
        """How many nodes a dense extraction evaluates."""
        return math.prod(self.nodes)

    def node_position(self, index: IntArray) -> FloatArray:
        """(m, 3) node indices (or fractional ones) -> (m, 3) unit frame."""
        return np.asarray(self.origin) + np.asarray(index, dtype=np.float64) * self.spacing
