"""Evidence: places of the domain whose side is known, each with the distance it may move and stay right.

P, positives: inside. Q0, proposals: outside. A place that moves less than its distance to the cloud cannot pass the surface, so its label
stays right along the Newton-Raphson walk. Two kinds:
* sharp (`closed_evidence`): the winding number of an oriented cloud; where it is undecided, no label.
* certain (`wrapped_evidence`): negative = farther than tau from every point and seeing the sky, positive = all else. No orientation
  is used; the surface is then a level inside the shell, chosen so that it keeps 99% of the points (`level_keeping`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree

from ..orient import OrientedCloud, Sky, WindingNumber
from ..orient.visibility import look_around
from ..types import FloatArray

# label bands of the winding number: below, outside; above, inside; between, unknown
OUTSIDE_BELOW, INSIDE_ABOVE = 0.4, 0.6
# standard deviations of the samples around the cloud, and their shares: three in spacings, two in the unit frame
SPACING_SIGMAS, DOMAIN_SIGMAS = (0.25, 0.5, 1.0), (0.05, 0.1)
SIGMA_SHARES = (0.25, 0.25, 0.2, 0.2, 0.1)
UNIFORM_SHARE = 0.1
KEEP_SPACINGS = 0.5  # a walking place keeps at least this distance to the cloud: nearer, a label says nothing about the margin
WRAP_REACH = 1.2  # tau / 90th percentile of the distance to the sixth neighbour
KEEP_TAUS = 0.1  # the same for the wrapped surface
WRAP_NODES = 128
SEES_SKY, SEES_NONE = 0.10, 0.03  # visibility of certain negatives, of certain positives outside the shell


@dataclass(frozen=True, eq=False)
class Evidence:
    """inside (n, 4), outside (m, 4) float32: x, y, z and how far the place may move and keep its label, unit frame.
    tau : radius of the wrap, 0 if sharp.
    """

    inside: FloatArray
    outside: FloatArray
    tau: float


NO_EVIDENCE = Evidence(np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32), 0.0)


def closed_evidence(cloud: OrientedCloud, count: int, rng: np.random.Generator) -> Evidence:
    """About `count` labelled places by the winding number of an oriented cloud, nine tenths of them near it."""
    near = round(count * (1 - UNIFORM_SHARE))
    sigmas = np.array([s * cloud.spacing for s in SPACING_SIGMAS] + list(DOMAIN_SIGMAS))
    sigma = rng.choice(sigmas, size=(near, 1), p=SIGMA_SHARES)
    around = cloud.points[rng.integers(len(cloud.points), size=near)] + sigma * rng.normal(size=(near, 3))
    places = _in_domain(np.concatenate([around, rng.uniform(-1, 1, (count - near, 3))]))
    winding = WindingNumber(cloud.points, cloud.normals, cloud.areas)(places)
    distance = cloud.tree.query(places, workers=-1)[0]
    free = np.maximum(distance - KEEP_SPACINGS * cloud.spacing, 0)
    return _split(places, free, winding > INSIDE_ABOVE, winding < OUTSIDE_BELOW, 0.0)


def wrapped_evidence(tree: cKDTree, count: int, rng: np.random.Generator) -> Evidence:
    """About `count` labelled places without orientation: outside is what is far from the cloud and sees the sky."""
    sixth = tree.query(tree.data, k=7, workers=-1)[0][:, 6]
    sky = look_around(tree, WRAP_REACH * float(np.percentile(sixth, 90)), WRAP_NODES)
    tau = sky.radius
    open_sky = Sky(maximum_filter(sky.visibility, 3), tau)  # the outermost shell nodes themselves see nothing
    near = round(count * (1 - UNIFORM_SHARE))
    direction = rng.normal(size=(near, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    spread = tau * rng.choice([0.15, 0.4, 1.2], size=(near, 1))
    radius = np.abs(tau + spread * rng.normal(size=(near, 1)))  # around the wrapped surface, not around the points
    around = tree.data[rng.integers(tree.n, size=near)] + radius * direction
    places = _in_domain(np.concatenate([around, rng.uniform(-1, 1, (count - near, 3))]))
    distance = tree.query(places, workers=-1)[0]
    sees = open_sky.seen_from(places)
    shell = distance < tau
    free = np.maximum(np.abs(distance - tau) - KEEP_TAUS * tau, 0)
    return _split(places, free, shell | (sees < SEES_NONE), ~shell & (sees > SEES_SKY), tau)


def _in_domain(places: FloatArray) -> FloatArray:
    return places[(np.abs(places) <= 1).all(axis=1)]


def _split(places: FloatArray, reach: FloatArray, inside: np.ndarray, outside: np.ndarray, tau: float) -> Evidence:
    rows = np.concatenate([places, reach[:, None]], axis=1).astype(np.float32)
    return Evidence(rows[inside], rows[outside], tau)
