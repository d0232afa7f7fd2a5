"""Every kind of layer of the literature is what its paper says it is, and what is certified of it holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from shapes import sphere_points
from test_lipschitz import noise
from test_trial import labelled

from sdfshape.baselines import Budget
from sdfshape.baselines.layer_net import LAYER_ACTIVATIONS, LAYER_KINDS, RESIDUAL, LayerNet
from sdfshape.baselines.layer_study import fit_layers
from sdfshape.baselines.parametrisations import (
    PARAMETRISATIONS,
    almost_orthogonal,
    cayley,
    convex_potential_step,
    exponential,
    householder,
    householder_activation,
    qr,
    sdp_step,
)
from sdfshape.errors import InputError
from sdfshape.lipschitz import ACTIVATIONS

pytestmark = pytest.mark.usefixtures("one_thread")
PAIRS = [(kind, act) for kind in LAYER_KINDS for act in (("relu",) if kind in RESIDUAL else LAYER_ACTIVATIONS)]


@pytest.mark.parametrize("name", [name for name in PARAMETRISATIONS if name != "aol"])
def test_orthogonal_ones_are_orthogonal_and_reached_by_gradients(name):
    w = noise(3, 12, 12)
    w = (torch.linalg.qr(w)[0] + 0.1 * w if name == "bjorck" else w).requires_grad_()  # an iteration: from where it is used
    q = PARAMETRISATIONS[name](w)
    tolerance = 1e-6 if name == "bjorck" else 1e-12
    assert (q @ q.mT - torch.eye(12, dtype=q.dtype)).abs().max() < tolerance
    (slope,) = torch.autograd.grad((q * noise(3, 12, 12, seed=1)).sum(), w)
    assert torch.isfinite(slope).all() and slope.norm() > 0.01


def test_they_are_what_their_papers_say():
    w = noise(6, 6)
    a, one = w - w.mT, torch.eye(6, dtype=w.dtype)
    torch.testing.assert_close(cayley(w), torch.linalg.inv(one + a) @ (one - a))
    half, series = a / 2, one.clone()
    for k in range(60, 0, -1):  # Horner's form of the series
        series = one + half @ series / k
    torch.testing.assert_close(exponential(w), series)
    q = qr(w)
    r = q.mT @ w
    assert (r.tril(-1).abs().max() < 1e-12) and (r.diagonal() > 0).all()
    by_hand = one.clone()
    for j in range(6):
        v = torch.where(torch.arange(6) > j, w[:, j], (torch.arange(6) == j).to(w.dtype))
        by_hand = by_hand @ (one - 2 * torch.outer(v, v) / (v @ v))
    torch.testing.assert_close(householder(w), by_hand)


def test_almost_orthogonal_layers_never_stretch_and_keep_orthogonal_ones():
    for seed in range(20):
        assert torch.linalg.matrix_norm(almost_orthogonal(3 * noise(9, 9, seed=seed)), 2) <= 1 + 1e-12
    q = torch.linalg.qr(noise(9, 9))[0]
    torch.testing.assert_close(almost_orthogonal(5 * q), q)


def test_the_householder_activation_is_continuous_isometric_and_maxmin_at_a_right_angle():
    x, angle = noise(4000, 8), torch.linspace(-3, 3, 4, dtype=torch.float64)
    out = householder_activation(x, angle)
    torch.testing.assert_close(out.norm(dim=1), x.norm(dim=1))
    near = x + 1e-7 * noise(4000, 8, seed=1)
    assert ((householder_activation(near, angle) - out).norm(dim=1) <= (1 + 1e-6) * (near - x).norm(dim=1)).all()
    right = torch.full((4,), math.pi / 2, dtype=torch.float64)
    torch.testing.assert_close(householder_activation(x, right), ACTIVATIONS["max_min"](x))


def test_residual_steps_never_stretch():
    x = noise(5000, 8)
    y = x + noise(5000, 8, seed=1) * torch.logspace(-4, 0, 5000, dtype=torch.float64)[:, None]
    for seed in range(5):
        w, b, q = 2 * noise(8, 8, seed=seed), noise(8, seed=seed + 1), noise(8, seed=seed + 2)
        for step in (lambda h, w=w, b=b, q=q: sdp_step(h, w, b, q), lambda h, w=w, b=b: convex_potential_step(h, w, b)):
            ratio = (step(x) - step(y)).norm(dim=1) / (x - y).norm(dim=1)
            assert 0.9 < ratio.max() <= 1 + 1e-9


@pytest.mark.parametrize(("kind", "activation"), PAIRS)
def test_the_certified_constant_holds(kind, activation):
    torch.manual_seed(1)
    net = LayerNet(kind, activation, width=16, depth=3)
    constant = net.certified_constant()
    assert 0 < constant <= 1 + 1e-4
    x = torch.rand(20_000, 3) * 2 - 1
    y = x + torch.randn(20_000, 3) * torch.logspace(-2, 0, 20_000)[:, None]
    with torch.no_grad():
        ratio = (net(x) - net(y)).abs() / (x - y).norm(dim=1)
    assert 0.02 < ratio.max() <= constant + 1e-4


def test_a_falsified_constant_shows():
    torch.manual_seed(0)
    net = LayerNet("group", width=16, depth=3)
    before = net.certified_constant()
    net.weight.data *= 1.1
    assert net.certified_constant() == pytest.approx(1.1**3 * before, rel=1e-6)


@pytest.mark.parametrize(("kind", "activation"), [("group", "absolute"), ("cayley", "max_min"), ("aol", "absolute"), ("sll", "relu")])
def test_every_kind_learns_a_ball(kind, activation):
    torch.manual_seed(0)
    evidence = labelled(lambda x: np.linalg.norm(x, axis=-1) - 0.6, sphere_points(500, radius=0.6))
    found = fit_layers(LayerNet(kind, activation, width=16, depth=2), evidence, budget=Budget(steps=150), rate=5e-3)
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 3))
    with torch.no_grad():
        values = found.net(torch.as_tensor(x, dtype=torch.float32)).numpy()
    truth = np.linalg.norm(x, axis=1) - 0.6
    sure = np.abs(truth) > 0.1
    assert (np.sign(values[sure]) == np.sign(truth[sure])).mean() > 0.9 and found.steps == 150
    assert found.net.certified_constant() <= 1 + 1e-4


def test_what_is_no_layer_is_refused():
    for words in (("lu", "absolute"), ("cayley", "relu")):
        with pytest.raises(InputError, match="a layer must be"):
            LayerNet(*words)
