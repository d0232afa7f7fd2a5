"""Cavities that see little sky and are open all the same: cups, vases, pipes, deep holes.

`visibility` calls dark what sees little sky, and `closing` makes a solid of it: right under a hole of a scan or an open base, whose wall
has one layer of points with the sky behind it, wrong in a cup. What tells them apart is behind the wall. Notation: a cavity is a connected
set of dark nodes that touches lit ones. A point beside it has the cavity on one side; on the other side, through the shell, comes
* the dark of something else: the material of a thick wall, of which the cavity is the outside;
* the sky, behind two layers of points: a wall too thin for any node to stand in it; the cavity is its outside as well;
* the sky, behind one layer: the cavity is the inside of a surface with a hole;
* itself, or nothing near: no evidence.
A cavity is open if most of its points say so. The inside of a cup's wall, where a hole of the scan lights it, is none: half of its points,
those of the outer wall, have the sky behind one layer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import binary_dilation, label
from scipy.spatial import cKDTree

from ..types import FloatArray, IntArray
from .neighbours import principal_axes
from .visibility import Sky

OPEN = 0.6  # share of the points beside a cavity that must say so
FEW = 20  # points beside a cavity, below which nothing is said
WAYS = np.arange(1.0, 3.01, 0.25)  # in radii of the shell: how far along the normal the other side is looked for
ASKED = 2_000  # points of a cavity that are asked for the layers of their wall
AROUND, ASIDE = 64, 2.5  # neighbours, of which those count that are less than so many spacings aside of the normal
APART, LAYER = 0.4, 0.2  # least gap between two layers, in spacings; least share of the points in either
SHELL, LIT = -1, 0  # what a node is, or the number of its dark part


def light_cavities(sky: Sky, cloud: cKDTree, normals: FloatArray, spacing: float, sees_sky: float) -> Sky:
    """The sky with every open cavity lit. cloud : (n, 3), unit frame.   normals : (n, 3), sign arbitrary.

    sees_sky : visibility above which a place is outside.
    """
    dark = ~sky.shell & (sky.visibility <= sees_sky)
    parts, _ = label(dark)
    touching = np.unique(parts[dark & binary_dilation(~sky.shell & ~dark)])
    if not len(touching):
        return sky
    kinds = np.where(sky.shell, SHELL, parts)
    sides = np.stack([_first_free(kinds, cloud.data, way * normals, sky) for way in (1.0, -1.0)], axis=1)
    layers = _Layers(cloud, normals, spacing)
    lit = [part for part in touching.tolist() if _is_open(part, sides, layers)]
    return replace(sky, visibility=np.where(np.isin(parts, lit), np.float32(1), sky.visibility)) if lit else sky


def _first_free(kinds: IntArray, points: FloatArray, ways: FloatArray, sky: Sky) -> IntArray:
    """(n,) what comes first along the ways behind the shell, SHELL if nothing does."""
    first = np.full(len(points), SHELL)
    for step in WAYS * sky.radius:
        node = np.clip(np.rint((points + step * ways + 1) / sky.node_spacing).astype(np.int64), 0, len(kinds) - 1)
        first = np.where(first == SHELL, kinds[tuple(node.T)], first)
    return first


@dataclass(frozen=True, eq=False)
class _Layers:
    """Which points have a second layer behind or before them; as for `light_cavities`."""

    cloud: cKDTree
    normals: FloatArray
    spacing: float

    def two(self, rows: IntArray) -> np.ndarray:
        """(m,) whether the heights of the points around each of the rows (m,) have a gap, with some on both sides.

        Along its normal, whose plane holds one layer if they are far apart, or along that of all of them, if they are near.
        """
        near = self.cloud.query(self.cloud.data[rows], k=min(AROUND, self.cloud.n), workers=-1)[1]
        way = (self.cloud.data[near] - self.cloud.data[rows][:, None]) / self.spacing
        return _parted(way, self.normals[rows]) | _parted(way, _across(way))


def _parted(way: FloatArray, normals: FloatArray) -> np.ndarray:
    """(m,) whether the heights of ways (m, k, 3), in spacings, along normals (m, 3) have a gap."""
    height = np.einsum("nki,ni->nk", way, normals)
    aside = (way**2).sum(axis=2) - height**2
    height = np.sort(np.where(aside < ASIDE**2, height, np.inf), axis=1)
    inner = np.isfinite(height).sum(axis=1, keepdims=True)
    below = np.arange(1, height.shape[1])  # points under each gap
    with np.errstate(invalid="ignore"):  # inf - inf, behind the last
        gap = np.diff(height, axis=1)
    return ((below >= LAYER * inner) & (below <= (1 - LAYER) * inner) & (gap >= APART)).any(axis=1)


def _across(way: FloatArray) -> FloatArray:
    """(m, 3) normals of the planes through neighbours (m, k, 3) that are less than ASIDE away."""
    near = ((way**2).sum(axis=2) < ASIDE**2)[..., None]
    gap = np.where(near, way - (way * near).sum(axis=1, keepdims=True) / near.sum(axis=1, keepdims=True), 0)
    return principal_axes(gap)[1][:, :, 0]


def _is_open(part: int, sides: IntArray, layers: _Layers) -> bool:
    """Whether most of the points beside a dark part have it on the outside."""
    beside = np.flatnonzero((sides == part).any(axis=1))
    other = np.where(sides[beside, 0] == part, sides[beside, 1], sides[beside, 0])
    telling = np.flatnonzero((other != part) & (other != SHELL))
    if len(telling) < FEW:
        return False
    some = telling[np.linspace(0, len(telling) - 1, min(len(telling), ASKED)).astype(np.int64)]
    says = other[some] != LIT
    says[~says] = layers.two(beside[some[~says]])
    return bool(says.mean() > OPEN)
