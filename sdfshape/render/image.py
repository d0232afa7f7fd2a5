"""A shaded picture of a field, and PNG files."""

from __future__ import annotations

from os import PathLike

import numpy as np

from ..errors import InputError
from ..field import CertifiedField
from ..io import atomic_write
from ..types import IntArray
from .camera import Camera
from .trace import box_span, sphere_trace

BACKGROUND = np.array([255, 255, 255])
CLAY = np.array([0.80, 0.78, 0.74])
OCCLUSION_REACH = 0.06  # unit frame: how far out of a surface we ask whether it is shut in


def render_field(
    field: CertifiedField,
    *,
    width: int = 512,
    height: int = 512,
    azimuth_deg: float = 35.0,
    elevation_deg: float = 20.0,
    up_axis: int = 2,
) -> IntArray:
    """(height, width, 3) uint8 picture of {f = 0}: light from the camera's upper left, and occlusion read off the distance itself."""
    if not (1 <= width <= 8192 and 1 <= height <= 8192):
        raise InputError(f"a picture must be 1 to 8192 pixels wide and high, got {width} x {height}")
    lo, hi = field.box_unit
    camera = Camera.around(lo, hi, azimuth_deg, elevation_deg, up_axis)
    origins, directions = camera.rays(width, height)
    start, end = box_span(origins, directions, lo, hi)
    pixel = 2 * np.tan(np.radians(camera.fov_deg) / 2) / height
    hits = sphere_trace(
        field.evaluate_unit, origins, directions, start=start, end=end, error=field.float32_error_unit, tolerance=float(pixel)
    )
    image = np.tile(BACKGROUND.astype(np.uint8), (height * width, 1))
    places = origins[hits.hit] + hits.t[hits.hit, None] * directions[hits.hit]
    image[hits.hit] = _shade(field, places, directions[hits.hit], camera)
    return image.reshape(height, width, 3)


def _shade(field: CertifiedField, places: np.ndarray, directions: np.ndarray, camera: Camera) -> IntArray:
    if not len(places):
        return np.zeros((0, 3), np.uint8)
    _, gradient = field.value_and_gradient_unit(places)
    normals = gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-9)
    normals = np.where((normals * directions).sum(1, keepdims=True) > 0, -normals, normals)
    towards = -directions
    right = np.cross(directions, camera.up)
    light = towards - 0.6 * right + 0.7 * np.asarray(camera.up)
    light /= np.linalg.norm(light, axis=1, keepdims=True)
    diffuse = np.clip((normals * light).sum(1), 0, 1)
    facing = np.clip((normals * towards).sum(1), 0, 1)
    openness = np.clip(field.evaluate_unit(places + OCCLUSION_REACH * normals) / OCCLUSION_REACH, 0, 1)
    brightness = (0.18 + 0.22 * facing + 0.62 * diffuse) * (0.55 + 0.45 * openness)
    return np.clip(brightness[:, None] * CLAY * 255, 0, 255).astype(np.uint8)


def write_png(image: IntArray, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write (height, width, 3) uint8 as PNG; raises OutputError where it cannot."""
    from PIL import Image

    with atomic_write(path, overwrite=overwrite) as temporary:
        Image.fromarray(image).save(temporary, format="PNG")
