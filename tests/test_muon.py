"""The optimiser of the hidden matrices moves on the orthogonal group."""

from __future__ import annotations

import pytest
import torch

from sdfshape.train.muon import OrthogonalMuon

pytestmark = pytest.mark.usefixtures("one_thread")


def orthogonal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.linalg.qr(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)))[0].contiguous()


@pytest.mark.parametrize("turn", [0.01, 0.1])
def test_matrices_stay_orthogonal_over_200_random_steps(turn):
    q, generator = orthogonal(2, 3, 16, 16), torch.Generator().manual_seed(1)
    start, muon = q.clone(), OrthogonalMuon(q, 0.9)
    for _ in range(200):
        muon.step(torch.randn(q.shape, generator=generator), turn)
    assert (q @ q.mT - torch.eye(16)).abs().max() < 1e-5
    assert (q - start).abs().max() > turn  # it moved, in place


@pytest.mark.parametrize("seed", range(5))
def test_a_step_lowers_a_linear_loss(seed):
    q, gradient = orthogonal(1, 4, 16, 16, seed=seed), orthogonal(1, 4, 16, 16, seed=seed + 100)
    before = (gradient * q).sum(dim=(-1, -2))
    OrthogonalMuon(q, 0.9).step(gradient, 0.05)
    assert ((gradient * q).sum(dim=(-1, -2)) < before).all()


@pytest.mark.parametrize("turn", [0.01, 0.1])
def test_no_plane_turns_by_more_than_about_turn(turn):
    q = orthogonal(1, 1, 16, 16)
    muon, generator = OrthogonalMuon(q, 0.9), torch.Generator().manual_seed(2)
    for _ in range(10):
        before = q.clone()
        muon.step(torch.randn(q.shape, generator=generator), turn)
        angle = torch.linalg.eigvals((q @ before.mT).double()).angle().abs().max()
        assert 0.5 * turn < angle < 1.3 * turn


def test_no_gradient_is_no_motion():
    q = orthogonal(1, 2, 8, 8)
    before = q.clone()
    OrthogonalMuon(q, 0.9).step(torch.zeros_like(q), 0.1)
    assert (q - before).abs().max() < 1e-6
