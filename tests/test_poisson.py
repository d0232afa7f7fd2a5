"""The classical method behind our door."""

from __future__ import annotations

import numpy as np
import pytest
from shapes import icosphere

from sdfshape import PointCloud
from sdfshape.errors import InputError
from sdfshape.evaluate.metrics import distances_to_mesh
from sdfshape.sample.surface import cloud_of_mesh

BALL = icosphere(1.0, subdivisions=4)
FAR = np.array([4e5, 5e6, 100.0])


@pytest.mark.parametrize("normals", ["propagated", "given"])
def test_a_sphere_far_from_the_origin_comes_back_where_it_was(normals: str):
    pytest.importorskip("open3d", reason="Open3D is not installed")
    from sdfshape.baselines import screened_poisson

    cloud = cloud_of_mesh(BALL, 4000, 0, normals=True)
    mesh = screened_poisson(PointCloud(cloud.points + FAR, normals=cloud.normals), depth=6, normals=normals)
    assert np.abs(np.linalg.norm(mesh.vertices - FAR, axis=1) - 1).max() < 0.02


def test_what_it_cannot_be_given_is_refused():
    from sdfshape.baselines import screened_poisson

    cloud = cloud_of_mesh(BALL, 500, 0)
    with pytest.raises(InputError, match="depth"):
        screened_poisson(cloud, depth=20)
    with pytest.raises(InputError, match="given normals"):
        screened_poisson(cloud, normals="given")


def test_distances_to_a_mesh_are_exact():
    points = np.array([[0.0, 0, 2], [0.25, 0.25, -1], [3.0, 0, 0]])
    triangle = type(BALL)(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))
    assert np.allclose(distances_to_mesh(points, triangle), [2, 1, 2])
    with pytest.raises(InputError, match="faces"):
        distances_to_mesh(points, type(BALL)(triangle.vertices, np.zeros((0, 3), np.int64)))
