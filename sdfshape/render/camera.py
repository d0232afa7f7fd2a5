"""A perspective camera: one ray a pixel. World or unit frame: whatever the eye is given in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..types import FloatArray


@dataclass(frozen=True)
class Camera:
    """eye looks at target, `up` is up in the picture; fov_deg is the vertical field of view."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)
    fov_deg: float = 30.0

    @classmethod
    def around(cls, lo: FloatArray, hi: FloatArray, azimuth_deg: float = 35.0, elevation_deg: float = 20.0, up_axis: int = 2) -> Self:
        """A camera that sees the whole box [lo, hi], from an azimuth and an elevation, with coordinate axis `up_axis` up."""
        azimuth, elevation = np.radians([azimuth_deg, elevation_deg])
        level = np.array([np.cos(azimuth), np.sin(azimuth)]) * np.cos(elevation)
        direction = np.insert(level, up_axis, np.sin(elevation))
        centre, radius = (np.asarray(lo) + hi) / 2, float(np.linalg.norm(np.asarray(hi) - lo)) / 2
        eye = centre + direction * radius / np.sin(np.radians(30.0) / 2) * 0.8  # boxes fill their sphere badly
        up = np.eye(3)[up_axis]
        return cls(*(tuple(float(c) for c in v) for v in (eye, centre, up)))  # type: ignore[arg-type]

    def rays(self, width: int, height: int) -> tuple[FloatArray, FloatArray]:
        """Origins and unit directions, each (height * width, 3), row by row from the upper left pixel."""
        forward = np.subtract(self.target, self.eye)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, self.up)
        right /= np.linalg.norm(right)
        above = np.cross(right, forward)
        reach = np.tan(np.radians(self.fov_deg) / 2)
        x = (np.arange(width) + 0.5 - width / 2) / (height / 2) * reach
        y = -(np.arange(height) + 0.5 - height / 2) / (height / 2) * reach
        directions = (forward + y[:, None, None] * above + x[None, :, None] * right).reshape(-1, 3)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return np.broadcast_to(np.asarray(self.eye), directions.shape).copy(), directions
