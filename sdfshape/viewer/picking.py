"""What a click means: the nearest thing on the way of the eye, exactly, in the full data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..types import FloatArray, IntArray
from .layers import Layer

BLOCK = 500_000  # triangles or points at a time
NEAR_PIXELS = 6.0  # a click this near to a point means it

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
    """layer : its number.   place (3,).   normal (3,) or None.   row : of the point or the triangle.   depth : from the eye."""

    layer: int
    place: FloatArray
    normal: FloatArray | None
    row: int
    depth: float


def pick(layers: Sequence[Layer], shown: Sequence[bool], ray: Ray, kept: Sequence[Kept]) -> Hit | None:
    """The first thing hit, or None. kept : of each layer."""
    hits = []
    for k, (layer, visible) in enumerate(zip(layers, shown, strict=True)):
        if visible:
            hit = _on_surface(layer, k, ray, kept[k]) if layer.is_surface else _on_points(layer, k, ray, kept[k])
            hits += [hit] if hit else []
    return min(hits, key=lambda hit: hit.depth, default=None)


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


def _on_points(layer: Layer, k: int, ray: Ray, kept: Kept) -> Hit | None:
    best: Hit | None = None
    for start in range(0, len(layer.places), BLOCK):
        off = layer.places[start : start + BLOCK] - ray.start
        depth = off @ ray.way
        aside = np.linalg.norm(off - depth[:, None] * ray.way, axis=1)
        rows = np.flatnonzero((depth > 0) & (aside <= NEAR_PIXELS * (ray.width + ray.spread * depth)))
        rows = rows[kept(layer.places[start + rows])]
        if len(rows) and (best is None or depth[rows].min() < best.depth):
            row = int(rows[depth[rows].argmin()])
            given = getattr(layer.shape, "normals", None)
            normal = None if given is None else np.asarray(given[start + row])
            best = Hit(k, layer.places[start + row], normal, start + row, float(depth[row]))
    return best
