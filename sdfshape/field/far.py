"""Far from the surface the networks' slope falls short of 1; the distance to the cells that hold the surface does not.

Notation: F the mosaic, 1-Lipschitz; Z = {F = 0}; C cubic cells of half-diagonal r that together hold all of Z; S their centres;
d_S(x) the distance to the nearest centre. The field is
    f(x) = sign F(x) max(|F(x)|, d_S(x) - r).

Theorem. f is 1-Lipschitz and {f = 0} = Z, so |f(x)| <= dist(x, Z); and |f(x)| >= dist(x, Z) - 2 r wherever the nearest cell meets Z.
Proof. Every z of Z lies in a cell, so d_S(z) <= r, and f = F = 0 there; f has the sign of F elsewhere. Where F has one sign, f is, up to
that sign, the larger of two 1-Lipschitz functions. If F(x) > 0 > F(y), the segment from x to y meets Z in some z, and
f(x) - f(y) = (f(x) - f(z)) + (f(z) - f(y)) <= |x - z| + |z - y| = |x - y|. The last part: |f(x)| >= d_S(x) - r, and a point of Z
is at most r from that centre. (A cell that is kept but does not meet Z makes |f| smaller beside it, never too large.)

The cells are found by pruning (`prune`) with the proven rounding error of F as slack: none that meets Z is dropped. They are
found again whenever a field is loaded: nothing about them is trusted. Those on the walls between boxes are freed besides (`inner_walls`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..types import FloatArray, IntArray
from .grid import Grid
from .prune import CORNERS, active_cells

RESOLUTIONS = (32, 64, 128, 256)  # cells along the longest side, as fine as the number of cells allows
MOST_CELLS = 500_000
GROWTH = 5  # no surface has more than about 4 times as many cells at twice the resolution


@dataclass(frozen=True, eq=False)
class FarField:
    """centres : tree of S, unit frame.   radius : r.   held : (grid.cells) bool, the cells C; inside them d_S <= r and F decides.
    evaluations : of F, spent to find them.
    """

    centres: cKDTree
    radius: float
    grid: Grid
    held: np.ndarray
    evaluations: int

    def raised(self, values: FloatArray, places: FloatArray) -> FloatArray:
        """f (m,) for values (m,) of F at places (m, 3), unit frame, in the dtype of the values."""
        rows, distance, _ = self._farther(values, places)
        out = values.copy()
        out[rows] = np.copysign(distance, values[rows])
        return out

    def raised_gradients(self, values: FloatArray, gradients: FloatArray, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """f (m,) and its gradient (m, 3), from those of F."""
        rows, distance, nearest = self._farther(values, places)
        out, slopes = values.copy(), gradients.copy()
        out[rows] = np.copysign(distance, values[rows])
        way = places[rows] - nearest
        slopes[rows] = np.sign(out[rows])[:, None] * way / np.linalg.norm(way, axis=1, keepdims=True)
        return out, slopes

    def _farther(self, values: FloatArray, places: FloatArray) -> tuple[np.ndarray, FloatArray, FloatArray]:
        """Rows where d_S - r > |F| > 0, that distance there, and the nearest centre."""
        rows = np.flatnonzero(~self._in_held(places) & (values != 0))
        distance, index = self.centres.query(places[rows], workers=-1)
        distance = distance - self.radius
        farther = distance > np.abs(values[rows])
        return rows[farther], distance[farther], self.centres.data[index[farther]]

    def _in_held(self, places: FloatArray) -> np.ndarray:
        cell = np.floor((places - np.asarray(self.grid.origin)) / self.grid.spacing).astype(np.int64)
        within = ((cell >= 0) & (cell < np.asarray(self.grid.cells))).all(axis=1)
        held = np.zeros(len(places), bool)
        held[within] = self.held[tuple(cell[within].T)]
        return held


def far_field(
    evaluate: Callable[[FloatArray], FloatArray],
    lo: FloatArray,
    hi: FloatArray,
    *,
    lipschitz: float,
    slack: float,
    held: Callable[[Grid, IntArray, FloatArray], np.ndarray] | None = None,
) -> FarField | None:
    """The cells of {F = 0} in the box [lo, hi], outside of which F > 0; None if there is no such cell.

    evaluate : F, (m, 3) unit frame -> (m,), off by at most `slack`.   held : of a grid, cells (m, 3) of it that may hold the surface, and
    F at their centres, the mask (m,) of those that may, by what else is known.
    """
    found, evaluations = None, 0
    for resolution in RESOLUTIONS:
        if found is not None and GROWTH * len(found[1]) > MOST_CELLS:
            break
        grid = Grid.over(lo, hi, resolution)
        active = active_cells(evaluate, grid, lipschitz=lipschitz, slack=slack, among=None if found is None else _halved(found[1], grid))
        cells = active.cells if held is None else active.cells[held(grid, active.cells, active.values)]
        found, evaluations = (grid, cells), evaluations + active.evaluations
        if not len(cells):
            return None
    assert found is not None
    grid, cells = found
    full = np.zeros(grid.cells, bool)
    full[tuple(cells.T)] = True
    radius = math.sqrt(3) / 2 * grid.spacing * (1 + 1e-9)
    # on the nodes of a grid a query from afar of a balanced tree takes seven times as long
    centres = cKDTree(grid.node_position(cells + 0.5), leafsize=64, balanced_tree=False, compact_nodes=False)
    return FarField(centres, radius, grid, full, evaluations)


def _halved(cells: IntArray, grid: Grid) -> IntArray:
    """The eight halves of each cell (m, 3) that are in the grid of twice the resolution."""
    halves = (2 * cells[:, None] + CORNERS).reshape(-1, 3)
    return halves[(halves < grid.cells).all(axis=1)]
