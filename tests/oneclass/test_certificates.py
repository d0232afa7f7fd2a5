"""What is certified of a score holds against every move that is tried, and fails where the constant is falsified."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from sdfshape.errors import InputError
from sdfshape.evaluate.attack import STEP, attacked_auroc, pgd_attack
from sdfshape.evaluate.robustness import auroc, certified_accuracy, certified_auroc
from sdfshape.evaluate.slopes import steepest_slope
from sdfshape.lipschitz import Layers
from sdfshape.oneclass import OneClassSDF, RowField
from sdfshape.oneclass.row_frame import RowFrame

pytestmark = pytest.mark.usefixtures("one_thread")


@cache
def two_kinds(columns: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(400, columns)), rng.normal(size=(100, columns)) + 2.5


@cache
def fitted(columns: int = 4) -> OneClassSDF:
    return OneClassSDF(random_state=0, steps=150).fit(two_kinds(columns)[0] * np.linspace(1, 3, columns))


def rows(columns: int = 4) -> tuple[np.ndarray, np.ndarray]:
    return tuple(kind * np.linspace(1, 3, columns) for kind in two_kinds(columns))


# --- AUROC


def test_auroc_is_the_share_of_pairs_and_sklearns():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    normal, anomalous = rng.integers(0, 20, 300) + 3.0, rng.integers(0, 20, 80) + 0.0
    slow = np.mean([(n > a) + (n == a) / 2 for n in normal for a in anomalous])
    label = np.r_[np.ones(300), np.zeros(80)]
    assert auroc(normal, anomalous) == pytest.approx(slow) == pytest.approx(roc_auc_score(label, np.r_[normal, anomalous]))


@pytest.mark.parametrize("radius", [0.0, 0.1, 0.7])
def test_certified_auroc_is_a_shift_by_twice_the_radius(radius):
    rng = np.random.default_rng(1)
    normal, anomalous = rng.normal(1, 1, 200), rng.normal(-1, 1, 150)
    assert certified_auroc(normal, anomalous, radius) == pytest.approx(auroc(normal, anomalous + 2 * radius))
    assert certified_auroc(normal, anomalous, radius) == pytest.approx(auroc(normal - radius, anomalous + radius))


def test_the_attack_that_the_proof_allows_reaches_the_certified_auroc_exactly():
    """f(x) = x is 1-Lipschitz: moving every row by the radius is the worst, and the bound is attained, ties given to the attacker."""
    normal, anomalous = np.array([0.0, 1.0, 2.0, 3.0]), np.array([-1.0, 0.5, 1.0])
    moved = auroc(normal - 0.5 - 1e-9, anomalous + 0.5 + 1e-9)
    assert certified_auroc(normal, anomalous, 0.5) == pytest.approx(moved)
    assert certified_auroc(normal, anomalous, 0.5) < auroc(normal, anomalous)
    assert certified_auroc(normal, anomalous, 0.25) > moved  # half of the shift would promise too much


def test_certified_auroc_falls_with_the_radius_and_ends_at_0():
    rng = np.random.default_rng(1)
    normal, anomalous = rng.normal(1, 1, 200), rng.normal(-1, 1, 150)
    values = [certified_auroc(normal, anomalous, r) for r in np.linspace(0, 10, 50)]
    assert (np.diff(values) <= 0).all() and values[0] == auroc(normal, anomalous) and values[-1] == 0


def test_certified_accuracy_counts_verdicts_that_no_move_changes():
    decisions, inlier = np.array([0.5, 0.1, -0.1, -0.5, 0.3]), np.array([True, True, False, False, False])
    assert certified_accuracy(decisions, inlier, 0.0) == 0.8
    assert certified_accuracy(decisions, inlier, 0.1) == pytest.approx(0.6)  # .1 stays at 0, an inlier; -.1 would reach 0
    assert certified_accuracy(decisions, inlier, 0.6) == 0


@pytest.mark.parametrize("scores", [np.array([]), np.array([np.nan]), np.zeros((2, 2))])
def test_scores_that_are_none_are_refused(scores):
    with pytest.raises(InputError, match="scores must be"):
        auroc(scores, np.array([1.0]))
    with pytest.raises(InputError, match="radius must be"):
        certified_auroc(np.array([1.0]), np.array([0.0]), -1.0)


# --- the field


@pytest.mark.parametrize("columns", [4, 150])
def test_no_slope_of_the_score_is_above_1_in_the_rows_own_units(columns):
    field = fitted(columns).field_
    normal, anomalous = rows(columns)
    places = np.concatenate([normal, anomalous, 30 * normal, np.zeros((1, columns))])
    assert field.lipschitz_bound <= 1
    assert steepest_slope(field.gradient, places, box=20.0) <= 1 + 1e-9
    rng = np.random.default_rng(0)
    for scale in (1e-3, 1.0, 100.0):
        there = places + scale * rng.normal(size=places.shape)
        assert (np.abs(field(there) - field(places)) <= np.linalg.norm(there - places, axis=1) + 1e-9).all()


def test_a_falsified_constant_is_found():
    """The same field with its length a little larger breaks the bound somewhere: the test above can fail."""
    field = fitted().field_
    longer = RowField(field.layers, replace(field.frame, reach=field.frame.reach), field.domain, field.slack)
    longer.frame.__dict__["length"] = 1.5 * field.frame.length  # the cached property
    assert steepest_slope(longer.gradient, rows()[0], box=10.0) > 1.05


@pytest.mark.parametrize("radius", [0.05, 0.3, 1.0])
def test_auroc_under_attack_never_falls_below_the_certified_one(radius):
    detector = fitted()
    normal, anomalous = rows()

    def score(x):
        f, gradient = detector.field_.gradient(x)
        return -f, -gradient

    certified = certified_auroc(detector.score_samples(normal), detector.score_samples(anomalous), radius)
    found = attacked_auroc(score, normal, anomalous, radius, steps=45, restarts=1)
    clean = auroc(detector.score_samples(normal), detector.score_samples(anomalous))
    assert certified <= found <= clean
    assert found < clean  # the attack does something


def test_no_attack_within_the_certified_radius_changes_a_verdict():
    detector = fitted()
    both = np.concatenate(rows())
    verdict, radius = detector.predict(both), detector.certified_radius(both)
    assert (radius > 0).mean() > 0.95
    for sign, kind in ((False, 1), (True, -1)):
        some = np.flatnonzero((verdict == kind) & (radius > 0))

        def score(x):
            f, gradient = detector.field_.gradient(x)
            return -f, -gradient

        scaled = pgd_attack(score, both[some], float(radius[some].max()), raise_score=sign, steps=45, restarts=1)
        away = scaled - both[some]
        length = np.linalg.norm(away, axis=1)
        there = both[some] + away * np.minimum(1, radius[some] * (1 - 1e-12) / np.maximum(length, 1e-30))[:, None]
        assert (detector.predict(there) == kind).all()


def test_the_radius_is_the_score_less_the_rounding_and_a_hair_more_is_not_safe():
    detector = fitted()
    away = rows()[1]
    scores, radius = detector.score_samples(away), detector.certified_radius(away)
    assert (radius <= np.abs(scores)).all() and np.allclose(radius, np.abs(scores), atol=1e-8)


@pytest.mark.parametrize("columns", [4, 150])
def test_rounding_is_within_its_bound(columns):
    """Against the same field in twice the digits, made of Python's fractions' betters: float64 summed in another order and longdouble."""
    field = fitted(columns).field_
    places = np.concatenate(rows(columns)) * 3
    exact = _in_long_double(field, places)
    bound = field.rounding_error(places)
    assert (np.abs(field(places) - exact) <= bound).all() and bound.max() < 1e-8
    assert np.allclose(field.rounding_error(places[3:5]), bound[3:5])  # a row's own, whoever else is asked


def _in_long_double(field: RowField, places: np.ndarray) -> np.ndarray:
    frame, wide = field.frame, np.longdouble
    u = (places.astype(wide) - frame.centre.numpy().astype(wide)) / (frame.scale.numpy().astype(wide) * wide(frame.reach))
    if frame.basis is not None:
        basis = frame.basis.numpy().astype(wide)
        inside = u @ basis.T
        u = np.c_[inside, np.sqrt(((u - inside @ basis) ** 2).sum(axis=1))]
    h = u
    for j, (w, b) in enumerate(zip(field.layers.matrices, field.layers.biases, strict=True)):
        h = h @ w[0].double().numpy().astype(wide).T + b[0].double().numpy().astype(wide)
        h = np.abs(h) if j + 1 < len(field.layers.matrices) else h
    beyond = np.abs(u) - 1
    wall = np.sqrt((np.maximum(beyond, 0) ** 2).sum(axis=1)) + np.minimum(beyond.max(axis=1), 0) - wide(field.slack)
    return np.maximum(h[:, 0], wall) * wide(frame.length)


# --- the frame


def test_many_columns_become_few_and_nothing_grows():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(300, 200)) * rng.uniform(0.1, 10, 200)
    frame = RowFrame.from_rows(data, standard=True)
    assert frame.dimension == 128 and frame.columns == 200
    y = frame.to_unit(data)
    pairs = rng.integers(300, size=(500, 2))
    apart = (y[pairs[:, 0]] - y[pairs[:, 1]]).norm(dim=1).numpy() * frame.length
    assert (apart <= np.linalg.norm(data[pairs[:, 0]] - data[pairs[:, 1]], axis=1) + 1e-9).all()
    stretched = RowFrame(frame.centre, frame.scale, 1.0, frame.basis * 1.2)
    assert stretched.length < frame.length  # a basis that is not orthonormal is paid for


@pytest.mark.parametrize("count", [50, 3000, 20_000])
@pytest.mark.parametrize("constant", [0.3, 1e6, 0.0])
def test_a_constant_column_is_constant_however_many_rows(count, constant):
    rows_ = np.c_[np.random.default_rng(0).normal(size=(count, 2)), np.full(count, constant)]
    assert RowFrame.from_rows(rows_, standard=True).scale[2] == 1


def test_a_far_row_costs_the_others_nothing_and_a_column_of_large_numbers_only_its_own():
    detector, normal = fitted(), rows()[0]
    alone = detector.certified_radius(normal[:20])
    with_far = detector.certified_radius(np.concatenate([normal[:20], [[1e12] * 4], [[1e160] * 4]]))
    assert np.array_equal(with_far[:20], alone) and with_far[21] == 0
    stamps = np.c_[normal[:, :3], 1.7e12 + 1e6 * normal[:, 3]]
    assert (OneClassSDF(random_state=0, steps=30).fit(stamps).certified_radius(stamps) > 0).mean() > 0.95


def test_a_radius_in_deviations_holds_in_that_norm_and_is_no_smaller():
    detector, normal = fitted(), rows()[0]
    scale = detector.field_.frame.scale.numpy()
    wide, plain = detector.certified_radius(normal, deviations=True), detector.certified_radius(normal)
    assert np.allclose(wide, plain / scale.min())
    rng, verdict = np.random.default_rng(0), detector.predict(normal)
    for _ in range(10):
        direction = rng.normal(size=normal.shape)
        there = normal + wide[:, None] * scale * direction / np.linalg.norm(direction, axis=1, keepdims=True)
        assert (detector.predict(there) == verdict).all()


def test_a_constant_column_is_left_as_it_is():
    frame = RowFrame.from_rows(np.c_[np.ones(50), np.arange(50.0)], standard=True)
    assert frame.scale[0] == 1 and frame.to_unit(np.array([[1.0, 24.5]])).abs().max() < 1e-12


def test_slack_leaves_the_support_to_the_network():
    field = fitted(150).field_
    normal = rows(150)[0]
    alone = Layers(field.layers.matrices, field.layers.biases, field.layers.activation).map(torch.Tensor.double)
    g = alone(field.frame.to_unit(normal)[None])[0].numpy() * field.frame.length
    assert np.allclose(field(normal)[g < 0], g[g < 0]) and (g < 0).mean() > 0.5
    assert (field(1000 * np.ones((1, 150))) > 100).all()  # far away the domain speaks


# --- attacks


def test_the_attack_stays_in_its_ball_and_finds_the_worst_of_a_plane():
    normal = np.array([3.0, 4.0]) / 5

    def plane(x):
        return x @ normal, np.repeat(normal[None], len(x), axis=0)

    start = np.random.default_rng(0).normal(size=(50, 2))
    for raise_score in (True, False):
        found = pgd_attack(plane, start, 0.5, raise_score=raise_score, steps=round(1 / STEP), restarts=0)
        away = found - start
        assert (np.linalg.norm(away, axis=1) <= 0.5).all()
        assert np.allclose(away @ normal, 0.5 if raise_score else -0.5, atol=1e-6)
