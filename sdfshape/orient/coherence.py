"""Does the orientation of a cloud make sense? Does the winding number say inside behind the points, and outside before them?

`coherence` looks from afar, 1.5 spacings: 1 on a well-oriented closed solid; sheets, double walls and furniture full of hidden inner faces
fail it, because no choice of signs can pass it there. But so do walls and claws of a sparse solid that are thinner than that.
`lost_points` looks from nearby, half a spacing: a point where the winding number does not pass 1/2 will have no surface. Single ones
are noise, patches of them are parts that a closed surface loses. `torn_points` are their crowds, of any size, and what is around these:
there slabs keep the surface whole.
"""

from __future__ import annotations

import numpy as np

from ..curves import LINE_SHARE, along_lines
from ..pieces import linked_pieces
from ..types import IntArray
from .oriented import BURIED, OrientedCloud
from .winding import WindingNumber

PROBES = 5000
STEP_SPACINGS = 1.5
COMPANY = 8  # a point is in a crowd if more than half of it and as many neighbours are lost
FEW_TO_ASK = 10_000  # points that can be lost, below which all are asked
LEAST_PATCH = 15  # points


def coherence(cloud: OrientedCloud, rng: np.random.Generator) -> float:
    """Share in [0, 1] of up to 5,000 probed points with w > 0.6 at 1.5 spacings behind and w < 0.4 at as much ahead."""
    behind, ahead = WindingNumber(cloud.points, cloud.normals, cloud.areas).beside(_probe(cloud, rng), STEP_SPACINGS * cloud.spacing)
    return float(((behind > 0.6) & (ahead < 0.4)).mean())


def lost_points(cloud: OrientedCloud) -> tuple[float, float]:
    """Share of the points where no surface passes within half a spacing, and share of the points in lost patches of 15 and more."""
    return float(cloud.lost.mean()), float(_in_patches(_crowd(cloud), cloud).mean())


def torn_points(cloud: OrientedCloud) -> np.ndarray:
    """Mask (n,) of the points where a closed surface would tear: the crowds of lost ones and their neighbours.

    Points that the ball does not touch are not among them: in a narrow hole there is nothing to make thicker.
    """
    torn = _crowd(cloud)[cloud.neighbours[:, : COMPANY + 1]].any(axis=1)
    if torn.any():
        torn[torn] = cloud.closing.depth(cloud.points[torn]) < BURIED * cloud.closing.tau
    return torn


def _crowd(cloud: OrientedCloud) -> np.ndarray:
    """Mask (n,) of the points of which, and of whose nearest, more than half are lost."""
    return cloud.lost[cloud.neighbours[:, : COMPANY + 1]].mean(axis=1) > 0.5


def along_curves(cloud: OrientedCloud) -> bool:
    """Whether most points lie on one line with their nearest ones, as in a sketch of wires: the surface between curves is a guess."""
    return along_lines(cloud.points, cloud.neighbours) > LINE_SHARE


def share_lost(cloud: OrientedCloud, rng: np.random.Generator) -> float:
    """The first share of `lost_points`; where it takes many questions, of 5,000 probed points."""
    if len(cloud.losable) <= FEW_TO_ASK:
        return float(cloud.lost.mean())
    return float(cloud.lost_at(_probe(cloud, rng)).mean())


def _probe(cloud: OrientedCloud, rng: np.random.Generator) -> IntArray:
    return np.sort(rng.choice(len(cloud.points), size=min(PROBES, len(cloud.points)), replace=False))


def _in_patches(marked: np.ndarray, cloud: OrientedCloud) -> np.ndarray:
    """Which of the marked points (n,) hang together with at least LEAST_PATCH in all."""
    near = cloud.neighbours[marked, 1 : COMPANY + 1]
    row, col = np.repeat(np.flatnonzero(marked), near.shape[1]), near.ravel()
    joined = marked[col]
    patch = linked_pieces(row[joined], col[joined], len(marked))[1]
    return marked & (np.bincount(patch)[patch] >= LEAST_PATCH)
