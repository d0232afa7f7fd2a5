"""The report of a reconstruction: what came, what was decided, what it cost, what came out, and what the user should know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .clean import Dropped
from .frame import Frame
from .options import Options
from .sample import COHERENT, Gathered
from .train.config import TrainConfig
from .types import PointCloud

if TYPE_CHECKING:
    from .evaluate.score import Scores
    from .extract import Extraction, Finished
    from .field import SignedDistanceField

BRIDGED_IS_MUCH = 0.02  # share of the surface
WORTH_A_WARNING = 0.001  # share of the points that are outliers


@dataclass(frozen=True, eq=False)
class Job:
    """cloud : as it came.   kept : what was trained on.   dropped, voxel : of the rest.   seconds : by stage."""

    cloud: PointCloud
    kept: PointCloud
    dropped: Dropped
    voxel: float
    gathered: Gathered
    options: Options
    config: TrainConfig
    seconds: dict[str, float]


def job_report(
    job: Job, field: SignedDistanceField, extraction: Extraction, done: Finished, phantoms: int, scores: Scores
) -> dict[str, Any]:
    """REPORT.json as a dictionary of schema `REPORT_VERSION`; lengths in world units."""
    import torch

    from .evaluate.report import REPORT_VERSION, field_facts, fit_facts, mesh_facts, peak_rss_mb

    fit = fit_facts(field, done.mesh, job.kept.points, field.frame.length_to_world(job.gathered.spacing), job.options.iso)
    fit |= {"outliers": int((scores.outliers & np.isfinite(scores.values)).sum()), "outlier_limit": scores.limit}
    facts = mesh_facts(done.mesh, phantoms)
    return {
        "version": REPORT_VERSION,
        "input": _input_facts(job),
        "preset": job.options.preset,
        "config": job.config.as_dict(),
        "seed": job.options.seed,
        "threads": job.options.threads or torch.get_num_threads(),
        "device": job.options.device,
        "surface": _surface_facts(job.gathered, field.frame),
        "seconds": job.seconds | {"total": sum(job.seconds.values())},
        "peak_rss_mb": peak_rss_mb(),
        "field": field_facts(field),
        "extraction": {
            "resolution": extraction.resolution,
            "iso": extraction.iso,
            "level_of_network": field.frame.length_to_world(field.info["level_unit"]),
            "evaluations": extraction.evaluations,
            "dense_evaluations": extraction.dense_evaluations,
        },
        "mesh": facts | {"max_deviation": done.deviation.upper, "off_level": done.off_level},
        "fit": fit,
        "warnings": _warnings(job, fit, facts),
    }


def _warnings(job: Job, fit: dict[str, Any], facts: dict[str, Any]) -> list[str]:
    warnings = list(job.gathered.warnings)
    if lost := job.dropped.non_finite:
        warnings.append(counted(lost, "point without finite coordinates was", "points without finite coordinates were") + " left out")
    if (share := job.dropped.stray_share) > WORTH_A_WARNING:
        warnings.append(
            counted(job.dropped.outliers, "point is on no surface and was", "points are on no surface and were")
            + f" dropped, {share:.1%} of those seen (--keep-outliers keeps them)"
        )
    if facts["dropped_components"]:
        warnings.append(
            counted(facts["dropped_components"], "piece of the surface that no point explains was", "pieces that no point explains were")
            + " left out of the mesh (--keep-all keeps them)"
        )
    if job.gathered.coherence < COHERENT and job.gathered.kind == "closed" and facts["bodies"] > 1:
        warnings.append(f"the mesh falls into {facts['bodies']} pieces: if the object does not, try --surface wrap")
    if fit["bridged"] > BRIDGED_IS_MUCH and job.gathered.kind == "closed":
        warnings.append(f"{fit['bridged']:.0%} of the surface bridges holes of the scan: smooth, not measured (a sheet? --surface open)")
    return warnings


def counted(count: int, one: str, many: str) -> str:
    """A number with its noun and verb, as a sentence begins."""
    return f"1 {one}" if count == 1 else f"{count:,} {many}"


def _input_facts(job: Job) -> dict[str, Any]:
    bounds, came = job.cloud.bounds.tolist(), len(job.cloud)
    facts = {"path": None, "points": len(job.kept), "bounds": bounds, "dropped": vars(job.dropped)}
    return facts | {"came": came, "averaged_over": job.voxel}


def _surface_facts(gathered: Gathered, frame: Frame) -> dict[str, Any]:
    return {
        "kind": gathered.kind,
        "coherence": gathered.coherence,
        "confidence": gathered.confidence,
        "hints_followed": gathered.hints,
        "hints_agree": gathered.hints_agree,
        "spacing": frame.length_to_world(gathered.spacing),
        "noise_estimate": frame.length_to_world(gathered.noise),
        "ball_radius": frame.length_to_world(gathered.ball_radius),
        "least_thickness": frame.length_to_world(gathered.least_thickness),
        "thickened": gathered.thickened,
    }
