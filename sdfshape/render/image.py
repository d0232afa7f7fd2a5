"""Pictures of a field: what each ray hits, and what that looks like; PNG files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike

import numpy as np

from ..errors import InputError
from ..field import CertifiedField, require_certified
from ..io import atomic_write
from ..types import FloatArray, IntArray, Mesh, PointCloud
from .camera import Camera
from .edges import CLOSER, OFFSETS, edge_pixels, widened
from .shading import Light, Paint
from .spans import surface_spans
from .trace import Hits, sphere_trace

BACKGROUND = 255
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


def view_field(
    field: CertifiedField,
    camera: Camera,
    *,
    width: int = 512,
    height: int = 512,
    shadows: bool = True,
    smooth: bool = True,
    colors: PointCloud | Mesh | None = None,
) -> View:
    """What a camera (unit frame of the field, see `camera_for`) sees of {f = 0}.

    smooth : edges are seen through four rays a pixel; depth, normals and steps are those of the one through its middle.
    colors : of points or vertices, world units, that the surface takes.
    """
    require_certified(field, "sphere tracing")
    if not (1 <= width <= LARGEST and 1 <= height <= LARGEST):
        raise InputError(f"a picture must be 1 to {LARGEST} pixels wide and high, got {width} x {height}")
    half_pixel = camera.distance * camera.slope / height
    light = Light(field, camera, half_pixel, shadows, None if colors is None else Paint.of(colors, field))
    origins, directions = camera.rays(width, height)
    spans = surface_spans(*field.surface_cells_unit, camera, width, height)
    view = _view(light, _hits(field, half_pixel, origins, directions, *spans), (origins, directions), (height, width))
    return _smoothed(view, light, spans) if smooth else view


def _hits(field: CertifiedField, tolerance: float, origins: FloatArray, directions: FloatArray, start: FloatArray, end: FloatArray) -> Hits:
    return sphere_trace(
        field.same_surface_unit,
        origins,
        directions,
        start=start,
        end=end,
        lipschitz=field.lipschitz_bound,
        error=field.float32_error_unit,
        tolerance=float(max(tolerance, 4 * field.float32_error_unit)),
    )


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
    colors: PointCloud | Mesh | None = None,
) -> IntArray:
    """(height, width, 3) uint8 picture of {f = 0}: light from the upper left, shadow and occlusion read off the distance itself.

    colors : of points or vertices, world units, that the surface takes.
    """
    camera = camera_for(field, azimuth_deg, elevation_deg, up_axis)
    return view_field(field, camera, width=width, height=height, colors=colors).picture


def _view(light: Light, hits: Hits, rays: tuple[FloatArray, FloatArray], shape: tuple[int, int]) -> View:
    hit = hits.hit
    places, ways = rays[0][hit] + hits.t[hit, None] * rays[1][hit], rays[1][hit]
    color, depth, normals = np.zeros((len(hit), 4), np.uint8), np.full(len(hit), np.inf), np.zeros((len(hit), 3))
    if hit.any():
        normals[hit] = light.normals(places, ways)
        color[hit] = np.c_[light.colors(places, ways, normals[hit]), np.full(len(places), 255)]
        depth[hit] = light.field.frame.length_to_world(hits.t[hit])
    size = (*shape, -1)
    return View(color.reshape(size), depth.reshape(shape), normals.reshape(size), hits.steps.reshape(shape))


def _smoothed(view: View, light: Light, spans: tuple[FloatArray, FloatArray]) -> View:
    """The view with the colours of its edges averaged over several rays a pixel; cover is the share of them that hit."""
    height, width = view.depth.shape
    pixel = light.field.frame.length_to_world(2 * light.half_pixel)
    rows = edge_pixels(np.isfinite(view.depth), view.normals, view.depth, pixel)
    color = view.color.reshape(-1, 4).copy()
    sums = np.zeros((len(rows), 4))
    start, end = (span[rows] for span in widened(*spans, (height, width)))
    for across, down in OFFSETS:
        origins, ways = light.camera.rays_through(rows % width + across, rows // width + down, width, height)
        hits = _hits(light.field, light.half_pixel * CLOSER, origins, ways, start, end)
        hit = hits.hit
        places = origins[hit] + hits.t[hit, None] * ways[hit]
        sums[hit] += np.c_[light.colors(places, ways[hit], light.normals(places, ways[hit])), np.ones(len(places))]
    cover = sums[:, 3:]
    color[rows] = np.rint(np.c_[sums[:, :3] / np.maximum(cover, 1), 255 * cover / len(OFFSETS)])
    return replace(view, color=color.reshape(view.color.shape))


def write_png(image: IntArray, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write (height, width, 3 or 4) uint8 as PNG; raises OutputError where it cannot."""
    from PIL import Image

    with atomic_write(path, overwrite=overwrite) as temporary:
        Image.fromarray(image).save(temporary, format="PNG")
