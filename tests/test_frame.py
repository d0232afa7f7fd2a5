"""The door between world and unit frame is a similarity without rotation."""

from __future__ import annotations

import numpy as np
import pytest

from sdfshape.errors import DegenerateCloudError
from sdfshape.frame import HALF_EXTENT, Frame


def cloud(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(500, 3)) * (30, 10, 5) + (100, -20, 7)


def test_round_trip_is_identity_and_distances_scale():
    world = cloud()
    frame = Frame.from_points(world)
    unit = frame.to_unit(world)
    assert np.abs(frame.to_world(unit) - world).max() < 1e-12 * np.abs(world).max()
    gap_world = np.linalg.norm(world[1:] - world[:-1], axis=1)
    gap_unit = np.linalg.norm(unit[1:] - unit[:-1], axis=1)
    assert np.allclose(frame.length_to_world(gap_unit), gap_world, rtol=1e-12, atol=0)
    assert np.allclose(frame.length_to_unit(gap_world), gap_unit, rtol=1e-12, atol=0)


@pytest.mark.parametrize("seed", range(5))
def test_longest_half_extent_is_0_8_and_the_box_is_centred(seed):
    unit = Frame.from_points(cloud(seed)).to_unit(cloud(seed))
    lo, hi = unit.min(axis=0), unit.max(axis=0)
    assert np.abs(lo + hi).max() < 1e-12
    assert HALF_EXTENT == 0.8 and (hi - lo).max() / 2 == pytest.approx(0.8, rel=1e-12)


def test_a_similarity_of_the_cloud_leaves_the_unit_frame_as_it_is():
    world = cloud()
    moved = 3.7 * world + (5, 6, 7)
    assert np.allclose(Frame.from_points(moved).to_unit(moved), Frame.from_points(world).to_unit(world), atol=1e-12)


def test_utm_offset_keeps_a_submicrometre_round_trip():
    world = np.array([5e5, 5e6, 300]) + np.random.default_rng(0).uniform(-50, 50, (1000, 3))
    frame = Frame.from_points(world)
    assert np.abs(frame.to_world(frame.to_unit(world)) - world).max() < 1e-6


def test_normals_need_no_change():
    world = cloud()
    frame = Frame.from_points(world)
    step_world, step_unit = world[1] - world[0], np.subtract(*frame.to_unit(world[[1, 0]]))
    assert np.allclose(step_world / np.linalg.norm(step_world), step_unit / np.linalg.norm(step_unit), atol=1e-12)


@pytest.mark.parametrize("points", [np.full((5, 3), 7.0), np.array([[-1.7e308, 0, 0], [1.7e308, 0, 0]])])
def test_a_box_without_a_finite_size_is_refused(points):
    with pytest.raises(DegenerateCloudError, match="spread over a finite box"):
        Frame.from_points(points)
