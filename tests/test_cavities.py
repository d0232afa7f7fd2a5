"""Which dark cavities are open: cups of thick and thin walls are, the inside of a surface with a hole is not."""

from __future__ import annotations

import numpy as np
import pytest

from sdfshape.orient import cavities, orient
from sdfshape.orient.cavities import light_cavities
from sdfshape.orient.neighbours import neighbours_of, plane_normals
from sdfshape.orient.visibility import look_around

RADIUS, BOTTOM, TOP, COUNT = 0.28, -0.8, 0.8, 12_000
INSIDE = np.array([[0.0, 0.0, BOTTOM + 0.3], [0.1, 0.0, BOTTOM + 0.4]])
pytestmark = pytest.mark.usefixtures("one_thread")


def disc(radius, z, count, rng, hole=0.0):
    r, angle = np.sqrt(rng.uniform(hole**2, radius**2, count)), rng.uniform(0, 2 * np.pi, count)
    return np.stack([r * np.cos(angle), r * np.sin(angle), np.full(count, z)], axis=1)


def tube(radius, low, high, count, rng):
    angle = rng.uniform(0, 2 * np.pi, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), rng.uniform(low, high, count)], axis=1)


def cup(wall, seed=0, count=COUNT):
    """Points (n, 3) of a cup three times as deep as wide; a wall of 0 is one layer: a surface with a hole."""
    rng, inner = np.random.default_rng(seed), RADIUS - wall
    areas = [2 * RADIUS * (TOP - BOTTOM), RADIUS**2] + ([2 * inner * (TOP - BOTTOM - wall), inner**2, RADIUS**2 - inner**2] if wall else [])
    some = rng.multinomial(count, np.array(areas) / sum(areas))
    parts = [tube(RADIUS, BOTTOM, TOP, some[0], rng), disc(RADIUS, BOTTOM, some[1], rng)]
    if wall:
        parts += [
            tube(inner, BOTTOM + wall, TOP, some[2], rng),
            disc(inner, BOTTOM + wall, some[3], rng),
            disc(RADIUS, TOP, some[4], rng, inner),
        ]
    return np.concatenate(parts)


def sky_of(points, *, flip=False):
    """The sky before and after the cavities are lit."""
    tree, distance, index = neighbours_of(points)
    spacing, normals = float(np.median(distance[:, 6])), plane_normals(points, index)[0]
    if flip:
        normals = normals * np.random.default_rng(5).choice([-1.0, 1.0], len(normals))[:, None]
    sky = look_around(tree, 1.3 * spacing, 96)
    return sky, light_cavities(sky, tree, normals, spacing, 0.06)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("wall", [0.03, 0.06, 0.1])  # 1.2, 2.4, 4 spacings: without a node in the wall, and with some
def test_the_bottom_of_a_deep_cup_is_outside(wall, flip):
    before, after = sky_of(cup(wall), flip=flip)
    assert before.seen_from(INSIDE).max() < 0.06
    assert after.seen_from(INSIDE).min() == 1
    material = np.array([[RADIUS - wall / 2, 0, 0], [0, 0, BOTTOM + wall / 2]])
    if wall == 0.1:
        assert after.seen_from(material).max() < 0.5


@pytest.mark.parametrize("noise", [0.0, 0.005, 0.01])
def test_the_inside_of_a_surface_with_a_hole_stays_dark(noise):
    points = cup(0.0) + np.random.default_rng(1).normal(0, noise, (COUNT, 3))
    before, after = sky_of(points)
    assert 0 < before.seen_from(INSIDE).max() < 0.06
    assert np.array_equal(after.visibility, before.visibility)


def test_the_material_of_a_wall_with_a_hole_stays_dark():
    """A hole in the outer wall: the material touches the sky, the cavity is its neighbour."""
    points = cup(0.1)
    hole = (np.hypot(points[:, 0], points[:, 1]) > RADIUS - 0.01) & (np.linalg.norm(points - [RADIUS, 0, -0.2], axis=1) < 0.1)
    after = sky_of(points[~hole])[1]
    assert after.seen_from(INSIDE).min() == 1
    assert after.seen_from(np.array([[-RADIUS + 0.05, 0, 0.0], [0, 0.05 - RADIUS, -0.3]])).max() < 0.06


def test_normals_of_a_cup_point_out_of_its_wall(monkeypatch):
    points = cup(0.06)
    inner = np.flatnonzero((np.hypot(points[:, 0], points[:, 1]) < RADIUS - 0.05) & (points[:, 2] < 0) & (points[:, 2] > BOTTOM + 0.1))

    def towards_the_axis():
        normals = orient(points, np.random.default_rng(0)).normals[inner]
        return (np.einsum("ni,ni->n", normals[:, :2], points[inner, :2]) < 0).mean()

    assert towards_the_axis() > 0.97
    monkeypatch.setattr(cavities, "OPEN", 1.0)
    assert towards_the_axis() < 0.9  # without the light at the bottom


def test_few_points_and_no_cavity_change_nothing():
    rng = np.random.default_rng(0)
    ball = rng.normal(size=(3000, 3))
    points = 0.7 * ball / np.linalg.norm(ball, axis=1, keepdims=True)
    for some in (points, points[:30]):
        before, after = sky_of(some)
        assert np.array_equal(after.visibility, before.visibility)
