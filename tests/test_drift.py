"""Quality on four generated shapes, median of three seeds: a change that loses some of it fails here, whatever else it gains.

Bounds are what was measured when they were set, and 5% (normals: 0.01). Improve them when the product improves; never loosen them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from sdfshape import Mesh, PointCloud, compare, reconstruct
from sdfshape.sample.surface import cloud_of_mesh

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


def boxes(*sizes_and_places: tuple[tuple[float, float, float], tuple[float, float, float]]) -> Mesh:
    made = [trimesh.creation.box(size) for size, _ in sizes_and_places]
    for box, (_, place) in zip(made, sizes_and_places, strict=True):
        box.apply_translation(place)
    return of_trimesh(trimesh.util.concatenate(made))


def of_trimesh(mesh: trimesh.Trimesh) -> Mesh:
    return Mesh(np.asarray(mesh.vertices), np.asarray(mesh.faces))


def torus() -> Mesh:
    return of_trimesh(trimesh.creation.torus(1.0, 0.35, major_sections=96, minor_sections=48))


def bobbin() -> Mesh:
    """Turned on a lathe: sharp edges, a waist."""
    profile = [(0, 0), (1, 0), (1, 0.3), (0.4, 0.3), (0.4, 1.2), (0.9, 1.2), (0.9, 1.6), (0, 1.6)]
    return of_trimesh(trimesh.creation.revolve(np.array(profile, dtype=float), sections=128))


def stool() -> Mesh:
    """Thin parts, which no winding number tells the sides of."""
    legs = [((0.05, 0.05, 1.0), (x, y, -0.5)) for x in (-0.4, 0.4) for y in (-0.4, 0.4)]
    return boxes(((1.0, 1.0, 0.04), (0, 0, 0)), *legs)


def wave() -> Mesh:
    """An open sheet."""
    n = 80
    x, y = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n), indexing="ij")
    vertices = np.stack([x, y, 0.2 * np.sin(3 * x) * np.cos(2 * y)], axis=-1).reshape(-1, 3)
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate([np.stack([corner, corner + n, corner + 1], 1), np.stack([corner + 1, corner + n, corner + n + 1], 1)])
    return Mesh(vertices, faces)


# shape, preset, noise in sizes, surface; most Chamfer (sum) and Hausdorff in sizes, least normal consistency (a slab's two sides: none)
CASES = {
    "torus": (torus, "fast", 0.003, "auto", 0.00526, 0.0091, 0.984),  # .00501, .0088, .994
    "bobbin": (bobbin, "fast", 0.0, "auto", 0.00737, 0.0166, 0.974),  # .00702, .0158, .984
    "stool": (stool, "default", 0.0, "auto", 0.00637, 0.0334, 0.951),  # .00607, .0318, .955
    "wave": (wave, "fast", 0.0, "open", 0.01655, 0.0317, -1.0),  # .01576, .0302 (of seven seeds: .0227 to .0318, on
    # one processor; .0260 was a lucky three on another)
}
SEEDS = range(3)  # one corner decides a Hausdorff distance: of the bobbin .0199, .0152 and .0158


@pytest.mark.parametrize("name", CASES)
def test_no_quality_is_lost(name):
    make, preset, noise, surface, *bounds = CASES[name]
    truth = make()
    size = float(np.ptp(truth.bounds, axis=0).max())
    truth = replace(truth, vertices=truth.vertices / size)
    points = cloud_of_mesh(truth, 8_000, 0).points + noise * np.random.default_rng(0).normal(size=(8_000, 3))
    seen = []
    for seed in SEEDS:
        result = reconstruct(PointCloud(points), preset=preset, surface=surface, resolution=128, seed=seed)
        assert result.report["mesh"]["watertight"] and result.report["field"]["lipschitz_bound"] <= 1
        near = compare(result.mesh, truth)
        seen.append((near.chamfer_l1_sum, near.hausdorff, near.normal_consistency))
    chamfer, hausdorff, normals = np.median(seen, axis=0)
    assert chamfer <= bounds[0] and hausdorff <= bounds[1] and normals >= bounds[2]
