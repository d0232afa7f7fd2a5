"""Marching cubes (Lewiner et al. 2003, scikit-image) over the crossed cells of a grid, sewn together where blocks meet.

Vertices lie on edges of the grid, strictly between two nodes. One on the wall between two blocks is made by both of them, from the same two
values: the edge is its name, and it is kept once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from ..errors import EmptySurfaceError
from ..field.grid import Grid
from ..field.prune import active_cells
from ..types import FloatArray, IntArray
from .blocks import BLOCK, Block, CrossedBlocks, dense_blocks

NODE_CLEARANCE = 1e-4  # cells: above the rounding of float32 vertices in a block (4e-6), below anything that can be seen


@dataclass(frozen=True, eq=False)
class Surface:
    """vertices : (v, 3) unit frame.   faces : (t, 3), outward.   evaluations of the field, and what a dense grid would have cost.
    crossed : cells of the grid that the surface crosses.
    """

    vertices: FloatArray
    faces: IntArray
    evaluations: int
    dense_evaluations: int
    crossed: int


def extract_surface(
    evaluate: Callable[[FloatArray], FloatArray],
    grid: Grid,
    *,
    iso: float = 0.0,
    lipschitz: float | None = 1.0,
    slack: float = 0.0,
) -> Surface:
    """The triangles of {f = iso} on `grid`: pruned for a known Lipschitz constant, dense for `lipschitz=None`.

    evaluate : (m, 3) unit frame -> (m,); negative inside, off by at most `slack`.
    Where both read the same node values, pruned and dense give the same triangles: a pruned cell has no sign change.

    Raises
    ------
    EmptySurfaceError    the level set does not meet the grid
    """
    seam = _Seam(grid)
    if lipschitz is None:
        values = evaluate(grid.node_position(np.indices(grid.nodes).reshape(3, -1).T)).astype(np.float32).reshape(grid.nodes)
        seam.sew(dense_blocks(values, iso), iso)
        evaluations = values.size
    else:
        end = grid.node_position(np.array(grid.cells))
        slack += 2.0**-23 * (abs(iso) + float(np.abs(np.array([grid.origin, end])).max()))  # node values are kept in float32
        pairs = active_cells(evaluate, grid, iso=iso, lipschitz=lipschitz, slack=slack, finest=1)
        blocks = CrossedBlocks(evaluate, grid, pairs, iso=iso, lipschitz=lipschitz, slack=slack)
        seam.sew(blocks, iso)
        evaluations = blocks.evaluations
    if not seam.crossed:
        raise EmptySurfaceError(f"iso must be within the range of the field, got {iso:g} (unit frame) where no cell of the grid crosses it")
    vertices, faces = seam.sewn()
    return Surface(grid.node_position(vertices), faces, evaluations, grid.dense_evaluations, seam.crossed)


@dataclass(eq=False)
class _Seam:
    """Collects the triangles of blocks. Vertices in nodes of the grid, float64."""

    grid: Grid
    crossed: int = 0
    vertices: list[FloatArray] = field(default_factory=list)
    faces: list[IntArray] = field(default_factory=list)
    shared: list[IntArray] = field(default_factory=list)  # numbers of the vertices on walls
    edges: list[IntArray] = field(default_factory=list)  # and the edge that each lies on
    count: int = 0

    def sew(self, blocks: Iterable[Block], iso: float) -> None:
        for block in blocks:
            local, faces = _triangles(block, iso, self.grid.spacing)
            wall = ((local == 0) | (local == BLOCK)).any(axis=1)
            self.shared.append(self.count + np.flatnonzero(wall))
            self.edges.append(self._edge(local[wall], block.first))
            self.vertices.append(local + block.first)
            self.faces.append(faces + self.count)
            self.count += len(local)
            self.crossed += len(block.cells)

    def _edge(self, local: FloatArray, first: IntArray) -> IntArray:
        """(k,) a number for the edge that each vertex lies on: its lower node and its axis."""
        low = np.floor(local)
        node = np.ravel_multi_index(tuple((low.astype(np.int64) + first).T), self.grid.nodes)
        return node * 3 + np.argmax(local - low, axis=1)

    def sewn(self) -> tuple[FloatArray, IntArray]:
        """Vertices, each once, and faces."""
        shared, edges = np.concatenate(self.shared), np.concatenate(self.edges)
        _, first, inverse = np.unique(edges, return_index=True, return_inverse=True)
        number = np.arange(self.count)
        number[shared] = shared[first][inverse]
        kept = number == np.arange(self.count)
        return np.concatenate(self.vertices)[kept], (np.cumsum(kept) - 1)[number[np.concatenate(self.faces)]]


def _triangles(block: Block, iso: float, spacing: float) -> tuple[FloatArray, IntArray]:
    """Vertices (v, 3) float64 in nodes of the block and faces (t, 3)."""
    from skimage.measure import marching_cubes

    # A node on the level would be the corner of triangles without area, and of holes: it is kept a hair away, on its own side, so that
    # pruned and dense still agree; exactly on the level counts as outside. (What was not asked is no corner of a crossed cell.)
    hair = np.float32(NODE_CLEARANCE * spacing)
    filled = np.nan_to_num(block.values, nan=np.nanmax(block.values))
    above = filled - np.float32(iso)
    near = np.abs(above) < hair
    filled[near] = np.float32(iso) + np.where(above[near] < 0, -hair, hair)
    mask = np.zeros(filled.shape, bool)
    mask[tuple(block.cells.T + 1)] = True  # scikit-image looks up a cell's mask at its far corner
    vertices, faces, _, _ = marching_cubes(filled, iso, method="lewiner", mask=mask)
    return vertices.astype(np.float64), faces.astype(np.int64)
