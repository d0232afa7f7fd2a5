"""What cannot be a surface point is dropped and counted; what has no volume is refused."""

from __future__ import annotations

import numpy as np
import pytest
from shapes import directions, sphere_points

from sdfshape import PointCloud
from sdfshape.clean import MINIMUM_POINTS, Dropped, clean
from sdfshape.errors import DegenerateCloudError, InputError

SLANTED = np.array([0.36, 0.48, 0.8])


def test_a_good_cloud_passes_as_it_came():
    cloud = PointCloud(sphere_points(300))
    kept, dropped = clean(cloud)
    assert dropped == Dropped(len(cloud)) and np.array_equal(kept.points, cloud.points)


def test_rows_that_are_not_finite_are_dropped_and_counted():
    points = sphere_points(300)
    points[[3, 50, 299]] = [[np.nan, 0, 0], [0, np.inf, 0], [0, 0, -np.inf]]
    kept, dropped = clean(PointCloud(points))
    assert dropped == Dropped(300, non_finite=3)
    assert np.array_equal(kept.points, np.delete(points, [3, 50, 299], axis=0))


def test_duplicates_keep_their_first_row_and_the_order():
    points = sphere_points(300)
    rows = np.concatenate([np.arange(300), [5, 5, 0], np.arange(10)])
    kept, dropped = clean(PointCloud(points[rows]))
    assert dropped == Dropped(len(rows), duplicates=13) and np.array_equal(kept.points, points)
    shuffled = np.random.default_rng(0).permutation(300)
    assert np.array_equal(clean(PointCloud(points[shuffled]))[0].points, points[shuffled])


def test_columns_follow_the_rows_that_stay():
    points = np.vstack([sphere_points(200), sphere_points(200)[:20], np.full((5, 3), np.nan)])
    points = points[np.random.default_rng(1).permutation(225)]
    number = np.arange(225)
    colors = np.stack([number, number, number], -1).astype(np.uint8)
    kept, dropped = clean(PointCloud(points, normals=2 * points, colors=colors, labels=number))
    assert dropped == Dropped(225, 5, 20) and len(kept) == 200
    assert np.array_equal(kept.normals, 2 * kept.points) and np.array_equal(points[kept.labels], kept.points)
    assert np.array_equal(kept.colors[:, 0], kept.labels.astype(np.uint8)) and (np.diff(kept.labels) > 0).all()


def test_the_smallest_cloud_has_100_points():
    assert len(clean(PointCloud(sphere_points(MINIMUM_POINTS)))[0]) == MINIMUM_POINTS == 100
    points = np.vstack([sphere_points(99), sphere_points(99), np.full((7, 3), np.nan)])
    with pytest.raises(DegenerateCloudError, match=r"at least 100 .* got 99 \(205 rows, 7 not finite, 99 duplicates\)"):
        clean(PointCloud(points))
    with pytest.raises(DegenerateCloudError, match="got 0"):
        clean(PointCloud(np.zeros((0, 3))))


def test_equal_points_are_refused():
    with pytest.raises(DegenerateCloudError, match="all 500 are equal"):
        clean(PointCloud(np.vstack([np.full((500, 3), 4.5), [[np.nan, 0, 0]]])))


@pytest.mark.parametrize("offset", [0.0, 7.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("direction", [np.array([1.0, 0, 0]), SLANTED])
def test_a_line_is_refused_in_every_direction_and_precision(direction, dtype, offset):
    along = np.random.default_rng(0).uniform(-10, 10, (500, 1))
    points = (along * direction + offset).astype(dtype)
    with pytest.raises(DegenerateCloudError, match="lie on one line"):
        clean(PointCloud(points))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("normal", [np.array([0.0, 0, 1]), SLANTED])
def test_a_plane_is_refused_in_every_direction_and_precision(normal, dtype):
    points = np.random.default_rng(0).uniform(-10, 10, (500, 3))
    points -= (points @ normal)[:, None] * normal
    with pytest.raises(DegenerateCloudError, match="lie in one plane"):
        clean(PointCloud(points.astype(dtype)))


def test_thin_is_not_flat():
    thin = directions(500) * (1, 1, 1e-4)
    assert len(clean(PointCloud(thin))[0]) == 500


def test_a_box_that_overflows_is_refused():
    with pytest.raises(DegenerateCloudError, match="must be below 1e"):
        clean(PointCloud(directions(500) * 1.7e308))


@pytest.mark.parametrize("size", [1e-90, 1e-6, 1e6, 1e90])
def test_units_do_not_matter(size):
    assert len(clean(PointCloud(directions(500) * size))[0]) == 500


@pytest.mark.parametrize("size", [1e101, 1e150, 1e300])
def test_coordinates_whose_volumes_would_overflow_are_refused_by_name(size):
    with pytest.raises(InputError, match="coordinates must be below"):
        clean(PointCloud(directions(500) * size))
