"""Which side is out: against analytic normals, brute-force twins, and symmetries."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from shapes import box_distance, box_points, directions, outward, sphere_distance, sphere_points, torus_distance, torus_points

from sdfshape.errors import InputError
from sdfshape.orient import OrientedCloud, WindingNumber, coherence, orient
from sdfshape.orient.neighbours import neighbours_of
from sdfshape.orient.propagate import _signs_along, elect
from sdfshape.orient.visibility import _directions, _shell, _visibility, look_around

COUNT = 6000
SHAPES = {
    "sphere": (sphere_points, sphere_distance),
    "torus": (torus_points, torus_distance),
    "box": (box_points, box_distance),
}


def two_components(count: int) -> np.ndarray:
    near = np.array([-0.5, 0, 0]) + 0.28 * directions(count // 2, 1)
    return np.vstack([near, np.array([0.5, 0, 0]) + torus_points(count // 2, 2, 0.2, 0.09)])


def two_components_distance(x: np.ndarray) -> np.ndarray:
    return np.minimum(sphere_distance(x, 0.28, (-0.5, 0, 0)), torus_distance(x - (0.5, 0, 0), 0.2, 0.09))


SHAPES["two components"] = (two_components, two_components_distance)


@cache
def oriented(name: str) -> OrientedCloud:
    return orient(SHAPES[name][0](COUNT), np.random.default_rng(0))


def wrong_share(cloud: OrientedCloud, distance) -> float:
    return float(((cloud.normals * outward(distance, cloud.points)).sum(1) <= 0).mean())


@pytest.mark.parametrize("name", list(SHAPES))
def test_normals_point_outward_for_all_but_a_thousandth(name):
    cloud = oriented(name)
    assert np.allclose(np.linalg.norm(cloud.normals, axis=1), 1)
    assert wrong_share(cloud, SHAPES[name][1]) < 1e-3


@pytest.mark.parametrize(("name", "area"), [("sphere", 4 * np.pi * 0.49), ("torus", 4 * np.pi**2 * 0.55 * 0.22)])
def test_areas_add_up_to_the_surface(name, area):
    assert oriented(name).areas.sum() == pytest.approx(area, rel=0.15)


def test_confidence_is_near_1_on_a_sphere_and_always_a_share():
    confidence = oriented("sphere").confidence
    assert confidence.min() > 0.8 and confidence.mean() > 0.97
    for name in SHAPES:
        assert 0 <= oriented(name).confidence.min() <= oriented(name).confidence.max() <= 1


def test_orientation_turns_with_the_cloud():
    cloud, turn = oriented("torus"), np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    turned = orient(cloud.points @ turn.T, np.random.default_rng(1))
    assert ((turned.normals * (cloud.normals @ turn.T)).sum(1) > 0.999).mean() > 0.999


def test_orientation_does_not_depend_on_the_order_of_points():
    cloud, order = oriented("box"), np.random.default_rng(3).permutation(COUNT)
    shuffled = orient(cloud.points[order], np.random.default_rng(1))
    assert ((shuffled.normals * cloud.normals[order]).sum(1) > 0.999).mean() > 0.999


def test_signs_are_right_on_walls_of_two_spacings_and_under_noise():
    outer, inner = 0.7 * directions(6000), 0.64 * directions(5000, 1)  # a bowl, spacing 0.043
    bowl = np.r_[outer, inner]
    expected = np.r_[outer, -inner][bowl[:, 2] < 0]
    cloud = orient(bowl[bowl[:, 2] < 0], np.random.default_rng(0))
    wrong = (cloud.normals * expected).sum(1) < 0
    assert wrong[cloud.points[:, 2] < -0.1].mean() < 0.01
    noisy = torus_points(20_000) + 0.006 * 1.54 * np.random.default_rng(2).normal(size=(20_000, 3))
    cloud = orient(noisy, np.random.default_rng(0))
    assert wrong_share(cloud, torus_distance) < 0.01


def test_the_signs_that_come_in_do_not_matter():
    cloud = oriented("torus")
    flipped = cloud.closing.outward(cloud.points, -cloud.normals)
    assert np.array_equal(flipped, -cloud.closing.outward(cloud.points, cloud.normals))
    assert np.array_equal(cloud.closing.levels(-cloud.normals, cloud.neighbours), cloud.closing.levels(cloud.normals, cloud.neighbours))


def test_a_contested_patch_is_cut_at_its_crease():
    # two plates joined at 50 degrees: edges across the crease weigh about 1 - cos 50 = 0.36, so one patch carries them first;
    # the sky of each plate is on another side of what the tree carries, so only the cut at 0.2 can satisfy both
    rng, angle = np.random.default_rng(0), np.radians(50)
    u = rng.uniform(0, 1, (1200, 2))
    plates = np.vstack([np.c_[u[:600], np.zeros(600)], np.c_[-u[600:, :1] * np.cos(angle), u[600:, 1], u[600:, 0] * np.sin(angle)]])
    normals = np.repeat([[0.0, 0, 1], [np.sin(angle), 0, np.cos(angle)]], 600, axis=0)
    normals *= rng.choice([-1.0, 1.0], size=(1200, 1))  # signs as plane fits leave them
    wanted = np.repeat([[0.0, 0, 1], [-np.sin(angle), 0, -np.cos(angle)]], 600, axis=0)
    vote = np.where(rng.uniform(size=1200) < 0.2, (normals * wanted).sum(1), 0.0)
    sign, confidence = elect(plates, normals, neighbours_of(plates)[2], vote)
    assert ((normals * sign[:, None] * wanted).sum(1) > 0.999).all()
    assert confidence.min() > 0.99


def test_a_patch_carries_the_votes_of_a_few_to_all():
    # one plate; a tenth of its points vote, a fifth of these wrongly; signs as plane fits leave them
    rng = np.random.default_rng(0)
    plate = np.c_[rng.uniform(0, 1, (600, 2)), np.zeros(600)]
    normals = np.array([0.0, 0, 1]) * rng.choice([-1.0, 1.0], size=(600, 1))
    vote = np.where(rng.uniform(size=600) < 0.1, normals[:, 2], 0.0)
    voters = np.flatnonzero(vote)
    vote[voters[::5]] *= -1
    sign, confidence = elect(plate, normals, neighbours_of(plate)[2], vote)
    assert (sign * normals[:, 2] == 1).all()
    assert confidence == pytest.approx(1 - 2 * len(voters[::5]) / len(voters))


def test_signs_by_pointer_doubling_equal_a_walk_up_the_tree():
    rng = np.random.default_rng(0)
    parent = np.array([0, *(rng.integers(max(0, i - 3), i) for i in range(1, 400))])  # deep
    parent[[50, 120]] = [50, 120]  # more than one root
    normals = directions(400)
    expected = np.ones(400)
    for i in range(400):
        j = i
        while parent[j] != j:
            expected[i] *= 1 if normals[j] @ normals[parent[j]] >= 0 else -1
            j = parent[j]
    assert np.array_equal(_signs_along(parent, normals), expected)


def test_a_closed_shell_shows_no_sky_inside_and_much_outside():
    sky = look_around(cKDTree(sphere_points(5000, radius=0.5)), 0.05, 64)
    inside, outside = 0.4 * directions(500, 1), 0.65 * directions(500, 2)
    assert sky.seen_from(inside).max() == 0 and sky.seen_from(np.zeros((1, 3))).max() == 0
    assert sky.seen_from(outside).min() > 0.3
    assert sky.seen_from(0.98 * np.array([[1.0, 1, 1], [-1, 1, -1]])).min() > 0.9


def test_beyond_the_domain_is_sky():
    sky = look_around(cKDTree(0.8 * directions(100)), 0.5, 32)  # so sparse that the shell reaches the walls of the domain
    assert (sky.seen_from(np.array([[1.01, 0, 0], [0, -1.3, 0.2]])) == 1).all() and sky.seen_from(np.zeros((1, 3))) == 0


def test_visibility_equals_a_march_from_every_node():
    g = 12
    shell = np.random.default_rng(0).random((g, g, g)) < 0.08
    fast = _visibility(shell)
    for node in np.ndindex(shell.shape):
        sees = sum(_marches_out(shell, node, direction) for direction in _directions())
        assert fast[node] == pytest.approx(sees / 98), node


def _marches_out(shell: np.ndarray, node: tuple[int, int, int], direction: tuple[int, int, int]) -> bool:
    """One ray: whole steps along the main axis, sideways by rounding the slope times the steps left to the border."""
    g, length = len(shell), max(map(abs, direction))
    main = [abs(d) for d in direction].index(length)
    to_border = g - 1 - node[main] if direction[main] > 0 else node[main]
    for left in range(to_border, -1, -1):
        # along the main axis the slope is 1 or -1, so the same formula counts whole steps
        place = tuple(n + round(d / length * to_border) - round(d / length * left) for n, d in zip(node, direction, strict=True))
        if not all(0 <= c < g for c in place):
            return True
        if shell[place]:
            return False
    return True


def test_the_directions_are_98_and_symmetric():
    these = set(_directions())
    assert len(these) == 98 and {(-x, y, z) for x, y, z in these} == {(y, z, x) for x, y, z in these} == these


@pytest.mark.parametrize(("radius", "nodes"), [(0.2, 20), (0.11, 24), (0.05, 16)])
def test_the_shell_is_all_nodes_nearer_than_its_radius(radius, nodes):
    points = np.vstack([torus_points(40, 5), [[1.0, 1, 1], [-1, -1, 0.99]]])
    places = np.stack(np.meshgrid(*[np.arange(nodes)] * 3, indexing="ij"), -1).reshape(-1, 3) * (2 / (nodes - 1)) - 1
    expected = cdist(places, points).min(axis=1) < radius
    assert np.array_equal(_shell(cKDTree(points), radius, nodes).ravel(), expected) and expected.any()


def exact_sphere(count: int = 3000) -> WindingNumber:
    normals = directions(count)
    return WindingNumber(0.7 * normals, normals, np.full(count, 4 * np.pi * 0.49 / count))


def test_winding_number_is_1_inside_and_0_outside_a_sphere():
    winding = exact_sphere()
    assert np.abs(winding(0.55 * directions(500, 1)) - 1).max() < 0.1
    assert np.abs(winding(0.85 * directions(500, 2))).max() < 0.1
    assert winding(np.zeros((1, 3)))[0] == pytest.approx(1, abs=0.01)
    assert winding(np.zeros((0, 3))).shape == (0,)


def test_winding_number_equals_the_sum_over_all_points():
    n = directions(800)
    p, a = n * (0.7, 0.5, 0.3), np.random.default_rng(0).uniform(0.5, 1.5, 800) / 800
    x = np.random.default_rng(1).uniform(-1, 1, (300, 3))
    gap = p[None] - x[:, None]
    far = np.linalg.norm(gap, axis=2).min(axis=1) > 0.1
    slow = (a * (gap * n).sum(2) / (4 * np.pi * np.linalg.norm(gap, axis=2) ** 3)).sum(1)
    assert np.abs(WindingNumber(p, n, a)(x) - slow)[far].max() < 5e-3 * np.abs(slow).max()


@pytest.mark.parametrize(
    ("spoil", "law"),
    [
        (lambda p, n, a: (np.where(np.arange(20)[:, None] == 3, np.nan, p), n, a), "points of a winding number must be finite"),
        (lambda p, n, a: (p, np.where(np.arange(20)[:, None] == 3, np.inf, n), a), "normals of a winding number must be finite"),
        (lambda p, n, a: (p, n, a * np.nan), "areas of a winding number must be finite"),
        (lambda p, n, a: (p, n[:19], a), "one normal and area a point"),
        (lambda p, n, a: (p, n, a[:19]), "one normal and area a point"),
        (lambda p, n, a: (p[:1], n[:1], a[:1]), "at least two different points"),
        (lambda p, n, a: (np.ones_like(p), n, a), "at least two different points"),
        (lambda p, n, a: (p[:0], n[:0], a[:0]), "at least two different points"),
    ],
)
def test_what_would_crash_the_native_winding_number_is_refused(spoil, law):
    p = directions(20)
    with pytest.raises(InputError, match=law):
        WindingNumber(*spoil(p, p, np.ones(20)))


def test_queries_of_a_winding_number_must_be_finite():
    with pytest.raises(InputError, match="queries of a winding number must be finite"):
        exact_sphere()(np.array([[0, 0, np.nan]]))


@pytest.mark.parametrize("name", ["sphere", "torus", "box"])
def test_coherence_is_near_1_on_solids(name):
    assert coherence(oriented(name), np.random.default_rng(0)) > 0.97


def test_coherence_is_low_on_an_open_sheet_and_on_an_inverted_sphere():
    xy = np.random.default_rng(0).uniform(-0.8, 0.8, (4000, 2))
    sheet = np.c_[xy, 0.2 * np.sin(3 * xy[:, 0]) * xy[:, 1]]
    assert coherence(orient(sheet, np.random.default_rng(0)), np.random.default_rng(0)) < 0.3
    ball = oriented("sphere")
    inverted = OrientedCloud(**{**vars(ball), "normals": -ball.normals})
    assert coherence(inverted, np.random.default_rng(0)) == 0
