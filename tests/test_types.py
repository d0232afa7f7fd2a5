"""The border: what is refused, by name, and what is promised of what passes."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from sdfshape import Mesh, PointCloud, reconstruct, reconstruct_tiles
from sdfshape.cleaning import clean_scan
from sdfshape.errors import InputError
from sdfshape.parts import reconstruct_parts
from sdfshape.types import as_points

P = np.arange(12.0).reshape(4, 3)
RED = np.arange(12, dtype=np.uint8).reshape(4, 3)
TRIANGLE = np.array([[0, 1, 2]])


@pytest.mark.parametrize(
    ("make", "law"),
    [
        (lambda: as_points(np.zeros((5, 2)), "places"), r"places must be \(n, 3\), got shape \(5, 2\)"),
        (lambda: as_points(np.zeros(3)), r"points must be \(n, 3\), got shape \(3,\)"),
        (lambda: as_points("abc"), r"points must be \(n, 3\) numbers, got str"),
        (lambda: as_points([[1, 2, 3], [1, 2]]), r"points must be \(n, 3\) numbers, got list"),
        (lambda: as_points([[0, 0, np.nan], [0, 0, 0], [np.inf, 0, 0]]), "points must be finite, 2 of 3 rows"),
        (lambda: PointCloud(P[:, :2]), r"points must be \(n, 3\)"),
        (lambda: PointCloud(P, normals=P[:3]), "normals must have one row a point, got 3 for 4"),
        (lambda: PointCloud(P, normals=P[:, :2]), r"normals must be \(n, 3\)"),
        (lambda: PointCloud(P, colors=RED[:3]), r"colors must be \(4, 3\) uint8"),
        (lambda: PointCloud(P, colors=RED / 255), r"colors must be \(4, 3\) uint8, got \(4, 3\) float64"),
        (lambda: PointCloud(P, labels=[0, 1, 2]), r"labels must be \(4,\) integers"),
        (lambda: PointCloud(P, labels=[0.0, 1, 2, 3]), r"labels must be \(4,\) integers, got \(4,\) float64"),
        (lambda: PointCloud(np.full((2, 3), np.nan)).bounds, "finite points to have bounds, got 2 rows and none"),
        (lambda: Mesh(P * np.nan, TRIANGLE), "vertices must be finite"),
        (lambda: Mesh(P, [[0, 1, 4]]), "faces must index 4 vertices, got 0 to 4"),
        (lambda: Mesh(P, [[0, -1, 2]]), "faces must index 4 vertices, got -1 to 2"),
        (lambda: Mesh(P, [[0, 1, 2, 3]]), r"faces must be \(t, 3\) integers"),
        (lambda: Mesh(P, [[0.0, 1.0, 2.0]]), r"faces must be \(t, 3\) integers, got \(1, 3\) float64"),
        (lambda: Mesh(P, TRIANGLE, colors=RED[:2]), r"colors must be \(4, 3\) uint8"),
        (lambda: Mesh(np.zeros((0, 3)), []).bounds, "must have vertices"),
    ],
)
def test_a_broken_law_is_an_input_error_that_names_it(make, law):
    with pytest.raises(InputError, match=law):
        make()


def test_arrays_are_copies_that_cannot_be_written():
    points, faces, colors, labels = P.copy(), TRIANGLE.copy(), RED.copy(), np.arange(4)
    cloud, mesh = PointCloud(points, normals=points, colors=colors, labels=labels), Mesh(points, faces, colors)
    for array in (cloud.points, cloud.normals, cloud.colors, cloud.labels, mesh.vertices, mesh.faces, mesh.colors):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    before = (cloud.points.copy(), mesh.faces.copy(), cloud.colors.copy(), cloud.labels.copy())
    points[:], faces[:], colors[:], labels[:] = 99, 3, 99, 99
    assert all(map(np.array_equal, before, (cloud.points, mesh.faces, cloud.colors, cloud.labels)))


def test_dtypes_are_canonical_whatever_came():
    cloud = PointCloud(P.astype(np.float32), labels=np.arange(4, dtype=np.uint8))
    mesh = Mesh(np.asfortranarray(P), TRIANGLE.astype(np.int32))
    assert cloud.points.dtype == mesh.vertices.dtype == np.float64 and mesh.vertices.flags.c_contiguous
    assert cloud.labels.dtype == mesh.faces.dtype == np.int64


@pytest.mark.parametrize("rows", [np.array([True, False, True, False]), np.array([3, 0, 0]), slice(1, 3)])
def test_every_column_follows_the_rows(rows):
    cloud = PointCloud(P, normals=-P, colors=RED, labels=np.array([5, 6, 7, 8]))
    some = cloud[rows]
    assert np.array_equal(some.points, P[rows]) and np.array_equal(some.normals, -P[rows])
    assert np.array_equal(some.colors, RED[rows]) and np.array_equal(some.labels, np.array([5, 6, 7, 8])[rows])
    assert PointCloud(P)[rows].colors is None and len(PointCloud(P)[rows]) == len(P[rows])


def test_bounds_are_of_the_finite_points():
    cloud = PointCloud(np.vstack([P, [[np.nan, 1e9, 0]], [[np.inf, 0, 0]]]))
    assert np.array_equal(cloud.bounds, [[0, 1, 2], [9, 10, 11]])
    assert np.array_equal(Mesh(P, TRIANGLE).bounds, [[0, 1, 2], [9, 10, 11]])


def test_no_faces_are_faces():
    assert Mesh(P, []).faces.shape == (0, 3)


@pytest.mark.parametrize("cloud", ["scan.ply", np.zeros((200, 3)), None])
def test_what_is_no_cloud_is_told_how_to_become_one(cloud):
    for make in (reconstruct, clean_scan, reconstruct_parts, partial(reconstruct_tiles, tiles=2)):
        with pytest.raises(InputError, match=r"a cloud must be a PointCloud, got .*read_points"):
            make(cloud)
