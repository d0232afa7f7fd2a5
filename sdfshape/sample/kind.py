"""Closed, wrap or open: which evidence a cloud can give.

`closed` trusts the orientation: sharp, right where inside and outside exist; walls too thin for it become slabs. `wrap` trusts none: whole
and in one piece where they do not exist (sheets, double walls, furniture); creases narrower than a ball are closed, and thin parts get a
stated thickness. `open` is a wrap that fills nothing: every sheet becomes a slab, and what the points enclose stays empty.
`auto` measures whether the orientation makes sense (`coherence`), or at least loses no part (`lost_points`); where it is in doubt a quick
closed surface is tried, and wrap is taken where that does not hold. Of a sparse cloud both are asked once its normals are `consistent`:
sheets look whole then, but a surface of theirs spans from one to the next. (Asked before, thin walls, springs and lattices of 2,048 points
were wrapped, with 1.4 to 2.6 times the Chamfer distance, and a lamp; asked after, without the trial, so were chairs closed.)
(Both in one field, each where its points are coherent, was tried: furniture came out frayed and with holes where the two meet.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import DegenerateCloudError
from ..orient import (
    NOISY,
    Hints,
    OrientedCloud,
    along_curves,
    coherence,
    denoised,
    filled,
    lost_points,
    noise_level,
    orient,
    overturn,
    seen_from_the_sky,
    share_lost,
    torn_points,
)
from ..types import FloatArray
from .evidence import NO_EVIDENCE, Evidence, closed_evidence, wrapped_evidence

SURFACES = ("auto", "closed", "open", "wrap")
DOUBTED = 0.8  # agreement below which a user who gave normals or a sensor is warned
LEAST_EVIDENCE = 100  # labelled places of each side below which there is nothing to learn
HOPELESS = 0.5  # share of the points where sides agree, below which a closed surface is not worth a try
# of `coherence`. Measured at 20,000 points: solids .96 and up (3torus .89, rotor_small .59), ModelNet10's furniture .949 and down
COHERENT = 0.95
NOISY_COHERENT = 0.93  # of noisy clouds: solids with 1% noise .94 and up, furniture with .4% and 1% .928 and down
# of `lost_points`, for clouds that are less coherent. Measured: sparse solids whose closed surface is better than their wrap, by a fifth in
# Chamfer (elephant, armadillo, lordquas, bunny from 2,048 and 3,000 points), at most (.026, 0), lamp_0129 (.017, .0008); furniture that
# a closed surface robs of taps and boards (.018, .0064), (.041, .021) and up, or (.065, 0)
FEW_LOST, FEW_IN_PATCHES = 0.04, 0.004
# the same where sides are by the sky alone: scans of solids from one or two cameras at most (.006, .001), furniture (.026, .001) and up
HARDLY_LOST, HARDLY_IN_PATCHES = 0.015, 0.003
# the same once the normals of a sparse cloud are consistent, where the trial has the last word. Measured at 1,000 to 4,900 points: solids,
# also thin ones, whose closed surface is better (by up to 1.6 times) up to (.068, .012); furniture that the trial would pass and whose wrap
# is as good or better: (.084, .013), (.097, .018), (.114, .034)
SPARSE_LOST, SPARSE_IN_PATCHES = 0.08, 0.016
GLIMPSE = 3.0  # times as many lost among the probed points: not worth a closer look, nor a trial
TRIAL_LABELS = 20_000
# does a closed surface hold? evidence, the cloud it is of, and the share of its points that are lost if its normals are consistent, or None
Trial = Callable[[Evidence, OrientedCloud, float | None], bool]


@dataclass(frozen=True, eq=False)
class Gathered:
    """evidence to train on.   kind : closed, wrap, open, or points alone.   warnings : what the user should know.
    coherence : of the orientation in [0, 1], nan if not looked at.
    confidence : mean over the points of how surely their normal points out.
    spacing : typical distance between neighbours, unit frame.
    noise : estimate of the standard deviation of the points off the surface, unit frame.
    hints : whether given normals, or the sensor, were followed; none without.   hints_agree : share of the tested ones that agreed.
    ball_radius : of the ball that was rolled over the points, unit frame; slots narrower than two are not seen.
    least_thickness : about, of the parts of a wrap, and of what is thickened, unit frame; 0 where there is neither.
    thickened : share of the points of a closed surface whose walls are too thin for it and became slabs.
    doubted : whether it is closed though the orientation alone did not say so.   oriented : the cloud the evidence is from.
    """

    evidence: Evidence
    kind: str
    coherence: float = float("nan")
    confidence: float = float("nan")
    spacing: float = float("nan")
    noise: float = float("nan")
    hints: bool | None = None
    hints_agree: float = float("nan")
    ball_radius: float = 0.0
    least_thickness: float = 0.0
    thickened: float = 0.0
    doubted: bool = False
    warnings: tuple[str, ...] = ()
    oriented: OrientedCloud | None = None


def gather_evidence(
    points_unit: FloatArray,
    surface: str,
    labels: int,
    rng: np.random.Generator,
    stage: Callable[[str], None],
    least_thickness: float,
    hints: Hints | None = None,
    trial: Trial | None = None,
) -> Gathered:
    """Labelled places for points (n, 3), unit frame; surface "none" gathers nothing (the points are all there is).

    least_thickness : of the parts of a wrap, and of slabs, unit frame; it is larger where the points are sparse.
    trial : asked by `auto` where it is in doubt; without one, doubt means wrap.
    `stage` is told "orient" and "sample" when they begin. Raises DegenerateCloudError if one side has no places.
    """
    stage("orient")
    if surface == "none":
        return Gathered(NO_EVIDENCE, "points")
    cloud, sigma, noisy = _smoothed(points_unit, rng, least_thickness, hints)
    sided, enough = surface in ("auto", "closed"), NOISY_COHERENT if noisy else COHERENT
    cloud, agreed, closed = _sides(overturn(cloud), hints, enough, rng) if sided else (cloud, float("nan"), False)
    stage("sample")
    wires = surface == "auto" and agreed <= HOPELESS and along_curves(cloud)
    closed_up = surface == "closed" or (not wires and (closed or (surface == "auto" and _holds(cloud, trial, rng))))
    kind = "closed" if closed_up else "open" if surface == "open" else "wrap"
    cloud, evidence, thickened = _labelled(cloud, kind, labels, rng)
    _require_both_sides(evidence, kind)
    return Gathered(
        evidence=evidence,
        kind=kind,
        coherence=agreed,
        confidence=float(cloud.confidence.mean()),
        spacing=cloud.spacing,
        noise=sigma,
        hints=cloud.followed if hints is not None else None,
        hints_agree=cloud.agreement,
        ball_radius=cloud.closing.tau,
        least_thickness=0.0 if kind == "closed" and not thickened else 2 * cloud.closing.least,
        thickened=thickened,
        doubted=surface == "auto" and kind == "closed" and not closed,
        warnings=(*_warnings(agreed, surface, kind, wires, closed), *_hint_warnings(cloud, hints)),
        oriented=cloud,
    )


def _labelled(cloud: OrientedCloud, kind: str, count: int, rng: np.random.Generator) -> tuple[OrientedCloud, Evidence, float]:
    """The cloud that gives the evidence of a kind, the evidence, and the share of the points that are thickened."""
    if kind == "closed":
        cloud = cloud.agreeing
        torn = torn_points(cloud)
        return cloud, closed_evidence(cloud, count, rng, torn=torn), float(torn.mean())
    cloud = filled(cloud, rng, hollow=kind == "open")
    return cloud, wrapped_evidence(cloud, count, rng), 0.0


def _smoothed(
    points: FloatArray, rng: np.random.Generator, least_thickness: float, hints: Hints | None
) -> tuple[OrientedCloud, float, bool]:
    """The oriented cloud, its noise, and whether that was so much that it was oriented again without it."""
    cloud = orient(points, rng, least_thickness, hints)
    noisy = (sigma := noise_level(cloud)) > NOISY * cloud.spacing
    return orient(denoised(cloud, sigma), rng, least_thickness, hints) if noisy else cloud, sigma, noisy


def _sides(cloud: OrientedCloud, hints: Hints | None, enough: float, rng: np.random.Generator) -> tuple[OrientedCloud, float, bool]:
    """The cloud with the sides that make more sense, its coherence, and whether it is enough for a closed surface."""
    agreed = coherence(cloud, rng)
    if agreed >= enough:
        return cloud, agreed, True
    if not cloud.followed:  # half of a shell? Its inside is in sight too
        other = seen_from_the_sky(cloud, hints)
        if share_lost(other, rng) < GLIMPSE * HARDLY_LOST:
            other = overturn(other)
            if _loses_at_most(other, HARDLY_LOST, HARDLY_IN_PATCHES):
                return other, coherence(other, rng), True
    return cloud, agreed, False


def _holds(cloud: OrientedCloud, trial: Trial | None, rng: np.random.Generator) -> bool:
    """Whether a closed surface loses few points, or at least not most of them and stands its trial."""
    if trial is not None and (agreeing := cloud.agreeing) is not cloud:
        lost, patches = lost_points(agreeing)
        few = (lost < SPARSE_LOST and patches < SPARSE_IN_PATCHES) or _loses_at_most(cloud, FEW_LOST, FEW_IN_PATCHES)
        return few and _stands(agreeing, trial, rng, lost)
    if share_lost(cloud, rng) >= GLIMPSE * FEW_LOST:
        return False
    if _loses_at_most(cloud, FEW_LOST, FEW_IN_PATCHES):
        return True
    return trial is not None and _stands(cloud, trial, rng, None)


def _stands(cloud: OrientedCloud, trial: Trial, rng: np.random.Generator, lost: float | None) -> bool:
    evidence = closed_evidence(cloud, TRIAL_LABELS, rng, coarse=True)
    return _both_sides(evidence) and trial(evidence, cloud, lost)


def _loses_at_most(cloud: OrientedCloud, points: float, in_patches: float) -> bool:
    lost, patches = lost_points(cloud)
    return lost < points and patches < in_patches


def _warnings(agreed: float, surface: str, kind: str, wires: bool, sided: bool) -> tuple[str, ...]:
    if wires:
        return ("the points lie along curves, and show no surface between them: the curves were wrapped (--surface closed spans them)",)
    if surface == "auto" and kind == "closed" and agreed <= HOPELESS:
        one_side = "as in a scan from one side: what is behind is a guess"
        thin = "its walls are too thin for so few points: try --surface wrap where it has holes"
        return (f"inside and outside agree on {agreed:.0%} of the points only, {one_side if sided else thin}",)
    if surface == "auto" and kind == "wrap":
        way = "--surface closed forces it" if agreed > HOPELESS else "sheets, hidden faces or too few points have no sides to tell"
        return (f"inside and outside agree on {agreed:.0%} of the points only: wrapped without orientation ({way})",)
    if surface == "closed" and agreed < COHERENT:
        return (f"orientation is coherent on {agreed:.0%} of the points only: try --surface wrap",)
    return ()


def _hint_warnings(cloud: OrientedCloud, hints: Hints | None) -> tuple[str, ...]:
    if hints is not None and hints.trusted and cloud.agreement < DOUBTED:
        return (f"what was given points out on {cloud.agreement:.0%} of the points with a side: try --normals ignore or no --sensor",)
    if hints is not None and not hints.trusted and not cloud.followed:
        return ("the normals in the file do not say which side is out, and were left aside (--normals use forces them)",)
    return ()


def _both_sides(evidence: Evidence) -> bool:
    return min(len(evidence.inside), len(evidence.outside)) >= LEAST_EVIDENCE


def _require_both_sides(evidence: Evidence, kind: str) -> None:
    if _both_sides(evidence):
        return
    if kind == "closed":
        raise DegenerateCloudError("a closed surface must have an inside, no place of this cloud is surely inside: use --surface wrap")
    raise DegenerateCloudError("a surface must have an inside and an outside, this cloud is too sparse to show both: use more points")
