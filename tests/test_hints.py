"""Normals of the file, and the sensor: believed where they agree with what is seen, or where they are to be believed."""

from __future__ import annotations

import numpy as np
import pytest
from shapes import box_points, sphere_points, torus_distance, torus_points

import sdfshape as s
from sdfshape.errors import InputError
from sdfshape.orient import Hints, orient
from sdfshape.orient.hints import AGREE, Signs, follow
from sdfshape.reconstruction import hints_of
from sdfshape.sample import gather_evidence

UP = np.tile([0.0, 0.0, 1.0], (1000, 1))


def seen(unsure: int = 300) -> Signs:
    """All point up, the last ones by chance."""
    sure = np.arange(1000) < 1000 - unsure
    return Signs(np.where(sure, 1.0, -1.0), np.full(1000, 0.5), sure)


def test_normals_that_agree_decide_for_the_unsure():
    out = follow(Hints(3 * UP), UP, seen())
    assert out.followed and out.agreement == 1 and (out.sign == 1).all() and out.sure.all()
    assert (out.confidence[:700] == 0.5).all() and (out.confidence[700:] == 1).all()


def test_normals_that_point_in_are_turned():
    out = follow(Hints(-UP), UP, seen())
    assert out.followed and out.agreement == 0 and (out.sign == 1).all()


@pytest.mark.parametrize("wrong", [0.05, 0.5, 0.95])
def test_normals_that_do_not_agree_are_left_aside_unless_they_are_trusted(wrong):
    flipped = UP * np.where(np.random.default_rng(0).random(1000) < wrong, -1.0, 1.0)[:, None]
    out = follow(Hints(flipped), UP, seen())
    assert not out.followed and np.array_equal(out.sign, seen().sign) and abs(out.agreement - (1 - wrong)) < 0.05
    trusted = follow(Hints(flipped, trusted=True), UP, seen())
    assert trusted.followed and np.array_equal(trusted.sign, flipped[:, 2])


def test_rows_without_a_direction_or_along_the_surface_say_nothing():
    rows = UP.copy()
    rows[-300:-200], rows[-200:-100], rows[-100:] = np.nan, 0, (1.0, 0.0, 0.05)
    out = follow(Hints(rows, trusted=True), UP, seen())
    assert (out.sign[-300:] == -1).all() and not out.sure[-300:].any() and (out.sign[:700] == 1).all()


def test_too_few_sure_points_are_no_test():
    out = follow(Hints(UP), UP, seen(unsure=950))
    assert not out.followed and np.isnan(out.agreement)


def test_true_normals_are_followed_on_a_torus_and_random_ones_are_not():
    points = torus_points(3000)
    true = np.stack([(torus_distance(points + h) - torus_distance(points - h)) for h in 1e-6 * np.eye(3)], axis=1)
    cloud = orient(points, np.random.default_rng(0), 0.0, Hints(true))
    assert cloud.followed and cloud.agreement > AGREE
    random = true * np.random.default_rng(0).choice([-1.0, 1.0], (3000, 1))
    assert not orient(points, np.random.default_rng(0), 0.0, Hints(random)).followed


def test_warnings_name_what_to_do():
    points = box_points(3000)
    away = Hints(-points, trusted=True)
    gathered = gather_evidence(points, "wrap", 2000, np.random.default_rng(0), lambda _: None, 0.0, away)
    assert gathered.hints and gathered.hints_agree < 0.1 and "--normals ignore" in gathered.warnings[-1]
    random = Hints(np.random.default_rng(0).normal(size=points.shape))
    gathered = gather_evidence(points, "wrap", 2000, np.random.default_rng(0), lambda _: None, 0.0, random)
    assert gathered.hints is False and "left aside" in gathered.warnings[-1]


def test_options_say_what_is_believed():
    cloud = s.PointCloud(sphere_points(200), normals=sphere_points(200))
    for normals, trusted in (("auto", False), ("use", True)):
        hints = hints_of(cloud, s.Options(normals=normals))
        assert hints is not None and hints.trusted is trusted and np.array_equal(hints.directions, cloud.normals)
    assert hints_of(cloud, s.Options(normals="ignore")) is None and hints_of(s.PointCloud(cloud.points), s.Options()) is None
    hints = hints_of(cloud, s.Options(normals="ignore", sensor=(1.0, 2.0, 3.0)))
    assert hints is not None and hints.trusted and np.allclose(hints.directions, np.array([1.0, 2.0, 3.0]) - cloud.points)
    for wrong in ({"normals": "yes"}, {"sensor": (1.0, 2.0)}, {"sensor": (1.0, 2.0, float("nan"))}):
        with pytest.raises(InputError, match="must be"):
            s.Options(**wrong)
