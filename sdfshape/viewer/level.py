"""The surface of a field at the level that is asked for: coarse while it is dragged, full when it is let go.

The coarse one comes from values on a grid that are computed once: another level is then marching cubes alone. The full one is extracted
with pruning, as `extract` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import EmptySurfaceError
from ..types import FloatArray, Mesh
from .colorings import in_blocks
from .controls import level_reach
from .jobs import Told

if TYPE_CHECKING:
    from ..field import CertifiedField
    from ..field.grid import Grid

FULL_RESOLUTION = 200
PREVIEW_CELLS = 72  # along the longest side of everything that the slider reaches


@dataclass(frozen=True, eq=False)
class Leveled:
    """mesh : of the level `iso`, world units.   final : whether it is the full one."""

    mesh: Mesh
    final: bool
    iso: float


class Level:
    """resolution : of the full surface, cells along its longest side."""

    def __init__(self, resolution: int = FULL_RESOLUTION) -> None:
        self.resolution = resolution
        self._known: tuple[CertifiedField, Grid, FloatArray] | None = None

    def full(self, field: CertifiedField, iso: float) -> Callable[[Told], Leveled]:
        """The work for the surface itself."""

        def extract(_: Told) -> Leveled:
            from ..extract import extract_mesh

            return Leveled(extract_mesh(field, resolution=self.resolution, iso=iso).mesh, final=True, iso=iso)

        return extract

    def preview(self, field: CertifiedField, iso: float) -> Callable[[Told], Leveled]:
        """The work for the coarse surface."""
        return lambda told: Leveled(self._coarse(field, iso, told), final=False, iso=iso)

    def prepare(self, field: CertifiedField) -> Callable[[Told], None]:
        """The work that makes the first preview as quick as the others."""

        def sample(told: Told) -> None:
            self._sampled(field, told)

        return sample

    def _sampled(self, field: CertifiedField, told: Told) -> tuple[Grid, FloatArray]:
        """The grid of everything that the slider reaches, and the values (a, b, c) at its nodes, unit frame."""
        from ..extract.mesh import field_grid

        if self._known is None or self._known[0] is not field:
            grid = field_grid(field, PREVIEW_CELLS, field.frame.length_to_unit(level_reach(field)))
            nodes = grid.node_position(np.indices(grid.nodes).reshape(3, -1).T)
            self._known = field, grid, in_blocks(field.evaluate_unit, nodes, told).reshape(grid.nodes)
        return self._known[1:]

    def _coarse(self, field: CertifiedField, iso: float, told: Told) -> Mesh:
        from skimage.measure import marching_cubes

        grid, values = self._sampled(field, told)
        lo, level, hi = values.min(), field.frame.length_to_unit(iso), values.max()
        if not lo < level < hi:
            shown = [field.frame.length_to_world(value) for value in (lo, hi)]
            raise EmptySurfaceError(f"iso must be within the field's range, {shown[0]:.4g} to {shown[1]:.4g}, got {iso:.4g}")
        vertices, faces, _, _ = marching_cubes(values, level)
        return Mesh(field.frame.to_world(grid.node_position(vertices)), faces.astype(np.int64))
