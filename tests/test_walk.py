"""The domain and Algorithm 1: proposals stay in the domain and go to the level set, never through it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sdfshape.errors import InputError
from sdfshape.sample import Domain, newton_raphson_walk


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", ["box", "ball"])
@pytest.mark.parametrize("dimension", [1, 3, 40])
def test_places_of_a_domain_are_in_it_and_fill_it(shape, dimension):
    domain = Domain(shape)
    z = domain.uniform(4000, dimension, generator())
    assert (domain.distance(z) <= 1e-6).all() and torch.allclose(domain.project(z), z, atol=1e-6)
    radius = z.abs().amax(dim=1) if shape == "box" else z.norm(dim=1)
    assert float((radius**dimension).mean()) == pytest.approx(0.5, abs=0.02)  # uniform: radius^d is uniform in [0, 1]


@pytest.mark.parametrize("shape", ["box", "ball"])
def test_projection_is_the_nearest_place_and_distance_its_length(shape):
    domain, z = Domain(shape), 3 * torch.randn(500, 4, generator=generator(), dtype=torch.float64)
    there, outside = domain.project(z), domain.distance(z) > 0
    assert torch.allclose((z - there).norm(dim=1)[outside], domain.distance(z)[outside])
    assert (domain.distance(there) <= 1e-12).all() and outside.any() and (~outside).any()
    others = domain.project(there + 0.1 * torch.randn(500, 4, generator=generator(1), dtype=torch.float64))
    assert ((z - others).norm(dim=1) >= (z - there).norm(dim=1) - 1e-12).all()


@pytest.mark.parametrize("shape", ["box", "ball"])
def test_the_distance_to_a_domain_is_1_lipschitz(shape):
    a, b = (2 * torch.randn(3000, 5, generator=generator(s), dtype=torch.float64) for s in (0, 1))
    b = a + 0.05 * b
    assert ((Domain(shape).distance(a) - Domain(shape).distance(b)).abs() <= (a - b).norm(dim=1) + 1e-12).all()


def test_a_domain_of_another_shape_is_refused():
    with pytest.raises(InputError, match="domain must be one of box, ball, got 'cube'"):
        Domain("cube")


def ball(z: torch.Tensor) -> torch.Tensor:
    """The signed distance to a sphere of radius .3, slope 1."""
    return z.norm(dim=1) - 0.3


@pytest.mark.parametrize("dimension", [2, 7])
def test_one_full_step_on_a_distance_is_on_the_surface(dimension):
    start = Domain().uniform(300, dimension, generator())
    walked = newton_raphson_walk(ball, start, steps=1, share=torch.ones(300, 1), domain=Domain())
    outside = ball(start) > 0
    assert torch.allclose(ball(walked)[outside], torch.zeros(int(outside.sum())), atol=1e-6)
    assert torch.equal(walked[~outside], start[~outside])  # never from inside


def test_a_flatter_field_is_overshot_by_newton_but_shares_of_a_way_never_pass_a_distance():
    start, share = Domain().uniform(500, 3, generator()), torch.rand(500, 1, generator=generator(1))
    walked = newton_raphson_walk(ball, start, steps=4, share=share, domain=Domain())
    before, after = ball(start).clamp_min(0), ball(walked)
    assert (after[before > 0] >= -1e-6).all()
    expected = before * (1 - share[:, 0] / 4) ** 4  # each of four steps goes a quarter of the share
    assert torch.allclose(after[before > 0], expected[before > 0], atol=1e-5)


def test_the_walk_stops_at_the_level_it_is_given_and_in_the_domain():
    start = Domain("ball").uniform(200, 3, generator())
    walked = newton_raphson_walk(ball, start, steps=1, share=torch.ones(200, 1), domain=Domain("ball"), level=0.2)
    assert torch.allclose(ball(walked)[ball(start) > 0.2], torch.tensor(0.2), atol=1e-6)
    pushed = newton_raphson_walk(lambda z: 5 - z[:, 0], start, steps=3, share=torch.ones(200, 1), domain=Domain("ball"))
    assert (Domain("ball").distance(pushed) <= 1e-6).all()
    assert torch.equal(newton_raphson_walk(ball, start, steps=0, share=torch.ones(200, 1), domain=Domain()), start)


def test_a_flat_place_is_left_where_it_is():
    start = np.zeros((3, 2), np.float32)
    walked = newton_raphson_walk(lambda z: 1 + 0 * z.sum(dim=1), torch.as_tensor(start), steps=2, share=torch.ones(3, 1), domain=Domain())
    assert torch.equal(walked, torch.zeros(3, 2))
