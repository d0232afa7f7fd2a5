"""Distances between surfaces whose distance is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from shapes import icosphere

from sdfshape import Mesh
from sdfshape.errors import InputError
from sdfshape.evaluate import compare
from sdfshape.evaluate.report import metric_facts
from sdfshape.sample.surface import cloud_of_mesh, sample_surface

UNIT, LARGER = icosphere(1.0, subdivisions=5), icosphere(1.2, subdivisions=5)


def flipped(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices, mesh.faces[:, ::-1])


def test_chamfer_of_concentric_spheres_is_twice_the_radius_gap():
    seen = compare(LARGER, UNIT, samples=40_000)
    assert 0.4 * 0.995 < seen.chamfer_l1_sum < 0.4 * 1.01
    assert seen.accuracy == pytest.approx(0.2, rel=0.01) and seen.completeness == pytest.approx(0.2, rel=0.01)
    assert seen.chamfer_l1_sum == seen.accuracy + seen.completeness
    assert 0.199 < seen.hausdorff < 0.22 and seen.f_score == 0


def test_metrics_equal_all_pairs():
    a, b = icosphere(1.0, subdivisions=3), icosphere(1.1, (0.1, 0, 0), subdivisions=3)
    seen = compare(a, b, samples=500, tau=0.12, seed=4)
    (p, n), (q, m) = sample_surface(a, 500, 4)[:2], sample_surface(b, 500, 5)[:2]
    pairs = cdist(p, q)
    there, back = pairs.min(axis=1), pairs.min(axis=0)
    precision, recall = (there < 0.12).mean(), (back < 0.12).mean()
    normals = (n @ m.T)[np.arange(500), pairs.argmin(axis=1)].mean() + (n @ m.T)[pairs.argmin(axis=0), np.arange(500)].mean()
    assert seen.accuracy == pytest.approx(there.mean()) and seen.completeness == pytest.approx(back.mean())
    assert seen.hausdorff == pytest.approx(max(there.max(), back.max()))
    assert 0 < seen.f_score < 1 and seen.f_score == pytest.approx(2 * precision * recall / (precision + recall))
    assert seen.normal_consistency == pytest.approx(normals / 2)
    assert (seen.samples, seen.seed, seen.tau) == (500, 4, 0.12)


def test_a_missing_half_is_seen_by_completeness_alone():
    upper = UNIT.vertices[UNIT.faces][:, :, 2].min(axis=1) > 0
    half = Mesh(UNIT.vertices, UNIT.faces[upper])
    seen = compare(half, UNIT, samples=20_000)
    assert seen.completeness > 20 * seen.accuracy and seen.hausdorff == pytest.approx(2**0.5, rel=0.03)


def test_identical_meshes_score_1_and_flipped_ones_minus_1():
    same = compare(UNIT, UNIT, samples=20_000, tau=0.05)
    assert same.f_score > 0.999 and same.normal_consistency > 0.99
    assert compare(flipped(UNIT), UNIT, samples=20_000).normal_consistency < -0.99


def test_distances_scale_and_scores_do_not():
    small = compare(LARGER, UNIT, samples=5000)
    large = compare(Mesh(10 * LARGER.vertices, LARGER.faces), Mesh(10 * UNIT.vertices, UNIT.faces), samples=5000)
    assert large.chamfer_l1_sum == pytest.approx(10 * small.chamfer_l1_sum) and large.tau == pytest.approx(10 * small.tau)
    assert large.normal_consistency == pytest.approx(small.normal_consistency)


def test_tau_is_half_a_percent_of_the_truths_diagonal():
    assert compare(LARGER, UNIT, samples=100).tau == pytest.approx(0.005 * 2 * 3**0.5, rel=1e-3)


def test_same_seed_same_numbers():
    assert compare(LARGER, UNIT, samples=1000, seed=3) == compare(LARGER, UNIT, samples=1000, seed=3)
    assert compare(LARGER, UNIT, samples=1000, seed=3) != compare(LARGER, UNIT, samples=1000, seed=4)


@pytest.mark.parametrize(
    ("wrong", "law"),
    [
        ({"noise": 2.0}, "noise of at least 0 and below 1"),
        ({"outliers": 0.95}, "0 to 0.9 outliers"),
        ({"unevenness": 0.5}, "unevenness of 1"),
    ],
)
def test_a_sample_names_the_one_law_that_is_broken(wrong, law):
    with pytest.raises(InputError, match=law) as caught:
        cloud_of_mesh(icosphere(), 100, 0, **wrong)
    assert str(caught.value).count("got") == 1


def test_samples_are_uniform_by_area():
    wedge = Mesh([[0, 0, 0], [3, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 2], [0, 2, 3]])  # areas 1.5 and 0.5
    points, normals, *_ = sample_surface(wedge, 20_000, 0)
    assert (np.abs(normals[:, 2]) > 0.5).mean() == pytest.approx(0.75, abs=0.02)
    flat = points[np.abs(normals[:, 2]) > 0.5]
    assert np.allclose(flat.mean(axis=0), [1, 1 / 3, 0], atol=0.03)


@pytest.mark.parametrize("mesh", [Mesh(np.zeros((0, 3)), []), Mesh(np.eye(3), []), Mesh(np.ones((3, 3)), [[0, 1, 2]])])
def test_a_mesh_without_area_is_refused(mesh):
    with pytest.raises(InputError, match="must have area"):
        sample_surface(mesh, 10, 0)
    with pytest.raises(InputError, match="must have area"):
        compare(mesh, UNIT, samples=10)


def test_what_bridges_a_hole_is_told_and_what_points_are_on_is_not():
    from test_field import box_field

    from sdfshape.evaluate.report import BRIDGED, fit_facts

    ball = icosphere(1.0, subdivisions=4)
    lowest, spacing = 0.2, 0.1
    points = ball.vertices[ball.vertices[:, 2] > lowest]
    bridged = (ball.vertices[:, 2] < lowest - BRIDGED * spacing).mean()
    assert fit_facts(box_field(), ball, ball.vertices, spacing)["bridged"] == 0
    assert fit_facts(box_field(), ball, points, spacing)["bridged"] == pytest.approx(bridged, abs=0.03)
    assert fit_facts(box_field(), LARGER, ball.vertices, spacing / 2, iso=0.2)["bridged"] == 0
    assert fit_facts(box_field(), LARGER, ball.vertices, spacing / 4)["bridged"] == 1
    assert np.isnan(fit_facts(box_field(), ball, points, float("nan"))["bridged"])


def test_the_volume_in_common_is_that_of_geometry_and_none_of_what_is_open_or_flat():
    assert metric_facts(LARGER, UNIT, samples=50_000)["volume_iou"] == pytest.approx(1 / 1.2**3, abs=0.01)
    open_one = Mesh(UNIT.vertices, UNIT.faces[1:])
    two_sides = Mesh(np.eye(3), np.array([[0, 1, 2], [0, 2, 1]]))
    for mesh, truth in ((open_one, UNIT), (UNIT, open_one), (two_sides, two_sides)):
        assert metric_facts(mesh, truth, samples=2000)["volume_iou"] is None
