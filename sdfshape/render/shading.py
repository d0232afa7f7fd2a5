"""Light on what rays hit, read off the distance itself: normals over a pixel, soft shadows, occlusion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..errors import InputError
from ..field import CertifiedField
from ..types import FloatArray, Mesh, PointCloud
from .camera import Camera

CLAY = np.array([0.80, 0.78, 0.74])
OCCLUSION_REACHES = (0.02, 0.06)  # unit frame: how far out of a surface we ask whether it is shut in
TETRAHEDRON = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
# unit frame, the least reach of a normal: where networks of a mosaic meet, the field has small steps, which half a pixel of a large picture
# shows as hairlines; this is less than a cell of a grid of 200, whose mesh shows none
LEAST_REACH = 0.006
SHADOW_STEPS, SHADOW_START, SHADOW_REACH, SOFTNESS = 12, 0.02, 1.2, 10.0  # of the light's way; unit frame; sharper where larger
PAINT_NEIGHBOURS = 3  # points whose colours a place takes


@dataclass(frozen=True, eq=False)
class Paint:
    """The colours of a cloud or of a mesh's vertices, for places near them.

    tree : of their places, unit frame.   colors : (n, 3) in [0, 1].
    """

    tree: cKDTree
    colors: FloatArray

    @classmethod
    def of(cls, shape: PointCloud | Mesh, field: CertifiedField) -> Paint:
        """Raises InputError for a shape without colours."""
        if shape.colors is None:
            raise InputError("what gives its colours to a picture must have colours, this has none: leave it out")
        places = shape.vertices if isinstance(shape, Mesh) else shape.points
        known = np.isfinite(places).all(axis=1)
        return cls(cKDTree(field.frame.to_unit(places[known])), shape.colors[known] / 255)

    def __call__(self, places: FloatArray) -> FloatArray:
        """(m, 3) of places (m, 3), unit frame: of the nearest ones, nearer ones more."""
        distance, index = self.tree.query(places, k=min(PAINT_NEIGHBOURS, self.tree.n), workers=-1)
        weight = 1 / (distance.reshape(len(places), -1) + 1e-6)
        return np.asarray((self.colors[index.reshape(weight.shape)] * (weight / weight.sum(axis=1, keepdims=True))[..., None]).sum(axis=1))


@dataclass(frozen=True, eq=False)
class Light:
    """How a field is lit before a camera. half_pixel : unit frame, at the target.   paint : of its surface, or clay."""

    field: CertifiedField
    camera: Camera
    half_pixel: float
    shadows: bool = True
    paint: Paint | None = None

    def normals(self, places: FloatArray, ways: FloatArray) -> FloatArray:
        """(m, 3) towards the camera: the gradient's direction, averaged over a pixel or `LEAST_REACH` by differences to the corners of a
        tetrahedron: neither folds nor seams glitter.
        """
        gradient, reach = np.zeros_like(places), max(self.half_pixel, LEAST_REACH)
        for corner in TETRAHEDRON:
            gradient += self.field.same_surface_unit(places + reach * corner)[:, None] * corner
        normal = gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-300)
        return np.where((normal * ways).sum(1, keepdims=True) > 0, -normal, normal)

    def colors(self, places: FloatArray, ways: FloatArray, normal: FloatArray) -> FloatArray:
        """(m, 3) in [0, 255]: light from the upper left, shadow and occlusion."""
        if not len(places):
            return np.zeros((0, 3))
        axes = self.camera.axes
        light = -axes[2] - 0.6 * axes[0] + 0.7 * axes[1]
        light /= np.linalg.norm(light)
        diffuse, facing = np.clip(normal @ light, 0, 1), np.clip(-(normal * ways).sum(1), 0, 1)
        if self.shadows:
            lit = diffuse > 0.02
            diffuse[lit] *= self._comes(places[lit] + 0.01 * normal[lit], light)
        open_ = [np.clip(self.field.evaluate_unit(places + reach * normal) / reach, 0, 1) for reach in OCCLUSION_REACHES]
        brightness = (0.26 + 0.24 * facing + 0.64 * diffuse) * (0.6 + 0.4 * np.mean(open_, axis=0))
        color = CLAY if self.paint is None else self.paint(places)
        return np.asarray(np.clip(brightness[:, None] * color * 255, 0, 255))

    def _comes(self, places: FloatArray, light: FloatArray) -> FloatArray:
        """(m,) in [0, 1]: the narrowest gap that the way to the light passes, as seen from the place: a soft shadow (Quilez 2010)."""
        comes, t = np.ones(len(places)), np.full(len(places), SHADOW_START)
        open_rows = np.arange(len(places))
        for _ in range(SHADOW_STEPS):
            f = self.field.evaluate_unit(places[open_rows] + t[open_rows, None] * light)
            comes[open_rows] = np.minimum(comes[open_rows], np.clip(SOFTNESS * f / t[open_rows], 0, 1))
            t[open_rows] += np.maximum(f, SHADOW_START)
            open_rows = open_rows[(comes[open_rows] > 0.02) & (t[open_rows] < SHADOW_REACH)]
        return comes
