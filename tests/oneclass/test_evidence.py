"""The distance to the measure, and the sides of places: true by their own definition, whatever the dimension."""

from __future__ import annotations

import numpy as np
import pytest

from sdfshape.oneclass.evidence import Measure, measure_evidence, neighbour_count
from sdfshape.sample import Domain


def cloud(columns: int = 3, count: int = 400, seed: int = 0) -> np.ndarray:
    return 0.2 * np.random.default_rng(seed).normal(size=(count, columns)).clip(-4, 4)


def slow_delta(rows: np.ndarray, place: np.ndarray, k: int) -> float:
    return float(np.sqrt(np.mean(np.sort(((rows - place) ** 2).sum(axis=1))[:k])))


def test_delta_is_what_its_definition_says():
    rows, places = cloud(), cloud(seed=1)[:20]
    measure = Measure(rows, 7, np.random.default_rng(0))
    assert np.allclose(measure(places), [slow_delta(rows, p, 7) for p in places])
    own = [slow_delta(np.delete(rows, j, axis=0), rows[j], 7) for j in range(20)]
    assert np.allclose(measure.of_rows()[:20], own)


def test_delta_is_1_lipschitz_and_a_stray_row_hardly_moves_it():
    rows, rng = cloud(), np.random.default_rng(0)
    measure = Measure(rows, 20, rng)
    a = rng.uniform(-1, 1, (2000, 3))
    b = a + 0.05 * rng.normal(size=a.shape)
    assert (np.abs(measure(a) - measure(b)) <= np.linalg.norm(a - b, axis=1) + 1e-12).all()
    stray = np.array([[0.9, 0.9, 0.9]])
    with_stray = Measure(np.r_[rows, stray], 20, rng)
    assert with_stray(stray)[0] > 0.8  # one row is no support, though the place is at a row


def test_rows_that_repeat_each_other_are_left_out_once():
    rows = np.zeros((30, 2))
    rows[15:] = 1.0
    assert np.allclose(Measure(rows, 5, np.random.default_rng(0)).of_rows(), 0)


def test_many_rows_are_stood_for_by_some():
    rows = cloud(count=9000)
    measure, all_of_them = Measure(rows, None, np.random.default_rng(0)), Measure(rows[:4000], 200, np.random.default_rng(0))
    assert len(measure.kept) == 4000 and measure.neighbours == 200
    places = cloud(seed=3)
    assert np.abs(measure(places) - all_of_them(places)).max() < 0.08
    assert np.isfinite(measure.of_rows()).all()


@pytest.mark.parametrize(("rows", "expected"), [(2, 1), (10, 3), (100, 20), (400, 20), (1000, 50), (4000, 200)])
def test_neighbours_are_a_twentieth_but_twenty_and_a_third_of_few(rows, expected):
    assert neighbour_count(rows) == expected


@pytest.mark.parametrize("columns", [1, 3, 20])
def test_sides_reaches_and_distances_follow_delta(columns):
    rows, rng = cloud(columns), np.random.default_rng(0)
    evidence = measure_evidence(rows, Domain(), count=3000, share=0.9, neighbours=20, rng=rng)
    measure = Measure(rows, 20, np.random.default_rng(0))
    tau = np.quantile(measure.of_rows(), 0.9)
    places = evidence.outside[:, :-2].astype(float)
    among = (np.abs(places[:, None, :1] - rows[None, :, :1].astype(np.float32)) == 0).any() if columns == 1 else None
    assert among is None or isinstance(among, np.bool_)
    fresh = ~np.isin(places[:, 0].astype(np.float32), rows[:, 0].astype(np.float32))
    assert (measure(places[fresh]) > tau - 1e-5).all()
    assert np.allclose(evidence.outside[fresh, -1], measure(places[fresh]) - tau, atol=1e-5)
    inside = evidence.inside[:, :-2].astype(float)
    own = np.isin(inside[:, 0].astype(np.float32), rows[:, 0].astype(np.float32))
    assert (measure(inside[~own]) < tau + 1e-5).all() and own.any()
    assert np.array_equal(evidence.inside[:, -1], evidence.inside[:, -2]) and (evidence.inside[:, -1] >= 0).all()


def test_places_stay_in_their_domain_and_come_from_everywhere():
    evidence = measure_evidence(cloud(2), Domain("ball"), count=4000, share=0.95, neighbours=None, rng=np.random.default_rng(0))
    every = np.concatenate([evidence.inside, evidence.outside])[:, :2]
    assert np.linalg.norm(every, axis=1).max() <= 1 + 1e-6
    angle = np.arctan2(every[:, 1], every[:, 0])[np.linalg.norm(every, axis=1) > 0.9]
    assert len(angle) > 30 and np.ptp(angle) > 5.5
