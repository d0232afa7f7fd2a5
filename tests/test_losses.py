"""hKR by hand, by autograd, and by its laws."""

from __future__ import annotations

import pytest
import torch

from sdfshape.losses import bounded_hkr_loss, bounded_hkr_slopes, eikonal_residual, hkr_loss


def values(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inside, outside = torch.randn(2, 3, 50, generator=generator, dtype=torch.float64) * 0.1
    return inside, outside[:, :40]


def test_a_hand_example():
    # s = (0.3, -0.1) inside, (0.05,) outside; m = 0.1, lambda = 10: ((0 - .3) + (2 + .1)) / 2 + (0.5 - 0.05)
    loss = hkr_loss(torch.tensor([-0.3, 0.1]), torch.tensor([0.05]), margin=0.1, weight=10.0)
    assert float(loss) == pytest.approx(0.9 + 0.45, rel=1e-6)


def scores(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores of both signs, and distances: some of them nearer than the margin."""
    score, distance = values(seed)[0], values(seed + 1)[0].abs()
    return score, distance


@pytest.mark.parametrize("weight", [0.5, 2.0, 100.0])
def test_hand_slopes_are_the_gradient_over_the_weight(weight):
    score, distance = scores()
    loss = bounded_hkr_loss(score.requires_grad_(), distance, margin=0.05, weight=weight).sum() / weight
    (expected,) = torch.autograd.grad(loss, score)
    by_hand = bounded_hkr_slopes(score, distance, margin=0.05, weight=weight)
    assert torch.allclose(by_hand, expected, rtol=1e-12, atol=0) and len(by_hand.unique()) > 2


def test_below_the_distance_it_is_hkr():
    score, distance = scores()
    far = distance + 1  # no score and no margin reaches it
    ours = bounded_hkr_loss(score, far, margin=0.05, weight=7.0) - far.mean(dim=-1)
    inside_only = hkr_loss(-score, torch.full_like(score, 9.0), margin=0.05, weight=7.0) + 9
    assert torch.allclose(ours, inside_only, rtol=1e-12)


def test_the_distance_itself_costs_nothing_and_nothing_costs_less():
    score, distance = scores()
    assert float(bounded_hkr_loss(distance, distance, margin=0.05, weight=7.0).abs().max()) == 0
    assert (bounded_hkr_loss(score, distance, margin=0.05, weight=7.0) > 0).all()


def test_a_larger_margin_never_lowers_the_loss():
    inside, outside = values()
    losses = torch.stack([hkr_loss(inside, outside, margin=m, weight=3.0) for m in (0.0, 0.01, 0.05, 0.2, 1.0)])
    assert (losses.diff(dim=0) >= 0).all() and (losses[-1] > losses[0]).all()


def test_loss_of_scaled_values_and_margin_is_the_scaled_loss():
    inside, outside = values()
    scaled = hkr_loss(4 * inside, 4 * outside, margin=4 * 0.05, weight=7.0)
    assert torch.allclose(scaled, 4 * hkr_loss(inside, outside, margin=0.05, weight=7.0), rtol=1e-12)


def test_the_right_sign_costs_less():
    inside, outside = torch.tensor([-0.2, -0.3]), torch.tensor([0.2, 0.1])
    right, wrong = hkr_loss(inside, outside, margin=0.05, weight=2.0), hkr_loss(-inside, -outside, margin=0.05, weight=2.0)
    assert right < 0 < wrong


def test_classes_weigh_the_same_whatever_their_counts():
    inside, outside = values()
    assert torch.allclose(
        hkr_loss(inside.repeat(1, 5), outside, margin=0.05, weight=3.0), hkr_loss(inside, outside, margin=0.05, weight=3.0)
    )


def test_eikonal_residual_is_0_for_a_distance_and_1_for_a_constant():
    unit = torch.nn.functional.normalize(torch.randn(10, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    assert float(eikonal_residual(unit)) < 1e-6 and float(eikonal_residual(torch.zeros(10, 3))) == 1
