"""What an attacker who may move every row by a radius can do to a score that is 1-Lipschitz: nothing beyond these numbers.

Notation. Scores: large is normal. A move of at most r changes a 1-Lipschitz score by at most r.
AUROC = P(score of a normal row > score of an anomalous one), ties count half (Mann and Whitney 1947).
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import InputError
from ..types import FloatArray


def auroc(scores_normal: FloatArray, scores_anomalous: FloatArray) -> float:
    """The share of pairs in which the normal row (n,) scores above the anomalous one (m,); ties count half."""
    normal, anomalous = _checked(scores_normal), np.sort(_checked(scores_anomalous))
    below = np.searchsorted(anomalous, normal, side="left")
    equal = np.searchsorted(anomalous, normal, side="right") - below
    return float((below.sum() + equal.sum() / 2) / (len(normal) * len(anomalous)))


def certified_auroc(scores_normal: FloatArray, scores_anomalous: FloatArray, radius: float, *, lipschitz: float = 1.0) -> float:
    """The AUROC that no attack of this radius on both kinds of rows can go below (Bethune et al. 2023, Proposition 1).

    Proof. An attacker takes at most `lipschitz` r from a normal score and adds at most as much to an anomalous one, so a pair with
    s_normal - s_anomalous > 2 lipschitz r stays in order: the AUROC is at least that of the anomalous scores shifted by twice the radius.
    Scores that were computed with an error of at most e need a radius larger by e. Pairs exactly at the shift count nothing, for a tie
    may be broken by the attacker.   At radius 0 it is the AUROC, but for ties.
    """
    if not (radius >= 0 and math.isfinite(radius) and lipschitz >= 0):
        raise InputError(f"radius must be a length of 0 or more, got {radius}")
    normal, anomalous = _checked(scores_normal), np.sort(_checked(scores_anomalous) + 2 * lipschitz * radius)
    below = np.searchsorted(anomalous, normal, side="left")
    return float(below.sum() / (len(normal) * len(anomalous)))


def certified_accuracy(decisions: FloatArray, inlier: np.ndarray, radius: float, *, lipschitz: float = 1.0) -> float:
    """The share of rows whose verdict is right and cannot be changed by a move of this radius.

    decisions : (n,) scores minus the threshold, >= 0 is called an inlier.   inlier : (n,) bool, what they are.
    Proof. A decision d >= 0 stays so while d - lipschitz r >= 0, one below 0 while d + lipschitz r < 0.
    """
    if not (radius >= 0 and math.isfinite(radius) and lipschitz >= 0):
        raise InputError(f"radius must be a length of 0 or more, got {radius}")
    decided, reach = _checked(decisions), lipschitz * radius
    return float(np.where(np.asarray(inlier, bool), decided - reach >= 0, decided + reach < 0).mean())


def _checked(scores: FloatArray) -> FloatArray:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not len(values) or np.isnan(values).any():
        raise InputError(f"scores must be (n,) numbers, at least one, got shape {values.shape}")
    return values
