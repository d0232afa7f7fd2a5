"""Cells that cannot hold the surface are never opened.

Notation: f is L-Lipschitz, v(x) = |f(x) - iso|. A level set is free of a cell if f != iso all over it.

Lemma 1. v(x) > L |z - x| for every z of a cell, from any one place x, frees the cell: f moves by at most L |z - x|. From the centre of a
cell of half-diagonal r: v > L r. From the corner of a cell of side 2 h, the octant of side h that lies m of three sides away from it:
v > L h sqrt(3 + 3 m), as z is at most h away along an axis on the corner's side, and 2 h along the m others.

Lemma 2. v(a) + v(b) > L (1 + sqrt 2) h at opposite corners a, b frees a cell of side h. Proof. f(z) = iso implies that the sum is at most
L (|z - a| + |z - b|). This is convex in z, so it is largest at a corner: sqrt 3 h at a and b, h + sqrt 2 h at the others.

A cell is asked at its centre; one that stays, at its corners, which it shares with others; these nine values free some of its eight octants
before they are asked. What is dropped holds no piece of the level set, at any depth. `slack` allows for the error of the computed f.
(The test of the centre is that of libigl's `lipschitz_octree`, 2025; here with arbitrary resolutions: a coarse cell is 2^depth fine ones.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ..types import FloatArray, IntArray
from .grid import Grid

CORNERS = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), -1).reshape(-1, 3)
SIDES_AWAY = np.abs(CORNERS[:, None] - CORNERS[None]).sum(axis=2)  # m of octant i and corner j
COARSE_CELLS = 16  # about this many coarse cells along the longest axis


@dataclass(frozen=True, eq=False)
class ActiveCells:
    """cells : (m, 3) indices of cells that may hold the surface, in the grid's order; each is `width` fine cells wide.
    values : (m,) of f at their centres.   evaluations : spent to find them.
    """

    cells: IntArray
    values: FloatArray
    evaluations: int
    width: int = 1


def active_cells(
    evaluate: Callable[[FloatArray], FloatArray],
    grid: Grid,
    *,
    iso: float = 0.0,
    lipschitz: float = 1.0,
    slack: float = 0.0,
    among: IntArray | None = None,
    finest: int = 0,
) -> ActiveCells:
    """Cells that no lemma frees at any depth. evaluate : (m, 3) unit frame -> (m,).

    among : (m, 3) fine cells that are known to hold all of the level set, if they are: then these alone are tested.
    finest : the search ends at cells of 2^finest fine ones; the last row of them may stick out of the grid.
    """
    depth = max(finest, round(math.log2(max(grid.cells) / COARSE_CELLS))) if among is None else 0
    counts = [-(-c // 2**depth) for c in grid.cells]
    cells = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1).reshape(-1, 3) if among is None else among
    evaluations, values = 0, np.zeros(0)
    for level in range(depth, finest - 1, -1):
        width = 2**level
        values = evaluate(grid.node_position((cells + 0.5) * width))
        evaluations += len(cells)
        keep = np.abs(values - iso) <= lipschitz * math.sqrt(3) / 2 * grid.spacing * width * (1 + 1e-6) + slack
        cells, values = cells[keep], values[keep]
        if level > finest:
            corners, spent = _corner_values(evaluate, grid, cells, width)
            held = octants_held(values - iso, corners - iso, grid.spacing * width / 2, lipschitz, slack)
            cells = (2 * cells[:, None] + CORNERS)[held]
            cells, evaluations = cells[_inside(cells, width // 2, grid.cells)], evaluations + spent
    order = np.argsort(np.ravel_multi_index(tuple(cells.T), tuple(-(-c // 2**finest) for c in grid.cells)))
    return ActiveCells(cells[order], values[order], evaluations, 2**finest)


def _inside(cells: IntArray, width: int, counts: Iterable[int]) -> np.ndarray:
    """Which cells of `width` fine ones begin inside the grid."""
    return np.all(cells * width < np.asarray(tuple(counts)), axis=1)


def octants_held(centre: FloatArray, corners: FloatArray, side: float, lipschitz: float, slack: float) -> np.ndarray:
    """(k, 8) which octants of k cells may hold the level set. centre : (k,) f - iso.   corners : (k, 8) the same in the order of
    CORNERS, nan where not known.   side : h, of an octant.
    """
    grow = lipschitz * side * (1 + 1e-6)
    reach = np.nan_to_num(np.abs(corners), nan=-np.inf) - slack
    alone = np.stack([(reach > grow * np.sqrt(3 + 3 * away)).any(axis=1) for away in SIDES_AWAY], axis=1)
    both = np.abs(centre)[:, None] + np.abs(corners) > grow * (1 + math.sqrt(2)) + 2 * slack
    return ~(alone | both)


def _corner_values(evaluate: Callable[[FloatArray], FloatArray], grid: Grid, cells: IntArray, width: int) -> tuple[FloatArray, int]:
    """(k, 8) f at the corners of cells (k, 3), each place asked once, and how many there were."""
    lattice = tuple(cells.max(axis=0, initial=0) + 2)
    flat = np.ravel_multi_index(tuple(np.moveaxis(cells[:, None] + CORNERS, -1, 0)), lattice)
    places, number = np.unique(flat, return_inverse=True)
    values = evaluate(grid.node_position(np.stack(np.unravel_index(places, lattice), -1) * width))
    return values[number.reshape(flat.shape)], len(places)
