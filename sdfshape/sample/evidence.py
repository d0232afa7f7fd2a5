"""Evidence: places of the domain whose side is known, each with the distance it may move and stay right.

P, positives: inside. Q0, proposals: outside. A place that moves less than its distance to the surface cannot pass it, so its label
stays right along the Newton-Raphson walk. Two kinds:
* `closed_evidence`: the winding number of an oriented cloud; where it is undecided, no label.
* `wrapped_evidence`: where a rolling ball from the sky cannot go (`closing`). No orientation is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..orient import OrientedCloud, WindingNumber
from ..types import FloatArray
from .closing import close
from .places import draw_places

# label bands of the winding number: below, outside; above, inside; between, unknown
OUTSIDE_BELOW, INSIDE_ABOVE = 0.4, 0.6
NEAR_SIGMAS = (0.25, 0.5, 1.0)  # standard deviations of the places near the cloud, in spacings
SLAB_SIGMAS = (0.3, 0.6, 1.2)  # the same of a wrap, in half thicknesses, where these are larger
KEEP_SPACINGS = 0.5  # a walking place keeps at least this distance to the cloud: nearer, a label says nothing about the margin
KEEP_THICKNESS = 0.5  # the same for a wrap, in half thicknesses, to its surface
SLAB_SPACINGS = 0.35  # half thickness of the thinnest parts of a wrap, in spacings: less, and a random sample's gaps are holes


@dataclass(frozen=True, eq=False)
class Evidence:
    """inside (n, 4), outside (m, 4) float32: x, y, z and how far the place may move and keep its label, unit frame.
    least_thickness : of the parts of a wrap, unit frame; 0 if closed.
    """

    inside: FloatArray
    outside: FloatArray
    least_thickness: float


NO_EVIDENCE = Evidence(np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32), 0.0)


def closed_evidence(cloud: OrientedCloud, count: int, rng: np.random.Generator) -> Evidence:
    """About `count` labelled places by the winding number of an oriented cloud, nine tenths of them near it."""
    places = draw_places(cloud.points, [s * cloud.spacing for s in NEAR_SIGMAS], count, rng)
    winding = WindingNumber(cloud.points, cloud.normals, cloud.areas)(places)
    free = cloud.tree.query(places, workers=-1)[0] - KEEP_SPACINGS * cloud.spacing
    return _split(places, free, winding > INSIDE_ABOVE, winding < OUTSIDE_BELOW, 0.0)


def wrapped_evidence(points: FloatArray, count: int, rng: np.random.Generator, least_thickness: float) -> Evidence:
    """About `count` labelled places by the closing of the points (n, 3), unit frame, without orientation.

    least_thickness : of every part, unit frame; it is larger where the points are too sparse for it.
    """
    closing = close(points, least_thickness / 2, SLAB_SPACINGS, rng)
    half = closing.half_thickness
    sigmas = [max(s * closing.spacing, t * half) for s, t in zip(NEAR_SIGMAS, SLAB_SIGMAS, strict=True)]
    places = draw_places(points, sigmas, count, rng)
    inside, outside, free = closing.sides(places)
    return _split(places, free - KEEP_THICKNESS * half, inside, outside, 2 * half)


def _split(places: FloatArray, reach: FloatArray, inside: np.ndarray, outside: np.ndarray, least_thickness: float) -> Evidence:
    rows = np.concatenate([places, np.maximum(reach, 0)[:, None]], axis=1).astype(np.float32)
    return Evidence(rows[inside], rows[outside], least_thickness)
