"""Marching cubes (Lewiner et al. 2003, scikit-image) over the active cells of a grid, or over all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import EmptySurfaceError
from ..field.grid import Grid
from ..field.prune import CORNERS, active_cells
from ..types import FloatArray, IntArray

NODE_CLEARANCE = 1e-4  # cells: above the rounding of float32 vertices at 512 cells (3e-5), below anything that can be seen


@dataclass(frozen=True, eq=False)
class Surface:
    """vertices : (v, 3) unit frame.   faces : (t, 3), outward.   evaluations of the field, and what a dense grid would have cost."""

    vertices: FloatArray
    faces: IntArray
    evaluations: int
    dense_evaluations: int


def extract_surface(
    evaluate: Callable[[FloatArray], FloatArray],
    grid: Grid,
    *,
    iso: float = 0.0,
    lipschitz: float | None = 1.0,
    slack: float = 0.0,
    among: IntArray | None = None,
) -> Surface:
    """The triangles of {f = iso} on `grid`: pruned for a known Lipschitz constant, dense for `lipschitz=None`.

    evaluate : (m, 3) unit frame -> (m,); negative inside.   among : (m, 3) cells known to hold the whole level set, if they are.
    Where both read the same node values, pruned and dense give the same triangles: a pruned cell has no sign change.

    Raises
    ------
    EmptySurfaceError    the level set does not meet the grid
    """
    if lipschitz is None:
        every = evaluate(grid.node_position(np.indices(grid.nodes).reshape(3, -1).T)).reshape(grid.nodes)
        return _triangles(every, None, grid, iso, 0)
    active = active_cells(evaluate, grid, iso=iso, lipschitz=lipschitz, slack=slack, among=among)
    if not len(active.cells):
        raise _no_surface(iso, "no cell of the grid comes near it")
    wanted = np.zeros(grid.nodes, bool)
    for corner in CORNERS:
        wanted[tuple((active.cells + corner).T)] = True
    flat = np.flatnonzero(wanted)
    values = np.full(grid.nodes, np.nan, np.float32)
    values.ravel()[flat] = evaluate(grid.node_position(np.stack(np.unravel_index(flat, grid.nodes), -1)))
    mask = np.zeros(grid.nodes, bool)
    mask[tuple(active.cells.T + 1)] = True  # scikit-image looks up a cell's mask at its far corner
    return _triangles(values, mask, grid, iso, active.evaluations + len(flat))


def _triangles(values: np.ndarray, mask: np.ndarray | None, grid: Grid, iso: float, evaluations: int) -> Surface:
    from skimage.measure import marching_cubes

    lowest, highest = float(np.nanmin(values)), float(np.nanmax(values))
    if not lowest < iso < highest:
        raise _no_surface(iso, f"the field spans [{lowest:.4g}, {highest:.4g}] on this grid")
    filled = np.nan_to_num(values.astype(np.float32), nan=highest)
    # A node on the level would be the corner of triangles without area, and of holes: it is kept a hair away, on its own side, so that
    # pruned and dense still agree; exactly on the level counts as outside.
    hair = np.float32(NODE_CLEARANCE * grid.spacing)
    above = filled - np.float32(iso)
    near = np.abs(above) < hair
    filled[near] = np.float32(iso) + np.where(above[near] < 0, -hair, hair)
    vertices, faces, _, _ = marching_cubes(filled, iso, method="lewiner", mask=mask)
    return Surface(
        grid.node_position(vertices.astype(np.float64)), faces.astype(np.int64), evaluations or values.size, grid.dense_evaluations
    )


def _no_surface(iso: float, came: str) -> EmptySurfaceError:
    return EmptySurfaceError(f"iso must be within the range of the field, got {iso:g} (unit frame) where {came}")
