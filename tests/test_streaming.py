"""Averages of a scan that comes in pieces: as many as asked for, each the mean of its points, in memory that does not grow."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from formats import GEOREFERENCED, las_bytes
from shapes import directions

from sdfshape import PointCloud
from sdfshape.errors import InputError
from sdfshape.io.pieces import Piece
from sdfshape.streaming import VoxelAverages, averaged_scan, read_scan


def pieces(count: int, size: int, seed: int = 0, **columns):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        points = directions(size, int(rng.integers(2**31))) * 10 + GEOREFERENCED
        yield Piece(points, **{name: make(points) for name, make in columns.items()})


def test_few_points_stay_as_they_are():
    scan = averaged_scan(pieces(3, 100), 1_000)
    want = np.concatenate([piece.points for piece in pieces(3, 100)])
    assert scan.voxel == 0 and scan.came == 300
    order = [np.lexsort(np.round(x, 6).T) for x in (scan.shape.points, want)]
    assert np.abs(scan.shape.points[order[0]] - want[order[1]]).max() < 1e-8


@pytest.mark.parametrize("most", [500, 5_000])
def test_between_half_and_all_of_what_is_asked_for_and_near_the_surface(most):
    scan = averaged_scan(pieces(20, 5_000), most)
    assert most / 2.2 <= len(scan.shape) <= most and scan.came == 100_000
    off = np.abs(np.linalg.norm(scan.shape.points - GEOREFERENCED, axis=1) - 10)
    assert off.max() < 3 * (2 * scan.voxel) ** 2 / 80  # averaged more than once: within two voxels


def test_every_point_counts_once():
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (30_000, 3))
    averages = VoxelAverages(200)
    for part in np.array_split(points, 7):
        averages.add(Piece(part))
    rows = averages._rows
    assert rows.weight.sum() == 30_000
    means = rows.sums / rows.weight[:, None]
    assert np.allclose((means * rows.weight[:, None]).sum(axis=0) / 30_000 + averages._origin, points.mean(axis=0))


def test_colours_intensity_and_classes_are_those_of_the_points():
    def east(points):
        return points[:, 0] > GEOREFERENCED[0]

    made = pieces(
        10,
        4_000,
        colors=lambda p: np.where(east(p)[:, None], [65535, 257, 0], [0, 257, 65535]).astype(np.uint16),
        intensity=lambda p: (p[:, 1] - GEOREFERENCED[1]) * 3,
        labels=lambda p: np.where(east(p), 6, 2),
    )
    cloud = averaged_scan(made, 2_000).shape
    clear = np.abs(cloud.points[:, 0] - GEOREFERENCED[0]) > 1
    assert (cloud.labels[clear] == np.where(east(cloud.points), 6, 2)[clear]).all()
    assert (cloud.colors[clear] == np.where(east(cloud.points)[:, None], [255, 1, 0], [0, 1, 255])[clear]).all()
    assert np.abs(cloud.intensity - 3 * (cloud.points[:, 1] - GEOREFERENCED[1])).max() < 1e-6


@pytest.mark.parametrize("mixed", [True, False])
def test_the_majority_survives_any_order(mixed):
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 2, 3], [600, 250, 150])
    labels = rng.permutation(labels) if mixed else labels
    averages = VoxelAverages(1)
    for part in np.array_split(labels, 13):
        averages.add(Piece(rng.uniform(0, 1, (len(part), 3)), labels=part))
    assert averages.cloud().labels.tolist() == [1]


def test_columns_that_later_pieces_lack_are_forgotten():
    full = Piece(directions(50), np.full((50, 3), 300, np.uint16), np.arange(50), np.arange(50.0))
    averages = VoxelAverages(1_000)
    averages.add(full)
    averages.add(Piece(2 * directions(50), intensity=np.ones(50)))
    cloud = averages.cloud()
    assert cloud.colors is None and cloud.labels is None and len(cloud) == 100 and set(cloud.intensity) >= {0.0, 1.0, 49.0}


def test_a_stray_far_away_is_a_voxel_of_its_own_and_makes_no_other_larger():
    points = np.concatenate([directions(2_000), [[1e9, 0, 0]]])
    averages = VoxelAverages(1_000)
    for part in np.array_split(np.random.default_rng(0).permutation(points), 3):
        averages.add(Piece(part))
    cloud, alone = averages.cloud(), averaged_scan([Piece(directions(2_000))], 1_000)
    far = cloud.points[:, 0] > 2
    assert averages.came == 2_001 and far.sum() == 1 and cloud.points[far][0, 0] == pytest.approx(1e9)
    assert averages.side == pytest.approx(alone.voxel, rel=0.5)


def test_rows_that_are_not_finite_are_left_out_and_none_are_refused():
    points = directions(30)
    points[:10] = np.nan
    assert averaged_scan([Piece(points)], 100).came == 20
    with pytest.raises(InputError, match="the file holds none that are finite"):
        averaged_scan([Piece(points[:10])], 100)
    with pytest.raises(InputError, match="the file holds none"):
        averaged_scan([], 100)


def test_memory_does_not_grow_with_the_scan():
    def peak(count: int) -> int:
        tracemalloc.start()
        averaged_scan(pieces(count, 50_000), 20_000)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(40) < 1.2 * peak(8)


def test_files_that_are_no_streams_are_read_as_ever(tmp_path):
    from sdfshape import write_points

    write_points(PointCloud(directions(300)), tmp_path / "a.ply")
    scan = read_scan(tmp_path / "a.ply", 100)
    assert len(scan.shape) == scan.came == 300 and scan.voxel == 0


def test_a_large_file_is_averaged_and_its_report_says_so(tmp_path):
    points = 10 * directions(30_000) + GEOREFERENCED
    classes = np.where(np.arange(30_000) < 500, 7, 2).astype(np.uint8)
    (tmp_path / "a.laz").write_bytes(las_bytes(points, ending=".laz", classification=classes))
    scan = read_scan(tmp_path / "a.laz", 2_000)
    assert len(scan.shape) <= 2_000 and scan.came == 29_500 and scan.set_aside == 500 and scan.shape.labels is not None
    report = {"input": {"path": None, "came": 9, "averaged_over": 0.0}, "seconds": {"total": 1.0}, "warnings": []}
    scan.tell(report)
    facts = report["input"]
    assert facts == {"path": str(tmp_path / "a.laz"), "came": 29_500, "averaged_over": scan.voxel, "set_aside": 500}
    assert report["warnings"] == ["500 points that the file itself marks as withheld, noise or invalid were left out"]
    with pytest.raises(InputError, match=r"b\.laz: there is no such file"):
        read_scan(tmp_path / "b.laz", 10)


def test_the_first_piece_does_not_decide_how_fine_the_voxels_are():
    ball = 2 * directions(200_000)
    scan = averaged_scan([Piece(np.zeros((1000, 3))), *(Piece(part) for part in np.array_split(ball, 4))], 1_000_000)
    assert len(scan.shape) == scan.came == 201_000 and scan.voxel == 0
    land = np.random.default_rng(0).uniform(0, 1e4, (10_000, 3)) * [1, 1, 0]
    for pieces_ in ([land, ball], [ball, land]):
        cloud = averaged_scan([Piece(p) for p in pieces_], 100_000).shape
        near = np.linalg.norm(cloud.points, axis=1) < 3
        assert near.sum() > 30_000


def test_labels_that_come_one_by_one_lead_when_they_are_most():
    places = np.random.default_rng(0).uniform(0, 1, (10, 3))
    averages = VoxelAverages(10)
    for label in [1] + 50 * [2]:
        averages.add(Piece(places, labels=np.full(10, label)))
    assert (averages.cloud().labels == 2).all()


def test_points_that_are_all_equal_are_one():
    averages = VoxelAverages(5)
    for _ in range(3):
        averages.add(Piece(np.full((4, 3), 7.0)))
    assert np.allclose(averages.cloud().points, 7.0) and averages.came == 12 and averages.averaged


def test_intensities_that_are_not_known_do_not_count():
    intensity = np.where(np.arange(4_000) % 2, 100.0, np.nan)
    intensity[1] = np.inf
    averages = VoxelAverages(100)
    averages.add(Piece(directions(4_000), intensity=intensity))
    found = averages.cloud().intensity
    assert np.isfinite(found).mean() > 0.9 and np.allclose(found[np.isfinite(found)], 100.0)
