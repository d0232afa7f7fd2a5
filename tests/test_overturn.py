"""Doubtful patches that contradict the rest are turned over, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from shapes import directions

from sdfshape.orient.neighbours import SPACING_NEIGHBOUR, neighbours_of
from sdfshape.orient.overturn import overturn

OUTER, INNER = 4000, 700


def turned(points: np.ndarray, normals: np.ndarray, doubtful: np.ndarray) -> np.ndarray:
    _, distance, index = neighbours_of(points)
    return overturn(points, normals, np.pi * distance[:, 8] ** 2 / 8, index, doubtful, float(np.median(distance[:, SPACING_NEIGHBOUR])))


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


def test_part_of_a_patch_may_be_doubtful():
    # one half of the cavity is known to face it, the other was turned by mistake
    points, normals = hollow_ball(-1.0)
    half = OUTER + np.flatnonzero(points[OUTER:, 0] > 0)
    normals[half] *= -1
    radial = (turned(points, normals, half) * points).sum(1)
    assert (radial[OUTER:] < 0).mean() > 0.99


def test_points_that_are_not_doubtful_are_left_alone():
    points, normals = hollow_ball(1.0)
    assert turned(points, normals, np.arange(OUTER)) is normals  # the cavity is wrong, but sure
    assert turned(points, normals, np.zeros(0, int)) is normals


def test_a_sheet_keeps_its_signs():
    # a square of either sign has w = +-1/2 beside it: nothing leaves [0, 1] by more than that, and turning it over only mirrors the signs
    rng = np.random.default_rng(0)
    points = np.c_[rng.uniform(-0.8, 0.8, (3000, 2)), np.zeros(3000)]
    for sign in (1.0, -1.0):
        normals = np.tile([0, 0, sign], (3000, 1))
        assert np.array_equal(turned(points, normals, np.arange(3000)), normals)
