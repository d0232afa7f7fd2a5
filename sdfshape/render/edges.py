"""Smooth edges: pixels where the picture changes from one to the next are seen through several rays.

A pixel is at an edge if a neighbour beside or above it is hit where it is not, has another normal, or is farther away by EDGE_STEP pixels.
The rays of a pixel lie on a rotated grid: no two of them share a row or a column, so edges along either have all steps between.
"""

from __future__ import annotations

import numpy as np

from ..types import FloatArray, IntArray

OFFSETS = np.array([[-0.375, -0.125], [-0.125, 0.375], [0.125, -0.375], [0.375, 0.125]])  # of the rays from the middle of the pixel
CLOSER = 0.25  # of the tolerance of a pixel's middle: half a pixel is by how much a silhouette would stand out
EDGE_COSINE = 0.9  # of the angle between two normals
EDGE_STEP = 8.0  # pixels


def edge_pixels(hit: np.ndarray, normals: FloatArray, depth: FloatArray, pixel: float) -> IntArray:
    """Numbers of the pixels at edges, row by row. hit, depth : (h, w).   normals : (h, w, 3).   pixel : its size, in units of the depth."""
    edge = np.zeros(hit.shape, bool)
    for axis in (0, 1):
        one, other = _pairs(hit, axis)
        both = one & other
        turned = (np.multiply(*_pairs(normals, axis)).sum(axis=-1) < EDGE_COSINE) & both
        near, far = _pairs(np.where(hit, depth, 0), axis)
        changes = (one != other) | turned | (both & (np.abs(near - far) > EDGE_STEP * pixel))
        first, second = _pairs(edge, axis)
        first |= changes
        second |= changes
    return np.flatnonzero(edge)


def widened(start: FloatArray, end: FloatArray, shape: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Spans (h * w,) of rays that hold those of all neighbours: of a ray beside the middle of its pixel, too."""
    from scipy.ndimage import maximum_filter, minimum_filter

    least = minimum_filter(start.reshape(shape), size=3, mode="nearest")
    most = maximum_filter(end.reshape(shape), size=3, mode="nearest")
    return least.ravel(), most.ravel()


def _pairs(image: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Views of all pixels but the last, and but the first, along an axis."""
    image = np.moveaxis(image, axis, 0)
    return np.moveaxis(image[:-1], 0, axis), np.moveaxis(image[1:], 0, axis)
