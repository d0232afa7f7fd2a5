"""What the page says of a mesh and of a field, beside the truth if there is one, else beside the scan."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..evaluate.metrics import compare, distances_to_mesh, signed_distances_to_mesh
from ..evaluate.occupancy import intersection_over_union
from ..evaluate.report import mesh_facts
from ..extract.components import is_watertight
from ..frame import HALF_EXTENT, Frame
from ..types import FloatArray, Mesh

SAMPLES = 100_000
ASKED = 20_000  # places at which every field is asked
NEAR = 0.05  # of the longest half-extent: the near band


def asked_places(points: FloatArray, seed: int = 0) -> FloatArray:
    """(ASKED, 3) world: half all over the domain, half beside the points."""
    rng, frame, half = np.random.default_rng(seed), Frame.from_points(points), ASKED // 2
    beside = frame.to_unit(points[rng.integers(len(points), size=half)]) + NEAR / 2 * HALF_EXTENT * rng.normal(size=(half, 3))
    return frame.to_world(np.concatenate([rng.uniform(-1, 1, (half, 3)), beside]))


def judge_mesh(mesh: Mesh, points: FloatArray, truth: Mesh | None) -> dict[str, Any]:
    """Lengths in world units; without a truth only what the scan can say."""
    facts = mesh_facts(mesh)
    scan = distances_to_mesh(points, mesh)
    out = {"scan_mean": float(scan.mean()), "scan_95": float(np.quantile(scan, 0.95)), "watertight": facts["watertight"]}
    out |= {"components": facts["components"], "faces": len(mesh.faces)}
    if truth is None:
        return out
    near, wide = (
        compare(mesh, truth, samples=SAMPLES, tau=tau) for tau in (None, 0.01 * float(np.linalg.norm(np.ptp(truth.bounds, axis=0))))
    )
    out |= {"chamfer": near.chamfer_l1_sum, "chamfer_squared": near.chamfer_l2_sum, "hausdorff": near.hausdorff}
    out |= {"hausdorff_95": near.hausdorff_95, "f_score": near.f_score, "f_score_1": wide.f_score, "normals": near.normal_consistency}
    return out | {"iou": intersection_over_union(mesh, truth) if facts["watertight"] and is_watertight(truth) else None}


def judge_field(values: FloatArray, places: FloatArray, truth: Mesh | None) -> dict[str, float]:
    """Root mean square error of signed distances over the domain and within the near band, world units; needs a closed truth."""
    if truth is None or not is_watertight(truth):
        return {}
    true = signed_distances_to_mesh(places, truth)
    off, half = values - true, float(np.ptp(truth.bounds, axis=0).max()) / 2
    domain, near = np.arange(len(places)) < len(places) // 2, np.abs(true) < NEAR * half
    return {"rmse_domain": float(np.sqrt((off[domain] ** 2).mean())), "rmse_near": float(np.sqrt((off[near] ** 2).mean()))}
