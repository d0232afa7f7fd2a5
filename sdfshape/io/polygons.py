"""Triangles from polygons and from strips."""

from __future__ import annotations

import numpy as np


def fan_triangles(corners: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(t, 3) int64 fans (c0, c1, c2), (c0, c2, c3), ... of polygons, in order; polygons of one or two corners give
    none.

    corners : (m,) int      corners of all polygons, one after the other
    sizes : (p,) int        corners of each polygon
    """
    fans = np.maximum(sizes - 2, 0)
    first = np.repeat(np.cumsum(sizes) - sizes, fans)
    step = np.arange(fans.sum()) - np.repeat(np.cumsum(fans) - fans, fans)
    return np.stack([corners[first], corners[first + step + 1], corners[first + step + 2]], axis=1).astype(np.int64)


def strip_triangles(strip: np.ndarray) -> np.ndarray:
    """(t, 3) int64 triangles of strips separated by -1; triangles with two equal corners only steer the strip and are
    left out.

    strip : (m,) int64
    """
    if len(strip) < 3:
        return np.zeros((0, 3), np.int64)
    triangles = np.stack([strip[:-2], strip[1:-1], strip[2:]], axis=1)
    begins = np.where(np.concatenate([[-1], strip[:-1]]) == -1, np.arange(len(strip)), 0)
    place = np.arange(len(strip)) - np.maximum.accumulate(begins)
    is_odd = place[:-2] % 2 == 1
    triangles[is_odd, :2] = triangles[is_odd, 1::-1]  # every second triangle of a strip runs the other way
    a, b, c = triangles.T
    return triangles[(triangles != -1).all(axis=1) & (a != b) & (b != c) & (c != a)]
