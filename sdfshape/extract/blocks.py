"""The cells of a grid that the level set crosses, block by block: what a grid of any size needs to hold at once is small.

Notation: h the side of a fine cell; pairs, cells of two fine ones a side, kept by `field.prune` with their centre, which is a
node of the grid; children, the eight fine cells of a pair; a seam, a node on the wall between two blocks.

Corners of pairs are asked first, and the other nodes only of the children that these do not free (`prune.octants_held`). Every node is
asked once, seams before all others, so that neighbouring blocks agree on the sign of what they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..field.grid import Grid
from ..field.prune import CORNERS, ActiveCells, octants_held
from ..types import FloatArray, IntArray

BLOCK = 128  # fine cells along a side: even
BLOCKS_AT_ONCE, NODES_AT_ONCE = 16, 200_000  # blocks whose nodes are asked in one call
Evaluate = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Block:
    """first : (3,) node of the grid.   values : (b, b, b) at its nodes, float32, nan where not asked.
    cells : (m, 3) local indices of the cells whose corners are all known and have both signs.
    """

    first: IntArray
    values: FloatArray
    cells: IntArray


class CrossedBlocks:
    """Iterate over the blocks that the level set crosses, in the grid's order; `evaluations` counts what they cost."""

    def __init__(self, evaluate: Evaluate, grid: Grid, pairs: ActiveCells, *, iso: float, lipschitz: float, slack: float) -> None:
        self.evaluate, self.grid, self.iso = evaluate, grid, iso
        self.lipschitz, self.slack = lipschitz, slack
        self.evaluations = pairs.evaluations
        home = 2 * pairs.cells // BLOCK
        number = np.ravel_multi_index(tuple(home.T), tuple(-(-c // BLOCK) for c in grid.cells))
        order = np.argsort(number, kind="stable")
        starts = np.flatnonzero(np.diff(number[order], prepend=-1))
        self._groups = np.split(order, starts[1:]) if len(order) else []
        self._pairs, self._home = pairs, home
        self._seams = self._ask_seams()

    def __iter__(self) -> Iterator[Block]:
        some: list[_Draft] = []
        for group in self._groups:
            some.append(self._draft(group))
            if len(some) == BLOCKS_AT_ONCE or sum(8 * len(d.pairs) for d in some) > NODES_AT_ONCE:
                yield from self._finished(some)
                some = []
        if some:
            yield from self._finished(some)

    def _ask_seams(self) -> tuple[IntArray, FloatArray]:
        """Flat indices of all seams of all pairs, rising, and their values."""
        low = 2 * self._pairs.cells
        beside = low[((low % BLOCK == 0) | ((low + 2) % BLOCK == 0)).any(axis=1)]
        steps = np.indices((3, 3, 3)).reshape(3, -1).T
        nodes = np.concatenate([beside + step for step in steps]) if len(beside) else np.zeros((0, 3), np.int64)
        nodes = nodes[(nodes % BLOCK == 0).any(axis=1) & (nodes <= self.grid.cells).all(axis=1)]
        flat = np.unique(np.ravel_multi_index(tuple(nodes.T), self.grid.nodes))
        return flat, self._ask(np.stack(np.unravel_index(flat, self.grid.nodes), -1))

    def _ask(self, nodes: IntArray) -> FloatArray:
        self.evaluations += len(nodes)
        return self.evaluate(self.grid.node_position(nodes)).astype(np.float32) if len(nodes) else np.zeros(0, np.float32)

    def _draft(self, rows: IntArray) -> _Draft:
        first = self._home[rows[0]] * BLOCK
        size = np.minimum(BLOCK, np.asarray(self.grid.cells) - first) + 1
        draft = _Draft(first, np.full(size, np.nan, np.float32), self._pairs.cells[rows] - first // 2)
        draft.values[tuple((2 * draft.pairs + 1).T)] = self._pairs.values[rows]
        return draft

    def _finished(self, drafts: list[_Draft]) -> Iterator[Block]:
        self._fill(drafts, [draft.corners() for draft in drafts])
        children = [self._children(draft) for draft in drafts]
        self._fill(drafts, [_corners_of(cells, draft.values.shape) for draft, cells in zip(drafts, children, strict=True)])
        for draft, cells in zip(drafts, children, strict=True):
            inside = np.stack([draft.values[tuple((cells + corner).T)] < self.iso for corner in CORNERS])
            crossed = cells[inside.any(axis=0) & ~inside.all(axis=0)]
            if len(crossed):
                yield Block(draft.first, draft.values, crossed)

    def _children(self, draft: _Draft) -> IntArray:
        """(m, 3) the children inside the grid that may be crossed."""
        centre, corners = draft.values[tuple((2 * draft.pairs + 1).T)], np.full((len(draft.pairs), 8), np.nan, np.float32)
        for j, corner in enumerate(CORNERS):
            node = 2 * (draft.pairs + corner)
            there = (node < draft.values.shape).all(axis=1)
            corners[there, j] = draft.values[tuple(node[there].T)]
        held = octants_held(centre - self.iso, corners - self.iso, self.grid.spacing, self.lipschitz, self.slack)
        cells = (2 * draft.pairs[:, None] + CORNERS)[held]
        return cells[(cells < np.asarray(draft.values.shape) - 1).all(axis=1)]

    def _fill(self, drafts: list[_Draft], wanted: list[np.ndarray]) -> None:
        """Ask for the wanted nodes (masks) of all drafts that are not known yet, in one call."""
        missing = [np.argwhere(mask & np.isnan(draft.values)) for draft, mask in zip(drafts, wanted, strict=True)]
        inner = [nodes[(nodes % BLOCK != 0).all(axis=1)] for nodes in missing]
        counts = np.cumsum([len(nodes) for nodes in inner])[:-1]
        values = self._ask(np.concatenate([nodes + draft.first for draft, nodes in zip(drafts, inner, strict=True)]))
        for draft, nodes, own, found in zip(drafts, missing, inner, np.split(values, counts), strict=True):
            draft.values[tuple(own.T)] = found
            seams = nodes[(nodes % BLOCK == 0).any(axis=1)]
            flat = np.ravel_multi_index(tuple((seams + draft.first).T), self.grid.nodes)
            draft.values[tuple(seams.T)] = self._seams[1][np.searchsorted(self._seams[0], flat)]


@dataclass(frozen=True, eq=False)
class _Draft:
    """first, values : as of a Block.   pairs : (k, 3) local indices, in pairs."""

    first: IntArray
    values: FloatArray
    pairs: IntArray

    def corners(self) -> np.ndarray:
        """Mask of the nodes at the corners of the pairs; what sticks out of the grid is not there."""
        mask = np.zeros(self.values.shape, bool)
        for corner in CORNERS:
            node = 2 * (self.pairs + corner)
            mask[tuple(node[(node < mask.shape).all(axis=1)].T)] = True
        return mask


def _corners_of(cells: IntArray, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for corner in CORNERS:
        mask[tuple((cells + corner).T)] = True
    return mask


def dense_blocks(values: FloatArray, iso: float) -> Iterator[Block]:
    """The blocks of a grid whose nodes are all known, (grid.nodes) float32: the slow twin."""
    cells = np.asarray(values.shape) - 1
    for first in np.ndindex(*(-(-cells // BLOCK))):
        corner = np.asarray(first) * BLOCK
        part = values[tuple(slice(a, a + BLOCK + 1) for a in corner)]
        inside = part < iso
        crossed = np.zeros(np.asarray(part.shape) - 1, np.uint8)
        for shift in CORNERS:
            crossed += inside[tuple(slice(s, s + n) for s, n in zip(shift, crossed.shape, strict=True))]
        found = np.argwhere((crossed > 0) & (crossed < len(CORNERS)))
        if len(found):
            yield Block(corner, part, found)
