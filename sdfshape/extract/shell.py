"""Walls: what is left of a solid when its inside is taken out.

Theorem. Let f be L-Lipschitz. Places with f <= iso - L t are at least t from {f = iso}:
t L <= |f(x) - f(y)| <= L |x - y|. So a wall between the two levels is nowhere thinner than t (up to what marching cubes cuts off: the
two meshes are those of a grid). Where the solid is thinner than two walls there is no inside, and it stays full.
"""

from __future__ import annotations

import numpy as np

from ..errors import EmptySurfaceError, InputError
from ..field import CertifiedField
from ..types import Mesh
from .mesh import Extraction, extract_mesh


def extract_shell(field: CertifiedField, thickness: float, *, resolution: int = 200, iso: float = 0.0, dense: bool = False) -> Extraction:
    """The wall of this thickness inside of {f = iso}, world units: the surface itself, and another one within that looks inward.

    Raises
    ------
    EmptySurfaceError    the shape is nowhere thick enough to have an inside left
    InputError           the thickness is not above 0; or as `extract_mesh`
    """
    if not (thickness > 0 and np.isfinite(thickness)):
        raise InputError(f"a wall must be thicker than 0, got {thickness:g}")
    outer = extract_mesh(field, resolution=resolution, iso=iso, dense=dense)
    try:
        inner = extract_mesh(field, resolution=resolution, iso=iso - field.lipschitz_bound * thickness, dense=dense)
    except EmptySurfaceError as error:
        raise EmptySurfaceError(f"a shape must be thicker than two walls to be hollowed, this one is nowhere, got {thickness:g}") from error
    return Extraction(
        mesh=Mesh(
            np.concatenate([outer.mesh.vertices, inner.mesh.vertices]),
            np.concatenate([outer.mesh.faces, inner.mesh.faces[:, ::-1] + len(outer.mesh.vertices)]),
        ),
        resolution=resolution,
        iso=iso,
        evaluations=outer.evaluations + inner.evaluations,
        dense_evaluations=outer.dense_evaluations + inner.dense_evaluations,
        crossed=outer.crossed + inner.crossed,
    )
