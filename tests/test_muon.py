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


@pytest.mark.parametrize("turn", [0.01, 0.1])
def test_matrices_that_settle_every_fourth_step_are_as_orthogonal_then_and_nearly_so_between(turn):
    q, generator = orthogonal(2, 3, 16, 16), torch.Generator().manual_seed(1)
    muon, off = OrthogonalMuon(q, 0.9), []
    for step in range(200):
        muon.step(torch.randn(q.shape, generator=generator), turn, settle=step % 4 == 3)
        off.append(float((q @ q.mT - torch.eye(16)).abs().max()))
    assert max(off[3::4]) < 1e-5
    assert max(off) < 4 * turn**3 + 1e-5  # what the series leaves: turn^3 / 2 a step, its square twice that, of three steps and settling


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
