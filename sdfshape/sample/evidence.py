"""Evidence: places of the domain whose side is known, each with the distance it may move and stay right.

P, positives: inside. Q0, proposals: outside. A place that moves less than its distance to the surface cannot pass it, so its label
stays right along the Newton-Raphson walk. Two sources:
* `closed_evidence`: the winding number of an oriented cloud; where it is undecided, no label;
* `wrapped_evidence`: the closing of the cloud by a rolling ball, without orientation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..orient import OrientedCloud, WindingNumber
from ..orient.places import draw_places
from ..types import FloatArray

UNKNOWN = 0.1  # winding numbers nearer than half of this to 1/2 give no label; 0.2 and 0 both lost the neck of a claw of lordquas,
# 0.7 spacings thick, on two seeds of two; the Chamfer distances of seven other shapes are equal to 0.5%
NEAR_SIGMAS = (0.25, 0.5, 1.0)  # standard deviations of the places near the cloud, in spacings
SLAB_SIGMAS = (0.3, 0.6, 1.2)  # the same where a closing is used, in half thicknesses, if these are larger
KEEP_SPACINGS = 0.5  # a walking place keeps at least this distance to the cloud: nearer, a label says nothing about the margin
KEEP_THICKNESS = 0.5  # the same for a closing, in half thicknesses, to its surface


@dataclass(frozen=True, eq=False)
class Evidence:
    """inside (n, 4), outside (m, 4) float32: x, y, z and how far the place may move and keep its label, unit frame."""

    inside: FloatArray
    outside: FloatArray


NO_EVIDENCE = Evidence(np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32))


def closed_evidence(cloud: OrientedCloud, count: int, rng: np.random.Generator) -> Evidence:
    """About `count` labelled places by the winding number of an oriented cloud, nine tenths of them near it."""
    places = draw_places(cloud.points, [s * cloud.spacing for s in NEAR_SIGMAS], count, rng)
    winding = WindingNumber(cloud.points, cloud.sharpened, cloud.areas)(places)
    free = cloud.tree.query(places, workers=-1)[0] - KEEP_SPACINGS * cloud.spacing
    return _split(places, free, winding > 0.5 + UNKNOWN / 2, winding < 0.5 - UNKNOWN / 2)


def wrapped_evidence(cloud: OrientedCloud, count: int, rng: np.random.Generator) -> Evidence:
    """About `count` labelled places by the closing of a cloud; the signs of its normals do not matter."""
    closing = cloud.closing
    sigmas = [max(s * cloud.spacing, t * closing.least) for s, t in zip(NEAR_SIGMAS, SLAB_SIGMAS, strict=True)]
    places = draw_places(cloud.points, sigmas, count, rng)
    inside, outside, free = closing.sides(places, closing.levels(cloud.normals, cloud.neighbours))
    return _split(places, free - KEEP_THICKNESS * closing.least, inside, outside)


def _split(places: FloatArray, reach: FloatArray, inside: np.ndarray, outside: np.ndarray) -> Evidence:
    rows = np.concatenate([places, np.maximum(reach, 0)[:, None]], axis=1).astype(np.float32)
    return Evidence(rows[inside], rows[outside])
