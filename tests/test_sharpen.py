"""Normals fitted again to the neighbours that face the same way: exact where plane fits mix two sides."""

from __future__ import annotations

import numpy as np
from shapes import box_distance, box_points, outward, sphere_points

from sdfshape.orient.neighbours import neighbours_of, plane_normals
from sdfshape.orient.sharpen import sharpened_normals


def fitted(points: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Plane fits, with the right side, and the neighbours."""
    index = neighbours_of(points)[2]
    normals = plane_normals(points, index)[0]
    return normals * np.where((normals * truth).sum(1) >= 0, 1.0, -1.0)[:, None], index


def test_a_plane_stays_what_it_is():
    rng = np.random.default_rng(0)
    points = np.c_[rng.uniform(-1, 1, (500, 2)), np.zeros(500)]
    normals = np.tile([0.0, 0, -1], (500, 1))
    assert np.allclose(sharpened_normals(points, normals, neighbours_of(points)[2]), normals, atol=1e-12)


def test_two_walls_nearer_than_neighbours_do_not_mix():
    # a board half as thick as the points are apart; facing the same way (a step), nothing tells the walls apart
    rng = np.random.default_rng(0)
    side = np.repeat([1.0, -1.0], 1000)
    points = np.c_[rng.uniform(-1, 1, (2000, 2)), 0.02 * side]
    truth = np.c_[np.zeros((2000, 2)), side]
    noisy = truth + 0.3 * rng.normal(size=(2000, 3))
    noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
    result = sharpened_normals(points, noisy, neighbours_of(points)[2])
    assert np.quantile((result * truth).sum(1), 0.01) > 0.98
    assert np.quantile(np.abs(plane_normals(points, neighbours_of(points)[2])[0][:, 2]), 0.01) < 0.9  # what it mends


def test_edges_of_a_box_are_sharper_than_plane_fits():
    points = box_points(6000, 3)
    truth = outward(box_distance, points * (1 + 1e-6))
    plain, index = fitted(points, truth)
    sharp = sharpened_normals(points, plain, index)
    before, after = ((n * truth).sum(1) < 0.95 for n in (plain, sharp))
    assert after.mean() < 0.6 * before.mean()


def test_a_smooth_surface_loses_nothing():
    points = sphere_points(6000, 4)
    plain, index = fitted(points, points)
    sharp = sharpened_normals(points, plain, index)
    errors = [np.arccos(np.clip((n * points).sum(1) / 0.7, -1, 1)).mean() for n in (plain, sharp)]
    assert errors[1] < 1.1 * errors[0]


def test_every_normal_keeps_its_side():
    points = sphere_points(2000, 5)
    plain, index = fitted(points, points)
    plain[::3] *= -1
    assert ((sharpened_normals(points, plain, index) * plain).sum(1) > 0).all()
