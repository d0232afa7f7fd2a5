"""Averages over voxels: few enough, near the surface, without strays, wherever the cloud is."""

from __future__ import annotations

import numpy as np
import pytest
from shapes import directions, rings

from sdfshape import PointCloud, reconstruct
from sdfshape.thin import FEWEST, LOOKED_AT, averages, enough_points
from sdfshape.train.config import NetworkConfig, OptimizerConfig, TrainConfig

MOST = 3000


def thinned(points: np.ndarray, **columns: np.ndarray) -> tuple[PointCloud, float]:
    kept, side, _ = enough_points(PointCloud(points, **columns), MOST, np.random.default_rng(0), keep_outliers=False)
    return kept, side


def off_sphere(points: np.ndarray) -> np.ndarray:
    return np.abs(np.linalg.norm(points, axis=1) - 1)


def test_a_small_cloud_stays_as_it_is():
    points = directions(MOST)
    kept, side = thinned(points)
    assert side == 0 and np.array_equal(kept.points, points)


@pytest.mark.parametrize("times", [2, 20])
def test_about_as_many_as_asked_for_and_on_the_surface_up_to_its_curvature(times: int):
    kept, side = thinned(directions(times * MOST))
    assert 0.8 * MOST < len(kept) <= MOST
    # a cap of a sphere as wide as a voxel's diagonal is 3 side^2 / 8 high
    assert off_sphere(kept.points).max() < 3 * side**2 / 8 * (1 + 1e-9)


def test_strays_do_not_fill_the_voxels():
    rng = np.random.default_rng(1)
    strays = rng.uniform(-1.2, 1.2, (10 * MOST, 3))
    kept, _ = thinned(rng.permutation(np.concatenate([directions(40 * MOST), strays])))
    assert len(kept) > 0.7 * MOST
    assert (off_sphere(kept.points) > 0.1).mean() < 0.005


def test_far_from_the_origin_nothing_changes():
    points, shift = directions(10 * MOST), np.array([5e5, 4e6, 100.0])
    near, far = thinned(points)[0].points, thinned(points + shift)[0].points - shift
    assert len(near) == len(far) and np.abs(np.sort(near, axis=0) - np.sort(far, axis=0)).max() < 1e-7


def test_every_point_of_a_voxel_counts_once():
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (500, 3))
    cloud = PointCloud(points, normals=np.tile([0.0, 0.0, 2.0], (500, 1)), colors=rng.integers(0, 256, (500, 3)).astype(np.uint8))
    one = averages(cloud, np.zeros(3), 1.0, among=_numbers([[0, 0, 0]]))
    assert np.allclose(one.points, points.mean(axis=0)) and np.array_equal(one.normals, [[0, 0, 1]])
    assert np.array_equal(one.colors, np.rint(cloud.colors.mean(axis=0, keepdims=True)))
    assert len(averages(cloud, np.zeros(3), 0.5, among=_numbers([[0, 0, 0], [1, 1, 1], [5, 5, 5]]))) == 2


def _numbers(cells: list[list[int]]) -> np.ndarray:
    from sdfshape.thin import _voxels

    return _voxels(np.array(cells) + 0.5, 1.0)


def test_a_normal_that_is_not_finite_says_nothing_and_length_is_no_weight():
    normals = np.tile([0.0, 0.0, 1.0], (100, 1))
    normals[0], normals[1] = np.nan, [0.0, 1e6, 0.0]
    one = averages(
        PointCloud(np.random.default_rng(0).uniform(0, 1, (100, 3)), normals=normals), np.zeros(3), 1.0, among=_numbers([[0, 0, 0]])
    )
    assert one.normals[0, 2] > 0.999


def test_an_intensity_that_is_not_known_takes_no_part():
    intensity = np.arange(100.0)
    intensity[:90] = np.nan
    points = np.random.default_rng(0).uniform(0, 1, (100, 3))
    one = averages(PointCloud(points, intensity=intensity), np.zeros(3), 1.0, among=_numbers([[0, 0, 0]]))
    assert one.intensity == pytest.approx([94.5])
    none = averages(PointCloud(points, intensity=np.full(100, np.nan)), np.zeros(3), 1.0, among=_numbers([[0, 0, 0]]))
    assert np.isnan(none.intensity).all()


def test_rows_that_are_not_finite_take_no_places_from_those_that_are():
    points = np.full((20 * MOST, 3), np.nan)
    points[::10] = directions(2 * MOST)
    kept, side, dropped = enough_points(PointCloud(points), MOST, np.random.default_rng(0), keep_outliers=False)
    assert side > 0 and len(kept) > 0.8 * MOST
    assert dropped.looked_at == len(points) and dropped.non_finite == 18 * MOST


@pytest.mark.parametrize("count", [20_000, 200_000])
def test_points_along_sections_are_averaged_until_they_are_as_far_apart_along_them_as_across(count):
    kept, side, _ = enough_points(PointCloud(rings(25, count)), 60_000, np.random.default_rng(0), keep_outliers=True)
    assert 0.25 * 2 / 25 < side < 1.5 * 2 / 25 and len(kept) >= FEWEST
    assert len(np.unique(np.round(kept.points[:, 2], 9))) == 25  # no average is of two sections
    assert off_sphere(kept.points).max() < 3 * side**2 / 8 / np.sqrt(1 - 0.96**2)  # the smallest ring is bent most
    turned = enough_points(PointCloud(1e3 + 7 * kept.points), 60_000, np.random.default_rng(0), keep_outliers=True)
    assert turned[1] == 0 and len(turned[0]) == len(kept)  # once is enough


def test_a_sketch_of_wires_and_a_surface_stay_as_they_are():
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 3_000)
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    for points in (np.concatenate([ring, ring[:, [2, 0, 1]]]), directions(5_000)):
        kept, side, _ = enough_points(PointCloud(points), 60_000, np.random.default_rng(0), keep_outliers=True)
        assert side == 0 and np.array_equal(kept.points, points)


def test_the_report_says_what_came_and_what_was_taken():
    config = TrainConfig(network=NetworkConfig(networks=2, width=8, depth=2), optimizer=OptimizerConfig(steps=5), points=MOST)
    came = 2 * LOOKED_AT * MOST
    facts = reconstruct(PointCloud(directions(came)), config=config, resolution=32, keep_all=True).report["input"]
    assert facts["came"] == came and facts["points"] <= MOST and facts["averaged_over"] > 0
    assert facts["dropped"]["looked_at"] == LOOKED_AT * MOST
