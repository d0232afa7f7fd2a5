"""Cameras: one ray a pixel, in perspective or parallel. World or unit frame: whatever the eye is given in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from ..limits import check_view
from ..types import FloatArray
from ..upright import stood, upright

FILLED = 0.94  # of the picture, by the box that a camera looks at


@dataclass(frozen=True)
class Camera:
    """eye looks at target, `up` is up in the picture; fov_deg is the vertical field of view.

    parallel : rays do not meet in the eye; the picture shows as much of the plane through the target as it would in perspective.
    """

    eye: tuple[float, float, float]
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)
    fov_deg: float = 30.0
    parallel: bool = False

    @classmethod
    def around(
        cls,
        lo: FloatArray,
        hi: FloatArray,
        azimuth_deg: float = 35.0,
        elevation_deg: float = 20.0,
        up_axis: int = 2,
        *,
        parallel: bool = False,
        seen: FloatArray | None = None,
    ) -> Self:
        """A camera that looks at the middle of the box [lo, hi] from an azimuth and an elevation, with the axis UPRIGHT[up_axis] up, and
        sees all of the box, or of the places (m, 3) `seen` in it. Raises InputError for angles that are not finite.
        """
        check_view(azimuth_deg, elevation_deg)
        azimuth, elevation = np.radians([azimuth_deg, elevation_deg])
        level = np.array([np.cos(azimuth), np.sin(azimuth)]) * np.cos(elevation)
        direction, up = stood(np.insert(level, up_axis % 3, np.sin(elevation)), up_axis), tuple(upright(up_axis).tolist())
        centre, half = (np.asarray(lo) + hi) / 2, (np.asarray(hi) - lo) / 2
        trial = cls(tuple((centre + direction).tolist()), tuple(centre.tolist()), up)
        places = centre + (np.array(list(np.ndindex(2, 2, 2))) * 2 - 1) * half if seen is None or not len(seen) else seen
        turned = (places - centre) @ trial.axes.T  # right, above, forward
        needed = np.abs(turned[:, :2]).max(axis=1) / (FILLED * trial.slope) - (0 if parallel else 1) * turned[:, 2]
        eye = centre + direction * max(float(needed.max()), 1.2 * float(np.linalg.norm(half)))
        numbers: list[Any] = [tuple(float(c) for c in v) for v in (eye, centre, up)]
        return cls(numbers[0], numbers[1], numbers[2], parallel=parallel)

    @property
    def axes(self) -> FloatArray:
        """(3, 3) unit rows: right, above, forward."""
        forward = np.subtract(self.target, self.eye)
        forward /= np.linalg.norm(forward)
        up = np.asarray(self.up) if abs(np.dot(self.up, forward)) < 0.999 else np.roll(self.up, 1)  # looking along `up`
        right = np.cross(forward, up)
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(right, forward), forward])

    @property
    def slope(self) -> float:
        """Half of the picture's height at the distance 1."""
        return float(np.tan(np.radians(self.fov_deg) / 2))

    @property
    def distance(self) -> float:
        """From the eye to the target."""
        return float(np.linalg.norm(np.subtract(self.target, self.eye)))

    def at_distance(self, distance: float) -> Self:
        """The same view from another distance to the target."""
        x, y, z = (np.asarray(self.target) - distance * self.axes[2]).tolist()
        return replace(self, eye=(x, y, z))

    def rays(self, width: int, height: int) -> tuple[FloatArray, FloatArray]:
        """Origins and unit directions, each (height * width, 3), row by row from the upper left pixel, through the middles."""
        row, column = np.divmod(np.arange(width * height), width)
        return self.rays_through(column, row, width, height)

    def rays_through(self, column: FloatArray, row: FloatArray, width: int, height: int) -> tuple[FloatArray, FloatArray]:
        """Origins and unit directions, each (m, 3), through places (m,) of a picture; the middle of the upper left pixel is (0, 0)."""
        right, above, forward = self.axes
        x = (np.asarray(column) + 0.5 - width / 2) / (height / 2) * self.slope
        y = -(np.asarray(row) + 0.5 - height / 2) / (height / 2) * self.slope
        offset = y[:, None] * above + x[:, None] * right
        eye = np.asarray(self.eye, dtype=np.float64)
        if self.parallel:
            return eye + self.distance * offset, np.broadcast_to(forward, offset.shape).copy()
        directions = forward + offset
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return np.broadcast_to(eye, directions.shape).copy(), directions

    def pixels(self, places: FloatArray, height: int, width: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Column, row (fractions of pixels, the middle of the first is 0) and the depth along the middle axis of places (m, 3)."""
        x, y, depth = self.axes @ (places - self.eye).T
        scale = (height / 2) / self.slope / (self.distance if self.parallel else np.maximum(depth, 1e-12))
        return x * scale + width / 2 - 0.5, -y * scale + height / 2 - 0.5, depth
