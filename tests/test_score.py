"""The trained score of points: what is off the surface is told from what is on it."""

from __future__ import annotations

import numpy as np
import pytest
from test_field import SCALE, box_field

from sdfshape.evaluate.score import OFF_SIGMAS, OFF_SPACINGS, one_class_scores

HALF = 0.5
HEIGHTS = np.r_[-0.2, -0.1, -0.01, 0.0, 0.01, 0.1, 0.2, np.zeros(10)]  # unit frame; most are on the surface, as in a scan


def above_the_middle_of_a_face() -> np.ndarray:
    return box_field(HALF).frame.to_world(np.c_[HALF + HEIGHTS, np.zeros((len(HEIGHTS), 2))])


def scores_of(places: np.ndarray, *, filled: bool = False, **unit_lengths: float):
    return one_class_scores(box_field(HALF), places, filled=filled, **{name: SCALE * length for name, length in unit_lengths.items()})


@pytest.mark.parametrize(("spacing", "noise"), [(0.05, 0.0), (0.001, 0.075 / OFF_SIGMAS)])
def test_the_limit_is_the_larger_of_spacings_and_noise(spacing: float, noise: float):
    scores = scores_of(above_the_middle_of_a_face(), spacing=spacing, noise=noise)
    assert scores.limit == pytest.approx(SCALE * max(OFF_SPACINGS * spacing, OFF_SIGMAS * noise)) == pytest.approx(0.075 * SCALE)
    assert np.flatnonzero(scores.outliers).tolist() == [0, 1, 5, 6]
    assert np.abs(scores.values[2:5] - SCALE * HEIGHTS[2:5]).max() < 1e-4


def test_points_inside_of_what_was_filled_are_none():
    scores = scores_of(above_the_middle_of_a_face(), filled=True, spacing=0.02, noise=0.0)
    assert np.flatnonzero(scores.outliers).tolist() == [5, 6]


def test_noise_that_was_averaged_away_before_is_measured_on_the_points():
    height = 0.05 * np.random.default_rng(0).normal(size=2000)
    places = box_field(HALF).frame.to_world(np.c_[HALF + np.clip(height, -0.2, None), np.zeros((2000, 2))])
    scores = scores_of(places, spacing=0.01, noise=0.002)
    assert scores.limit == pytest.approx(OFF_SIGMAS * 0.05 * SCALE, rel=0.1) and not scores.outliers.any()


def test_rows_that_are_not_finite_are_outliers_and_without_a_limit_nothing_else_is():
    places = above_the_middle_of_a_face()
    places[3] = np.nan
    scores = scores_of(places, spacing=float("nan"), noise=float("nan"))
    assert np.flatnonzero(scores.outliers).tolist() == [3] and np.isnan(scores.values[3])
