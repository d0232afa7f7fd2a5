"""Image networks: every step is what it says, the whole is 1-Lipschitz, proven, and trains in the same loop as surfaces do."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from sdfshape.errors import FieldFileError, InputError
from sdfshape.evaluate.robustness import auroc
from sdfshape.field.files import read_tensors, write_tensors
from sdfshape.lipschitz import ImageLayers, lipschitz_bound, rounding_bound
from sdfshape.lipschitz.images import (
    TURNS,
    ImagePlan,
    block_convolution,
    certify_image,
    fused_convolution,
    norm_pool,
    pixel_unshuffle,
)
from sdfshape.oneclass import OneClassSDF, load_detector, save_detector
from sdfshape.train.config import NetworkConfig
from sdfshape.train.network import ImageNetwork, make_network

pytestmark = pytest.mark.usefixtures("one_thread")

PLANS = [
    ImagePlan("vgg", (8, 8, 1), 8),
    ImagePlan("gnp", (8, 8, 1), 4),
    ImagePlan("vgg", (7, 5, 3), 16, 1, 3),
    ImagePlan("gnp", (6, 6, 2), 8, 1),
]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def turns(channels: int, seed: int = 0) -> torch.Tensor:
    return torch.linalg.qr(torch.randn(TURNS, channels, channels, generator=generator(seed), dtype=torch.float64))[0]


def network(plan: ImagePlan, seed: int = 0) -> ImageLayers:
    return ImageNetwork(plan, generator(seed), torch.device("cpu")).layers()


def images(plan: ImagePlan, count: int = 50, seed: int = 0) -> torch.Tensor:
    return torch.randn(1, count, int(np.prod(plan.image)), generator=generator(seed), dtype=torch.float64)


# --- steps


def test_a_block_convolution_is_an_orthogonal_convolution_of_3_by_3():
    x, q = torch.randn(4, 6, 7, 8, generator=generator(1), dtype=torch.float64), turns(8)
    y = block_convolution(x, q)
    assert torch.allclose(y.flatten(1).norm(dim=1), x.flatten(1).norm(dim=1))
    moved = block_convolution(x.roll((2, 3), dims=(1, 2)), q)  # a convolution knows no place
    assert torch.allclose(moved, y.roll((2, 3), dims=(1, 2)))
    spot = torch.zeros(1, 9, 9, 8, dtype=torch.float64)
    spot[0, 4, 4] = torch.randn(8, generator=generator(2), dtype=torch.float64)
    reached = block_convolution(spot, q).abs().sum(dim=3)[0] > 1e-12
    assert reached[3:6, 3:6].all() and reached.sum() == 9
    assert torch.allclose((block_convolution(x, q) * spot[:, :6, :7]).sum(), (x * _transposed(spot[:, :6, :7], q)).sum())


def _transposed(x: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """The inverse of the convolution, which is its transpose: turns and moves backwards."""
    from sdfshape.lipschitz.images import MOVES

    half = x.shape[-1] // 2
    for j in reversed(range(TURNS)):
        x = x @ q[j]
        if j:
            back = (-MOVES[j - 1][0], -MOVES[j - 1][1])
            x = torch.cat([x[..., :half].roll(back, dims=(1, 2)), x[..., half:]], dim=-1)
    return x


@pytest.mark.parametrize("size", [(6, 7), (1, 4), (2, 2)])
def test_the_fused_convolution_is_its_slow_twin(size):
    x = torch.randn(3, *size, 8, generator=generator(1), dtype=torch.float64)
    q = torch.randn(TURNS, 8, 8, generator=generator(2), dtype=torch.float64)  # also where the turns are none
    assert torch.allclose(fused_convolution(x, q), block_convolution(x, q))


def test_unshuffling_is_a_permutation_that_keeps_squares_together():
    x = torch.arange(2 * 4 * 6 * 3, dtype=torch.float64).view(2, 4, 6, 3)
    y = pixel_unshuffle(x)
    assert y.shape == (2, 2, 3, 12) and torch.equal(y.flatten().sort().values, x.flatten())
    assert set(y[0, 1, 2].tolist()) == set(x[0, 2:4, 4:6].flatten().tolist())


def test_pooling_is_the_length_of_a_square_and_no_farther_apart():
    x, y = (torch.randn(5, 4, 4, 2, generator=generator(s), dtype=torch.float64) for s in (0, 1))
    assert float(norm_pool(x, 2)[0, 0, 1, 0]) == pytest.approx(float(x[0, 0:2, 2:4, 0].norm()))
    apart = (norm_pool(x, 2) - norm_pool(y, 2)).flatten(1).norm(dim=1)
    assert (apart <= (x - y).flatten(1).norm(dim=1) + 1e-12).all()
    flat = torch.zeros(1, 2, 2, 1, requires_grad=True)
    norm_pool(flat, 2).sum().backward()
    assert torch.equal(flat.grad, torch.zeros_like(flat))  # no nan where everything is 0


# --- the whole


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_the_whole_is_1_lipschitz_and_its_bound_is_proven(plan):
    layers = network(plan).map(torch.Tensor.double)
    assert lipschitz_bound(network(plan).bounding_chain) <= 1
    x = images(plan)
    for scale in (1e-3, 1.0):
        y = x + scale * images(plan, seed=1)
        assert ((layers(x) - layers(y)).abs() <= (x - y).norm(dim=2) + 1e-12).all()
    x = x.requires_grad_()
    (slope,) = torch.autograd.grad(layers(x).sum(), x)
    steep = slope[0].norm(dim=1)
    assert steep.max() <= 1 + 1e-6
    if plan.kind == "gnp":
        assert steep.min() > 1 - 1e-5  # slope 1 almost everywhere: nothing is lost


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_a_network_that_is_too_steep_is_divided(plan):
    good = network(plan)
    steep = replace(good, turns=tuple(1.1 * t for t in good.turns), last=2 * good.last)
    assert lipschitz_bound(steep.bounding_chain) > 2
    assert lipschitz_bound(certify_image(steep).bounding_chain) <= 1


@pytest.mark.parametrize("plan", PLANS[:2], ids=str)
def test_rounding_is_within_its_bound(plan):
    """float32 against float64, by the bound for float32's unit roundoff."""
    layers, x = network(plan), images(plan)
    wide = layers.map(torch.Tensor.double)
    radius = float(x.norm(dim=2).max())
    error = (layers(x.float()).double() - wide(x.float().double())).abs().max()
    assert 0 < error <= rounding_bound(wide.bounding_chain, radius, 2.0**-24)
    assert rounding_bound(wide.bounding_chain, radius) < 1e-9


def test_training_slopes_are_those_of_the_slow_twin():
    plan = ImagePlan("vgg", (8, 8, 1), 8)
    net = ImageNetwork(plan, generator(), torch.device("cpu"))
    u = images(plan, 6).float()
    f = net.forward(u, low=True)
    slopes = torch.randn(f.shape, generator=generator(1))
    hidden, others, du = net.backward(slopes)
    leaves = [t.clone().requires_grad_() for t in (*net.hidden, *net.others)]
    x = u.clone().requires_grad_()
    slow = net._network(leaves)(x)
    expected = torch.autograd.grad(slow, [*leaves, x], slopes)
    assert torch.allclose(f, slow, atol=1e-5)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip([*hidden, *others, du], expected, strict=True))


def test_sizes_follow_the_plan():
    plan = ImagePlan("vgg", (28, 28, 1), 32, 2, 3)
    assert plan.convolutions == [(32, 196)] * 2 + [(64, 49)] * 2 + [(128, 16)] * 2 and plan.left == 128
    assert ImagePlan("gnp", (28, 28, 1), 4, 1, 4).convolutions == [(4, 196), (16, 49)]  # a side of 7 is not halved
    assert ImagePlan("gnp", (32, 32, 3), 32, 2, 2).convolutions == [(48, 64)] * 2 + [(192, 16)] * 2
    assert ImagePlan("gnp", (7, 7, 4), 8, 1, 2).convolutions == [(4, 49)]
    assert ImagePlan("gnp", (28, 28, 1), 4, 1, 4).left == 784
    made = make_network(NetworkConfig(kind="gnp", image=(8, 8, 1), width=8), 64, 4, generator(), torch.device("cpu"))
    assert isinstance(made, ImageNetwork) and made.plan.width == 8


# --- as a detector


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    data, labels = load_digits(return_X_y=True)
    return data / 16, labels


@cache
def fitted(kind: str) -> OneClassSDF:
    data, labels = digits()
    detector = OneClassSDF(network=kind, image_shape=(8, 8, 1), width=16, depth=1, steps=60, scaling="none", random_state=0)
    return detector.fit(data[labels == 0][:120])


@pytest.mark.parametrize("kind", ["vgg", "gnp"])
def test_a_digit_is_told_from_the_others(kind):
    data, labels = digits()
    score = fitted(kind).score_samples(data)
    assert auroc(score[labels == 0][120:], score[labels != 0]) > 0.9
    assert fitted(kind).field_.lipschitz_bound <= 1
    radius = fitted(kind).certified_radius(data[:50])
    assert (radius <= np.abs(score[:50] - fitted(kind).offset_)).all() and (radius > 0).mean() > 0.9


@pytest.mark.parametrize("kind", ["vgg", "gnp"])
def test_an_image_detector_comes_back_and_a_damaged_one_does_not(tmp_path, kind):
    data, path = digits()[0][:40], tmp_path / "d.ocsdf"
    save_detector(fitted(kind), path)
    assert np.array_equal(load_detector(path).score_samples(data), fitted(kind).score_samples(data))
    tensors, header = read_tensors(path, "sdfshape detector", 1)
    for name, wrong in (("turns_0", tensors["turns_0"][:2]), ("last", tensors["last"] * np.nan), ("turns_1", tensors["turns_1"] * 1.1)):
        write_tensors(path, tensors | {name: wrong}, header, overwrite=True)
        with pytest.raises(FieldFileError, match=r"d\.ocsdf: (a detector|weights) must"):
            load_detector(path)
    write_tensors(path, tensors, header | {"network": header["network"] | {"depth": 10**9}}, overwrite=True)
    with pytest.raises(FieldFileError, match="a detector must have all its parts"):
        load_detector(path)


@pytest.mark.parametrize(
    ("options", "law"),
    [
        ({"network": "resnet"}, "network must be chain or discs, or vgg or gnp with an image_shape"),
        ({"network": "vgg"}, "network must be chain or discs, or vgg or gnp with an image_shape"),
        ({"image_shape": (8, 8, 1)}, "network must be chain or discs, or vgg or gnp with an image_shape"),
        ({"network": "vgg", "image_shape": (8, 8, 3)}, "rows must be images of"),
        ({"network": "vgg", "image_shape": (8, 8, 1), "recipe": "paper"}, "the paper's recipe trains a chain here"),
    ],
)
def test_a_wrong_image_is_named(options, law):
    with pytest.raises(InputError, match=law):
        OneClassSDF(**options).fit(digits()[0][:50])
