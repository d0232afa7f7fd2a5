"""hKR by hand, by autograd, and by its laws."""

from __future__ import annotations

import pytest
import torch

from sdfshape.losses import eikonal_residual, hkr_loss, hkr_slopes


def values(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inside, outside = torch.randn(2, 3, 50, generator=generator, dtype=torch.float64) * 0.1
    return inside, outside[:, :40]


def test_a_hand_example():
    # s = (0.3, -0.1) inside, (0.05,) outside; m = 0.1, lambda = 10: ((0 - .3) + (2 + .1)) / 2 + (0.5 - 0.05)
    loss = hkr_loss(torch.tensor([-0.3, 0.1]), torch.tensor([0.05]), margin=0.1, weight=10.0)
    assert float(loss) == pytest.approx(0.9 + 0.45, rel=1e-6)


@pytest.mark.parametrize("weight", [0.5, 2.0, 100.0])
def test_hand_slopes_are_the_gradient_over_the_weight(weight):
    inside, outside = (v.requires_grad_() for v in values())
    loss = hkr_loss(inside, outside, margin=0.05, weight=weight).sum() / weight
    expected = torch.autograd.grad(loss, (inside, outside))
    for by_hand, truth in zip(hkr_slopes(inside, outside, margin=0.05, weight=weight), expected, strict=True):
        assert torch.allclose(by_hand, truth, rtol=1e-12, atol=0)


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
