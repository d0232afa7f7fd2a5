"""Points in the gaps of walls: what is filled, what is not, and the triangles against a slow twin."""

from itertools import combinations

import numpy as np
import pytest
from scipy.spatial import Delaunay
from shapes import directions

from sdfshape.orient import gaps
from sdfshape.orient.gaps import FLAT, JITTER, NARROWEST, WIDEST, in_gaps


def plate(count: int) -> np.ndarray:
    xy = np.random.default_rng(0).uniform(-0.7, 0.7, (count, 2))
    return np.c_[xy, np.zeros(count)]


def holed_plate(hole: float, count: int = 4000) -> np.ndarray:
    points = plate(count)
    return points[np.linalg.norm(points[:, :2], axis=1) > hole]


@pytest.mark.parametrize(("hole", "filled"), [(0.9, True), (1.1, True), (1.6, False)])
def test_a_gap_of_a_wall_is_filled_unless_it_is_much_wider_than_the_ball(hole, filled):
    tau = 0.06
    points = holed_plate(hole * tau)
    more = in_gaps(points, np.tile([0.0, 0, -1], (len(points), 1)), tau, np.random.default_rng(0))
    assert np.abs(more[:, 2]).max() == 0
    deepest = np.linalg.norm(more[:, :2], axis=1).min()
    assert deepest < 0.35 * hole * tau if filled else deepest > 0.6 * hole * tau


def test_nothing_is_filled_across_a_crease_or_between_walls():
    floor, tau = plate(4000), 0.06
    wall = np.stack([np.full(len(floor), floor[:, 0].min()), floor[:, 1], np.abs(floor[:, 0]) + 0.01], axis=1)
    above = floor + np.array([0, 0, 0.5 * tau])
    points = np.concatenate([floor, wall, above])
    normals = np.repeat([[0.0, 0, 1], [1, 0, 0], [0, 0, 1]], len(floor), axis=0)
    more = in_gaps(points, normals, tau, np.random.default_rng(0))
    heights, aside = np.abs([more[:, 2], more[:, 2] - 0.5 * tau]).min(axis=0), np.abs(more[:, 0] - wall[0, 0])
    lean = WIDEST * tau * 2 * np.sqrt(1 - FLAT**2)  # a triangle may lean so far off the plane of its corners
    assert len(more) > len(points) and (np.minimum(heights, aside) < lean).all()
    assert ((heights > 1e-12) & (aside > 1e-12)).mean() < 0.01


def test_the_triangles_are_those_of_a_slow_twin():
    points = plate(60) + 0.01 * np.random.default_rng(3).normal(size=(60, 3))
    normals, tau = np.tile([0.0, 0, 1], (60, 1)), 0.2
    rng = np.random.default_rng(0)
    tetrahedra = Delaunay(points + JITTER * tau * np.random.default_rng(0).uniform(-1, 1, points.shape)).simplices
    sides, middles = set(), []
    for i, j, k in {tuple(sorted(face)) for four in tetrahedra for face in combinations(four.tolist(), 3)}:
        a, b, c = points[[i, j, k]]
        x = np.cross(b - a, c - a)
        # the centre of the circle through the corners, as seen from a
        centre = (np.cross(x, b - a) * ((c - a) @ (c - a)) + np.cross(c - a, x) * ((b - a) @ (b - a))) / (2 * x @ x)
        if NARROWEST * tau < np.linalg.norm(centre) < WIDEST * tau and abs(x[2]) / np.linalg.norm(x) > FLAT:
            sides |= {(i, j), (i, k), (j, k)}
            middles.append((a + b + c) / 3)
    expected = np.array([points[list(pair)].mean(axis=0) for pair in sides] + middles)
    found = in_gaps(points, normals, tau, rng)
    order = [np.lexsort(np.round(rows, 12).T) for rows in (found, expected)]
    assert np.allclose(found[order[0]], expected[order[1]], atol=1e-14) and len(middles) > 20


def test_points_on_one_sphere_are_filled_and_too_many_are_not(monkeypatch):
    points = directions(5000)  # Delaunay's triangulation of exactly these takes 20 s
    assert len(in_gaps(points, points, 0.1, np.random.default_rng(0))) > 5000
    monkeypatch.setattr(gaps, "MOST_POINTS", 4999)
    assert in_gaps(points, points, 0.1, np.random.default_rng(0)).shape == (0, 3)
