"""What a tile learns from: its own points, and a coarse image of the whole scan that tells which side is out.

Sides are a matter of the whole: a part of a shell has none. So the scan is oriented once, from as many averages as one mosaic takes, and
the finer points of a tile vote with the normals of the coarse ones that lie in their own tangent plane; patches decide (`orient.elect`).
The winding number sums over the tile's points and, beyond its region, over the coarse ones.
Sheets need no sides: each becomes a slab, of the same thickness in all tiles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from ..frame import Frame
from ..orient import NOISY, OrientedCloud, WindingNumber, denoised, noise_level
from ..orient.closing import Closing, close
from ..orient.neighbours import SPACING_NEIGHBOUR, fitted_normals, neighbours_of
from ..orient.places import in_order
from ..orient.propagate import elect
from ..sample import Evidence, closed_evidence, wrapped_evidence
from ..sample.evidence import Beyond
from ..types import FloatArray
from .plan import Tile, in_box

LEAST_POINTS = 100  # in the region of a tile, below which the coarse image alone speaks
ASKED, IN_PLANE = 8, 0.3  # coarse neighbours that a point asks; how far off its tangent plane these may be, in their spacings


@dataclass(frozen=True, eq=False)
class Coarse:
    """points, normals : (n, 3), outward.   areas : (n,).   spacing : of them.   kind : closed or open.   thickness : of slabs.
    Unit frame of the scan.
    """

    points: FloatArray
    normals: FloatArray
    areas: FloatArray
    spacing: float
    kind: str
    thickness: float

    def seen_from(self, frame: Frame) -> Coarse:
        """In the unit frame of a tile."""
        points, areas = frame.to_unit(self.points), self.areas / frame.scale**2
        return replace(self, points=points, areas=areas, spacing=self.spacing / frame.scale, thickness=self.thickness / frame.scale)


def tile_evidence(tile: Tile, points: FloatArray, coarse: Coarse, count: int, rng: np.random.Generator) -> Evidence:
    """About `count` labelled places in the unit frame of the tile; of one side only where the surface is nowhere near.

    points : (n, 3) of the scan in the tile's region, unit frame of the scan, as `coarse`.
    """
    frame = tile.frame
    points, coarse, region = frame.to_unit(points), coarse.seen_from(frame), frame.to_unit(tile.region)
    outside = ~in_box(coarse.points, region)
    rest = coarse.points[outside], coarse.normals[outside], coarse.areas[outside]
    beyond = Beyond(*rest, region, coarse.spacing)
    if len(points) < LEAST_POINTS:
        return _without_points(coarse, region, count, rng)
    cloud = _oriented(points, coarse, rng)
    if (sigma := noise_level(cloud)) > NOISY * cloud.spacing:
        cloud = _oriented(denoised(cloud, sigma), coarse, rng)
    return (closed_evidence if coarse.kind == "closed" else wrapped_evidence)(cloud, count, rng, beyond)


def _oriented(points: FloatArray, coarse: Coarse, rng: np.random.Generator) -> OrientedCloud:
    tree, distance, index = neighbours_of(points)
    spacing = float(np.median(distance[:, SPACING_NEIGHBOUR]))
    normals, fitted = fitted_normals(points, tree, index, spacing)
    sign, confidence = elect(points, normals, index, _votes(points, normals, coarse)) if coarse.kind == "closed" else (1.0, 1.0)
    normals = normals * np.reshape(sign, (-1, 1))
    areas, confidence = np.pi * distance[:, 8] ** 2 / 8, np.broadcast_to(confidence, len(points))

    def roll() -> Closing:
        return close(tree, normals, distance[:, SPACING_NEIGHBOUR], coarse.thickness / 2, rng, hollow=True)

    return OrientedCloud(points, normals, areas, spacing, fitted, confidence, confidence > 0, tree, roll)


def _votes(points: FloatArray, normals: FloatArray, coarse: Coarse) -> FloatArray:
    """(n,) in [-1, 1]: 1 where the coarse normals nearby, in the plane of a point, go the way of its own."""
    distance, index = cKDTree(coarse.points).query(points, k=ASKED, workers=-1)
    off = np.einsum("nki,ni->nk", coarse.points[index] - points[:, None], normals)
    weight = np.exp(-((distance / coarse.spacing) ** 2) - (off / (IN_PLANE * coarse.spacing)) ** 2) + 1e-30
    return (weight * np.einsum("nki,ni->nk", coarse.normals[index], normals)).sum(axis=1) / weight.sum(axis=1)


def _without_points(coarse: Coarse, region: FloatArray, count: int, rng: np.random.Generator) -> Evidence:
    """Where there are no points to speak of: the sides that the rest of the scan tells; of sheets, nothing but outside."""
    places = in_order(rng.uniform(region[0], region[1], (count, 3)))
    distance = np.maximum(cKDTree(coarse.points).query(places, workers=-1)[0] - coarse.spacing, 0)
    inside = np.zeros(count, bool)
    if coarse.kind == "closed":
        inside = WindingNumber(coarse.points, coarse.normals, coarse.areas)(places) > 0.5
    rows = np.concatenate([places, np.zeros((count, 1)), distance[:, None]], axis=1).astype(np.float32)
    return Evidence(rows[inside], rows[~inside])
