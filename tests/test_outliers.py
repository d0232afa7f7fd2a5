"""Outliers are found by distances and planes; surfaces, whatever their density, stay."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree
from shapes import box_points, directions, sphere_points, torus_points

from sdfshape import PointCloud, outliers
from sdfshape.clean import clean
from sdfshape.outliers import find_outliers

SHAPES = {"sphere": sphere_points, "box": box_points, "torus": torus_points}


def with_strays(points: np.ndarray, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The points, then uniform strays in their box; and which are farther than four spacings from the surface."""
    rng = np.random.default_rng(seed)
    strays = rng.uniform(points.min(axis=0), points.max(axis=0), (int(share * len(points)), 3))
    tree = cKDTree(points)
    spacing = np.median(tree.query(points, k=7)[0][:, 6])
    far = tree.query(strays)[0] > 4 * spacing
    return np.concatenate([points, strays]), np.concatenate([np.zeros(len(points), bool), far])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("noise", [0.0, 0.008])
def test_a_surface_loses_nothing(shape, noise):
    points = SHAPES[shape](6000)
    points += noise * np.random.default_rng(1).normal(size=points.shape)
    assert find_outliers(points).mean() < 0.002


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.1, 0.2])
def test_uniform_strays_are_found(shape, share):
    points, far = with_strays(SHAPES[shape](12_000), share)
    found = find_outliers(points)
    assert found[far].mean() > 0.97 and found[:12_000].mean() < 0.002


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [4000, 12_000])
def test_strays_beside_the_surface_are_found_by_the_plane_that_their_neighbours_lie_in(monkeypatch, shape, count):
    """Of those that distances alone leave, farther than a spacing."""
    points = SHAPES[shape](count)
    everything, _ = with_strays(points, 0.2)
    tree = cKDTree(SHAPES[shape](200_000, 5))
    spacing = np.median(cKDTree(points).query(points, k=7)[0][:, 6])
    found = find_outliers(everything)
    monkeypatch.setattr(outliers, "STRAYS", 2.0)
    left = ~find_outliers(everything) & (tree.query(everything)[0] > spacing)
    assert left.sum() > 20 and found[left].mean() > 0.5
    assert found[:count].mean() < 0.003


def test_a_stray_that_is_nobodys_neighbour_is_asked_too(monkeypatch):
    everything, _ = with_strays(sphere_points(2500), 0.25)
    found = find_outliers(everything)
    monkeypatch.setattr(outliers, "STRAYS", 2.0)
    kept = np.flatnonzero(~find_outliers(everything))
    distance, index = cKDTree(everything[kept]).query(everything[kept], k=outliers.NEAREST + 1)
    alone = np.bincount(index[:, 1:].ravel(), minlength=len(kept)) == 0
    alone &= np.abs(np.linalg.norm(everything[kept], axis=1) - 0.7) > np.median(distance[:, 6])
    assert alone.sum() > 10 and found[kept[alone]].mean() > 0.9


def test_what_distances_find_stays_found_where_planes_would_leave_too_little(monkeypatch):
    everything, _ = with_strays(sphere_points(400), 0.25)
    monkeypatch.setattr(outliers, "STRAYS", 2.0)
    distances = find_outliers(everything)
    monkeypatch.setattr(outliers, "STRAYS", 0.0)
    assert find_outliers(everything).sum() > distances.sum() > 0
    monkeypatch.setattr(outliers, "LEAST_LEFT", int((~distances).sum()))
    assert np.array_equal(find_outliers(everything), distances)


def test_planes_are_fitted_the_same_in_parts(monkeypatch):
    everything, _ = with_strays(torus_points(3000), 0.2)
    whole = find_outliers(everything)
    monkeypatch.setattr(outliers, "CHUNK", 100)
    assert np.array_equal(find_outliers(everything), whole)


def test_the_plane_of_the_flattest_neighbours_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    near = rng.normal(size=(20, 8, 3)) * [1.0, 0.7, 0.1]
    middle, normal, deviation = outliers._planes(near, np.ones((20, 8), bool))
    for k in range(20):
        values, axes = np.linalg.svd(near[k] - near[k].mean(axis=0))[1:]
        assert np.allclose(middle[k], near[k].mean(axis=0)) and abs(normal[k] @ axes[2]) == pytest.approx(1)
        assert deviation[k] == pytest.approx(values[2] / np.sqrt(8))


def test_a_sparse_part_of_a_surface_stays():
    rng = np.random.default_rng(2)
    points = sphere_points(40_000)
    weight = 10 ** (-(points[:, 0] + 0.7) / 1.4)
    uneven = points[rng.choice(len(points), 6000, replace=False, p=weight / weight.sum())]  # ten times denser at one end
    assert find_outliers(uneven).mean() < 5e-4


@pytest.mark.parametrize("shape", SHAPES)
def test_a_sparse_part_that_distances_find_comes_back_and_strays_do_not(monkeypatch, shape):
    """Half of a shape fifteen times sparser than the other; the same with one stray in ten."""
    points = SHAPES[shape](40_000)
    rare = points[:, 0] > 0.1
    uneven = np.concatenate([points[~rare][:6000], points[rare][:400]])
    strayed, _ = with_strays(SHAPES[shape](6000), 0.1)
    lost, found = find_outliers(uneven), find_outliers(strayed)
    monkeypatch.setattr(outliers, "_surface_was_found", lambda *_: False)
    before = find_outliers(uneven)
    assert before.sum() > 20 and lost.sum() < 0.1 * before.sum()
    assert np.array_equal(find_outliers(strayed), found)


def test_an_island_beside_the_surface_stays_unless_many_strays_say_what_it_is():
    body, patch = sphere_points(4000), 0.06 * sphere_points(14, 1)
    spacing = np.median(cKDTree(body).query(body, k=7)[0][:, 6])
    for gap, stays in ((6 * spacing, True), (20 * spacing, False)):
        island = patch + np.array([0.7 + 0.06 + gap, 0, 0])
        for share in (0.0, 0.04, 0.1):
            strayed = np.concatenate([island, with_strays(body, share)[0]])
            strayed = strayed[np.r_[:14, 14 + np.flatnonzero(np.linalg.norm(strayed[14:] - island.mean(axis=0), axis=1) > 0.15)]]
            assert find_outliers(strayed)[:14].all() != (stays and share < outliers.MANY_STRAYS)


def test_two_bodies_stay_and_a_handful_far_away_does_not():
    bodies = np.concatenate([sphere_points(4000), 0.3 * sphere_points(800, 1) + [3.0, 0, 0]])
    far = 0.01 * directions(12) + [0, 5.0, 0]
    found = find_outliers(np.concatenate([bodies, far]))
    assert found[:4800].mean() < 0.002 and found[4800:].all()


@pytest.mark.parametrize("count", [1500, 2048])
def test_many_strays_of_few_points_do_not_come_back_as_surface(monkeypatch, count):
    """A box fills its box: so many strays lie between its points that those that are found seem to lie beside the rest."""
    strayed, _ = with_strays(box_points(count, 1), 0.3, 1)
    found = find_outliers(strayed)
    monkeypatch.setattr(outliers, "_surface_was_found", lambda *_: False)
    assert found.sum() > 100 and np.array_equal(find_outliers(strayed), found)


def test_what_is_closer_than_numbers_tell_apart_is_no_fault():
    nearly_one = 1e-200 * np.random.default_rng(0).normal(size=(8, 3))
    assert find_outliers(np.concatenate([sphere_points(1000) + np.array([0.7, 0, 0]), nearly_one])).mean() < 0.02


def test_units_pose_and_order_do_not_matter():
    points, _ = with_strays(torus_points(4000), 0.15)
    found = find_outliers(points)
    order = np.random.default_rng(3).permutation(len(points))
    turn = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    assert np.array_equal(find_outliers((1e3 * points @ turn.T + [5e5, 4e6, 100.0])[order]), found[order])


def test_a_cloud_that_is_a_volume_is_left_alone():
    assert find_outliers(np.random.default_rng(0).uniform(-1, 1, (3000, 3))).mean() < 0.05


def test_cleaning_counts_outliers_and_keeps_them_on_request():
    points, far = with_strays(sphere_points(3000), 0.1)
    kept, dropped = clean(PointCloud(points))
    assert dropped.outliers == len(points) - len(kept) >= 0.95 * far.sum()
    assert clean(PointCloud(points), keep_outliers=True)[1].outliers == 0


def test_outliers_stay_if_too_few_points_would_remain():
    few = np.concatenate([sphere_points(98), 50 * directions(30)])
    kept, dropped = clean(PointCloud(few))
    assert len(kept) == 128 and dropped.outliers == 0
