"""Do points lie along curves? Sections, and scanners that sweep a line, give points far closer along a curve than from one to the next."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from .types import FloatArray, IntArray

ON_A_LINE = 7  # points: one and its nearest
# of the variance of so many points, along their main direction. Measured, medians: 19 real scans .57 to .84, a sketch of wires .986, 20 to
# 80 sections of solids .99 and up; averages of these over voxels at most .72 once a voxel's side is about half of the way between sections
LINE_SHARE, SURFACE_SHARE = 0.95, 0.75
PROBES = 2000


def line_share(points: FloatArray) -> float:
    """Median over up to 2,000 of the points (n, 3) of the share of their neighbours' variance that is along one line, in [1/3, 1]."""
    probe = np.linspace(0, len(points) - 1, min(PROBES, len(points))).astype(int)
    return along_lines(points, cKDTree(points).query(points[probe], k=ON_A_LINE, workers=-1)[1])


def along_lines(points: FloatArray, neighbours: IntArray) -> float:
    """The same over rows of neighbours (m, k), numbers of points, nearest first and themselves among them."""
    near = points[neighbours[:, :ON_A_LINE]]
    variance = np.linalg.svd(near - near.mean(axis=1, keepdims=True), compute_uv=False) ** 2
    return float(np.median(variance[:, 0] / np.maximum(variance.sum(axis=1), 1e-300)))
