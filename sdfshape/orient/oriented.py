"""Outward normals of a bare cloud: planes fitted to neighbours, each turned to the side from which a rolling ball comes nearer.

Where the ball touches a point, the point decides for itself: no sign is carried from point to point (Hoppe et al. 1992), so no error is
either, and a wrong edge cannot turn half of the cloud around. Points that the ball does not reach (drill holes, narrow slots) vote with the
sky they see on both sides, and follow their patch (`propagate`); `overturn` looks again at these.
Measured (share of wrong signs, 20,000 points): rotor_small, with walls of two spacings, .127 by patches alone and .026 so; 3torus .183
and .023; with noise of 0.6% of the size fandisk .046 and .003, armadillo .026 and .007.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from ..types import FloatArray, IntArray
from .closing import Closing, close
from .hints import Hints, Signs, follow
from .neighbours import SPACING_NEIGHBOUR, fitted_normals, neighbours_of
from .propagate import elect
from .sharpen import sharpened_normals
from .visibility import Sky
from .winding import WindingNumber

SLAB_SPACINGS = 0.35  # half the least thickness of a closing, in spacings: less, and the gaps of a random sample are holes
BURIED = 1.3  # D / tau of a point above which the ball does not touch it
SURE = 0.5  # of a vote by the ball, above which the point decides for itself
SURE_OF_SKY = 0.3  # of a vote by the sky, above which hints are compared with it
LOOK_OUT = (1.0, 1.5, 2.0, 3.0)  # distances, in tau, at which a buried point looks around on both sides
OPPOSED = -0.3  # cosine of two normals that look opposite ways
NEAR_SPACINGS = 0.5  # of the sides of a point between which a surface must pass
MOST_LEAST = 0.045  # of a, unit frame: what the walls of the boxes (0.05 outside of the cloud) do not cut


@dataclass(frozen=True, eq=False)
class OrientedCloud:
    """points, normals : (n, 3), unit frame, normals outward, length 1.   areas : (n,) surface share of each point.
    spacing : typical distance between neighbours.   neighbours : (n, k) indices, the point itself first, as many as its plane took.
    confidence : (n,) in [0, 1]: how much nearer the ball comes on the outer side (0 a coin toss, as on a sheet); less where a
        patch disagrees with itself.
    sure : (n,) whether the ball touches the point and its vote is clear, or a hint was followed.
    tree : of the points.   roll : closes the cloud by the ball, when that is first asked for (`closing`).
    agreement : of the hints with what the ball saw, nan where there was no test.   followed : whether hints decided anything.
    """

    points: FloatArray
    normals: FloatArray
    areas: FloatArray
    spacing: float
    neighbours: IntArray
    confidence: FloatArray
    sure: np.ndarray
    tree: cKDTree
    roll: Callable[[], Closing]
    agreement: float = float("nan")
    followed: bool = False

    @cached_property
    def sharpened(self) -> FloatArray:
        """(n, 3) the normals once more, from the neighbours that face the same way."""
        return sharpened_normals(self.points, self.normals, self.neighbours)

    @cached_property
    def lost(self) -> np.ndarray:
        """Mask (n,) of the points where no closed surface passes within half a spacing.

        Asked of those alone that are not sure, or have a neighbour that looks the other way: the others have lost .0001 to .001 of all
        (armadillo, rotor_small, 3torus, bunny, elephant; asked are .01 of a plain solid's points, .36 of thin walls').
        """
        lost = np.zeros(len(self.points), bool)
        lost[self.losable] = self.lost_at(self.losable)
        return lost

    @cached_property
    def losable(self) -> IntArray:
        """Rows of the points that `lost` asks for; all where hints decided, which may be wrong everywhere."""
        if self.followed:
            return np.arange(len(self.points))
        alike = np.einsum("nki,ni->nk", self.normals[self.neighbours], self.normals).min(axis=1)
        return np.flatnonzero(~self.sure | (alike < OPPOSED))

    def lost_at(self, rows: IntArray) -> np.ndarray:
        """Whether there is none at the points of the rows (m,): each is asked."""
        behind, ahead = WindingNumber(self.points, self.sharpened, self.areas).beside(rows, NEAR_SPACINGS * self.spacing)
        return ~((behind > 0.5) & (ahead < 0.5))

    @cached_property
    def agreeing(self) -> OrientedCloud:
        """The cloud with consistent normals, if it is sparse; otherwise itself (`consistent`)."""
        from .consistent import consistent

        return consistent(self)

    @cached_property
    def closing(self) -> Closing:
        return self.roll()


def orient(points_unit: FloatArray, rng: np.random.Generator, least_thickness: float = 0.0, hints: Hints | None = None) -> OrientedCloud:
    """Outward normals of points (n, 3); `hints` are not needed. Law: n >= NEIGHBOURS different finite points.

    least_thickness : of the parts of the closing, unit frame; it is larger where the points are sparse.
    """
    tree, distance, index = neighbours_of(points_unit)
    spacing = float(np.median(distance[:, SPACING_NEIGHBOUR]))
    normals, fitted = fitted_normals(points_unit, tree, index, spacing)
    least = min(max(least_thickness / 2, SLAB_SPACINGS * spacing), MOST_LEAST)
    closing = close(tree, normals, distance[:, SPACING_NEIGHBOUR], least, rng)
    signs = _signs(points_unit, normals, index, closing)
    if hints is not None:
        signs = follow(hints, normals, signs)
    return OrientedCloud(
        points=points_unit,
        normals=normals * signs.sign[:, None],
        areas=np.pi * distance[:, 8] ** 2 / 8,
        spacing=spacing,
        neighbours=fitted,
        confidence=signs.confidence,
        sure=signs.sure,
        tree=tree,
        roll=lambda: closing,
        agreement=signs.agreement,
        followed=signs.followed,
    )


def seen_from_the_sky(cloud: OrientedCloud, hints: Hints | None = None) -> OrientedCloud:
    """The cloud with each patch turned to the side that sees more of the sky: half of a shell needs it, whose both sides the ball reaches.

    Measured (share of wrong signs of scans from one camera, by the ball and so): bunny .374 and .000, armadillo .370 and .001, elephant
    .214 and .000. Thin things are better left to the ball (lamp_0129 of ModelNet10: 49% of the points coherent instead of 92%).
    """
    vote = np.clip(_sky_vote(cloud.points, cloud.normals, cloud.closing.sky), -1, 1)
    sign, agreement = elect(cloud.points, cloud.normals, cloud.neighbours, vote)
    signs = Signs(sign, np.abs(vote) * agreement, np.abs(vote) > SURE_OF_SKY)
    if hints is not None:
        signs = follow(hints, cloud.normals, signs)
    normals, sure = cloud.normals * signs.sign[:, None], signs.sure if signs.followed else np.zeros(len(vote), bool)
    return replace(cloud, normals=normals, confidence=signs.confidence, sure=sure, agreement=signs.agreement, followed=signs.followed)


def filled(cloud: OrientedCloud, rng: np.random.Generator, *, hollow: bool = False) -> OrientedCloud:
    """The cloud with a closing whose walls have no gaps, to be the surface itself. hollow : it leaves empty what the points enclose."""
    distance = cloud.tree.query(cloud.points, k=SPACING_NEIGHBOUR + 1, workers=-1)[0][:, -1]
    return replace(cloud, roll=lambda: close(cloud.tree, cloud.normals, distance, cloud.closing.least, rng, hollow=hollow, filled=True))


def _signs(points: FloatArray, normals: FloatArray, index: IntArray, closing: Closing) -> Signs:
    """The sign that turns each normal outward, by the ball, the sky and the patches."""
    vote = closing.outward(points, normals)
    touched = closing.depth(points) < BURIED * closing.tau
    vote = np.clip(np.where(touched, vote, _sky_vote(points, normals, closing.sky)), -1, 1)
    elected, agreement = elect(points, normals, index, vote)
    sure = touched & (np.abs(vote) > SURE)
    sign = np.where(sure, np.where(vote >= 0, 1.0, -1.0), elected)
    return Signs(sign, np.where(sure, np.abs(vote), np.abs(vote) * agreement), sure)


def _sky_vote(points: FloatArray, normals: FloatArray, sky: Sky) -> FloatArray:
    """(n,) how much more sky there is on the side of the normal than on the other."""
    difference = np.zeros(len(points))
    for reach in LOOK_OUT:
        step = reach * sky.radius * normals
        difference += sky.seen_from(points + step) - sky.seen_from(points - step)
    return difference
