"""Which part of each ray can meet the surface: known from the cells that hold it, without asking the field.

All of the surface lies in balls of radius r around known places (the cells that hold it, `CertifiedField.surface_cells_unit`). A ray that
no ball meets has no hit; another one has its hits between the first entry and the last exit of its balls, which are at least |c - o| - r
and at most |c - o| + r away from its origin o. Each ball is drawn onto a square of pixels that covers it: one at the depth z spans at most
r / sqrt(z^2 - r^2) of the picture's slope on either side of its centre, times what oblique rays add (1 / cos^2 of the angle to the middle).
"""

from __future__ import annotations

import numpy as np

from ..types import FloatArray
from .camera import Camera


def surface_spans(places: FloatArray, radius: float, camera: Camera, width: int, height: int) -> tuple[FloatArray, FloatArray]:
    """(start, end), each (height * width,): along every ray of the camera; start is infinite for a ray that meets no ball.

    places : (k, 3) centres of the balls. Beside or behind the eye balls have no picture: then every ray spans all of them.
    """
    start, end = np.full(width * height, np.inf), np.full(width * height, -np.inf)
    column, row, depth = camera.pixels(places, height, width)
    away = depth if camera.parallel else np.linalg.norm(places - camera.eye, axis=1)
    if not camera.parallel and (depth <= 2 * radius).any():
        return np.zeros(width * height), np.full(width * height, float(away.max()) + radius)
    reach = radius / camera.distance if camera.parallel else radius / np.sqrt(np.maximum(depth**2 - radius**2, 1e-12)) * (away / depth) ** 2
    pixels = np.atleast_1d(reach * (height / 2) / camera.slope)
    rows, columns = (np.stack([np.floor(c - pixels), np.ceil(c + pixels)]).astype(np.int64) for c in (row, column))
    rows, columns = np.clip(rows, -1, height), np.clip(columns, -1, width)
    for below in range(int(np.ptp(rows, axis=0).max(initial=-1)) + 1):
        for aside in range(int(np.ptp(columns, axis=0).max(initial=-1)) + 1):
            i, j = rows[0] + below, columns[0] + aside
            drawn = (i <= rows[1]) & (j <= columns[1]) & (i >= 0) & (j >= 0) & (i < height) & (j < width)
            ray = i[drawn] * width + j[drawn]
            np.minimum.at(start, ray, away[drawn] - radius)
            np.maximum.at(end, ray, away[drawn] + radius)
    return np.maximum(start, 0.0), end
