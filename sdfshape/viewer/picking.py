"""What a click means: the nearest thing on the way of the eye, exactly, in the full data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..types import FloatArray, IntArray
from .layers import Layer

BLOCK = 500_000  # triangles or points at a time
BESIDE = 1.0  # pixels beyond its drawn disc that still mean a point
BEHIND = 3.0  # discs: points so little farther than the first hit lie beside it, and the one nearest to the pointer is meant
SLICE = -1  # the layer of a hit on the slice plane

Kept = Callable[[FloatArray], np.ndarray]  # (m, 3) -> (m,) whether a place is drawn: not clipped, on its side of the wipe


@dataclass(frozen=True)
class Ray:
    """start + t way, t >= 0, world units; way has length 1.   spread : radius of a pixel's cone a unit of way.   width : of it at the
    start, for a camera without perspective.
    """

    start: FloatArray
    way: FloatArray
    spread: float
    width: float = 0.0


@dataclass(frozen=True)
class Hit:
    """layer : its number, or SLICE.   place (3,).   normal (3,) or None.   row : of the point or the triangle.   depth : from the eye."""

    layer: int
    place: FloatArray
    normal: FloatArray | None
    row: int
    depth: float


def pick(
    layers: Sequence[Layer],
    shown: Sequence[bool],
    ray: Ray,
    kept: Sequence[Kept],
    sizes: Sequence[float] | None = None,
    plane: FloatArray | None = None,
) -> Hit | None:
    """The first thing hit, or None. kept, sizes : of each layer; diameter of its points, pixels.   plane : three corners of the slice."""
    hits = [] if plane is None else [_on_plane(plane, ray)]
    for k, (layer, visible) in enumerate(zip(layers, shown, strict=True)):
        if visible:
            size = 3.0 if sizes is None else sizes[k]
            hits.append(_on_surface(layer, k, ray, kept[k]) if layer.is_surface else _on_points(layer, k, ray, kept[k], size))
    return min((hit for hit in hits if hit is not None), key=lambda hit: hit.depth, default=None)


def _on_plane(corners: FloatArray, ray: Ray) -> Hit | None:
    a, b, c = corners
    depth = ray_meets(ray, np.stack([a, b, c, b + c - a]), np.array([[0, 1, 3], [0, 3, 2]])).min()
    return Hit(SLICE, ray.start + depth * ray.way, None, 0, float(depth)) if np.isfinite(depth) else None


def _on_surface(layer: Layer, k: int, ray: Ray, kept: Kept) -> Hit | None:
    best: Hit | None = None
    for start in range(0, len(layer.faces), BLOCK):
        faces = layer.faces[start : start + BLOCK]
        depth = ray_meets(ray, layer.places, faces)
        rows = np.flatnonzero(np.isfinite(depth))
        rows = rows[kept(ray.start + depth[rows, None] * ray.way)]
        if len(rows) and (best is None or depth[rows].min() < best.depth):
            row = int(rows[depth[rows].argmin()])
            a, b, c = layer.places[faces[row]]
            normal = np.cross(b - a, c - a)
            place = ray.start + depth[row] * ray.way
            best = Hit(k, place, normal / max(float(np.linalg.norm(normal)), 1e-300), start + row, float(depth[row]))
    return best


def ray_meets(ray: Ray, vertices: FloatArray, faces: IntArray) -> FloatArray:
    """(t,) how far along the ray each triangle is met, infinite where it is not (Moeller and Trumbore 1997)."""
    a = vertices[faces[:, 0]]
    one, two = vertices[faces[:, 1]] - a, vertices[faces[:, 2]] - a
    across = np.cross(ray.way, two)
    volume = np.einsum("ij,ij->i", one, across)
    with np.errstate(all="ignore"):
        back = (ray.start - a) / volume[:, None]
        u = np.einsum("ij,ij->i", back, across)
        turned = np.cross(back, one)
        v = turned @ ray.way
        t = np.einsum("ij,ij->i", two, turned)
        met = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
    return np.where(met & np.isfinite(t), t, np.inf)


def _on_points(layer: Layer, k: int, ray: Ray, kept: Kept, size: float) -> Hit | None:
    """Of the points under the pointer that lie about as near as the first, the one nearest to the pointer."""
    rows, depths, asides = [], [], []
    for start in range(0, len(layer.places), BLOCK):
        off = layer.places[start : start + BLOCK] - ray.start
        depth = off @ ray.way
        aside = np.linalg.norm(off - depth[:, None] * ray.way, axis=1)
        found = np.flatnonzero((depth > 0) & (aside <= (size / 2 + BESIDE) * (ray.width + ray.spread * depth)))
        found = found[kept(layer.places[start + found])]
        rows.append(start + found)
        depths.append(depth[found])
        asides.append(aside[found])
    row, depth, aside = np.concatenate(rows), np.concatenate(depths), np.concatenate(asides)
    if not len(row):
        return None
    first = float(depth.min())
    disc = (size / 2 + BESIDE) * (ray.width + ray.spread * first)
    near = np.flatnonzero(depth <= first + BEHIND * disc)
    best = near[(aside[near] / (ray.width + ray.spread * depth[near])).argmin()]
    given = getattr(layer.shape, "normals", None)
    normal = None if given is None else np.asarray(given[row[best]])
    return Hit(k, layer.places[row[best]], normal, int(row[best]), float(depth[best]))
