"""Does the orientation of a cloud make sense? Does the winding number say inside behind the points, and outside before them?

`coherence` looks from afar, 1.5 spacings: 1 on a well-oriented closed solid; sheets, double walls and furniture full of hidden inner faces
fail it, because no choice of signs can pass it there. But so do walls and claws of a sparse solid that are thinner than that.
`lost_points` looks from nearby, half a spacing: a point where the winding number does not pass 1/2 will have no surface. Single ones
are noise, patches of them are parts that a closed surface loses.
"""

from __future__ import annotations

import numpy as np

from ..pieces import linked_pieces
from ..types import IntArray
from .oriented import OrientedCloud
from .winding import WindingNumber

PROBES = 5000
STEP_SPACINGS = 1.5
NEAR_SPACINGS = 0.5
COMPANY = 8  # neighbours of a lost point, more than half of which are lost too in a lost patch
LEAST_PATCH = 15  # points


def coherence(cloud: OrientedCloud, rng: np.random.Generator) -> float:
    """Share in [0, 1] of up to 5,000 probed points with w > 0.6 at 1.5 spacings behind and w < 0.4 at as much ahead."""
    behind, ahead = WindingNumber(cloud.points, cloud.normals, cloud.areas).beside(_probe(cloud, rng), STEP_SPACINGS * cloud.spacing)
    return float(((behind > 0.6) & (ahead < 0.4)).mean())


def lost_points(cloud: OrientedCloud) -> tuple[float, float]:
    """Share of the points where no surface passes within half a spacing, and share of the points in lost patches of 15 and more."""
    lost = _lost(cloud, np.arange(len(cloud.points)))
    crowd = lost[cloud.neighbours[:, : COMPANY + 1]].mean(axis=1) > 0.5
    return float(lost.mean()), float(_in_patches(crowd, cloud).mean())


def share_lost(cloud: OrientedCloud, rng: np.random.Generator) -> float:
    """The first of these shares, of up to 5,000 probed points: a glimpse that costs a quarter at 20,000 points."""
    return float(_lost(cloud, _probe(cloud, rng)).mean())


def _probe(cloud: OrientedCloud, rng: np.random.Generator) -> IntArray:
    return np.sort(rng.choice(len(cloud.points), size=min(PROBES, len(cloud.points)), replace=False))


def _lost(cloud: OrientedCloud, rows: IntArray) -> np.ndarray:
    behind, ahead = WindingNumber(cloud.points, cloud.sharpened, cloud.areas).beside(rows, NEAR_SPACINGS * cloud.spacing)
    return ~((behind > 0.5) & (ahead < 0.5))


def _in_patches(marked: np.ndarray, cloud: OrientedCloud) -> np.ndarray:
    """Which of the marked points (n,) hang together with at least LEAST_PATCH in all."""
    row = np.repeat(np.flatnonzero(marked), COMPANY)
    col = cloud.neighbours[marked, 1 : COMPANY + 1].ravel()
    joined = marked[col]
    patch = linked_pieces(row[joined], col[joined], len(marked))[1]
    return marked & (np.bincount(patch)[patch] >= LEAST_PATCH)
