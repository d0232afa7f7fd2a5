"""Where it is seen from: the camera in world units."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..types import FloatArray
from ..upright import stood, upright
from .layers import Scene
from .picking import Ray

HOME = (1.0, 0.8, 0.45)  # across, across, and along the axis that points up
ANGLE = 30.0  # degrees of the view, from below to above
MARGIN = 1.08  # of a view that holds all
CENTRINGS = 3
FOOT = 0.14  # of the height, at the bottom: room for a colour bar


class Eye:
    """The camera of a renderer; everything is drawn relative to the scene's origin."""

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer
        self.origin, self.outline, self.size, self.up = np.zeros(3), np.zeros((1, 3)), 1.0, 1
        self._seen_from = ""
        self.camera.SetViewAngle(ANGLE)

    def at(self, scene: Scene) -> None:
        """Look at another scene."""
        self.origin, self.size, self.up = scene.origin, scene.size, scene.up
        self.outline = scene.outline - self.origin

    @property
    def camera(self) -> Any:
        return self._renderer.GetActiveCamera()

    def home(self) -> None:
        """All of the scene, from the side and a little above."""
        self._look_from(stood(np.roll(HOME, self.up % 3 + 1), self.up), upright(self.up))
        self._seen_from = self._pose

    @property
    def at_home(self) -> bool:
        """Whether nobody has looked from elsewhere since `home`."""
        return self._seen_from == self._pose

    @property
    def _pose(self) -> str:
        return f"{self.camera.GetPosition()} {self.camera.GetFocalPoint()} {self.camera.GetViewUp()}"

    def view(self, axis: int, *, opposite: bool = False) -> None:
        """Along an axis, from its positive end."""
        up = upright(self.up) if axis != self.up % 3 else np.eye(3)[(axis + 1) % 3]
        self._look_from((-1.0 if opposite else 1.0) * np.eye(3)[axis], up)

    def turn(self, degrees: float) -> None:
        """Turn around the upright axis."""
        from scipy.spatial.transform import Rotation

        turned = Rotation.from_rotvec(np.radians(degrees) * upright(self.up))
        focal = np.array(self.camera.GetFocalPoint())
        self.camera.SetPosition(*(focal + turned.apply(np.array(self.camera.GetPosition()) - focal)))
        self.camera.SetViewUp(*turned.apply(self.camera.GetViewUp()))
        self._renderer.ResetCameraClippingRange()

    def _look_from(self, way: FloatArray, up: FloatArray) -> None:
        """From this side, as near as the outline of the scene allows."""
        width, height = self._renderer.GetSize()
        ahead = -way / np.linalg.norm(way)
        right = np.cross(ahead, up)
        right /= np.linalg.norm(right)
        slope = np.tan(np.radians(ANGLE) / 2)
        above = np.cross(right, ahead)
        seen, depth = self.outline @ np.stack([right, above]).T, self.outline @ ahead
        deep = (depth.min() + depth.max()) / 2  # strays outside of the outline may have moved the origin away from it
        depth -= deep
        middle = (seen.min(axis=0) + seen.max(axis=0)) / 2
        for _ in range(CENTRINGS):  # what is near stands farther from the middle of the picture than it does across the way
            distance = self._distance((seen - middle) / slope, depth, width / height)
            shown = (seen - middle) / (distance + depth)[:, None]
            middle = middle + distance * (shown.min(axis=0) + shown.max(axis=0)) / 2
        distance = self._distance((seen - middle) / slope, depth, width / height)
        focal = middle[0] * right + (middle[1] - FOOT * distance * slope) * above + deep * ahead
        self.camera.SetFocalPoint(*focal)
        self.camera.SetPosition(*(focal - distance * ahead))
        self.camera.SetViewUp(*up)
        self.camera.SetParallelScale(distance * slope)
        self._seen_from = ""
        self._renderer.ResetCameraClippingRange()

    def _distance(self, seen: FloatArray, depth: FloatArray, aspect: float) -> float:
        """At which all places are in the picture and none in its foot; the eye is lower by FOOT times it. seen : (m, 2) in slopes."""
        # a place at the distance d + depth is seen within (d + depth) / MARGIN
        beside, high = np.abs(seen[:, 0]) / aspect, seen[:, 1]
        least = 1e-3 * float(np.linalg.norm(np.ptp(self.outline, axis=0)) or self.size)
        above = float((high - depth / MARGIN).max()) / (1 / MARGIN - FOOT)
        below = float((-high - (1 - 2 * FOOT) * depth / MARGIN).max()) / (FOOT + (1 - 2 * FOOT) / MARGIN)
        return max(float((MARGIN * beside - depth).max()), above, below, least - float(depth.min()))

    def set_parallel(self, parallel: bool) -> None:
        """With or without perspective; what is in the middle keeps its size."""
        if parallel == bool(self.camera.GetParallelProjection()):
            return
        slope = np.tan(np.radians(ANGLE) / 2)
        if parallel:
            self.camera.SetParallelScale(self.camera.GetDistance() * slope)
        else:
            focal, ahead = np.array(self.camera.GetFocalPoint()), np.array(self.camera.GetDirectionOfProjection())
            self.camera.SetPosition(*(focal - self.camera.GetParallelScale() / slope * ahead))
        self.camera.SetParallelProjection(parallel)

    def shift(self, way: FloatArray) -> None:
        """Move with the origin, so that the same places are seen."""
        for get, put in ((self.camera.GetFocalPoint, self.camera.SetFocalPoint), (self.camera.GetPosition, self.camera.SetPosition)):
            put(*(np.array(get()) + way))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Whatever happens in the block, it is looked from the same place after it."""
        before = [self.camera.GetFocalPoint(), self.camera.GetPosition(), self.camera.GetViewUp()]
        try:
            yield
        finally:
            for put, value in zip((self.camera.SetFocalPoint, self.camera.SetPosition, self.camera.SetViewUp), before, strict=True):
                put(*value)

    def ray(self, x: float, y: float) -> Ray:
        """The way of the eye through a pixel of the window, counted from its lower left; world units."""
        width, height = self._renderer.GetSize()
        camera = self.camera
        place, ahead, up = (np.array(v) for v in (camera.GetPosition(), camera.GetDirectionOfProjection(), camera.GetViewUp()))
        right = np.cross(ahead, up)
        right /= np.linalg.norm(right)
        up = np.cross(right, ahead)
        x = x - self._renderer.GetOrigin()[0]
        across, above = (2 * (x + 0.5) / width - 1) * width / height, 2 * (y + 0.5) / height - 1
        if camera.GetParallelProjection():
            half = camera.GetParallelScale()
            start = place + half * (across * right + above * up) - 10 * self.size * ahead
            return Ray(start + self.origin, ahead, 0.0, 2 * half / height)
        slope = np.tan(np.radians(camera.GetViewAngle()) / 2)
        way = ahead + slope * (across * right + above * up)
        return Ray(place + self.origin, way / np.linalg.norm(way), 2 * slope / height)

    def wipe_plane(self, share: float) -> tuple[FloatArray, FloatArray]:
        """(place, normal) of the plane that the line of the wipe sweeps away from the eye; the normal to the right."""
        width, height = self._renderer.GetSize()
        low, high = (self.ray(self._renderer.GetOrigin()[0] + share * width - 0.5, y) for y in (0.0, float(height)))
        normal = np.cross(low.way, high.start + high.way - low.start - low.way)
        right = np.cross(self.camera.GetDirectionOfProjection(), self.camera.GetViewUp())
        return low.start, normal / np.linalg.norm(normal) * (1.0 if normal @ right > 0 else -1.0)
