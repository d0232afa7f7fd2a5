"""Detectors of others on rows, the plain classifier, and tables of results."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from sdfshape.baselines.cross_entropy import CrossEntropyNet
from sdfshape.baselines.rows import row_scorers
from sdfshape.evaluate.results import write_results
from sdfshape.evaluate.robustness import auroc
from sdfshape.evaluate.slopes import steepest_slope

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("name", list(row_scorers()))
@pytest.mark.filterwarnings("ignore::RuntimeWarning:pyod", "ignore::FutureWarning")
def test_every_scorer_finds_rows_far_away_and_repeats_itself(name):
    rng = np.random.default_rng(0)
    train, normal, far = rng.normal(size=(300, 4)), rng.normal(size=(100, 4)), rng.normal(size=(50, 4)) + 6
    score = row_scorers()[name]
    one, two = (score(train, np.concatenate([normal, far]), 3) for _ in range(2))
    assert np.array_equal(one, two) and one.shape == (150,)
    assert auroc(one[:100], one[100:]) > 0.95  # large is normal


def test_principal_components_is_the_distance_of_mahalanobis():
    rng = np.random.default_rng(0)
    train = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 3))
    test = rng.normal(size=(20, 3))
    inverse = np.linalg.inv(np.cov(train.T))
    away = test - train.mean(axis=0)
    assert np.allclose(row_scorers()["PCA"](train, test, 0), -np.einsum("ij,jk,ik->i", away, inverse, away))


def test_the_plain_classifier_learns_and_knows_its_gradient():
    rng = np.random.default_rng(0)
    rows = 0.3 * rng.normal(size=(400, 2))
    net = CrossEntropyNet(0).fit(rows, 4.0, steps=150)
    far = rng.uniform(-4, 4, (400, 2))
    assert auroc(net.decision_function(rows), net.decision_function(far)) > 0.9
    places, step = rng.uniform(-1, 1, (20, 2)), 1e-3
    _, gradient = net.gradient(places)
    for axis in np.eye(2) * step:
        numeric = (net.decision_function(places + axis) - net.decision_function(places - axis)) / (2 * step)
        assert np.median(np.abs(numeric - gradient @ axis / step)) < 0.05


def test_the_steepest_slope_of_a_known_function_is_found_and_never_more():
    def bump(x):
        r = np.linalg.norm(x, axis=1)
        return np.sin(r), np.cos(r)[:, None] * x / np.maximum(r, 1e-12)[:, None]

    assert 0.95 < steepest_slope(bump, np.random.default_rng(0).uniform(1, 2, (500, 2)), box=2.0) <= 1


def test_results_are_rows_with_versions(tmp_path):
    path = tmp_path / "deep" / "r.csv"
    write_results(path, [{"name": "a", "value": 1 / 3}, {"name": "b", "value": 2}])
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [r["value"] for r in rows] == ["0.333333", "2"] and "torch" in rows[0]["versions"] and "python 3" in rows[1]["versions"]
