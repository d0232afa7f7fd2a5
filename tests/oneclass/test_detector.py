"""OneClassSDF: a detector of scikit-learn, repeatable, in any dimension, by either recipe."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sdfshape.errors import InputError
from sdfshape.evaluate.robustness import auroc
from sdfshape.oneclass import OneClassSDF
from sdfshape.oneclass.margins import made_up_rows

pytestmark = pytest.mark.usefixtures("one_thread")

FEW = 60  # steps: enough for laws, not for quality


@parametrize_with_checks([OneClassSDF(steps=20)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learn_calls_it_an_estimator(estimator, check):
    check(estimator)


def moons(count: int = 600, columns: int = 2, seed: int = 0) -> np.ndarray:
    """Two arcs in the first two columns, noise in the others."""
    rng = np.random.default_rng(seed)
    angle, upper = rng.uniform(0, np.pi, count), rng.random(count) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    rest = 0.1 * rng.normal(size=(count, columns - 2))
    return np.c_[np.c_[x, y] + 0.03 * rng.normal(size=(count, 2)), rest]


@cache
def fitted() -> OneClassSDF:
    return OneClassSDF(random_state=0).fit(moons())


def test_it_learns_the_shape_and_not_its_hull():
    detector = fitted()
    assert 0.85 < (detector.predict(moons(seed=1)) > 0).mean() < 0.99  # new points of the cloud; auto keeps about .95
    between = np.array([[0.5, 0.2], [1.3, 0.3], [0.5, 3.0], [-3.0, 0.0], [40.0, -70.0]])  # inside of the hull, and far away
    assert (detector.predict(between) < 0).all()
    far = np.random.default_rng(0).uniform(-4, 4, (2000, 2))
    assert auroc(detector.score_samples(moons(seed=1)), detector.score_samples(far)) > 0.97


def test_same_seed_same_scores_another_seed_others():
    rows = moons(200)
    one, two, other = (OneClassSDF(random_state=s, steps=FEW).fit(rows).score_samples(rows) for s in (3, 3, 4))
    assert np.array_equal(one, two) and not np.array_equal(one, other)


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5])
def test_contamination_is_the_share_called_outliers(share):
    rows = moons(400)
    detector = OneClassSDF(contamination=share, random_state=0, steps=FEW).fit(rows)
    assert (detector.predict(rows) < 0).mean() == pytest.approx(share, abs=0.005)
    assert np.array_equal(detector.predict(rows), detector.fit_predict(rows))


@pytest.mark.parametrize("columns", [1, 2, 33, 200])
def test_any_number_of_columns(columns):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, columns)) * rng.uniform(0.1, 10, columns) + 5
    detector = OneClassSDF(random_state=0, steps=FEW).fit(rows)
    moved = rows + 12 * rows.std(axis=0)
    assert (detector.predict(moved) < 0).all() and detector.field_.lipschitz_bound <= 1


def test_columns_in_other_units_give_the_same_verdicts():
    rows, units = moons(300), np.array([1000.0, 0.001])
    one, two = (OneClassSDF(random_state=0, steps=FEW).fit(r) for r in (rows, rows * units))
    assert (one.predict(rows) == two.predict(rows * units)).mean() > 0.98
    unscaled = OneClassSDF(random_state=0, steps=FEW, scaling="none").fit(rows)
    assert unscaled.field_.frame.scale.tolist() == [1, 1]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, marks=pytest.mark.slow),
        pytest.param({"algorithm": "alternate"}, marks=pytest.mark.slow),
        pytest.param({"updates": 3, "domain": "ball"}, marks=pytest.mark.slow),
        pytest.param({"walk_steps": 0}, marks=pytest.mark.slow),
    ],
)
def test_the_papers_recipe_in_the_plane(options):
    rows = moons(256)
    detector = OneClassSDF(recipe="paper", width=32, depth=2, steps=400, random_state=0, **options).fit(rows)
    far = np.random.default_rng(0).uniform(-4, 4, (1000, 2))
    assert detector.field_.lipschitz_bound <= 1
    assert auroc(detector.score_samples(moons(seed=1)), detector.score_samples(far)) > 0.9


@pytest.mark.slow
def test_the_margin_is_searched_without_labels():
    rows = moons(200)
    detector = OneClassSDF(margin="search", random_state=0, steps=FEW).fit(rows)
    assert detector.margin_ in (0.01, 0.05, 0.2, 1.0)
    assert OneClassSDF(margin=0.3, random_state=0, steps=FEW).fit(rows).margin_ == 0.3


def test_made_up_rows_are_unlikely_together_only():
    rng = np.random.default_rng(0)
    x = rng.normal(size=500)
    rows = np.c_[x, x + 0.01 * rng.normal(size=500)]
    made = made_up_rows(rows, 400, rng)
    assert (made >= rows.min(axis=0)).all() and (made <= rows.max(axis=0)).all()
    assert np.isin(made[200:, 0], rows[:, 0]).all() and np.isin(made[200:, 1], rows[:, 1]).all()
    assert abs(np.corrcoef(made[200:].T)[0, 1]) < 0.3


def test_progress_is_told_and_duplicates_do_not_hurt():
    told = []
    OneClassSDF(steps=30, random_state=0).fit(moons(100), progress=lambda record, left: told.append((record.step, left)))
    assert told[-1][0] == 30
    same = np.repeat(np.array([[1.0, 2.0], [3.0, 4.0]]), 50, axis=0)
    assert np.isfinite(OneClassSDF(steps=30, random_state=0).fit(same).score_samples(same)).all()


@pytest.mark.parametrize(
    ("options", "law"),
    [
        ({"recipe": "best"}, "recipe one of default, paper"),
        ({"algorithm": "eager"}, "algorithm one of lazy, alternate"),
        ({"domain": "cube"}, "domain must be one of box, ball, got 'cube'"),
        ({"scaling": "robust"}, "scaling must be standard or none, got 'robust'"),
        ({"margin": "small"}, "margin must be a number above 0, 'search' or None, got 'small'"),
        ({"margin": 0.0}, "margin and weight must be above 0"),
        ({"weight": -1.0}, "margin and weight must be above 0"),
        ({"margin": np.inf}, "margin and weight must be above 0 and finite"),
        ({"steps": 0}, "steps, width and depth must be at least 1"),
        ({"depth": 2.5}, "steps, width and depth must be whole numbers"),
        ({"walk_steps": -1}, "walk_steps at least 0"),
        ({"device": "x"}, "device must be cpu, cuda or cuda:N"),
        ({"neighbors": 0}, "neighbors must be at least 1, got 0"),
    ],
)
def test_a_wrong_parameter_is_named(options, law):
    with pytest.raises(InputError, match=law):
        OneClassSDF(**options).fit(moons(50))


def test_rows_that_repeat_each_other_are_mostly_inliers():
    rng = np.random.default_rng(0)
    for repeated in (rng.integers(0, 4, (600, 2)).astype(float), np.repeat(rng.normal(size=(10, 3)), 50, axis=0), np.ones((50, 2))):
        assert (OneClassSDF(steps=FEW, random_state=0).fit(repeated).predict(repeated) > 0).mean() >= 0.85


def test_where_the_origin_is_does_not_matter_without_scaling():
    rows = moons(200)
    one, two = (OneClassSDF(random_state=0, steps=FEW, scaling="none").fit(r) for r in (rows, rows + np.array([0.0, 1000.0])))
    assert two.field_.frame.reach == pytest.approx(one.field_.frame.reach)


def test_arrays_that_run_backwards_and_numbers_of_numpy_are_welcome(tmp_path):
    from sdfshape.oneclass import load_detector, save_detector

    rows = moons(100)
    detector = OneClassSDF(steps=np.int64(20), neighbors=np.int64(9), random_state=np.int64(3)).fit(rows[::-1])
    assert np.array_equal(detector.predict(rows[::-1, :])[::-1], detector.predict(rows))
    save_detector(detector, tmp_path / "d.ocsdf")
    assert load_detector(tmp_path / "d.ocsdf").get_params()["neighbors"] == 9


def test_a_frame_with_names_keeps_them(tmp_path):
    import pandas as pd

    from sdfshape.oneclass import load_detector, save_detector

    frame = pd.DataFrame(moons(100), columns=["b", "a"])
    save_detector(OneClassSDF(steps=20, random_state=0).fit(frame), tmp_path / "d.ocsdf")
    with pytest.raises(ValueError, match="feature names"):
        load_detector(tmp_path / "d.ocsdf").predict(frame[["a", "b"]])


@pytest.mark.parametrize("share", [0.0, 0.6, -1, "some"])
def test_a_wrong_contamination_is_a_value_error(share):
    with pytest.raises(ValueError, match="contamination must be in"):
        OneClassSDF(contamination=share).fit(moons(50))
