"""Pictures of a field: what each ray hits, and what that looks like; PNG files."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import numpy as np

from ..errors import InputError
from ..field import CertifiedField, require_certified
from ..io import atomic_write
from ..types import FloatArray, IntArray
from .camera import Camera
from .spans import surface_spans
from .trace import Hits, sphere_trace

BACKGROUND = 255
CLAY = np.array([0.80, 0.78, 0.74])
OCCLUSION_REACHES = (0.02, 0.06)  # unit frame: how far out of a surface we ask whether it is shut in
TETRAHEDRON = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
SHADOW_STEPS, SHADOW_START, SHADOW_REACH, SOFTNESS = 12, 0.02, 1.2, 10.0  # of the light's way; unit frame; sharper where larger
LARGEST = 8192


@dataclass(frozen=True, eq=False)
class View:
    """What a camera sees, row by row from the upper left pixel.

    color : (h, w, 4) uint8, red, green, blue and cover.   depth : (h, w) distance from the camera, world units, infinite where nothing is.
    normals : (h, w, 3) of length 1, towards the camera's side, zero where nothing is.   steps : (h, w) evaluations of the field a ray.
    """

    color: IntArray
    depth: FloatArray
    normals: FloatArray
    steps: IntArray

    @property
    def picture(self) -> IntArray:
        """(h, w, 3) uint8 before a white background."""
        cover = self.color[..., 3:].astype(np.float64) / 255
        return np.rint(self.color[..., :3] * cover + BACKGROUND * (1 - cover)).astype(np.uint8)

    def shown(self, what: str) -> IntArray:
        """(h, w, 3) uint8 of "picture", "depth" (near is bright), "normals" or "steps" (many are bright)."""
        if what == "picture":
            return self.picture
        seen = np.isfinite(self.depth)
        if what == "normals":
            return np.where(seen[..., None], np.rint((self.normals + 1) * 127.5), BACKGROUND).astype(np.uint8)
        if what == "steps":
            gray = self.steps / max(int(self.steps.max()), 1)
        elif what == "depth":
            near, far = (float(edge(self.depth[seen])) if seen.any() else 0.0 for edge in (np.min, np.max))
            gray = np.where(seen, 1 - 0.85 * (np.where(seen, self.depth, far) - near) / max(far - near, 1e-300), 0)
        else:
            raise InputError(f"a view can show picture, depth, normals or steps, got {what!r}")
        return np.repeat(np.rint(gray * 255).astype(np.uint8)[..., None], 3, axis=2)


def view_field(field: CertifiedField, camera: Camera, *, width: int = 512, height: int = 512, shadows: bool = True) -> View:
    """What a camera (unit frame of the field, see `camera_for`) sees of {f = 0}."""
    require_certified(field, "sphere tracing")
    if not (1 <= width <= LARGEST and 1 <= height <= LARGEST):
        raise InputError(f"a picture must be 1 to {LARGEST} pixels wide and high, got {width} x {height}")
    origins, directions = camera.rays(width, height)
    places, radius = field.surface_cells_unit
    start, end = surface_spans(places, radius, camera, width, height)
    tolerance = max(camera.distance * camera.slope * 2 / height / 2, 4 * field.float32_error_unit)  # half a pixel
    hits = sphere_trace(
        field.same_surface_unit,
        origins,
        directions,
        start=start,
        end=end,
        lipschitz=field.lipschitz_bound,
        error=field.float32_error_unit,
        tolerance=float(tolerance),
    )
    return _view(field, camera, hits, (origins, directions), (height, width), shadows)


def camera_for(
    field: CertifiedField, azimuth_deg: float = 35.0, elevation_deg: float = 20.0, up_axis: int = 2, *, parallel: bool = False
) -> Camera:
    """A camera in the unit frame that sees all of the field's surface."""
    require_certified(field, "sphere tracing")
    return Camera.around(*field.box_unit, azimuth_deg, elevation_deg, up_axis, parallel=parallel, seen=field.surface_cells_unit[0])


def render_field(
    field: CertifiedField,
    *,
    width: int = 512,
    height: int = 512,
    azimuth_deg: float = 35.0,
    elevation_deg: float = 20.0,
    up_axis: int = 2,
) -> IntArray:
    """(height, width, 3) uint8 picture of {f = 0}: light from the upper left, shadow and occlusion read off the distance itself."""
    return view_field(field, camera_for(field, azimuth_deg, elevation_deg, up_axis), width=width, height=height).picture


def _view(
    field: CertifiedField, camera: Camera, hits: Hits, rays: tuple[FloatArray, FloatArray], shape: tuple[int, int], shadows: bool
) -> View:
    hit = hits.hit
    places, ways = rays[0][hit] + hits.t[hit, None] * rays[1][hit], rays[1][hit]
    color, depth, normals = np.zeros((len(hit), 4), np.uint8), np.full(len(hit), np.inf), np.zeros((len(hit), 3))
    if hit.any():
        normal = _pixel_normals(field, places, camera.distance * camera.slope / shape[0])
        normal = np.where((normal * ways).sum(1, keepdims=True) > 0, -normal, normal)
        color[hit] = np.c_[_shade(field, places, ways, normal, camera, shadows), np.full(len(places), 255, np.uint8)]
        depth[hit], normals[hit] = field.frame.length_to_world(hits.t[hit]), normal
    size = (*shape, -1)
    return View(color.reshape(size), depth.reshape(shape), normals.reshape(size), hits.steps.reshape(shape))


def _pixel_normals(field: CertifiedField, places: FloatArray, reach: float) -> FloatArray:
    """(m, 3) the gradient's direction, averaged over a pixel by differences to the corners of a tetrahedron: folds do not glitter."""
    gradient = np.zeros_like(places)
    for corner in TETRAHEDRON:
        gradient += field.same_surface_unit(places + reach * corner)[:, None] * corner
    return gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-300)


def _shade(field: CertifiedField, places: FloatArray, ways: FloatArray, normal: FloatArray, camera: Camera, shadows: bool) -> IntArray:
    light = -camera.axes[2] - 0.6 * camera.axes[0] + 0.7 * camera.axes[1]
    light /= np.linalg.norm(light)
    diffuse, facing = np.clip(normal @ light, 0, 1), np.clip(-(normal * ways).sum(1), 0, 1)
    if shadows:
        lit = diffuse > 0.02
        diffuse[lit] *= _light_that_comes(field, places[lit] + 0.01 * normal[lit], light)
    open_ = [np.clip(field.evaluate_unit(places + reach * normal) / reach, 0, 1) for reach in OCCLUSION_REACHES]
    brightness = (0.26 + 0.24 * facing + 0.64 * diffuse) * (0.6 + 0.4 * np.mean(open_, axis=0))
    return np.clip(brightness[:, None] * CLAY * 255, 0, 255).astype(np.uint8)


def _light_that_comes(field: CertifiedField, places: FloatArray, light: FloatArray) -> FloatArray:
    """(m,) in [0, 1]: the narrowest gap that the way to the light passes, as seen from the place: a soft shadow (Quilez 2010)."""
    comes, t = np.ones(len(places)), np.full(len(places), SHADOW_START)
    open_rows = np.arange(len(places))
    for _ in range(SHADOW_STEPS):
        f = field.evaluate_unit(places[open_rows] + t[open_rows, None] * light)
        comes[open_rows] = np.minimum(comes[open_rows], np.clip(SOFTNESS * f / t[open_rows], 0, 1))
        t[open_rows] += np.maximum(f, SHADOW_START)
        open_rows = open_rows[(comes[open_rows] > 0.02) & (t[open_rows] < SHADOW_REACH)]
    return comes


def write_png(image: IntArray, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write (height, width, 3 or 4) uint8 as PNG; raises OutputError where it cannot."""
    from PIL import Image

    with atomic_write(path, overwrite=overwrite) as temporary:
        Image.fromarray(image).save(temporary, format="PNG")
