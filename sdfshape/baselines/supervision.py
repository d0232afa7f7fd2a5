"""Places with their signed distances, for the methods that must be told them; and where they were taken from.

A one-class method needs the points alone. DeepSDF and the 1-Lipschitz recipe of 2024 need distances with signs: of a closed mesh they
are exact; of a cloud the length is that to the nearest point, and the sign is the one our evidence gives, so what is right in them is
owed to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..errors import DegenerateCloudError, InputError
from ..evaluate.metrics import signed_distances_to_mesh
from ..frame import Frame
from ..sample import Evidence, gather_evidence
from ..sample.surface import sample_surface
from ..types import FloatArray, Mesh

SIGMAS = (0.05, 0.0158)  # of places beside the surface: DeepSDF's variances .0025 and .00025, theirs in a unit ball
UNIFORM = 0.05  # share of places in the whole domain, as theirs: 25,000 of 500,000
THINNEST = 0.02  # least thickness of a wrap's evidence, unit frame


@dataclass(frozen=True, eq=False)
class Supervision:
    """places : (n, 3), unit frame.   distances : (n,) signed, negative inside, unit frame.   source : "mesh" or "cloud and evidence"."""

    places: FloatArray
    distances: FloatArray
    source: str


def supervision_of_mesh(mesh: Mesh, frame: Frame, count: int, seed: int) -> Supervision:
    """Exact distances to a closed mesh. Raises InputError for a mesh that is not watertight: it has no inside."""
    from ..extract.components import is_watertight

    if not is_watertight(mesh):
        raise InputError("a mesh must be watertight to give signed distances, this one is open: use the points alone")
    rng = np.random.default_rng(seed)
    uniform = round(UNIFORM * count)
    surface = frame.to_unit(sample_surface(mesh, count - uniform, seed)[0])
    sigma = np.resize(SIGMAS, len(surface))[:, None]
    places = np.concatenate([surface + sigma * rng.normal(size=surface.shape), rng.uniform(-1, 1, (uniform, 3))])
    return Supervision(places, signed_distances_to_mesh(places, Mesh(frame.to_unit(mesh.vertices), mesh.faces)), "mesh")


def supervision_of_cloud(points_unit: FloatArray, count: int, seed: int) -> Supervision:
    """Lengths to the nearest of points (n, 3), unit frame, with the signs of our evidence; and the points themselves, at 0."""
    evidence = evidence_of(points_unit, count, seed)
    labelled = np.concatenate([evidence.inside[:, :3], evidence.outside[:, :3]]).astype(np.float64)
    sign = np.repeat([-1.0, 1.0], [len(evidence.inside), len(evidence.outside)])
    length = cKDTree(points_unit).query(labelled, workers=-1)[0]
    places = np.concatenate([labelled, points_unit])
    return Supervision(places, np.concatenate([sign * length, np.zeros(len(points_unit))]), "cloud and evidence")


def evidence_of(points_unit: FloatArray, count: int, seed: int) -> Evidence:
    """Labelled places as our `auto` gathers them, without a trial."""
    gathered = gather_evidence(points_unit, "auto", count, np.random.default_rng(seed), lambda _: None, THINNEST)
    if not (len(gathered.evidence.inside) and len(gathered.evidence.outside)):
        raise DegenerateCloudError("a cloud must have an inside and an outside to give signs, this one shows no two sides")
    return gathered.evidence
