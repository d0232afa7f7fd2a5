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

FULL_RESOLUTION = 200
PREVIEW_CELLS = 72  # along the longest side of everything that the slider reaches


@dataclass(frozen=True, eq=False)
class Leveled:
    """mesh : of the level `iso`, world units.   final : whether it is the full one."""

    mesh: Mesh
    final: bool
    iso: float


@dataclass(frozen=True, eq=False)
class _Values:
    """values : (a, b, c) at nodes `corner` + `spacing` (i, j, k), world units."""

    values: FloatArray
    corner: FloatArray
    spacing: float


class Level:
    """resolution : of the full surface, cells along its longest side."""

    def __init__(self, resolution: int = FULL_RESOLUTION) -> None:
        self.resolution = resolution
        self._known: tuple[CertifiedField, _Values] | None = None

    def full(self, field: CertifiedField, iso: float) -> Callable[[Told], Leveled]:
        """The work for the surface itself."""

        def extract(_: Told) -> Leveled:
            from ..extract import extract_mesh

            return Leveled(extract_mesh(field, resolution=self.resolution, iso=iso).mesh, final=True, iso=iso)

        return extract

    def preview(self, field: CertifiedField, iso: float) -> Callable[[Told], Leveled]:
        """The work for the coarse surface."""
        return lambda told: Leveled(self._coarse(self._sampled(field, told), iso), final=False, iso=iso)

    def prepare(self, field: CertifiedField) -> Callable[[Told], None]:
        """The work that makes the first preview as quick as the others."""

        def sample(told: Told) -> None:
            self._sampled(field, told)

        return sample

    def _sampled(self, field: CertifiedField, told: Told) -> _Values:
        if self._known is None or self._known[0] is not field:
            lo, hi = field.level_box(level_reach(field))
            spacing = float((hi - lo).max()) / PREVIEW_CELLS
            lo, hi = lo - spacing, hi + spacing
            axes = [lo[k] + spacing * np.arange(int(np.ceil((hi[k] - lo[k]) / spacing)) + 1) for k in range(3)]
            nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
            values = in_blocks(field, nodes.reshape(-1, 3), told).reshape(nodes.shape[:3])
            self._known = field, _Values(values, lo, spacing)
        return self._known[1]

    def _coarse(self, grid: _Values, iso: float) -> Mesh:
        from skimage.measure import marching_cubes

        if not grid.values.min() < iso < grid.values.max():
            raise EmptySurfaceError(
                f"iso must be within the field's range, {grid.values.min():.4g} to {grid.values.max():.4g}, got {iso:.4g}"
            )
        vertices, faces, _, _ = marching_cubes(grid.values, iso)
        return Mesh(grid.corner + grid.spacing * vertices, faces.astype(np.int64))
