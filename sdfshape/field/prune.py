"""Cells that cannot hold the surface are never opened.

Lemma. If f is 1-Lipschitz and |f(c) - iso| > r at the centre c of a cell of half-diagonal r, then f != iso in the whole cell: f moves by at
most |x - c| <= r. So a cell is kept iff |f(c) - iso| <= r; what is dropped holds no piece of the level set, at any depth of the
octree. With a constant L the test is |f(c) - iso| <= L r; `slack` allows for the error of the computed f.
(Used in libigl's `lipschitz_octree`, 2025; here with arbitrary resolutions: a coarse cell is 2^depth fine ones.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ..types import FloatArray, IntArray
from .grid import Grid

CORNERS = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), -1).reshape(-1, 3)
COARSE_CELLS = 16  # about this many coarse cells along the longest axis


@dataclass(frozen=True, eq=False)
class ActiveCells:
    """cells : (m, 3) indices of fine cells that may hold the surface, in the grid's order.   evaluations : spent to find them."""

    cells: IntArray
    evaluations: int


def active_cells(
    evaluate: Callable[[FloatArray], FloatArray],
    grid: Grid,
    *,
    iso: float = 0.0,
    lipschitz: float = 1.0,
    slack: float = 0.0,
    among: IntArray | None = None,
) -> ActiveCells:
    """Fine cells whose centre passes the lemma's test at every depth. evaluate : (m, 3) unit frame -> (m,).

    among : (m, 3) fine cells that are known to hold all of the level set, if they are: then these alone are tested.
    """
    depth = max(0, round(math.log2(max(grid.cells) / COARSE_CELLS))) if among is None else 0
    counts = [-(-c // 2**depth) for c in grid.cells]
    cells = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1).reshape(-1, 3) if among is None else among
    evaluations = 0
    for level in range(depth, -1, -1):
        width = 2**level
        centres = grid.node_position((cells + 0.5) * width)
        radius = lipschitz * math.sqrt(3) / 2 * grid.spacing * width * (1 + 1e-6) + slack
        cells = cells[np.abs(evaluate(centres) - iso) <= radius]
        evaluations += len(centres)
        if level:
            cells = (2 * cells[:, None] + CORNERS).reshape(-1, 3)
            cells = cells[_inside(cells, 2 ** (level - 1), grid.cells)]
    order = np.ravel_multi_index(tuple(cells.T), grid.cells)
    return ActiveCells(cells[np.argsort(order)], evaluations)


def _inside(cells: IntArray, width: int, counts: Iterable[int]) -> np.ndarray:
    """Which cells of `width` fine ones begin inside the grid."""
    return np.all(cells * width < np.asarray(tuple(counts)), axis=1)
