"""A plane through a field: its values in colours, iso-lines at equal distances, or how far its slope is from 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..types import FloatArray, IntArray
from .colorings import color_table, looked_up, scale_end

if TYPE_CHECKING:
    from ..field import CertifiedField

PLACES = 180  # along the longer side
LINES = 24  # iso-lines over the range, about
AROUND = 0.12  # how far the plane reaches beyond the bounds, of their size
DISTANCE, RESIDUAL = "distance", "eikonal residual"


@dataclass(frozen=True, eq=False)
class Slice:
    """corners (3, 3): the first place, and those at the ends of its two sides, world units.   rgb (b, a, 3) uint8, rows along the second
    side.   lines : iso-lines, each (m, 3);   zero : those of the surface.   step : between two lines.   limits, table : of the colours.
    axis, at : of the plane.
    """

    corners: FloatArray
    rgb: IntArray
    lines: list[FloatArray]
    zero: list[FloatArray]
    step: float
    limits: tuple[float, float]
    table: str
    what: str
    axis: int
    at: float

    @property
    def signed(self) -> bool:
        """Whether the colours are distances, or the residual."""
        return self.what == DISTANCE


def cut(field: CertifiedField, axis: int, at: float, what: str, *, places: int = PLACES) -> Slice:
    """The field on the plane where coordinate `axis` is `at`, world units. what : DISTANCE or RESIDUAL (| |grad f| - 1 |, an estimate)."""
    lo, hi = field.bounds
    grow = AROUND * float((hi - lo).max())
    lo, hi = lo - grow, hi + grow
    first, second = (axis + 1) % 3, (axis + 2) % 3
    spacing = float(max(hi[first] - lo[first], hi[second] - lo[second])) / places
    a, b = (np.linspace(lo[k], hi[k], max(2, round(float(hi[k] - lo[k]) / spacing))) for k in (first, second))
    grid = np.zeros((len(b), len(a), 3))
    grid[..., axis], grid[..., first], grid[..., second] = at, a[None, :], b[:, None]
    values, gradients = field.value_and_gradient(grid.reshape(-1, 3))
    distance = values.reshape(grid.shape[:2])
    corners = np.stack([grid[0, 0], grid[0, -1], grid[-1, 0]])
    step = nice_step(float(np.ptp(distance)) / LINES)
    levels = step * np.arange(np.ceil(distance.min() / step), np.floor(distance.max() / step) + 1)
    lines = [line for level in levels if level for line in _lines(distance, level, corners)]
    if what == RESIDUAL:
        shown = np.abs(np.linalg.norm(gradients, axis=1) - 1).reshape(distance.shape)
        limits, table = (0.0, 1.0), "viridis"
    else:
        end = scale_end(np.abs(distance))
        shown, limits, table = distance, (-end, end), "RdBu"
    rgb = looked_up(color_table(table), shown, *limits)
    return Slice(corners, rgb, lines, _lines(distance, 0.0, corners), step, limits, table, what, axis, at)


def nice_step(step: float) -> float:
    """1, 2 or 5 times a power of ten, not less than `step`."""
    if not step > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(step))
    return float(next(k * power for k in (1, 2, 5, 10) if k * power >= step * (1 - 1e-9)))


def _lines(values: FloatArray, level: float, corners: FloatArray) -> list[FloatArray]:
    from skimage.measure import find_contours

    sides = (corners[1:] - corners[0]) / (np.array(values.shape[::-1])[:, None] - 1)
    return [corners[0] + line[:, 1:] * sides[0] + line[:, :1] * sides[1] for line in find_contours(values, level)]
