"""Noise of a cloud: its level is found, and most of it is taken away, but not the shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shapes import box_distance, box_points, sphere_points

from sdfshape.orient import NOISY, denoised, noise_level, orient
from sdfshape.orient.denoise import _fit
from sdfshape.orient.oriented import OrientedCloud
from sdfshape.sample import gather_evidence

COUNT = 6000
HALF = (0.7, 0.5, 0.4)


def noisy(points: np.ndarray, sigma: float, seed: int = 1) -> OrientedCloud:
    points = points + sigma * np.random.default_rng(seed).normal(size=points.shape)
    return orient(points, np.random.default_rng(0))


@pytest.mark.parametrize("sigma", [0.006, 0.012, 0.02])
@pytest.mark.parametrize("shape", ["sphere", "box"])
def test_the_level_is_found(shape, sigma):
    points = sphere_points(COUNT) if shape == "sphere" else box_points(COUNT, half=HALF)
    assert 0.75 * sigma < noise_level(noisy(points, sigma)) < 1.15 * sigma


def test_a_clean_solid_with_edges_is_not_noisy_and_its_points_stay():
    cloud = noisy(box_points(COUNT, half=HALF), 0.0)
    assert noise_level(cloud) < 0.1 * NOISY * cloud.spacing
    sparse = noisy(box_points(1500, half=HALF), 0.0)
    assert noise_level(sparse) < NOISY * sparse.spacing
    gathered = gather_evidence(cloud.points, "closed", 1000, np.random.default_rng(0), lambda _: None, 0.0)
    assert gathered.noise == noise_level(cloud)


@pytest.mark.parametrize("sigma", [0.008, pytest.param(0.016, marks=pytest.mark.slow)])
def test_most_of_the_noise_goes(sigma):
    ball, box = noisy(sphere_points(COUNT), sigma), noisy(box_points(COUNT, half=HALF), sigma)
    for cloud, distance in ((ball, lambda x: np.linalg.norm(x, axis=1) - 0.7), (box, lambda x: box_distance(x, half=HALF))):
        before, after = np.abs(distance(cloud.points)), np.abs(distance(denoised(cloud, noise_level(cloud))))
        assert after.mean() < 0.55 * before.mean()


def test_the_two_sides_of_a_thin_wall_stay_apart():
    half = (0.7, 0.5, 0.03)
    cloud = noisy(box_points(8000, half=half), 0.008)
    points = denoised(cloud, noise_level(cloud))
    middle = (np.abs(points[:, :2]) < (0.6, 0.4)).all(axis=1)
    assert np.abs(np.abs(points[middle, 2]) - 0.03).mean() < 0.5 * np.abs(np.abs(cloud.points[middle, 2]) - 0.03).mean()
    both = replace(cloud, normals=np.abs(cloud.normals))  # without signs they collapse
    collapsed = denoised(both, noise_level(cloud))
    assert np.abs(np.abs(collapsed[middle, 2]) - 0.03).mean() > 2 * np.abs(np.abs(points[middle, 2]) - 0.03).mean()


def test_a_quadric_is_reproduced():
    rng = np.random.default_rng(0)
    xy = rng.uniform(-0.3, 0.3, (200, 2))
    points = np.c_[xy, 0.8 * xy[:, 0] ** 2 - 0.5 * xy[:, 0] * xy[:, 1]]
    points[0] = 0
    normals = np.tile([0.0, 0.0, 1.0], (200, 1))
    near = np.argsort(np.linalg.norm(points, axis=1))[None, :40]
    height, slope, spread = _fit(points, normals, near.repeat(200, 0), np.full(200, 0.3), slice(0, 1), width=1.5)
    assert abs(height[0]) < 1e-5 and spread[0] < 1e-4 and np.abs(slope[0] / np.linalg.norm(slope[0]) - (0, 0, 1)).max() < 1e-4


def test_neighbours_without_freedom_leave_the_point():
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (5, 3))
    normals = np.tile([0.0, 0.0, 1.0], (5, 1))
    height, slope, spread = _fit(points, normals, np.arange(5)[None].repeat(5, 0), np.ones(5), slice(0, 5), width=1.5)
    assert (height == 0).all() and np.isnan(spread).all() and np.array_equal(slope, normals)
