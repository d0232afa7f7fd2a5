"""How far a mesh is from the truth. Every length is in the units of the arguments; every estimate states its samples and seed.

Samples of surfaces are uniform by area. With samples on both sides every distance carries the sampling floor: two draws from the same
surface are not 0 apart: compare(truth, truth) says how far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..errors import InputError
from ..limits import check_seed
from ..sample.surface import sample_surface
from ..types import FloatArray, Mesh, as_points

MOST_SAMPLES = 100_000_000


@dataclass(frozen=True)
class Comparison:
    """chamfer_l1_sum : mean distance mesh -> truth plus mean distance truth -> mesh.   chamfer_l2_sum : the same of squared distances.
    hausdorff, hausdorff_95 : the larger of the two maxima, and of the two 95% quantiles.
    accuracy, completeness : the two means.   f_score : harmonic mean of the shares within `tau`.
    normal_consistency : mean of n . n' over nearest pairs, both ways, signed: a flipped mesh scores negative.
    """

    chamfer_l1_sum: float
    chamfer_l2_sum: float
    accuracy: float
    completeness: float
    hausdorff: float
    hausdorff_95: float
    f_score: float
    tau: float
    normal_consistency: float
    samples: int
    seed: int


def compare(mesh: Mesh, truth: Mesh, *, samples: int = 100_000, tau: float | None = None, seed: int = 1) -> Comparison:
    """Distances between two surfaces from `samples` points on each (a mesh is drawn with `seed`, the truth with `seed` + 1).

    tau : threshold of the F-score, default 0.5% of the diagonal of the truth's box.
    Raises InputError for a mesh without area, and for samples, tau or a seed that cannot be.
    """
    check_seed(seed)
    if not 1 <= samples <= MOST_SAMPLES:
        raise InputError(f"samples must be 1 to {MOST_SAMPLES:,}, got {samples}")
    if tau is not None and not 0 < tau < np.inf:
        raise InputError(f"tau must be a finite length above 0, in the units of the meshes, got {tau:g}")
    if tau is None:
        tau = 0.005 * float(np.linalg.norm(truth.bounds[1] - truth.bounds[0]))
    points, normals, _ = sample_surface(mesh, samples, seed)
    true_points, true_normals, _ = sample_surface(truth, samples, seed + 1)
    to_truth, at_truth = cKDTree(true_points).query(points, workers=-1)
    to_mesh, at_mesh = cKDTree(points).query(true_points, workers=-1)
    precision, recall = (to_truth < tau).mean(), (to_mesh < tau).mean()
    aligned = [(normals * true_normals[at_truth]).sum(1).mean(), (true_normals * normals[at_mesh]).sum(1).mean()]
    return Comparison(
        chamfer_l1_sum=float(to_truth.mean() + to_mesh.mean()),
        chamfer_l2_sum=float((to_truth**2).mean() + (to_mesh**2).mean()),
        accuracy=float(to_truth.mean()),
        completeness=float(to_mesh.mean()),
        hausdorff=float(max(to_truth.max(), to_mesh.max())),
        hausdorff_95=float(max(np.quantile(to_truth, 0.95), np.quantile(to_mesh, 0.95))),
        f_score=float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0,
        tau=tau,
        normal_consistency=float(np.mean(aligned)),
        samples=samples,
        seed=seed,
    )


def signed_distances_to_mesh(points: FloatArray, mesh: Mesh) -> FloatArray:
    """(n,) exact distances from points (n, 3) to a closed mesh, negative where the winding number says inside."""
    import igl

    kind = igl.SIGNED_DISTANCE_TYPE_FAST_WINDING_NUMBER
    found = igl.signed_distance(np.array(points), np.array(mesh.vertices), np.array(mesh.faces, dtype=np.int64), kind)
    return np.asarray(found[0], dtype=np.float64).ravel()


def distances_to_mesh(points: FloatArray, mesh: Mesh) -> FloatArray:
    """(n,) exact distances from points (n, 3) to the triangles of a mesh."""
    import igl

    points = as_points(points)
    if not len(mesh.faces):
        raise InputError("a mesh must have faces to be at a distance, got none")
    squared = igl.point_mesh_squared_distance(np.array(points), np.array(mesh.vertices), np.array(mesh.faces))[0]
    return np.sqrt(np.maximum(squared, 0))
