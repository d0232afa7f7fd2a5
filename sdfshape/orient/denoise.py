"""How noisy a cloud is, and the same cloud with less noise: quadrics fitted to neighbours that face the same way.

Notation: sigma the standard deviation of the points off the surface, h the distance to the last neighbour taken, and weights
w_j = exp(-(WIDTH |p_j - p_i| / h)^2) max(n_i . n_j, 0)^ALIKE_POWER. Over the tangent plane of point i the height of its neighbours is
fitted by a quadric with these weights (moving least squares, Alexa et al. 2003; weights by normals as in bilateral filters,
Fleishman et al. 2003). Weights by *outward* normals keep the two sides of a thin wall and of an edge apart: those of rotor_small,
2 spacings apart, would otherwise collapse (mean error with a noise of 0.6% of the size .0036, without signs .0060, of the
noisy points .0074).

Noise: sigma_i^2 = sum w r^2 / (sum w - trace), r the residuals, trace the freedom that the fit takes. Edges and curvature add to it, so
a low percentile over the points is taken. Measured in spacings: clean solids .00 to .03 (20,000 points), .07 at most (2,048 points,
featuretype); with noise .08 to .43 the estimate is between .8 and 1.1 times the truth.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..types import FloatArray, IntArray
from .neighbours import tangents
from .oriented import OrientedCloud

NOISE_NEIGHBOURS, MORE_NEIGHBOURS = 24, 72  # of the fits that sigma is read from: more if the first says that there is MUCH
MUCH = 0.2  # in spacings
PERCENTILE, PERCENTILE_TO_SIGMA = 30.0, 1.15
NOISY = 0.09  # sigma in spacings, below which nothing is to be gained
NEIGHBOURS_A_NOISE, LEAST_NEIGHBOURS, MOST_NEIGHBOURS = 200, 30, 120  # neighbours of a fit, a sigma of one spacing
PASSES = 2
WIDTH = 1.5
ALIKE_POWER = 8
ROWS = 20_000  # points fitted at a time, to bound the memory


def noise_level(cloud: OrientedCloud) -> float:
    """Estimate of sigma, unit frame."""
    sigma = _noise_level(cloud, NOISE_NEIGHBOURS)
    return _noise_level(cloud, MORE_NEIGHBOURS) if sigma > MUCH * cloud.spacing else sigma


def _noise_level(cloud: OrientedCloud, count: int) -> float:
    distance, index = cloud.tree.query(cloud.points, k=min(count, len(cloud.points)), workers=-1)
    spread = np.full(len(cloud.points), np.nan)
    for rows in _chunks(len(spread)):
        spread[rows] = _fit(cloud.points, cloud.sharpened, index, distance[:, -1], rows, width=1.0)[2]
    return PERCENTILE_TO_SIGMA * float(np.nanpercentile(spread, PERCENTILE)) if np.isfinite(spread).any() else 0.0


def denoised(cloud: OrientedCloud, sigma: float) -> FloatArray:
    """The points (n, 3), each moved along its normal onto the quadric through its neighbours; more of them for more noise."""
    count = int(np.clip(NEIGHBOURS_A_NOISE * sigma / cloud.spacing, LEAST_NEIGHBOURS, MOST_NEIGHBOURS))
    distance, index = cloud.tree.query(cloud.points, k=min(count, len(cloud.points)), workers=-1)
    points, normals = cloud.points, cloud.normals
    for _ in range(PASSES):
        moved, turned = points.copy(), normals.copy()
        for rows in _chunks(len(points)):
            height, slope, _ = _fit(points, normals, index, distance[:, -1], rows, width=WIDTH)
            moved[rows] += height[:, None] * normals[rows]
            turned[rows] = slope / np.linalg.norm(slope, axis=1, keepdims=True)
        points, normals = moved, turned
    return points


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + ROWS) for start in range(0, count, ROWS))


def _fit(
    points: FloatArray, normals: FloatArray, index: IntArray, reach: FloatArray, rows: slice, *, width: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Height (m,) of the quadric over the points of the rows, its normal there (m, 3), not of length 1, and the spread (m,) about it.

    Height and spread are 0 and nan where the neighbours leave no freedom. reach : (n,) to the last neighbour.
    """
    n, h, near = normals[rows], reach[rows, None], index[rows]
    gap = points[near] - points[rows][:, None]
    u, v = tangents(n)
    x, y, z = (np.einsum("nki,ni->nk", gap, axis) for axis in (u, v, n))
    x, y = x / h, y / h
    weight = np.maximum(np.einsum("nki,ni->nk", normals[near], n), 0) ** ALIKE_POWER
    weight *= np.exp(-(width**2) * (gap**2).sum(axis=2) / h**2)
    basis = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    weighted = basis * weight[:, None]
    matrix = weighted @ basis.transpose(0, 2, 1)
    matrix += 1e-6 * np.trace(matrix, axis1=1, axis2=2)[:, None, None] * np.eye(6)
    inverse = np.linalg.inv(matrix)
    c = (inverse @ (weighted @ z[:, :, None]))[:, :, 0]
    residual = z - (c[:, None] @ basis)[:, 0]
    freedom = weight.sum(axis=1) - np.einsum("nab,nba->n", inverse, weighted @ weighted.transpose(0, 2, 1))
    spread = np.sqrt((weight * residual**2).sum(axis=1) / np.where(freedom > 1, freedom, np.nan))
    c[freedom <= 1] = 0
    return c[:, 0], n - (c[:, 1:2] * u + c[:, 2:3] * v) / h, spread
