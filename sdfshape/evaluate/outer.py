"""Meshes of furniture and other sheets against a truth that is no solid: only what can be seen from outside counts.

CAD models are full of hidden faces, and their boards are two walls or one; a distance to all their faces judges what no scanner sees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..sample.rays import ray_caster
from ..sample.scanner import scan_of_mesh
from ..types import FloatArray, Mesh, PointCloud
from .metrics import distances_to_mesh

VIEWS = 100
PARTS = 8.0  # in spacings: boards and legs up to this thick are compared
START = 2.0  # in spacings outside of the truth: where a ray into a part begins
LATE = 2.0  # in spacings: a mesh that a ray reaches so much too late is not there
AFTER = 1e-4  # in spacings behind a hit: where the way to the next one begins


@dataclass(frozen=True)
class OuterJudgement:
    """completeness : mean distance from the outer surface of the truth to the mesh.   missed : share of it farther than two spacings.
    excess : mean distance from the vertices of the mesh to all of the truth.
    thickness_error : median of |thickness - true one| over the places where the truth is at most PARTS spacings thick; nan without any.
    holes : share of these places where a ray finds no mesh. World units.
    """

    completeness: float
    missed: float
    excess: float
    thickness_error: float
    holes: float


def judge_outer(mesh: Mesh, truth: Mesh, spacing: float, *, samples: int = 20_000, seed: int = 1) -> OuterJudgement:
    """How well a mesh stands for what can be seen of the truth; spacing : of the points it was made from. Estimates, world units."""
    outer = outer_surface(truth, samples, seed)
    to_mesh = distances_to_mesh(outer.points, mesh)
    thick, true = thicknesses(mesh, truth, outer, spacing)
    return OuterJudgement(
        completeness=float(to_mesh.mean()),
        missed=float((to_mesh > 2 * spacing).mean()),
        excess=float(distances_to_mesh(mesh.vertices, truth).mean()),
        thickness_error=float(np.median(np.abs(thick - true)[thick > 0])) if (thick > 0).any() else float("nan"),
        holes=float((thick == 0).mean()) if len(thick) else 0.0,
    )


def outer_surface(truth: Mesh, count: int, seed: int) -> PointCloud:
    """Up to `count` points of a mesh that can be seen from outside, with normals towards who sees them."""
    return scan_of_mesh(truth, count, seed, views=VIEWS, normals=True)


def thicknesses(mesh: Mesh, truth: Mesh, outer: PointCloud, spacing: float) -> tuple[FloatArray, FloatArray]:
    """Of the mesh (0 where a ray finds none) and of the truth, (k,) each, at the outer points where the truth is thin."""
    assert outer.normals is not None
    inward = -outer.normals
    behind = ray_caster(truth)(outer.points + AFTER * spacing * inward, inward, PARTS * spacing)[0]
    thin = np.isfinite(behind)
    true, ways = behind[thin], inward[thin]
    cast, starts = ray_caster(mesh), outer.points[thin] - START * spacing * inward[thin]
    entry = cast(starts, ways, (START + LATE) * spacing + 1e-9)[0]
    there = np.isfinite(entry)
    inside = starts[there] + (entry[there] + AFTER * spacing)[:, None] * ways[there]
    thick = np.zeros(len(true))
    thick[there] = np.minimum(cast(inside, ways[there], 3 * PARTS * spacing)[0], 3 * PARTS * spacing)
    return thick, true
