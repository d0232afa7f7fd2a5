"""Far from the surface: the field stays 1-Lipschitz, keeps its surface, comes near the distance; only networks that matter are asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from shapes import sphere_distance

from sdfshape.field import SignedDistanceField
from sdfshape.field.far import FarField, far_field
from sdfshape.field.mosaic import Mosaic
from sdfshape.frame import Frame
from sdfshape.lipschitz import Boxes, certify, split_boxes
from sdfshape.lipschitz.stack import StackParameters

LO, HI = np.full(3, -0.85), np.full(3, 0.85)


def mosaic(k: int, seed: int = 0) -> tuple[Mosaic, Boxes]:
    points = np.random.default_rng(seed).uniform(-0.8, 0.8, (500, 3))
    boxes = split_boxes(points, k)
    layers = certify(StackParameters.random(k, 4, 16, torch.Generator().manual_seed(seed)).layers(3))
    return Mosaic(layers, boxes), boxes


def flat_sphere(x: np.ndarray) -> np.ndarray:
    """A sphere of radius 0.7 as a field whose slope falls short: 0.6 near it, and nothing beyond 0.2."""
    d = 0.6 * sphere_distance(x)
    return np.clip(d, -0.12, 0.12)


def sphere_far(radius_factor: float = 1.0) -> FarField:
    far = far_field(flat_sphere, LO, HI, lipschitz=1.0, slack=0.0)
    assert far is not None
    return replace(far, radius=far.radius * radius_factor)


def places(count: int = 20_000, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.5, 1.5, (count, 3))


@pytest.mark.parametrize("k", [1, 2, 16])
@pytest.mark.parametrize("seed", [0, 1])
def test_asking_some_networks_gives_what_all_give(k, seed):
    some, boxes = mosaic(k, seed)
    x = torch.tensor(np.random.default_rng(5).uniform(-1.2, 1.2, (5000, 3)))
    some, boxes = Mosaic(some.layers.map(torch.Tensor.double), boxes.map(torch.Tensor.double)), boxes.map(torch.Tensor.double)
    every = boxes.compose(some.layers(boxes.to_local(x)), x)
    assert torch.allclose(some.values(x)[0], every, rtol=0, atol=1e-12)
    place = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(boxes.compose(some.layers(boxes.to_local(place)), place).sum(), place)
    f, gradient = some.gradients(x)
    assert torch.equal(f, some.values(x)[0])
    assert ((gradient - slope).norm(dim=1) < 1e-9).float().mean() > 0.999  # but where two networks meet


def test_every_zero_lies_in_a_cell_and_the_balls_around_the_centres_hold_it():
    far, x = sphere_far(), places()
    zeros = 0.7 * x / np.linalg.norm(x, axis=1, keepdims=True)
    assert far._in_held(zeros).all()
    assert (far.centres.query(zeros)[0] <= far.radius).all()
    assert not (far.centres.query(zeros)[0] <= 0.5 * far.radius).all()  # so a falsified radius fails


def test_the_field_keeps_its_signs_and_its_surface_and_grows_to_the_distance():
    far, x = sphere_far(), places()
    before, truth = flat_sphere(x), sphere_distance(x)
    after = far.raised(before, x)
    assert (np.sign(after) == np.sign(before)).all() and (np.abs(after) >= np.abs(before)).all()
    assert (np.abs(after) <= np.abs(truth) + 1e-12).all()
    kept_too_many = 2 * far.radius / 0.6  # a cell is kept where |F| <= r: up to r / 0.6 from the sphere, and its centre r nearer
    assert (np.abs(after) >= np.abs(truth) - far.radius - kept_too_many).all()
    falsified = sphere_far(0.5).raised(before, x)
    assert np.abs(falsified).max() > np.abs(after).max()


def test_the_field_is_1_lipschitz_across_the_surface_and_a_falsified_radius_is_not():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200_000, 3))
    x *= (0.7 + rng.normal(size=(len(x), 1)) * 0.02) / np.linalg.norm(x, axis=1, keepdims=True)
    y = x + 0.02 * rng.normal(size=x.shape)

    def excess(far: FarField) -> float:
        fx, fy = (far.raised(flat_sphere(p), p) for p in (x, y))
        return float((np.abs(fx - fy) - np.linalg.norm(x - y, axis=1)).max())

    assert excess(sphere_far()) <= 1e-12
    wrong = replace(sphere_far(0.2), held=np.zeros_like(sphere_far().held))
    assert excess(wrong) > 1e-3


def test_slopes_are_1_where_the_distance_decides():
    far, x = sphere_far(), places(2000)
    zero = np.zeros_like(x)
    f, slope = far.raised_gradients(flat_sphere(x), zero, x)
    raised = (slope != zero).any(axis=1)
    assert raised.mean() > 0.8 and np.abs(np.linalg.norm(slope[raised], axis=1) - 1).max() < 1e-12
    step = 1e-6
    ahead = far.raised(flat_sphere(x + step * slope), x + step * slope)
    assert (np.abs(ahead - f - step)[raised] < 1e-9).mean() > 0.99
    radial = (slope * x / np.linalg.norm(x, axis=1, keepdims=True)).sum(axis=1)
    assert np.median(radial[raised & (f > 0)]) > 0.99  # away from the sphere


def test_a_field_without_a_surface_has_no_cells():
    assert far_field(lambda x: np.ones(len(x)), LO, HI, lipschitz=1.0, slack=0.0) is None


def test_a_field_that_is_small_everywhere_has_no_more_cells_than_its_coarsest_grid_allows():
    far = far_field(lambda x: 0 * x[:, 0], LO, HI, lipschitz=1.0, slack=0.0)
    assert far is not None and len(far.centres.data) == 64**3 and not far.raised(np.ones(5), places(5) * 0.1).min() < 1


def test_the_whole_field_is_near_the_distance_to_its_own_surface():
    some, boxes = mosaic(4)
    field = SignedDistanceField(some.layers, boxes, Frame((0.0, 0.0, 0.0), 1.0), 1e-6)
    x = places(3000)
    far = field.far
    assert far is not None
    to_cells = far.centres.query(x)[0]
    assert (np.abs(field.evaluate_unit(x)) >= to_cells - far.radius - 1e-6).all()
