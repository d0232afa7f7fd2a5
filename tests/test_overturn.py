"""Doubtful patches that contradict the rest are turned over, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shapes import directions, outward, torus_distance, torus_points

from sdfshape.orient import OrientedCloud, orient, overturn
from sdfshape.orient.overturn import _some_of_each

OUTER, INNER = 4000, 700


def cloud_of(points: np.ndarray, normals: np.ndarray, doubtful: np.ndarray) -> OrientedCloud:
    """Points as `orient` would leave them with these signs, and these doubts."""
    sure = np.ones(len(points), bool)
    sure[doubtful] = False
    return replace(orient(points, np.random.default_rng(0)), normals=normals, sure=sure, confidence=np.full(len(points), 0.5))


def turned(points: np.ndarray, normals: np.ndarray, doubtful: np.ndarray) -> np.ndarray:
    return overturn(cloud_of(points, normals, doubtful)).normals


def test_a_patch_is_judged_by_some_of_its_points_spread_over_it():
    count = np.array([1, 3, 200, 201, 5000])
    patch = np.random.default_rng(0).permutation(np.repeat(np.arange(5), count))
    chosen = _some_of_each(patch, count)
    assert np.bincount(patch[chosen]).tolist() == [1, 3, 200, 200, 200]
    of_the_largest = np.searchsorted(np.flatnonzero(patch == 4), chosen[patch[chosen] == 4])
    assert np.diff(of_the_largest, prepend=-1, append=5000).max() <= 26


def hollow_ball(cavity_sign: float) -> tuple[np.ndarray, np.ndarray]:
    """A ball with a cavity that no ball from outside reaches: the normals of the cavity should point into it."""
    outer, inner = directions(OUTER, 1), directions(INNER, 2)
    return np.concatenate([0.8 * outer, 0.3 * inner]), np.concatenate([outer, cavity_sign * inner])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_wall_of_a_cavity_faces_the_cavity(sign):
    points, normals = hollow_ball(sign)
    result = turned(points, normals, np.arange(OUTER, OUTER + INNER))
    radial = (result * points).sum(1)
    assert (radial[:OUTER] > 0).all() and (radial[OUTER:] < 0).all()


def test_a_body_beside_another_faces_outward():
    outer, inner = directions(OUTER, 1), directions(INNER, 2)
    points = np.concatenate([0.5 * outer - [0.4, 0, 0], 0.2 * inner + [0.6, 0, 0]])
    result = turned(points, np.concatenate([outer, -inner]), np.arange(OUTER, OUTER + INNER))
    assert ((result[OUTER:] * inner).sum(1) > 0).all()


def test_of_two_doubtful_cavities_only_the_wrong_one_is_turned():
    outer, one, other = directions(OUTER, 1), directions(300, 2), directions(300, 3)
    points = np.concatenate([0.8 * outer, 0.2 * one - [0.4, 0, 0], 0.2 * other + [0.4, 0, 0]])
    normals = np.concatenate([outer, one, -other])
    result = turned(points, normals, np.arange(OUTER, OUTER + 600))
    expected = np.concatenate([outer, -one, -other])
    assert ((result * expected).sum(1) > 0).all()


def test_doubtful_points_that_are_right_are_left_when_their_neighbours_are_turned():
    # the whole cavity is in doubt, half of it is wrong: two patches, by the signs of their normals
    points, normals = hollow_ball(-1.0)
    half = OUTER + np.flatnonzero(points[OUTER:, 0] > 0)
    normals[half] *= -1
    radial = (turned(points, normals, np.arange(OUTER, OUTER + INNER)) * points).sum(1)
    assert (radial[OUTER:] < 0).mean() > 0.95


def test_fewer_than_three_points_are_no_patch():
    points, normals = hollow_ball(-1.0)
    normals[OUTER : OUTER + 2] *= -1
    assert np.array_equal(turned(points, normals, np.arange(OUTER, OUTER + 2)), normals)


def test_points_that_are_not_doubtful_are_left_alone():
    points, normals = hollow_ball(1.0)
    some = np.arange(OUTER, OUTER + INNER, 2)  # every other point of a cavity that is wrong all over
    result = turned(points, normals, some)
    sure = np.setdiff1d(np.arange(len(points)), some)
    assert np.array_equal(result[sure], normals[sure])


def test_a_sheet_keeps_its_signs():
    # a square of either sign has w = +-1/2 beside it, a level of 0: accused, but turning it over only mirrors that
    rng = np.random.default_rng(0)
    points = np.c_[rng.uniform(-0.8, 0.8, (3000, 2)), np.zeros(3000)]
    for sign in (1.0, -1.0):
        normals = np.tile([0, 0, sign], (3000, 1))
        assert np.array_equal(turned(points, normals, np.arange(3000)), normals)


def test_noise_accuses_nobody():
    # 0.9% of the size: areas, and with them winding numbers, are a third too large
    points = torus_points(12_000) + 0.014 * np.random.default_rng(2).normal(size=(12_000, 3))
    cloud = orient(points, np.random.default_rng(0))
    wrong = [((c.normals * outward(torus_distance, points)).sum(1) < 0).mean() for c in (cloud, overturn(cloud))]
    assert (~cloud.sure).mean() > 0.2 and wrong[1] <= wrong[0]


def test_what_is_turned_loses_its_confidence():
    points, normals = hollow_ball(1.0)
    confidence = overturn(cloud_of(points, normals, np.arange(OUTER, OUTER + INNER))).confidence
    assert (confidence[:OUTER] == 0.5).all() and (confidence[OUTER:] == 0).all()
