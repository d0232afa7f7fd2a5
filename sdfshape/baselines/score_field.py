"""A function that is negative inside, and of which nothing is proven: what every method without a Lipschitz bound has to offer.

Between two places where it was asked it may do anything, so no cell may be skipped and no ray may jump: its surface is found on a dense
grid, or on one that is fine only where a coarse one saw a change of sign, which overlooks whatever lies within one coarse cell
(Mescheder et al., Occupancy Networks, 2019, section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.ndimage import binary_dilation

from ..errors import EmptySurfaceError, InputError
from ..extract.marching import extract_surface
from ..field.grid import Grid
from ..frame import HALF_EXTENT, PAD, Frame
from ..limits import check_request
from ..types import FloatArray, Mesh, as_points

ROWS = 65_536  # at a time
COARSE = 4  # fine cells along a coarse one
KEEPS = 99.0  # percent
STEP = 1e-3  # of central differences, unit frame


@dataclass(frozen=True, eq=False)
class ScoreField:
    """values_unit : (m, 3) unit frame -> (m,), negative inside.   is_distance : whether values aim at distances (unit frame), or are scores
    of no unit.   parameters : how many numbers it is made of.   info : of the fit.
    """

    values_unit: Callable[[FloatArray], FloatArray]
    frame: Frame
    is_distance: bool
    parameters: int
    info: Mapping[str, Any] = field(default_factory=dict)

    def evaluate_unit(self, points_unit: FloatArray) -> FloatArray:
        """(m, 3) -> (m,) float64, unit frame, piece by piece."""
        out = np.empty(len(points_unit))
        for first in range(0, len(points_unit), ROWS):
            out[first : first + ROWS] = self.values_unit(points_unit[first : first + ROWS])
        return out

    def __call__(self, points_world: FloatArray) -> FloatArray:
        """(m,) values at places (m, 3), world units: in world units too if they aim at distances."""
        values = self.evaluate_unit(self.frame.to_unit(as_points(points_world)))
        return self.frame.length_to_world(values) if self.is_distance else values

    def slopes_unit(self, points_unit: FloatArray) -> FloatArray:
        """(m,) length of the gradient by central differences."""
        sides = [self.evaluate_unit(points_unit + s * STEP * axis) for axis in np.eye(3) for s in (1, -1)]
        return np.linalg.norm([(sides[2 * k] - sides[2 * k + 1]) / (2 * STEP) for k in range(3)], axis=0)


def keeping_most(
    oddness: Callable[[FloatArray], FloatArray], points_unit: FloatArray, frame: Frame, parameters: int, info: Mapping[str, Any]
) -> ScoreField:
    """A score of places (m, 3), unit frame, that is large for what is odd, as a field whose level 0 keeps KEEPS percent of the points."""
    level = float(np.percentile(oddness(points_unit), KEEPS))
    return ScoreField(lambda x: oddness(x) - level, frame, False, parameters, info)


def domain_grid(resolution: int) -> Grid:
    """`resolution` cells along each side of the cube that holds the cloud and the walls of our fields, unit frame."""
    reach = HALF_EXTENT + PAD
    return Grid.over(np.full(3, -reach), np.full(3, reach), resolution)


def extract_level(score: ScoreField, *, resolution: int = 200, level: float = 0.0, dense: bool = True) -> Mesh:
    """Marching cubes of {score = level}, in the unit of the values; world units. Open where the level meets the walls of the domain.

    dense : ask at every node; else only near changes of sign on a grid of a quarter of the resolution.
    Raises EmptySurfaceError for a level that is not taken, InputError for a resolution out of range.
    """
    check_request(resolution, level, dense=True)
    grid = domain_grid(resolution)
    values = _refined(score, grid, level) if not dense else None  # a dense extraction asks once, for all nodes in order
    evaluate = score.evaluate_unit if values is None else lambda _: values
    try:
        surface = extract_surface(evaluate, grid, iso=level, lipschitz=None)
    except EmptySurfaceError as error:
        raise EmptySurfaceError(f"the level {level:g} must be taken in the domain, no cell of {resolution}^3 crosses it") from error
    return Mesh(score.frame.to_world(surface.vertices), surface.faces)


def _refined(score: ScoreField, grid: Grid, level: float) -> FloatArray:
    """Values at all nodes of the grid, asked for only beside coarse cells that change sign; elsewhere one of the right side."""
    if any(cells % COARSE for cells in grid.cells):
        raise InputError(f"the resolution must be a multiple of {COARSE} to be refined, got {grid.cells}")
    nodes = grid.node_position(np.indices(grid.nodes).reshape(3, -1).T).reshape(*grid.nodes, 3)
    coarse = nodes[::COARSE, ::COARSE, ::COARSE]
    values = score.evaluate_unit(coarse.reshape(-1, 3)).reshape(coarse.shape[:3])
    inside = np.stack([_shifted(values < level, i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    crossed = binary_dilation(inside.any(axis=0) & ~inside.all(axis=0), np.ones((3, 3, 3)))
    asked = np.zeros(grid.nodes, bool)
    for i, j, k in np.argwhere(crossed):
        asked[COARSE * i : COARSE * (i + 1) + 1, COARSE * j : COARSE * (j + 1) + 1, COARSE * k : COARSE * (k + 1) + 1] = True
    out = np.where(values < level, level - 1, level + 1).repeat(COARSE, 0).repeat(COARSE, 1).repeat(COARSE, 2)
    out = np.ascontiguousarray(out[: grid.nodes[0], : grid.nodes[1], : grid.nodes[2]])
    out[asked] = score.evaluate_unit(nodes[asked])
    return out.ravel()


def _shifted(mask: np.ndarray, i: int, j: int, k: int) -> np.ndarray:
    """The corner (i, j, k) of every cell."""
    return mask[i : mask.shape[0] - 1 + i, j : mask.shape[1] - 1 + j, k : mask.shape[2] - 1 + k]
