"""Values on a regular grid, with a bound of what interpolation between them can miss.

Theorem. Let f be L-Lipschitz and I its trilinear interpolant on a grid of spacing h, from values that are off by at most e. Then
|I - f| <= L (sqrt 3 / 2) h + e everywhere on the grid. Proof. I(x) = sum w_i (f(n_i) + e_i) with weights >= 0 of sum 1 over the corners
n_i of the cell of x, so |I - f| <= L sum w_i |n_i - x| + e <= L (sum w_i |n_i - x|^2)^(1/2) + e by Jensen. Along an axis, at the fraction t
of the cell, the weights 1 - t and t give (1 - t) t^2 + t (1 - t)^2 = t (1 - t) <= 1/4 of h^2; three axes give 3/4 h^2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..field import CertifiedField
from ..io import atomic_write
from ..types import FloatArray

LEAST, MOST = 4, 1024  # cells along the longest side
ROWS = 1_000_000
FLOAT32 = 2.0**-24


@dataclass(frozen=True, eq=False)
class VolumeGrid:
    """values : (nx, ny, nz) float32 at the nodes, x first.   origin : (3,) of node (0, 0, 0).   spacing : between nodes.
    error : certified bound of |trilinear interpolant - f| on the grid. World units.
    """

    values: FloatArray
    origin: FloatArray
    spacing: float
    error: float

    def save_npz(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """values, origin, spacing, error; raises OutputError where it cannot."""
        with atomic_write(path, overwrite=overwrite) as temporary, Path(temporary).open("wb") as file:
            np.savez_compressed(file, values=self.values, origin=self.origin, spacing=self.spacing, error=self.error)

    def save_vti(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """VTK image data, point array `distance`, field array `error`; raises OutputError where it cannot."""
        import pyvista as pv

        image = pv.ImageData(dimensions=self.values.shape, spacing=(self.spacing,) * 3, origin=tuple(self.origin))
        image.point_data["distance"] = self.values.ravel(order="F")
        image.field_data["error"] = np.array([self.error])
        with atomic_write(path, overwrite=overwrite) as temporary:
            beside = Path(temporary).with_suffix(".vti")  # VTK asks for the ending
            image.save(beside)
            beside.replace(temporary)


def volume_grid(field: CertifiedField, resolution: int = 128, *, margin: float = 0.1) -> VolumeGrid:
    """The field on cubic cells over its bounds and `margin` (share of the longest side) around; evaluated in float64.

    resolution : cells along the longest side, 4 to 1024. Raises InputError out of range.
    """
    if not LEAST <= resolution <= MOST:
        raise InputError(f"resolution must be {LEAST} to {MOST} cells, got {resolution}")
    if not 0 <= margin <= 2:
        raise InputError(f"margin must be a share of the size, 0 to 2, got {margin}")
    lo, hi = field.bounds
    grow = margin * float((hi - lo).max())
    spacing = float((hi - lo).max() + 2 * grow) / resolution
    shape = tuple(math.ceil(length / spacing - 1e-9) + 1 for length in hi - lo + 2 * grow)
    values, worst = np.zeros(math.prod(shape), np.float32), 0.0
    for first in range(0, len(values), ROWS):
        rows = np.arange(first, min(first + ROWS, len(values)))
        exact, error = field.certified(lo - grow + spacing * np.stack(np.unravel_index(rows, shape), -1))
        values[rows], worst = exact, max(worst, error + 2 * FLOAT32 * float(np.abs(exact).max()))
    bound = field.lipschitz_bound * math.sqrt(3) / 2 * spacing * (1 + 1e-9) + worst
    return VolumeGrid(values.reshape(shape), lo - grow, spacing, bound)
