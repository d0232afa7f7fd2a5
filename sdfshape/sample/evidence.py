"""Evidence: places of the domain whose side is known, each with the distance it may move and stay right.

P, positives: inside. Q0, proposals: outside. A place that moves less than its distance to the surface cannot pass it, so its label
stays right along the Newton-Raphson walk. Two sources:
* `closed_evidence`: the winding number of an oriented cloud; where it is undecided, no label, and beside points whose orientation is in
  doubt it must be clearer; walls too thin for it become slabs;
* `wrapped_evidence`: the closing of the cloud by a rolling ball, without orientation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..orient import OrientedCloud, WindingNumber
from ..orient.places import draw_places, in_domain
from ..types import FloatArray, IntArray

UNKNOWN = 0.1  # winding numbers nearer than half of this to 1/2 give no label; 0.2 and 0 both lost the neck of a claw of lordquas,
# 0.7 spacings thick, on two seeds of two; the Chamfer distances of seven other shapes are equal to 0.5%
DOUBT = 0.3  # how much more must be known beside a point of no confidence. Measured, Chamfer against 0: 2,048 points -3 to -4%, noise of
# 0.6% of the size -0.2% (four shapes), clean 20,000 points equal to 0.8%
AWAY = (1.0, 3.0)  # in spacings from the cloud: where places go over from beside the points, where winding numbers are noisy, to holes
BRIDGE, BRIDGE_SIGMA = 0.25, 0.25  # |w - 1/2| of places near a bridge, and how far from these, in distances to the cloud, more are drawn
LEAST_BRIDGE, MORE_OVER_HOLES = 0.001, 0.1  # share of the places that are near a bridge if there are holes; share of more places then
SURE_WINDING = 0.45  # |w - 1/2| of places far from a surface; w is harmonic away from the points, so less tells how far a bridge is
NEAR_SIGMAS = (0.1, 0.25, 0.5)  # standard deviations of the places near the cloud, in spacings; .25 to 1 put 4 to 9% more of the surface
# on the wrong side (five solids, clean and with noise of 0.3% of the size; with 0.6% they are equal)
COARSE_SIGMAS = (0.25, 0.5, 1.0)  # the same of a wrap, and of a trial, whose few places must show what spans between the points
SLAB_SIGMAS = (0.3, 0.6, 1.2)  # the same where a closing is used, in half thicknesses, if these are larger
PLANE_TO_POINT = (1.0, 3.0)  # in spacings from the cloud: where the distance to the surface goes over from planes to points
GAP_SPACINGS = 0.3
KEEP_SPACINGS = 0.5  # a walking place keeps at least this distance to the cloud: nearer, a label says nothing about the margin
KEEP_THICKNESS = 0.5  # the same for a closing, in half thicknesses, to its surface


@dataclass(frozen=True, eq=False)
class Evidence:
    """inside (n, 5), outside (m, 5) float32, unit frame: x, y, z, how far the place may move and keep its label, and about how far it is
    from the surface.
    """

    inside: FloatArray
    outside: FloatArray


NO_EVIDENCE = Evidence(np.zeros((0, 5), np.float32), np.zeros((0, 5), np.float32))


@dataclass(frozen=True, eq=False)
class Beyond:
    """What is known of a surface outside of the region that a cloud covers: points, normals (n, 3), areas (n,), unit frame, coarser.

    box : (2, 3) corners of the region that places are drawn in.   spacing : of these points.
    """

    points: FloatArray
    normals: FloatArray
    areas: FloatArray
    box: FloatArray
    spacing: float

    def bounded(self, evidence: Evidence) -> Evidence:
        """The same evidence, no place of which may move, or is said to be, farther than from these points."""
        return Evidence(*(self._bounded(side) for side in (evidence.inside, evidence.outside)))

    def _bounded(self, rows: FloatArray) -> FloatArray:
        if not len(self.points):
            return rows
        farthest = np.maximum(cKDTree(self.points).query(rows[:, :3], workers=-1)[0] - self.spacing, 0).astype(np.float32)
        return np.concatenate([rows[:, :3], np.minimum(rows[:, 3:], farthest[:, None])], axis=1)


def closed_evidence(
    cloud: OrientedCloud,
    count: int,
    rng: np.random.Generator,
    beyond: Beyond | None = None,
    torn: np.ndarray | None = None,
    coarse: bool = False,
) -> Evidence:
    """About `count` labelled places by the winding number of an oriented cloud, nine tenths of them near it; more over holes.

    beyond : the rest of the surface, where the cloud is a part of it.   torn : (n,) points that become a slab besides (`_with_slabs`).
    coarse : places less near to the cloud, as for a trial.
    """
    arrays: tuple[FloatArray, ...] = (cloud.points, cloud.sharpened, cloud.areas)
    if beyond is not None:
        arrays = tuple(np.concatenate(pair) for pair in zip(arrays, (beyond.points, beyond.normals, beyond.areas), strict=True))
    number, box = WindingNumber(*arrays), None if beyond is None else beyond.box

    def asked(places: FloatArray) -> tuple[FloatArray, ...]:
        return places, number(places), *cloud.tree.query(places, workers=-1)

    sigmas = [s * cloud.spacing for s in (COARSE_SIGMAS if coarse else NEAR_SIGMAS)]
    places, winding, distance, nearest = asked(draw_places(cloud.points, sigmas, count, rng, box))
    bridge = np.flatnonzero((distance > AWAY[1] * cloud.spacing) & (np.abs(winding - 0.5) < BRIDGE))
    if len(bridge) > LEAST_BRIDGE * count:
        row = rng.choice(bridge, size=round(MORE_OVER_HOLES * count))
        more = in_domain(places[row] + BRIDGE_SIGMA * distance[row, None] * rng.normal(size=(len(row), 3)))
        columns = zip((places, winding, distance, nearest), asked(more), strict=True)
        places, winding, distance, nearest = (np.concatenate(pair) for pair in columns)
    off, far = np.abs(winding - 0.5), _passage(distance / cloud.spacing, AWAY)
    doubt = DOUBT * (1 - cloud.confidence[nearest])
    decided, inside = off > (UNKNOWN / 2 + doubt) * (1 - far), winding > 0.5
    surface = _surface_distance(cloud, places, distance, nearest, inside)
    within = 1 - far * (1 - np.minimum(off / SURE_WINDING, 1))  # a surface that bridges a hole is nearer than the nearest point
    reach = within * distance - KEEP_SPACINGS * cloud.spacing
    known = [reach, within * surface, decided & inside, decided & ~inside]
    if torn is not None and torn.any():
        near = cKDTree(cloud.points[torn]).query(places, workers=-1)[0]
        reach[:] = np.minimum(reach, np.where(torn[nearest], np.inf, near - cloud.spacing))  # not into a slab
        _with_slabs(cloud, places, known, np.flatnonzero(torn[nearest]), inside)
    evidence = _split(places, *known)
    return evidence if beyond is None else beyond.bounded(evidence)


def _with_slabs(cloud: OrientedCloud, places: FloatArray, known: list[np.ndarray], rows: IntArray, w_inside: np.ndarray) -> None:
    """Join a closed surface with the closing, at the rows of places (m, 3): whatever is inside of either is inside, what is outside of
    both is outside, though the winding number alone could not decide.

    known : reach, distance to the surface, inside, outside (m,), changed in place.   w_inside : (m,) above 1/2, decided or not.
    The distance to a union, outside of it, is the lesser of two; inside the greater is a lower bound. Measured: ears of the bunny, from
    2,048 points, are whole (Hausdorff distance .077 -> .049 half-extents); rotor_small from 20,000 has no holes, its normals .967 -> .979.
    """
    reach, surface, inside, outside = known
    closing = cloud.closing
    body, air, free = closing.sides(places[rows], closing.levels(cloud.normals, cloud.neighbours))
    both = inside[rows] & body
    inside[rows] |= body
    outside[rows] = air & ~body & ~w_inside[rows]
    surface[rows] = np.where(both, np.maximum(surface[rows], free), np.where(body, free, surface[rows]))
    surface[rows] = np.where(outside[rows], np.minimum(surface[rows], free), surface[rows])
    reach[rows] = np.minimum(reach[rows], free - KEEP_THICKNESS * closing.least)


def _passage(x: FloatArray, between: tuple[float, float]) -> FloatArray:
    """0 below, 1 above, linear between."""
    return np.clip((x - between[0]) / (between[1] - between[0]), 0, 1)


def _surface_distance(cloud: OrientedCloud, places: FloatArray, distance: FloatArray, nearest: IntArray, inside: np.ndarray) -> FloatArray:
    """(m,) about how far the surface is: the tangent plane of the nearest point where the places are near, that point where they are far.

    Far, the surface is nearer than the nearest point, by GAP_SPACINGS^2 spacing^2 / (2 d) or so.
    """
    sharp = cloud.sharpened[nearest]
    plane = np.einsum("mi,mi->m", places - cloud.points[nearest], sharp) * np.where(inside, -1.0, 1.0)
    point = np.sqrt(np.maximum(distance**2 - (GAP_SPACINGS * cloud.spacing) ** 2, 0))
    share = _passage(distance / cloud.spacing, PLANE_TO_POINT)
    return (1 - share) * np.maximum(plane, 0) + share * point


def wrapped_evidence(cloud: OrientedCloud, count: int, rng: np.random.Generator, beyond: Beyond | None = None) -> Evidence:
    """About `count` labelled places by the closing of a cloud; the signs of its normals do not matter. beyond : see `closed_evidence`."""
    closing = cloud.closing
    sigmas = [max(s * cloud.spacing, t * closing.least) for s, t in zip(COARSE_SIGMAS, SLAB_SIGMAS, strict=True)]
    places = draw_places(cloud.points, sigmas, count, rng, None if beyond is None else beyond.box)
    inside, outside, free = closing.sides(places, closing.levels(cloud.normals, cloud.neighbours))
    evidence = _split(places, free - KEEP_THICKNESS * closing.least, free, inside, outside)
    return evidence if beyond is None else beyond.bounded(evidence)


def _split(places: FloatArray, reach: FloatArray, distance: FloatArray, inside: np.ndarray, outside: np.ndarray) -> Evidence:
    rows = np.concatenate([places, np.maximum(reach, 0)[:, None], np.maximum(distance, 0)[:, None]], axis=1).astype(np.float32)
    return Evidence(rows[inside], rows[outside])
