"""How much two solids have in common."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..types import FloatArray, Mesh

SAMPLES = 100_000


def intersection_over_union(one: Mesh, other: Mesh, *, samples: int = SAMPLES, seed: int = 0) -> float:
    """Volume of the intersection over that of the union of two closed meshes, estimated from places uniform in the box of both.

    The standard error is below 1 / sqrt(places in the union). Raises InputError if no place is in either.
    """
    lo, hi = np.minimum(one.bounds[0], other.bounds[0]), np.maximum(one.bounds[1], other.bounds[1])
    places = np.random.default_rng(seed).uniform(lo, hi, (samples, 3))
    a, b = inside_mesh(places, one), inside_mesh(places, other)
    if not (a | b).any():
        raise InputError("two solids must have a volume to be compared, no place is in either")
    return float((a & b).sum() / (a | b).sum())


def inside_mesh(places: FloatArray, mesh: Mesh) -> np.ndarray:
    """(m,) whether places (m, 3) are inside of a closed mesh: generalised winding number above 1/2 (Barill et al. 2018, libigl)."""
    import igl

    middle = mesh.bounds.mean(axis=0)
    winding = igl.fast_winding_number(np.array(mesh.vertices - middle), np.array(mesh.faces, dtype=np.int64), np.array(places - middle))
    return np.abs(np.asarray(winding)).ravel() > 0.5
