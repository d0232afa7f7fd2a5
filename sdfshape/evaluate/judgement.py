"""What a benchmark says of a mesh, free of units: lengths as shares of the size of the truth."""

from __future__ import annotations

from typing import Any

from scipy.spatial import ConvexHull

from ..types import FloatArray, Mesh
from .metrics import compare, distances_to_mesh
from .report import mesh_facts


def half_extent(truth: Mesh) -> float:
    """Half of the longest side of the box of a mesh, world units."""
    return float((truth.bounds[1] - truth.bounds[0]).max()) / 2


def judge(mesh: Mesh, truth: Mesh, points: FloatArray) -> dict[str, Any]:
    """chamfer, hausdorff, scan (mean distance from the points (n, 3) to the mesh), beyond (how far the mesh leaves the convex hull of the
    truth): in half-extents of the truth.   normals : consistency, signed.   watertight, pieces : of the mesh.
    """
    half, near, facts = half_extent(truth), compare(mesh, truth), mesh_facts(mesh)
    hull, outermost = ConvexHull(truth.vertices).equations, mesh.vertices[ConvexHull(mesh.vertices).vertices]
    return {
        "chamfer": near.chamfer_l1_sum / half,
        "hausdorff": near.hausdorff / half,
        "normals": near.normal_consistency,
        "scan": float(distances_to_mesh(points, mesh).mean()) / half,
        "beyond": float((outermost @ hull[:, :3].T + hull[:, 3]).max()) / half,
        "watertight": facts["watertight"],
        "pieces": facts["components"],
    }
