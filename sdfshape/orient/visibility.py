"""How much of the sky a place sees: an inside / outside evidence that needs no normals and does not leak.

Cells nearer to the cloud than the shell's radius are opaque. The visibility of a cell is the share of 98 directions along which it
sees the border of the domain. Measured on scans (20,000 points): outside cells see at least 0.35 (first percentile) even in
concavities, inside cells none; under a hole as large as an open base the inside still sees only 0.02. A flood fill, in
contrast, swallows the whole inside through one missing cell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from ..types import FloatArray


@dataclass(frozen=True, eq=False)
class Sky:
    """visibility : (g, g, g) float32 in [0, 1] on the nodes of [-1, 1]^3, unit frame.   shell : (g, g, g) bool, which of them are opaque.
    radius : of the opaque shell, unit frame.
    """

    visibility: FloatArray
    shell: np.ndarray
    radius: float

    @property
    def node_spacing(self) -> float:
        """Distance between neighbouring nodes, unit frame."""
        return 2 / (len(self.visibility) - 1)

    def seen_from(self, points_unit: FloatArray) -> FloatArray:
        """(m, 3) -> (m,) visibility by trilinear interpolation; 1 outside of the domain, whose walls are the sky."""
        g = len(self.visibility)
        within = map_coordinates(self.visibility, ((points_unit + 1) / 2 * (g - 1)).T, order=1, mode="nearest")
        return np.where((np.abs(points_unit) <= 1).all(axis=1), within, 1.0)


def look_around(tree: cKDTree, radius: float, nodes: int) -> Sky:
    """The sky of a cloud, unit frame: `radius` of the opaque shell (at least what closes the gaps of the grid), `nodes` per axis."""
    radius = _without_pinholes(radius, nodes)
    shell = _shell(tree, radius, nodes)
    return Sky(_visibility(shell), shell, radius)


def see_everywhere(radius: float, nodes: int) -> Sky:
    """A sky that every place sees, with the radius that `look_around` would take."""
    return Sky(np.ones((nodes,) * 3, np.float32), np.zeros((nodes,) * 3, bool), _without_pinholes(radius, nodes))


def _without_pinholes(radius: float, nodes: int) -> float:
    """The radius, or half the diagonal of a cell: a thinner shell on this grid would have pinholes."""
    h = 2 / (nodes - 1)
    return max(radius, 0.87 * h)


def _shell(tree: cKDTree, radius: float, nodes: int) -> np.ndarray:
    """(g, g, g) bool: nodes nearer than `radius` to the cloud. Only nodes in cells near some point are asked for their distance."""
    h = 2 / (nodes - 1)
    reach = math.ceil(radius / h)
    touched = np.zeros((nodes,) * 3, bool)
    cell = np.clip(np.rint((tree.data + 1) / h).astype(np.int64), 0, nodes - 1)
    touched[tuple(cell.T)] = True
    for axis in range(3):  # a box of half-width reach + 1 around every occupied node
        grown = touched.copy()
        for k in range(1, reach + 2):
            near, far = [slice(None)] * 3, [slice(None)] * 3
            near[axis], far[axis] = slice(None, -k), slice(k, None)
            grown[tuple(far)] |= touched[tuple(near)]
            grown[tuple(near)] |= touched[tuple(far)]
        touched = grown
    nodes_near = np.argwhere(touched)
    distance, _ = tree.query(nodes_near * h - 1, distance_upper_bound=radius, workers=-1)
    shell = np.zeros((nodes,) * 3, bool)
    shell[tuple(nodes_near[distance < radius].T)] = True
    return shell


def _directions(reach: int = 2) -> list[tuple[int, int, int]]:
    """The 98 primitive integer directions of a cube of half-width 2."""
    r = range(-reach, reach + 1)
    return [(x, y, z) for x in r for y in r for z in r if math.gcd(x, y, z) == 1]


def _visibility(shell: np.ndarray) -> FloatArray:
    """Share of directions along which each node sees the border through free nodes.

    For each direction the slices across its main axis are visited from the border inwards: a node sees out iff it is free and
    the node one step ahead (rounded sideways) sees out.
    """
    directions = _directions()
    total = np.zeros(shell.shape, np.uint8)
    for main in range(3):
        mine = [d for d in directions if np.argmax(np.abs(d)) == main]
        free = np.ascontiguousarray(np.moveaxis(~shell, main, 0))  # slices in one piece: three times as fast
        seen = np.zeros(free.shape, np.uint8)
        for direction in mine:
            _look_along(direction, main, free, seen)
        np.moveaxis(total, main, 0)[...] += seen
    return total.astype(np.float32) / len(directions)


def _look_along(direction: tuple[int, int, int], main: int, free: np.ndarray, seen: np.ndarray) -> None:
    """Add 1 to `seen` (g, g, g) of the nodes that see the border in a direction; slices across its main axis come first in both."""
    slopes = [direction[axis] / abs(direction[main]) for axis in range(3) if axis != main]
    order = range(len(free))[::-1] if direction[main] > 0 else range(len(free))
    sees = np.ones(free.shape[1:], bool)
    for step, k in enumerate(order):
        shift = [round(c * step) - round(c * (step - 1)) for c in slopes] if step else [0, 0]
        sees = free[k] & _shifted(sees, *shift)
        seen[k] += sees.view(np.uint8)


def _shifted(plane: np.ndarray, a: int, b: int) -> np.ndarray:
    """plane[i + a, j + b], True beyond the border."""
    if a == b == 0:
        return plane
    g = len(plane)
    out = np.ones_like(plane)
    out[max(0, -a) : min(g, g - a), max(0, -b) : min(g, g - b)] = plane[max(0, a) : min(g, g + a), max(0, b) : min(g, g + b)]
    return out
