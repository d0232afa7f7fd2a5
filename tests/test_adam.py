"""Our Adam is torch's Adam."""

from __future__ import annotations

import pytest
import torch

from sdfshape.train.adam import Adam


@pytest.mark.slow
def test_the_same_steps_as_the_slow_twin():
    generator = torch.Generator().manual_seed(0)
    ours = [torch.randn(3, 4, generator=generator, dtype=torch.float64), torch.randn(5, generator=generator, dtype=torch.float64)]
    theirs = [p.clone().requires_grad_() for p in ours]
    twin, adam = torch.optim.Adam(theirs, lr=0.01, betas=(0.8, 0.95)), Adam(ours, 0.8, 0.95)
    for number in range(1, 31):
        gradients = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in ours]
        for p, g in zip(theirs, gradients, strict=True):
            p.grad = g.clone()
        twin.step()
        adam.step(gradients, 0.01, number)
    assert all(torch.allclose(p, q, rtol=1e-12, atol=1e-12) for p, q in zip(ours, theirs, strict=True))
