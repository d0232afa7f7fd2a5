"""Normals that agree with their winding number: sums over pairs against loops, and sides of sparse clouds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sdfshape.orient import OrientedCloud, consistent, orient, overturn, seen_from_the_sky
from sdfshape.orient.consistent import MOST_POINTS, _Pairs
from sdfshape.sample import gather_evidence
from sdfshape.types import FloatArray

WIDTH = 0.05


def on_a_box(count: int, size: tuple[float, float, float] = (1.2, 1.0, 0.8)) -> tuple[FloatArray, FloatArray]:
    """Points evenly over a box, and their outward normals."""
    rng, half = np.random.default_rng(0), np.array(size) / 2
    area = np.array([half[1] * half[2], half[0] * half[2], half[0] * half[1]])
    axis = rng.choice(3, size=count, p=area / area.sum())
    normals = np.zeros((count, 3))
    normals[np.arange(count), axis] = rng.choice([-1.0, 1.0], size=count)
    points = rng.uniform(-half, half, size=(count, 3))
    points[np.arange(count), axis] = (normals * half)[np.arange(count), axis]
    return points, normals


def oriented(points: FloatArray) -> OrientedCloud:
    return overturn(orient(points, np.random.default_rng(0)))


def w(points: FloatArray, moments: FloatArray, x: FloatArray) -> float:
    gap = points - x
    r = np.maximum(np.linalg.norm(gap, axis=1), WIDTH)
    return float(((moments * gap).sum(axis=1) / (4 * np.pi * r**3)).sum())


@pytest.fixture(scope="module")
def pairs() -> tuple[FloatArray, FloatArray, _Pairs]:
    rng = np.random.default_rng(1)
    points = rng.uniform(-0.8, 0.8, size=(60, 3))
    return points, rng.normal(size=(60, 3)).astype(np.float32), _Pairs(points, WIDTH)


def test_the_winding_number_is_that_of_a_loop(pairs):
    points, moments, sums = pairs
    assert sums.winding(moments) == pytest.approx([w(points, moments, x) for x in points], rel=1e-3, abs=1e-3)


def test_spread_is_the_transpose_of_the_winding_number(pairs):
    points, moments, sums = pairs
    values = np.random.default_rng(2).normal(size=60).astype(np.float32)
    # both are sums of the same terms v_i cube_ij m_j . (p_j - p_i), the two p apart: each is as exact as float32 adds what cancels
    size = np.linalg.norm(points, axis=1)
    terms = np.abs(values)[:, None] * sums.cube * np.linalg.norm(moments, axis=1) * (size[:, None] + size)
    there, back = (sums.winding(moments) * values).sum(), (moments * sums.spread(values)).sum()
    assert abs(there - back) < 2 * np.finfo(np.float32).eps * terms.sum()
    assert abs(there) > 100 * np.finfo(np.float32).eps * terms.sum()


def test_falling_is_minus_the_gradient(pairs):
    points, moments, sums = pairs
    steps = 1e-5 * np.eye(3)
    slope = [[(w(points, moments, x - e) - w(points, moments, x + e)) / 2e-5 for e in steps] for x in points]
    assert sums.falling(moments) == pytest.approx(np.array(slope), rel=2e-3, abs=2e-2)


def test_normals_turned_over_are_turned_back():
    cloud = oriented(on_a_box(1500)[0])
    wrong = np.random.default_rng(3).uniform(size=(1500, 1)) < 0.2
    found = consistent(replace(cloud, normals=np.where(wrong, -cloud.normals, cloud.normals)))
    assert ((found.normals * cloud.normals).sum(axis=1) > 0).mean() > 0.999


def test_edges_are_sharper():
    points, normals = on_a_box(1500)
    cloud = oriented(points)

    def off(cloud: OrientedCloud) -> float:
        return float(np.degrees(np.arccos(np.clip((cloud.sharpened * normals).sum(axis=1), -1, 1))).mean())

    assert off(consistent(cloud)) < 0.75 * off(cloud)


def test_points_that_crowd_in_a_clump_far_smaller_than_the_rest_are_no_overflow():
    points, _ = on_a_box(900)
    for size, most in ((1e-2, 100), (1e-5, 100), (1e-8, 100), (1e-12, 880)):
        clumped = np.concatenate([points[:most], 0.3 + size * points[most:]])
        assert np.linalg.norm(consistent(oriented(clumped)).normals, axis=1) == pytest.approx(np.ones(900))


def test_larger_clouds_and_what_others_decided_stay():
    points, _ = on_a_box(MOST_POINTS + 1)
    large, small = oriented(points), oriented(points[:800])
    followed, by_sky = replace(small, followed=True), seen_from_the_sky(small)
    assert all(consistent(cloud) is cloud for cloud in (large, followed, by_sky)) and consistent(small) is not small


def test_labels_of_a_closed_surface_are_from_consistent_normals():
    points, _ = on_a_box(800)
    found = gather_evidence(points, "closed", 4000, np.random.default_rng(0), lambda stage: None, 0.0).oriented
    assert found is not None and np.allclose(found.normals, consistent(oriented(points)).normals)
