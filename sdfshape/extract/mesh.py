"""A field in, a mesh in world units out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import EmptySurfaceError
from ..field import CertifiedField, require_certified
from ..field.grid import Grid
from ..limits import MOST_ISO, check_request
from ..types import Mesh
from .marching import extract_surface


@dataclass(frozen=True, eq=False)
class Extraction:
    """mesh : world units, faces outward.   resolution : cells along the longest side.   iso : level, world units.
    evaluations : of the field, all told.   dense_evaluations : what the same grid would have cost without pruning.
    crossed : cells of the grid that the surface crosses.
    """

    mesh: Mesh
    resolution: int
    iso: float
    evaluations: int
    dense_evaluations: int
    crossed: int


def field_grid(field: CertifiedField, resolution: int, iso_unit: float = 0.0) -> Grid:
    """The grid with `resolution` cells along the longest side of everything that {f = iso} can reach, one cell of margin included."""
    lo, hi = field.box_unit if iso_unit <= 0 else field.frame.to_unit(field.level_box(field.frame.length_to_world(iso_unit)))
    margin = float((hi - lo).max()) / (resolution - 2)
    return Grid.over(lo - margin, hi + margin, resolution)


def extract_mesh(field: CertifiedField, *, resolution: int = 200, iso: float = 0.0, dense: bool = False) -> Extraction:
    """Marching cubes of {f = iso}, world units; watertight, because the level set lies strictly inside the grid.

    resolution : cells along the longest side, 8 to 2048 (dense: 512).   dense : evaluate every node (the slow twin of the pruned grid).

    Raises
    ------
    EmptySurfaceError    the field never takes the value `iso`
    InputError           `resolution` or `iso` out of range
    """
    require_certified(field, "extraction with pruning")
    check_request(resolution, iso, dense=dense)
    iso_unit = field.frame.length_to_unit(iso)
    if abs(iso_unit) > MOST_ISO:
        raise _outside_range(field, iso)
    grid = field_grid(field, resolution, iso_unit)
    lipschitz = None if dense else field.lipschitz_bound
    evaluate = field.same_surface_unit if iso == 0 else field.evaluate_unit
    try:
        surface = extract_surface(evaluate, grid, iso=iso_unit, lipschitz=lipschitz, slack=field.float32_error_unit)
    except EmptySurfaceError as error:
        raise _outside_range(field, iso) from error
    mesh = Mesh(field.frame.to_world(surface.vertices), surface.faces)
    return Extraction(mesh, resolution, iso, surface.evaluations, surface.dense_evaluations, surface.crossed)


def _outside_range(field: CertifiedField, iso: float) -> EmptySurfaceError:
    """The error for a level that the field does not take, with the range it has on a coarse grid."""
    grid = field_grid(field, 40)
    values = field.frame.length_to_world(field.evaluate_unit(grid.node_position(np.indices(grid.nodes).reshape(3, -1).T)))
    return EmptySurfaceError(f"iso must be within the field's range, {values.min():.4g} to {values.max():.4g} around the scan, got {iso:g}")
