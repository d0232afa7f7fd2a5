"""Rows of a table <-> the unit frame of the network: as `frame.Frame` for points, for any number of columns of any units.

Notation. x : row, d columns.  u = (x - centre) / (scale reach): every column by its own deviation, so that the domain [-1, 1]^d reaches
`reach` deviations.  Where d is large, y = (P u, |u - P^T P u|): r principal coordinates, and how far u is from their plane; else y = u.

Theorem (constant). |u(x) - u(x')| <= |x - x'| / (reach min scale): the matrix is diagonal. With A = P^T P, R = I - A and D = u - u',
    |y - y'|^2 = |P D|^2 + (|R u| - |R u'|)^2 <= |P D|^2 + |R D|^2 <= lambda |D|^2,  lambda the largest eigenvalue of A + (I - A)^2;
its eigenvalues are a + (1 - a)^2 for those a of A: 1 where a = 0, and by the singular values of P elsewhere. So a function that is
1-Lipschitz in y, times `length` = reach min scale / sqrt(lambda), is 1-Lipschitz in the rows' own units.

Theorem (rounding). With gamma_n as in `lipschitz.certificate`, u is off by e_u <= gamma_6 m, m the `magnitude` of the row; a product
with P by gamma_(d+2) N |u|, N >= | |P| |_2; the residual by that carried through P^T, gamma_(r+2) N |P u|, and one subtraction; its
length by gamma_(d+2) of itself. All factors are below 3 + N + 5 N^2, and all gammas below gamma_(2 (d + r) + 16): `input_error` is their
product.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..lipschitz.certificate import gamma, spectral_norms_above
from ..types import FloatArray

MOST_COLUMNS = 128  # of the network: wider tables are seen by their principal coordinates and the distance to their plane
CONSTANT = 1e-12  # of the largest number of a column: a deviation below is the rounding of its mean


@dataclass(frozen=True, eq=False)
class RowFrame:
    """centre, scale : (d,) float64, scale > 0.   reach : in deviations.   basis : P (r, d) float64, or None."""

    centre: Tensor
    scale: Tensor
    reach: float
    basis: Tensor | None = None

    @classmethod
    def from_rows(cls, rows: FloatArray, *, standard: bool, most: int = MOST_COLUMNS) -> RowFrame:
        """Of rows (n, d), reach 1. standard : columns are centred and divided by their deviations (constant ones by 1); else centred
        alone.
        """
        centre = rows.mean(axis=0)
        deviation = rows.std(axis=0) if standard else np.ones(rows.shape[1])
        scale = np.where(deviation > CONSTANT * np.abs(rows).max(axis=0), deviation, 1.0)
        frame = cls(torch.as_tensor(centre), torch.as_tensor(scale), 1.0)
        if rows.shape[1] <= most:
            return frame
        axes = torch.linalg.svd(frame.to_unit(rows), full_matrices=False)[2]
        return cls(frame.centre, frame.scale, 1.0, axes[: most - 1].contiguous())

    @property
    def columns(self) -> int:
        """d: of a row."""
        return len(self.centre)

    @property
    def dimension(self) -> int:
        """Of the unit frame: d, or r + 1."""
        return self.columns if self.basis is None else len(self.basis) + 1

    @cached_property
    def length(self) -> float:
        """What 1 in the unit frame is at least worth in the rows' own units (Theorem, constant), rounded down."""
        return self.reach * self.smallest_scale / self.stretch * (1 - 1e-14)

    @cached_property
    def stretch(self) -> float:
        """sqrt(lambda) of the Theorem, rounded up: |y - y'| <= stretch |u - u'|, whatever the basis."""
        if self.basis is None:
            return 1.0
        a = torch.linalg.svdvals(self.basis) ** 2
        return max(1.0, float((a + (1 - a) ** 2).max()) + 1e-12) ** 0.5

    @cached_property
    def smallest_scale(self) -> float:
        """Of the column that a move in raw units counts most in."""
        return float(self.scale.min())

    @cached_property
    def _basis_norm(self) -> float:
        """N of the Theorem."""
        return 0.0 if self.basis is None else float(spectral_norms_above(self.basis.abs()))

    def to_unit(self, rows: FloatArray | Tensor) -> Tensor:
        """(n, d) -> (n, dimension) float64."""
        x = rows if isinstance(rows, Tensor) else as_tensor(rows)
        u = (x - self.centre) / (self.scale * self.reach)
        if self.basis is None:
            return u
        inside = u @ self.basis.T
        # of length 0 the gradient is 0 and not nan
        away = (u - inside @ self.basis).square().sum(dim=1, keepdim=True)
        return torch.cat([inside, torch.where(away > 0, away.clamp_min(1e-300).sqrt(), 0.0)], dim=1)

    def magnitude(self, rows: FloatArray) -> FloatArray:
        """(n,) an upper bound of |u|, and of what its rounding is a share of: |(|x| + |centre|) / (scale reach)|, column by column."""
        terms = (np.abs(rows) + self.centre.abs().numpy()) / (self.scale.numpy() * self.reach)
        return np.linalg.norm(terms, axis=1) * (1 + 1e-12)

    def input_error(self, magnitude: float) -> float:
        """Proven bound of |y - computed y| for rows of this magnitude (Theorem, rounding)."""
        error = gamma(6) * magnitude
        if self.basis is None:
            return error
        norm = self._basis_norm
        return self.stretch * error + gamma(2 * (self.columns + len(self.basis)) + 16) * (3 + norm + 5 * norm**2) * (magnitude + error)

    def unit_radius(self, magnitude: float) -> float:
        """Upper bound of |y| for rows of this magnitude."""
        return self.stretch * magnitude * (1 + 1e-12)


def as_tensor(rows: FloatArray) -> Tensor:
    """A copy in float64: NumPy may lend what nobody may write, or what runs backwards."""
    return torch.tensor(np.ascontiguousarray(rows), dtype=torch.float64)
