"""What else tells which side is out: normals in the file, or where the sensor stood. Believed if told to, or if it agrees with what we see.

A hint is a direction at each point that should point out: its normal in the file, or the way to the sensor. Where the rolling ball is sure
of a side, hints are put to the test: if they agree on AGREE of these points (or contradict on as many: normals that point in), they decide
for the points of which it is not sure. Normals of a plane fit, with signs at random, agree on half, and are left aside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..types import FloatArray

AGREE = 0.97
LEAST_TESTED = 100  # sure points with a hint, below which there is no test
SLANTED = 0.1  # |cosine| between hint and plane normal below which a hint says nothing


@dataclass(frozen=True, eq=False)
class Hints:
    """directions : (n, 3) any length, world or unit frame; not finite or 0 where there is none.   trusted : believed without a test."""

    directions: FloatArray
    trusted: bool = False


@dataclass(frozen=True, eq=False)
class Signs:
    """sign (n,) that turns a normal outward, confidence (n,) and whether it is sure (n,); see `OrientedCloud`.
    agreement : share of the tested hints that agreed, nan without a test.   followed : whether hints were believed.
    """

    sign: FloatArray
    confidence: FloatArray
    sure: np.ndarray
    agreement: float = float("nan")
    followed: bool = False


def follow(hints: Hints, normals: FloatArray, seen: Signs) -> Signs:
    """The signs (n,) of the normals (n, 3) that were seen, with those of the hints where they are believed."""
    length = np.linalg.norm(hints.directions, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.einsum("ni,ni->n", hints.directions, normals) / length
    known = np.isfinite(cosine) & (np.abs(np.nan_to_num(cosine)) > SLANTED)
    given = np.where(np.nan_to_num(cosine) >= 0, 1.0, -1.0)
    tested = known & seen.sure
    agreement = float((given == seen.sign)[tested].mean()) if tested.sum() >= LEAST_TESTED else float("nan")
    inward = not hints.trusted and agreement <= 1 - AGREE
    if not (hints.trusted or agreement >= AGREE or inward):
        return replace(seen, agreement=agreement)
    taken = known if hints.trusted else known & ~seen.sure
    return Signs(
        sign=np.where(taken, -given if inward else given, seen.sign),
        confidence=np.where(taken, np.abs(np.nan_to_num(cosine)), seen.confidence),
        sure=seen.sure | taken,
        agreement=agreement,
        followed=True,
    )
