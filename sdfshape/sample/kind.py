"""Closed or wrap: which evidence a cloud can give.

`closed` trusts the orientation: sharp, right where inside and outside exist. `wrap` trusts none: whole and in one piece where they
do not (sheets, double walls, furniture); narrow creases are closed, and nothing is thinner than a stated thickness.
`auto` measures whether the orientation makes sense (`coherence`) and takes wrap where not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import DegenerateCloudError
from ..orient import coherence, orient
from ..types import FloatArray
from .evidence import NO_EVIDENCE, Evidence, closed_evidence, wrapped_evidence

SURFACES = ("auto", "closed", "wrap")
LEAST_EVIDENCE = 100  # labelled places of each side below which there is nothing to learn
COHERENT = 0.93  # solids measured 0.945 and up, ModelNet10's furniture 0.914 and down, at 20,000 points


@dataclass(frozen=True, eq=False)
class Gathered:
    """evidence to train on.   kind : closed, wrap, or points alone.   warnings : what the user should know.
    coherence : of the orientation in [0, 1], nan if not looked at.
    confidence : mean over the points of how one-sided the vote for their normal was.
    """

    evidence: Evidence
    kind: str
    coherence: float
    confidence: float
    warnings: tuple[str, ...]


def gather_evidence(
    points_unit: FloatArray, surface: str, labels: int, rng: np.random.Generator, stage: Callable[[str], None], least_thickness: float
) -> Gathered:
    """Labelled places for points (n, 3), unit frame; surface "none" gathers nothing (the points are all there is).

    least_thickness : of the parts of a wrap, unit frame; it is larger where the points are sparse.
    `stage` is told "orient" and "sample" when they begin.
    """
    stage("orient")
    if surface == "none":
        return Gathered(NO_EVIDENCE, "points", float("nan"), float("nan"), ())
    if surface == "wrap":
        stage("sample")
        return Gathered(wrapped_evidence(points_unit, labels, rng, least_thickness), "wrap", float("nan"), float("nan"), ())
    cloud = orient(points_unit)
    agreed = coherence(cloud, rng)
    confidence = float(cloud.confidence.mean())
    stage("sample")
    if surface == "closed" or agreed >= COHERENT:
        evidence = closed_evidence(cloud, labels, rng)
        if min(len(evidence.inside), len(evidence.outside)) < LEAST_EVIDENCE:
            raise DegenerateCloudError("a closed surface must have an inside, no place of this cloud is surely inside: use --surface wrap")
        warnings = () if agreed >= COHERENT else (f"orientation is coherent on {agreed:.0%} of the points only: try --surface wrap",)
        return Gathered(evidence, "closed", agreed, confidence, warnings)
    text = f"inside and outside agree on {agreed:.0%} of the points only: wrapped without orientation (--surface closed forces it)"
    return Gathered(wrapped_evidence(points_unit, labels, rng, least_thickness), "wrap", agreed, confidence, (text,))
