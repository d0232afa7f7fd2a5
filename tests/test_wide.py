"""Thousands of boxes: the same surface, the same bound, and only the networks near a place are asked."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from sdfshape.extract import extract_mesh
from sdfshape.field import SignedDistanceField, load_field
from sdfshape.field.near_boxes import NearBoxes
from sdfshape.field.signed_distance import measured_float32_error
from sdfshape.field.wide import MANY, NONE, WideMosaic
from sdfshape.frame import Frame
from sdfshape.lipschitz import Boxes, Layers, certify, split_boxes
from sdfshape.lipschitz.stack import StackParameters

pytestmark = pytest.mark.usefixtures("one_thread")
FRAME = Frame((100.0, -40.0, 7.0), 12.5)


@cache
def wide_field(k: int = 2 * MANY, seed: int = 0) -> SignedDistanceField:
    """Untrained, certified; its zero set runs through the middle of every box."""
    points = np.random.default_rng(seed).uniform(-0.8, 0.8, (4000, 3))
    boxes = split_boxes(points, k)
    layers = StackParameters.random(k, 3, 8, torch.Generator().manual_seed(seed)).layers(3)
    layers = certify(layers.lowered(layers(torch.zeros(k, 1, 3))[:, 0]))
    return SignedDistanceField(layers, boxes, FRAME, measured_float32_error(layers, boxes), {"made": "here"})


def slow_twin(field: SignedDistanceField, x: Tensor) -> Tensor:
    """G with all networks, as it is defined."""
    boxes, layers = field.boxes.map(Tensor.double), field.layers.map(Tensor.double)
    f = boxes.compose(layers(boxes.to_local(x)), x)
    whole = Boxes(boxes.lo.amin(0, keepdim=True), boxes.hi.amax(0, keepdim=True)).distance(x)[0]
    return torch.minimum(f, whole.clamp_min(WideMosaic(field.layers, field.boxes).reach))


def unit_places(count: int, reach: float = 1.3, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-reach, reach, (count, 3))


def test_asking_only_boxes_nearby_gives_the_number_of_all_of_them():
    field = wide_field()
    x = np.concatenate([unit_places(4_000), unit_places(1_000, 4.0), 1e6 * unit_places(20)])
    assert field.is_wide and not wide_field(MANY).is_wide
    np.testing.assert_allclose(field.mosaic_unit(x, torch.float64), slow_twin(field, torch.tensor(x)).numpy(), rtol=1e-12, atol=1e-12)


def test_the_cut_at_the_reach_keeps_sign_and_surface():
    field, x = wide_field(), unit_places(5_000)
    plain = field.boxes.map(Tensor.double).compose(
        field.layers.map(Tensor.double)(field.boxes.map(Tensor.double).to_local(torch.tensor(x))), torch.tensor(x)
    )
    found = field.mosaic_unit(x, torch.float64)
    assert (np.sign(found) == np.sign(plain.numpy())).all() and (found <= plain.numpy() + 1e-12).all()
    near = plain.numpy() < WideMosaic(field.layers, field.boxes).reach
    np.testing.assert_allclose(found[near], plain.numpy()[near], atol=1e-12)
    assert (found < plain.numpy() - 1e-3).any()  # it is cut somewhere


def test_it_is_1_lipschitz_and_at_least_as_large_as_a_place_is_beyond_the_bounds():
    field = wide_field()
    rng = np.random.default_rng(2)
    x = FRAME.to_world(unit_places(12_000, 1.5))
    y = x + rng.normal(size=x.shape) * rng.permutation(np.logspace(-6, 1, len(x)))[:, None]
    (fx, ex), (fy, ey) = field.certified(x), field.certified(y)
    assert (np.abs(fx - fy) <= np.linalg.norm(x - y, axis=1) * (1 + 1e-12) + ex + ey).all()
    beyond = np.maximum(field.bounds[0] - y, y - field.bounds[1]).max(axis=1)
    assert (fy >= beyond - ey).all()
    lo, hi = field.level_box(3.0)
    assert ((y[fy <= 3.0] >= lo) & (y[fy <= 3.0] <= hi)).all()


def test_the_rounding_bound_is_that_of_places_beside_the_boxes_and_holds():
    field, x = wide_field(), unit_places(12_000)
    single, double = field.mosaic_unit(x), field.mosaic_unit(x, torch.float64)
    bound = field._rounding_error_unit(1.3, 2.0**-24)
    assert np.abs(single - double).max() <= bound < 0.05
    radius = float(WideMosaic(field.layers, field.boxes).local_radii(1.3).max())
    assert radius < 4  # whatever the size of the whole: a plain mosaic of as many boxes asks each about all of it
    assert field.float32_error_unit < 1e-4


def test_no_network_is_asked_about_a_place_farther_away_than_its_bound_allows_for():
    mosaic = WideMosaic(wide_field().layers, wide_field().boxes)
    farthest = np.zeros(len(mosaic.boxes.lo))

    def seen(k, x):
        local = mosaic.boxes.map(lambda t: t[k : k + 1]).to_local(x)
        farthest[k] = max(farthest[k], float(local.norm(dim=2).max()))
        return local[0, :, 0]

    object.__setattr__(mosaic, "_one", seen)
    mosaic.values(torch.tensor(unit_places(20_000), dtype=torch.float32))
    radii = mosaic.local_radii(1.3).numpy()
    assert (farthest <= radii).all() and (farthest > 0.5 * radii).any()


def test_gradients_are_those_of_the_values():
    field, x = wide_field(), unit_places(800, 1.6)
    mosaic = WideMosaic(field.layers.map(Tensor.double), field.boxes.map(Tensor.double))
    f, gradient = mosaic.gradients(torch.tensor(x))
    _, owner = mosaic.values(torch.tensor(x))
    step = 1e-6
    slopes = [
        (mosaic.values(torch.tensor(x + step * axis))[0] - mosaic.values(torch.tensor(x - step * axis))[0]) / (2 * step)
        for axis in np.eye(3)
    ]
    close = np.isclose(gradient.numpy(), torch.stack(slopes, 1).numpy(), atol=1e-4).all(axis=1)
    assert close.mean() > 0.99  # but beside folds
    assert (owner == NONE).any() and (gradient[torch.from_numpy(owner == NONE) & (f > mosaic.reach)].norm(dim=1) > 0.99).all()


def test_a_place_asks_as_many_boxes_of_thousands_as_of_hundreds():
    rng = np.random.default_rng(0)

    def asked(count: int) -> float:
        side = round(count ** (1 / 3))
        lo = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3) / side * 2 - 1.0
        near = NearBoxes.over(lo, lo + 2.2 / side, 1.0 / side)
        places = rng.uniform(-0.9, 0.9, (5_000, 3))
        return len(near.pairs(places)[0]) / len(places)

    assert asked(20**3) <= 1.2 * asked(8**3)


def test_near_boxes_miss_no_box_within_reach():
    rng = np.random.default_rng(3)
    lo = rng.uniform(-1, 1, (300, 3))
    hi = lo + rng.uniform(0.01, 0.5, (300, 3))
    near, x = NearBoxes.over(lo, hi, 0.1), rng.uniform(-1.5, 2, (2_000, 3))
    row, box = near.pairs(x)
    beyond = np.maximum(lo[None] - x[:, None], x[:, None] - hi[None]).max(axis=2)
    assert set(zip(*np.nonzero(beyond <= 0.1), strict=True)) <= set(zip(row, box, strict=True))
    assert (np.diff(row) >= 0).all() and len(np.unique(np.stack([row, box]), axis=1).T) == len(row)


def flat_field(lo: np.ndarray, hi: np.ndarray) -> SignedDistanceField:
    """Networks that all say z, in whatever boxes."""
    k = len(lo)
    boxes = Boxes(torch.tensor(lo, dtype=torch.float32), torch.tensor(hi, dtype=torch.float32))
    up = torch.tensor([0.0, 0.0, 1.0]).expand(k, 1, 3).contiguous()
    return SignedDistanceField(
        Layers((up,), ((boxes.centre[:, 2] / boxes.scale)[:, None, None],), "absolute"), boxes, Frame((0, 0, 0), 1.0), 1e-6
    )


def test_small_boxes_in_one_place_do_not_make_the_field_flat_in_another():
    x, y = np.meshgrid(*2 * [np.arange(-0.8, 0.8, 0.2)], indexing="ij")
    corner = np.stack([x.ravel(), y.ravel(), np.full(x.size, -0.1)], axis=1)
    dense = np.array([0.3, 0.3, 0.0]) + 0.002 * np.stack(np.meshgrid(*3 * [np.arange(5)], indexing="ij"), -1).reshape(-1, 3)
    lo, hi = np.concatenate([corner, dense]), np.concatenate([corner + np.array([0.22, 0.22, 0.2]), dense + 0.0022])
    field = flat_field(lo, hi)
    assert field.is_wide
    places = np.array([[-0.5, -0.5, z] for z in (0.01, 0.03, 0.06)])
    assert np.allclose(field(places), [0.01, 0.03, 0.06], atol=1e-5) and np.allclose(field.gradient(places), [0, 0, 1], atol=1e-5)


@pytest.mark.parametrize("least", [1e-2, 1e-4, 1e-30])
def test_boxes_of_very_different_sizes_cost_no_more_memory(least):
    lo = np.random.default_rng(0).uniform(-0.8, -0.7, (100, 3))
    hi = np.where(np.arange(100)[:, None] == 7, lo + least, lo + 1.5)
    near = NearBoxes.over(lo, hi, least / 2)
    assert len(near.members) <= 64 * 100
    row, box = near.pairs(lo[7:8] + least / 4)
    assert 7 in box and (row == 0).all()


def test_it_is_saved_and_extracted_as_any_field(tmp_path):
    field = wide_field()
    field.save(tmp_path / "wide.sdf")
    again = load_field(tmp_path / "wide.sdf")
    x = FRAME.to_world(unit_places(2_000))
    np.testing.assert_array_equal(field(x), again(x))
    pruned, dense = extract_mesh(field, resolution=32), extract_mesh(field, resolution=32, dense=True)
    np.testing.assert_array_equal(pruned.mesh.faces, dense.mesh.faces)


def test_no_places_are_no_values():
    field = wide_field()
    assert field(np.zeros((0, 3))).shape == (0,) and field.gradient(np.zeros((0, 3))).shape == (0, 3)


def test_one_box_that_holds_everything_is_a_layer_of_minus_one():
    layers = Layers((torch.zeros(MANY + 1, 1, 3),), (-torch.ones(MANY + 1, 1, 1),), "absolute")
    lo = torch.linspace(-1, 0.9, MANY + 1)[:, None] * torch.tensor([[1.0, 0, 0]]) + torch.tensor([[0, -0.1, -0.1]])
    field = SignedDistanceField(layers, Boxes(lo, lo + torch.tensor([0.2, 0.2, 0.2])), FRAME, 1e-6)
    assert field.contains(FRAME.to_world(np.array([[0.0, 0, 0], [0.5, 0, 0]]))).all()
