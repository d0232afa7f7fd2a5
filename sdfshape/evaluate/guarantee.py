"""What the guarantee is worth, in numbers: bounds that hold, how tight they are, and what they save.

The truth of a field is its own zero set S, of which two things are known without trusting the bounds that are judged:
* every vertex of a mesh extracted at the cell size h lies on an edge of the grid that S crosses, so dist(x, S) <= dist(x, vertex) + h;
* S lies in balls of radius r around the cells that pruning kept, so dist(x, S) >= dist(x, nearest cell) - r.
A certified lower bound above the first, or an upper bound below the second, is a violation.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ..extract import extract_mesh
from ..extract.mesh import field_grid
from ..field import CertifiedField
from ..render import camera_for, sphere_trace, view_field
from ..render.trace import box_span
from ..types import FloatArray
from .metrics import distances_to_mesh

TRUTH_RESOLUTION = 512
ROWS = 1_000_000
NEAR = 0.05  # of the longest half-extent: the near band
CHECKED = 20_000  # queries whose interval is looked at
AFAR = 4.0  # longest sides beyond the bounds: there a bound is nearly the distance, and a lie of 1% cannot hide


@dataclass(frozen=True)
class Bounds:
    """queries, and of them `violations` of lower bounds from one value; upper_violations of CHECKED ones; noticed : violations if the lower
    bounds were 1% larger, as they would be if the constant were 1% larger than it is said to be.   tightness, near : mean of the lower end
    of `distance_interval` / distance to the mesh, in the domain and within NEAR of the surface, of CHECKED queries each; one_value : of
    lower bounds from one value, near: estimates (nearer than a cell, nothing is said). Violations of those count too.
    """

    queries: int
    violations: int
    upper_violations: int
    noticed: int
    tightness: float
    near: float
    one_value: float


def check_bounds(field: CertifiedField, queries: int, seed: int = 0, lie: float = 1.0) -> Bounds:
    """Random queries against the field's own surface.   lie : factor of the lower bounds, 1 but for tests."""
    rng = np.random.default_rng(seed)
    mesh = extract_mesh(field, resolution=TRUTH_RESOLUTION).mesh
    # vertices are on the lines of a grid: queries from afar of a balanced tree take ten times as long
    vertices = cKDTree(mesh.vertices, leafsize=64, balanced_tree=False, compact_nodes=False)
    half = float(np.ptp(field.bounds, axis=0).max()) / 2
    cell, ball = (field.frame.length_to_world(x) for x in (field_grid(field, TRUTH_RESOLUTION).spacing, field.surface_cells_unit[1]))

    def drawn(count: int, where: str) -> FloatArray:
        if where == "near":
            return vertices.data[rng.integers(vertices.n, size=count)] + NEAR / 2 * half * rng.normal(size=(count, 3))
        (lo, hi), grow = field.bounds, 2 * half * (AFAR if where == "afar" else 0.2)
        return rng.uniform(lo - grow, hi + grow, (count, 3))

    def lower_bounds(x: FloatArray) -> FloatArray:
        f, error = field.certified(x)
        return lie * np.maximum(np.abs(f) - error, 0) / field.lipschitz_bound

    def tightness(distance: FloatArray, lower: FloatArray, most: float) -> float:
        known = (distance > cell) & (distance < most)
        return float((lower[known] / distance[known]).mean())

    violations, noticed, places = 0, 0, ("near", "afar", "domain", "near", "domain")
    for turn, first in enumerate(range(0, queries, ROWS)):
        x = drawn(min(ROWS, queries - first), places[turn % len(places)])
        lower, distance = lower_bounds(x), vertices.query(x, workers=-1)[0]
        violations += int((lower > distance + cell).sum())
        noticed += int((1.01 * lower > distance + cell).sum())
    some, near = drawn(CHECKED, "domain"), drawn(CHECKED, "near")
    (lower, upper), (lower_near, _) = field.distance_interval(some), field.distance_interval(near)
    for x, least in ((some, lie * lower), (near, lie * lower_near)):
        violations += int((least > vertices.query(x, workers=-1)[0] + cell).sum())
    too_small = int((upper < field.near_surface.query(some, workers=-1)[0] - ball).sum())
    away, away_near = distances_to_mesh(some, mesh), distances_to_mesh(near, mesh)
    near_ones = (tightness(away_near, least, NEAR * half) for least in (lower_near, lower_bounds(near)))
    tight = tightness(away, lower, np.inf), *near_ones
    return Bounds(queries, violations, too_small, noticed, *tight)


def pruning_facts(field: CertifiedField, resolution: int, *, dense: bool = False) -> dict[str, float]:
    """evaluations, crossed cells, seconds of an extraction; nodes of the box's grid and of a cube's; seconds of a dense one if asked."""
    start = time.perf_counter()
    found = extract_mesh(field, resolution=resolution)
    facts = {
        "evaluations": found.evaluations,
        "crossed": found.crossed,
        "box": found.dense_evaluations,
        "cube": (resolution + 1) ** 3,
        "seconds": time.perf_counter() - start,
    }
    if dense:
        start = time.perf_counter()
        extract_mesh(field, resolution=resolution, dense=True)
        facts["dense_seconds"] = time.perf_counter() - start
    return facts


def query_facts(field: CertifiedField, *, boxes: int = 1_000_000, pixels: int = 512) -> dict[str, Any]:
    """Seconds for the clearance of so many random boxes, and for a picture; evaluations a pixel, and those of plain sphere tracing."""
    rng = np.random.default_rng(0)
    lo, hi = field.bounds
    corner = rng.uniform(lo, hi, (boxes, 3))
    start = time.perf_counter()
    for first in range(0, boxes, ROWS):
        field.clearance_box(corner[first : first + ROWS], corner[first : first + ROWS] + 0.01 * (hi - lo))
    facts: dict[str, Any] = {"boxes_seconds": time.perf_counter() - start}
    start, camera = time.perf_counter(), camera_for(field)
    view = view_field(field, camera, width=pixels, height=pixels)
    facts |= {"picture_seconds": time.perf_counter() - start, "a_pixel": float(view.steps.mean())}
    origins, ways = camera.rays(pixels, pixels)
    begin, end = box_span(origins, ways, *field.box_unit)
    tolerance = camera.distance * camera.slope / pixels
    error = field.float32_error_unit
    plain = sphere_trace(
        field.evaluate_unit,
        origins,
        ways,
        start=begin,
        end=end,
        tolerance=tolerance,
        relaxation=1.0,
        error=error,
        lipschitz=field.lipschitz_bound,
    )
    return facts | {"plain_a_pixel": float(plain.steps.mean())}
