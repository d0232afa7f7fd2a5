"""Deep SVDD: its losses are the papers', and the collapse is seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sdfshape.baselines import Budget, DeepSVDD, DeepSVDDConfig, fit_svdd_field
from sdfshape.baselines.image_nets import FEATURES, NETS, image_net
from sdfshape.baselines.svdd_losses import (
    AdaptiveWeight,
    noise_loss,
    one_class_loss,
    semi_supervised_loss,
    soft_boundary_loss,
    soft_radius,
    variance_loss,
    variance_threshold,
)
from sdfshape.errors import InputError
from sdfshape.frame import Frame

BLOB = np.random.default_rng(0).normal(size=(600, 5)) * 0.3 + 1.0
FARTHER = np.random.default_rng(1).normal(size=(200, 5)) * 0.3 - 2.0


def test_the_soft_radius_solves_its_equation():
    squared = torch.rand(4001, generator=torch.Generator().manual_seed(0)) ** 2
    best = soft_radius(squared, 0.1)
    assert float((squared.sqrt() > best).float().mean()) == pytest.approx(0.1, abs=1e-3)
    at = [float(soft_boundary_loss(squared, r, 0.1)) for r in (0.97 * best, best, 1.03 * best)]
    assert at[1] < at[0] and at[1] < at[2]


def test_losses_are_those_of_the_papers():
    squared = torch.tensor([1.0, 4.0, 9.0])
    assert float(one_class_loss(squared)) == pytest.approx(14 / 3)
    assert float(soft_boundary_loss(squared, 2.0, 0.5)) == pytest.approx(4 + (5 / 3) / 0.5)
    labels = torch.tensor([0, 1, -1])
    assert float(semi_supervised_loss(squared, labels, 2.0)) == pytest.approx((1 + 2 * 4 + 2 / 9) / 3, rel=1e-5)
    assert float(noise_loss(torch.zeros(3, 2), torch.ones(3, 2))) == pytest.approx(np.log(2))
    features = torch.tensor([[0.0, 0.0], [0.2, 0.4]])
    assert float(variance_loss(features, 0.1)) == pytest.approx(0.1 - (0.02 + 0.08) / 2) and float(variance_loss(features, 0.01)) == 0
    assert [variance_threshold(e) for e in (0, 2, 3, 6)] == pytest.approx([0.1, 0.1, 0.01, 0.001])


def test_the_adaptive_weight_goes_to_its_share():
    weight = AdaptiveWeight()
    values = [weight.update(4.0, 0.5) for _ in range(60)]
    assert values[0] == pytest.approx(0.5 * 0.1 * 8) and values[-1] == pytest.approx(0.5 * 8 * (1 - 0.9**60))
    assert weight.update(4.0, 0.0) == values[-1]  # nothing to regularise: it stands


@pytest.mark.parametrize(
    "changes", [{}, {"objective": "soft-boundary", "warm_epochs": 2}, {"regulariser": "noise"}, {"regulariser": "variance"}]
)
def test_what_is_far_from_the_data_scores_higher(changes):
    svdd = DeepSVDD(DeepSVDDConfig(widths=(32, 8), **changes)).fit(BLOB, Budget(steps=200))
    assert np.median(svdd.scores(FARTHER)) > np.quantile(svdd.scores(BLOB), 0.95) and not svdd.collapsed_
    assert svdd.scores(BLOB).std() > 0 and (svdd.radius_ > 0) == ("objective" in changes)


def test_labelled_anomalies_are_pushed_away():
    rows, labels = np.concatenate([BLOB, FARTHER[:50]]), np.repeat([0, -1], [600, 50])
    plain = DeepSVDD(DeepSVDDConfig(widths=(32, 8))).fit(BLOB, Budget(steps=200))
    told = DeepSVDD(DeepSVDDConfig(widths=(32, 8))).fit(rows, Budget(steps=200), labels)
    ratio = [np.median(s.scores(FARTHER[50:])) / np.median(s.scores(BLOB)) for s in (plain, told)]
    assert ratio[1] > ratio[0]


def test_a_collapse_is_seen_and_biases_bring_it():
    config = DeepSVDDConfig(widths=(32, 8), bias=True, rate=1e-2, decay=1e-2)
    collapsed = DeepSVDD(config).fit(BLOB, Budget(steps=1500))
    assert collapsed.collapsed_ and np.ptp(collapsed.scores(FARTHER)) < 1e-2
    assert not DeepSVDD(DeepSVDDConfig(widths=(32, 8))).fit(BLOB, Budget(steps=300)).collapsed_


def test_in_space_it_is_a_score_whose_level_keeps_the_points():
    points = np.random.default_rng(2).uniform(-0.7, 0.7, (1000, 3))
    field = fit_svdd_field(points, Frame((0.0, 0.0, 0.0), 1.0), budget=Budget(steps=100))
    assert (field(points) <= 0).mean() == pytest.approx(0.99, abs=0.002) and not field.is_distance and field.info["collapsed"] is False


def test_wrong_words_are_named():
    with pytest.raises(InputError, match="objective one of one-class, soft-boundary"):
        DeepSVDDConfig(objective="two-class")
    with pytest.raises(InputError, match="nu in"):
        DeepSVDDConfig(nu=1.5)
    with pytest.raises(InputError, match="finite rows"):
        DeepSVDD().fit(np.array([[np.nan, 1.0], [0.0, 1.0]]), Budget(steps=1))


@pytest.mark.parametrize("kind", NETS)
def test_image_networks_are_trained_scored_and_differentiated(kind):
    rows = np.random.default_rng(0).random((40, 256))
    model = DeepSVDD(DeepSVDDConfig(widths=(FEATURES,), batch=16), make_net=image_net(kind, (16, 16, 1))).fit(rows, Budget(steps=6))
    normality, gradient = model.normality_and_gradient(rows)
    assert np.allclose(normality, -model.scores(rows), atol=1e-5) and gradient.shape == rows.shape
    way = gradient[0] / np.linalg.norm(gradient[0])
    moved = model.normality_and_gradient(rows[:1] + 1e-3 * way)[0] - normality[:1]
    assert moved[0] > 0  # the gradient leads up
    assert np.allclose(model.scores(rows[:5]), model.scores(rows)[:5], atol=1e-5)  # also where batches are normalised


@pytest.mark.parametrize("kind", NETS)
def test_the_seed_makes_the_image_network_and_every_fit_begins_anew(kind):
    rows, make = np.random.default_rng(0).random((40, 256)), image_net(kind, (16, 16, 1))
    model = DeepSVDD(DeepSVDDConfig(widths=(FEATURES,), batch=16), make_net=make)
    first = model.fit(rows, Budget(steps=3)).scores(rows)
    assert np.array_equal(model.fit(rows, Budget(steps=3)).scores(rows), first)


def test_networks_without_biases_have_none():
    assert not [n for kind in NETS for n, _ in image_net(kind, (16, 16, 1))(256).named_parameters() if n.endswith("bias")]
