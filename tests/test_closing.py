"""Closing by a rolling ball: places whose side is known from geometry, the exactness of the shore, the thickness of thin parts."""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from shapes import box_distance, box_points, directions

from sdfshape.orient import OrientedCloud, orient
from sdfshape.orient import places as places_module
from sdfshape.orient.closing import GAP, MIDPOINT_NEIGHBOURS, OFF_PLANE, SECTORS, _with_midpoints
from sdfshape.orient.neighbours import neighbours_of, plane_normals
from sdfshape.orient.oriented import MOST_LEAST
from sdfshape.orient.places import draw_places, in_order
from sdfshape.sample.evidence import wrapped_evidence


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def closed(points: np.ndarray, thickness: float = 0.01) -> OrientedCloud:
    return orient(points, generator(), thickness)


def sides(cloud: OrientedCloud, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return cloud.closing.sides(places, cloud.closing.levels(cloud.normals, cloud.neighbours))


def plate(z: float, count: int = 6000, seed: int = 0) -> np.ndarray:
    xy = np.random.default_rng(seed).uniform(-0.7, 0.7, (count, 2))
    return np.c_[xy, np.full(count, z)]


def middle(z: np.ndarray) -> np.ndarray:
    """Places at heights z over the middle of a plate, away from its rim."""
    return np.c_[np.random.default_rng(9).uniform(-0.5, 0.5, (len(z), 2)), z]


BALL = closed(0.7 * directions(6000))


def deepest_dip() -> float:
    """How deep a ball of radius tau sinks into the largest gap between points on the sphere (of radius r there), and the chord's sag."""
    tau, r = BALL.closing.tau, BALL.closing.dense.query(0.7 * directions(100_000, 8))[0].max()
    return float(tau - np.sqrt(tau**2 - r**2) + r**2 / (2 * 0.7))


def test_a_ball_is_solid_and_its_surface_passes_through_the_points():
    radius = np.random.default_rng(1).uniform(0.3, 0.95, 4000)
    inside, outside, _ = sides(BALL, radius[:, None] * directions(4000, 2))
    dip, sampling = deepest_dip(), 0.1 * BALL.spacing
    assert inside[radius < 0.7 - dip - sampling].all() and outside[radius > 0.7 + sampling].all()
    assert not (inside & outside).any()


def test_a_box_is_solid_but_for_its_edges():
    cloud = closed(box_points(12_000))
    places = np.random.default_rng(2).uniform(-0.95, 0.95, (20_000, 3))
    inside, outside, _ = sides(cloud, places)
    f, slack = box_distance(places), 0.3 * cloud.spacing + 0.3 * cloud.closing.least
    assert inside[f < -slack].all() and outside[f > slack].all()


def test_a_solid_keeps_the_level_of_the_closing():
    assert BALL.closing.levels(BALL.normals, BALL.neighbours) == pytest.approx(BALL.closing.tau, rel=0.05)


def test_no_place_can_reach_the_surface_within_its_free_distance():
    radius = np.random.default_rng(3).uniform(0.2, 0.95, 4000)
    _, _, free = sides(BALL, radius[:, None] * directions(4000, 4))
    assert (free <= np.abs(radius - 0.7) + deepest_dip() + 0.1 * BALL.spacing).all()
    assert np.median(free / np.abs(radius - 0.7)) > 0.8  # and it is no empty promise


@pytest.mark.parametrize("count", [800, 6000, pytest.param(150_000, marks=pytest.mark.slow)])  # the last: the smallest ball
def test_the_shore_is_one_radius_outside(count):
    cloud = BALL if count == 6000 else closed(0.7 * directions(count))
    shore = cloud.closing.shore.data
    assert len(shore) > 3 * count
    assert cloud.closing.dense.query(shore)[0] == pytest.approx(cloud.closing.tau, rel=1e-9)
    assert np.linalg.norm(shore, axis=1).min() > 0.7  # none inside: no line of sight passes through the shell


@pytest.mark.parametrize("count", [100, 300, 1000])
def test_few_points_near_the_walls_of_the_domain_are_a_ball_still(count):
    cloud = closed(0.8 * directions(count))
    assert ((cloud.normals * cloud.points).sum(1) > 0).all()
    radius = np.r_[np.random.default_rng(3).uniform(0, 0.6, 500), np.full(500, 0.99)]
    inside, outside, _ = sides(cloud, radius[:, None] * directions(1000, 4))
    assert inside[:500].mean() > 0.95 and outside[500:].mean() > (0.5 if count == 100 else 0.99)


def test_depth_is_the_distance_to_where_the_ball_can_be():
    radius = np.random.default_rng(3).uniform(0.5, 0.7, 2000)
    error = BALL.closing.depth(radius[:, None] * directions(2000, 5)) - (0.7 + BALL.closing.tau - radius)
    sampling = 0.1 * BALL.spacing
    assert error.max() < sampling and error.min() > -deepest_dip() - sampling and abs(error.mean()) < 0.05 * BALL.spacing


def test_a_sheet_becomes_a_slab_of_the_least_thickness():
    cloud = closed(plate(0.0), 0.04)
    assert cloud.closing.least == 0.02
    z = np.random.default_rng(5).uniform(-0.1, 0.1, 3000)
    inside, outside, _ = sides(cloud, middle(z))
    assert inside[np.abs(z) < 0.8 * 0.02].all() and outside[np.abs(z) > 1.2 * 0.02].all()


def test_a_sheet_thicker_than_the_ball_is_wide_gets_a_wider_ball():
    cloud = closed(plate(0.0, count=30_000), 0.08)
    z = np.random.default_rng(5).uniform(-0.1, 0.1, 3000)
    inside, outside, _ = sides(cloud, middle(z))
    assert inside[np.abs(z) < 0.8 * 0.04].all() and outside[np.abs(z) > 1.2 * 0.04].all()


@pytest.mark.parametrize("half", [0.004, 0.008, 0.012])
def test_a_thin_board_of_two_walls_becomes_as_thick_as_stated(half):
    z = np.random.default_rng(6).uniform(-0.2, 0.2, 6000)
    cloud = closed(np.concatenate([plate(-half), plate(half, seed=1)]), 0.04)
    inside, outside, _ = sides(cloud, middle(z))
    slack = 0.35 * cloud.spacing
    assert cloud.closing.least == 0.02
    assert inside[np.abs(z) < 0.02 - slack].all() and outside[np.abs(z) > 0.02 + slack].all()


def test_sparse_points_make_thin_parts_thicker():
    cloud = closed(plate(0.0, count=1500), 0.001)
    assert cloud.closing.least == pytest.approx(0.35 * cloud.spacing)
    assert closed(plate(0.0, count=150), 0.001).closing.least == MOST_LEAST


def test_midpoints_join_the_nearest_in_every_sector_of_the_plane():
    points = np.concatenate([plate(0.0, 150), plate(0.05, 150, seed=1)])
    cloud, _, index = neighbours_of(points)
    normals = np.tile([0.0, 0, 1], (300, 1))
    limit = GAP * 0.2
    twin = set()
    for i, p in enumerate(points):
        found = {}
        for j in cloud.query(p, k=MIDPOINT_NEIGHBOURS)[1]:
            gap = points[j] - p
            length = np.linalg.norm(gap)
            if j == i or length >= limit or abs(gap[2]) >= OFF_PLANE * length:
                continue
            # the frame of the plane with normal z in the program: u = z x ex = ey, v = z x u = -ex
            sector = int(np.floor((np.arctan2(-gap[0], gap[1]) / (2 * np.pi) + 0.5) * SECTORS)) % SECTORS
            found.setdefault(sector, (min(i, j), max(i, j)))
        twin |= set(found.values())
    expected = np.array([points[list(pair)].mean(axis=0) for pair in sorted(twin)])
    fast = _with_midpoints(cloud, normals, limit)
    assert np.array_equal(fast[:300], points)
    assert fast[300:] == pytest.approx(expected, abs=1e-15) and len(expected) > 300
    assert index.shape == (300, 12)


def test_midpoints_narrow_the_gaps_of_a_plane():
    points = plate(0.0, 3000)
    cloud, _, index = neighbours_of(points)
    dense = cKDTree(_with_midpoints(cloud, plane_normals(points, index)[0], 0.2))
    places = middle(np.zeros(20_000))
    narrow, wide = dense.query(places)[0], cloud.query(places)[0]
    assert narrow.max() < 0.8 * wide.max() and narrow.mean() < 0.6 * wide.mean()


def test_wrapped_evidence_keeps_walkers_away_from_the_surface():
    """The level of the closing is averaged over neighbours: the slab's faces stand where they should but for a place in a thousand."""
    wrong = moves_too_far = count = 0
    for seed in range(3):
        evidence = wrapped_evidence(closed(plate(0.0), 0.04), 20_000, np.random.default_rng(seed))
        for side, sign in ((evidence.inside, -1), (evidence.outside, 1)):
            rows = side[(np.abs(side[:, :2]) < 0.5).all(axis=1)]
            way = sign * (np.abs(rows[:, 2]) - 0.02)  # distance to the slab's faces, positive on the right side
            assert way.min() > -0.5 * 0.02 and len(rows) > 1000 and np.median(rows[way > 0.012, 3]) > 0.001
            wrong, count = wrong + int((way < -0.2 * 0.02).sum()), count + len(rows)
            moves_too_far += int((rows[:, 3] > np.maximum(way, 0)).sum())
    assert wrong < 1e-3 * count and moves_too_far < 1e-4 * count


# --- places


def test_the_curve_is_a_permutation_that_keeps_neighbours_together():
    places = np.random.default_rng(7).uniform(-1, 1, (5000, 3))
    ordered = in_order(places)
    assert np.array_equal(np.sort(ordered, axis=0), np.sort(places, axis=0))
    step = np.linalg.norm(np.diff(ordered, axis=0), axis=1)
    assert step.mean() < 0.25 * np.linalg.norm(np.diff(places, axis=0), axis=1).mean()


def test_places_are_near_the_points_and_some_in_and_around_their_box():
    points = 0.3 * directions(10_000)
    places = draw_places(points, (0.01, 0.02, 0.04), 20_000, generator())
    assert (np.abs(places) <= 1).all() and 0.95 * 20_000 < len(places) <= 20_000
    distance = np.abs(np.linalg.norm(places, axis=1) - 0.3)
    assert 0.6 < (distance < 0.05).mean() < 0.9


def test_the_uniform_places_fill_the_box_of_the_points_and_a_little_more(monkeypatch):
    monkeypatch.setattr(places_module, "UNIFORM_SHARE", 1.0)
    points = np.random.default_rng(0).uniform((-0.8, -0.2, -0.4), (0.8, 0.2, 0.4), (5000, 3))
    places = draw_places(points, (0.01, 0.02, 0.04), 20_000, generator())
    assert np.allclose(np.abs(places).max(axis=0), (0.95, 0.35, 0.55), atol=2e-3)
    assert np.allclose((np.abs(places) < (0.475, 0.175, 0.275)).mean(axis=0), 0.5, atol=0.02)
