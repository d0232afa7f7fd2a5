"""Orthogonal layers, their certificate, and the slow twins of the fast stack."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from shapes import box_distance, box_points, torus_points

from sdfshape.lipschitz import ACTIVATIONS, Boxes, Layers, certify, lipschitz_bound, rounding_bound, split_boxes
from sdfshape.lipschitz.certificate import spectral_norms_above
from sdfshape.lipschitz.orthogonal import (
    _norm_above,
    bjorck_orthonormalize,
    level_singular_values,
    nearest_orthogonal,
)
from sdfshape.lipschitz.stack import StackEngine, StackParameters

pytestmark = pytest.mark.usefixtures("one_thread")


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def stack(k: int = 1, depth: int = 4, width: int = 16, seed: int = 0) -> StackParameters:
    p = StackParameters.random(k, depth, width, torch.Generator().manual_seed(seed))
    p.offset.copy_(noise(k, seed=seed + 1, dtype=torch.float32))
    return p


def random_layers(k: int, gain: float, activation: str = "absolute", seed: int = 0, width: int = 24) -> Layers:
    sizes = [3, width, width, width, 1]
    pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
    matrices = tuple(gain * noise(k, *s, seed=seed + j, dtype=torch.float32) / math.sqrt(s[1]) for j, s in enumerate(pairs))
    biases = tuple(0.1 * noise(k, 1, s[0], seed=seed + 10 + j, dtype=torch.float32) for j, s in enumerate(pairs))
    return Layers(matrices, biases, activation)


def loose_layers(p: StackParameters, dimension: int) -> Layers:
    """The chain of a stack without re-orthogonalisation, as a function that autograd follows."""
    last = p.last / p.last.norm(dim=1, keepdim=True)
    matrices = (p.hidden[:, 0, :, :dimension], *p.hidden[:, 1:].unbind(1), last[:, None])
    return Layers(matrices, (*(b[:, None] for b in p.bias.unbind(1)), p.offset[:, None, None]), "absolute")


def greatest_slope(layers: Layers, pairs: int = 100_000) -> torch.Tensor:
    """(k,) largest |g(u) - g(v)| / |u - v| over near and far pairs, float64."""
    k = len(layers.matrices[0])
    u = 2 * noise(k, pairs, 3)
    v = u + noise(k, pairs, 3, seed=1) * torch.logspace(-4, 0, pairs, dtype=torch.float64)[:, None]
    layers = layers.map(torch.Tensor.double)
    return ((layers(u) - layers(v)).abs() / (u - v).norm(dim=2)).amax(dim=1)


# --- stack: fast twin of Layers + autograd


@pytest.mark.parametrize(("k", "depth", "dimension"), [(1, 4, 3), (2, 3, 3), (2, 1, 2)])
def test_stack_equals_layers_and_autograd(k, depth, dimension):
    p = stack(k, depth)
    u, slopes = noise(k, 200, dimension, dtype=torch.float32), noise(k, 200, seed=5, dtype=torch.float32)
    engine = StackEngine(p, 200, torch.float32)
    f = engine.forward(u, p)
    gradient, du = engine.backward(slopes)
    leaves = [t.clone().requires_grad_() for t in (p.hidden, p.bias, p.last, p.offset, u)]
    slow = loose_layers(StackParameters(*leaves[:4]), dimension)(leaves[4])
    truth = torch.autograd.grad((slow * slopes).sum(), leaves)
    assert torch.allclose(f, slow, atol=2e-6)
    for fast, expected in zip((gradient.hidden, gradient.bias, gradient.last, gradient.offset, du), truth, strict=True):
        assert (fast - expected).abs().max() < 1e-5 * (1 + expected.abs().max())


def test_stack_buffers_do_not_leak_from_one_call_to_the_next():
    p, q = stack(seed=0), stack(seed=9)
    u, v = noise(1, 64, 3, dtype=torch.float32), noise(1, 64, 3, seed=3, dtype=torch.float32)
    slopes, engine = torch.ones(1, 64), StackEngine(p, 64, torch.float32)
    first = engine.forward(u, p).clone(), [t.clone() for t in (vars(engine.backward(slopes)[0])).values()]
    engine.forward(v, q), engine.backward(-slopes)
    again = engine.forward(u, p), list(vars(engine.backward(slopes)[0]).values())
    assert torch.equal(first[0], again[0]) and all(map(torch.equal, first[1], again[1]))


def test_bfloat16_stack_is_close():
    p, u = stack(1, 8, 32), noise(1, 500, 3, dtype=torch.float32).clamp(-1, 1)
    low, high = StackEngine(p, 500, torch.bfloat16), StackEngine(p, 500, torch.float32)
    assert (low.forward(u, p) - high.forward(u, p)).abs().max() < 0.05
    (a, du_low), (b, du_high) = low.backward(torch.ones(1, 500)), high.backward(torch.ones(1, 500))
    for x, y in ((du_low, du_high), (a.bias, b.bias), (a.hidden, b.hidden), (a.last, b.last)):
        assert torch.nn.functional.cosine_similarity(x.flatten(), y.flatten(), dim=0) > 0.95


def test_exported_layers_are_the_stack_and_have_slope_1():
    p = stack(2, 4)
    layers, u = p.layers(3), noise(2, 300, 3, dtype=torch.float32)
    assert torch.allclose(layers(u), StackEngine(p, 300, torch.float32).forward(u, p), atol=5e-6)
    u.requires_grad_()
    (gradient,) = torch.autograd.grad(layers(u).sum(), u)
    assert gradient.norm(dim=2).max() <= 1 + 1e-5
    for w in layers.matrices[:-1]:
        assert (torch.linalg.svdvals(w.double()) - 1).abs().max() < 1e-6


# --- orthogonal matrices


def conditioned(*shape: int, low: float, seed: int = 0) -> torch.Tensor:
    u, s, vt = torch.linalg.svd(noise(*shape, seed=seed), full_matrices=False)
    return u @ torch.diag_embed(torch.linspace(low, 1, s.shape[-1], dtype=s.dtype).expand_as(s)) @ vt


@pytest.mark.parametrize("shape", [(12, 12), (3, 20, 7), (2, 7, 20), (1, 9)])
def test_bjorck_converges_to_the_nearest_orthogonal_matrix(shape):
    w = 5 * conditioned(*shape, low=0.3)
    assert (bjorck_orthonormalize(w) - nearest_orthogonal(w)).abs().max() < 1e-9
    errors = [(bjorck_orthonormalize(w, iterations=n) - nearest_orthogonal(w)).abs().max() for n in (2, 4, 6, 8)]
    assert all(b <= a / 2 or b < 1e-9 for a, b in pairwise(errors))


@pytest.mark.parametrize("shape", [(12, 12), (3, 20, 7), (2, 7, 20)])
def test_norm_above_is_never_below_the_spectral_norm_and_little_above(shape):
    for seed in range(5):
        w = noise(*shape, seed=seed)
        ratio = _norm_above(w, 8).flatten() / torch.linalg.matrix_norm(w, 2).flatten()
        assert ratio.min() >= 1 - 1e-12 and ratio.max() <= min(shape[-2:]) ** (1 / 256) + 1e-12
    equal = _norm_above(torch.eye(16, dtype=torch.float64), 8)
    assert float(equal) == pytest.approx(16 ** (1 / 256), rel=1e-12)  # the worst case: all singular values equal


@pytest.mark.parametrize("shape", [(16, 16), (2, 3, 24, 24)])
def test_levelled_singular_values_are_near_1(shape):
    w = 100 * conditioned(*shape, low=0.05 * shape[-1] ** 0.25)
    levelled = level_singular_values(w)
    sigma = torch.linalg.svdvals(levelled)
    assert sigma.min() > 0.78 and sigma.max() < 1.22
    aligned = nearest_orthogonal(w).mT @ levelled  # the same singular vectors: what is left is symmetric and positive
    assert (aligned - aligned.mT).abs().max() < 1e-9 and torch.linalg.eigvalsh(aligned).min() > 0


def test_levelled_skew_matrix_is_skew():
    w = noise(16, 16)
    levelled = level_singular_values(w - w.mT)
    assert (levelled + levelled.mT).abs().max() < 1e-12


def test_nearest_orthogonal_is_nearest():
    w = conditioned(8, 8, low=0.2)
    best = (w - nearest_orthogonal(w)).norm()
    assert all(best < (w - nearest_orthogonal(noise(8, 8, seed=s))).norm() for s in range(1, 20))
    assert (w - torch.matrix_exp(0.01 * (noise(8, 8) - noise(8, 8).mT)) @ nearest_orthogonal(w)).norm() > best
    assert nearest_orthogonal(w.float()).dtype == torch.float32


# --- certificate


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("seed", range(3))
def test_the_bound_is_above_every_slope(activation, seed):
    layers = random_layers(2, 1.0, activation, seed)
    assert float(greatest_slope(layers, 20_000).max()) <= lipschitz_bound(layers)


def line_isometry(width: int = 8, depth: int = 3) -> Layers:
    """g(u) = |..|u_1||..|: slope 1 along the first axis, so its constant is exactly 1."""
    eye = torch.eye(width)
    matrices = (eye[None, :, :3], *[eye[None]] * (depth - 1), eye[None, :1])
    return Layers(matrices, tuple(torch.zeros(1, 1, w.shape[1]) for w in matrices), "absolute")


def test_a_falsified_bound_is_violated():
    layers = line_isometry()
    u, v = torch.tensor([[[0.2, 0.1, 0.0]]]), torch.tensor([[[0.7, 0.1, 0.0]]])
    slope = float((layers(u) - layers(v)).abs() / (u - v).norm())
    bound = lipschitz_bound(layers)
    assert slope <= bound * (1 + 1e-6) and bound < 1 + 1e-11
    assert not slope <= 0.9 * bound


def test_the_bound_is_the_largest_over_the_networks():
    both = random_layers(2, 1.0)
    alone = [both.map(lambda t, k=k: t[k : k + 1]) for k in (0, 1)]
    assert lipschitz_bound(both) == pytest.approx(max(map(lipschitz_bound, alone)), rel=1e-12)
    louder = Layers((*both.matrices[:-1], 3 * both.matrices[-1]), both.biases, both.activation)
    assert lipschitz_bound(louder) == pytest.approx(3 * lipschitz_bound(both), rel=1e-6)


def test_spectral_norms_above_are_above():
    a = noise(6, 30, 12)
    truth = torch.linalg.eigvalsh(a.mT @ a)[:, -1].sqrt()
    assert (spectral_norms_above(a) >= truth * (1 - 1e-14)).all() and (spectral_norms_above(a) <= truth * (1 + 1e-12)).all()
    assert (spectral_norms_above(torch.diag(torch.tensor([3.0, 1.0])))) >= 3


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("k", [1, 3])
def test_certify_makes_any_chain_1_lipschitz(k, activation):
    for seed in range(20):
        layers = certify(random_layers(k, 1.5, activation, seed))
        assert lipschitz_bound(layers) <= 1
    assert float(greatest_slope(layers, 20_000).max()) <= 1


def test_certify_leaves_good_chains_alone():
    good = stack(2, 6, 32).layers(3)
    u = noise(2, 500, 3, dtype=torch.float32)
    assert lipschitz_bound(good) < 1 + 1e-5
    assert (certify(good)(u) - good(u)).abs().max() < 1e-6 * (1 + good(u).abs().max())
    shy = Layers((*good.matrices[:-1], 0.5 * good.matrices[-1]), good.biases, good.activation)
    assert all(map(torch.equal, certify(shy).matrices, shy.matrices))  # never made louder


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_rounding_bound_is_above_the_measured_error(activation):
    for seed in range(3):
        layers = certify(random_layers(2, 1.5, activation, seed))
        u = noise(2, 20_000, 3, seed=seed)
        u = u / u.norm(dim=2, keepdim=True).clamp_min(1) * 1.7
        radius = float(u.norm(dim=2).max())
        measured = (layers(u.float()).double() - layers.map(torch.Tensor.double)(u)).abs().max()
        assert 0 < float(measured) <= rounding_bound(layers, radius, 2.0**-24) < 0.05
        assert rounding_bound(layers, radius) < 1e-10


def test_rounding_bound_counts_every_layer_not_the_input_alone():
    quiet = certify(stack(1, 6, 32).layers(3))
    layers = Layers(quiet.matrices, tuple(b + 0.5 for b in quiet.biases), "absolute")  # the input is nearly 0, the biases are not
    u = 1e-4 * noise(1, 5000, 3, dtype=torch.float32)
    radius = float(u.norm(dim=2).max())
    measured = float((layers(u).double() - layers.map(torch.Tensor.double)(u.double())).abs().max())
    assert 100 * radius * 2.0**-24 < measured <= rounding_bound(layers, radius, 2.0**-24)


def test_rounding_bound_grows_with_the_domain_and_is_linear_in_the_roundoff():
    layers = stack(1, 6, 32).layers(3)
    assert rounding_bound(layers, 1.0) < rounding_bound(layers, 2.0)
    assert rounding_bound(layers, 1.0, 2.0**-24) == pytest.approx(2.0**29 * rounding_bound(layers, 1.0), rel=1e-3)


def test_full_sort_is_a_permutation_and_absolute_keeps_lengths():
    x = noise(50, 16)
    assert torch.equal(ACTIVATIONS["full_sort"](x).sum(1), x.sort(dim=1).values.sum(1))
    assert all(torch.allclose(act(x).norm(dim=1), x.norm(dim=1)) for act in ACTIVATIONS.values())


def test_lowered_chain_has_another_zero_level_and_the_same_constant():
    layers, by = stack(2, 3).layers(3), torch.tensor([0.1, -0.3])
    u = noise(2, 100, 3, dtype=torch.float32)
    assert torch.allclose(layers.lowered(by)(u), layers(u) - by[:, None], atol=1e-6)
    assert lipschitz_bound(layers.lowered(by)) == lipschitz_bound(layers)


# --- boxes


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_boxes_cover_all_points_and_share_them_equally(count):
    points = torus_points(4000)
    boxes = split_boxes(points, count)
    distance = boxes.distance(torch.tensor(points, dtype=torch.float32))
    assert distance.shape == (count, 4000) and (distance.amin(dim=0) < 0).all()
    assert (distance < 0).sum(dim=1).min() >= 4000 / count  # its own share, and some of its neighbours'
    assert boxes.to_local(boxes.hi)[range(count), range(count)].abs().max() < 0.8 + 1e-6


@pytest.mark.parametrize("points", [np.zeros((100, 3)), np.vstack([np.zeros((99, 3)), np.ones((1, 3))])])
def test_boxes_of_lopsided_clouds_have_a_size(points):
    boxes = split_boxes(points, 4)
    assert (boxes.hi > boxes.lo).all() and (boxes.distance(torch.tensor(points).float()).amin(dim=0) < 0).all()


def test_box_distance_is_the_analytic_one():
    half = torch.tensor([[0.8, 0.6, 0.5]], dtype=torch.float64)
    x = 1.5 * noise(5000, 3)
    assert np.abs(Boxes(-half, half).distance(x)[0].numpy() - box_distance(x.numpy())).max() < 1e-14


@pytest.mark.parametrize("share", [None, 0.3, 0.9])
def test_a_mosaic_of_4_is_1_lipschitz(share):
    boxes = split_boxes(box_points(2000), 4).map(torch.Tensor.double)
    boxes = boxes if share is None else ramped(boxes, share, 0.2)
    layers = certify(stack(4, 4).layers(3)).map(torch.Tensor.double)
    x, y = noise(100_000, 3) * 0.6, noise(100_000, 3, seed=1) * 0.6
    y = x + (y - x) * torch.logspace(-4, 0, len(x), dtype=x.dtype)[:, None]
    f, g = (boxes.compose(layers(boxes.to_local(z)), z) for z in (x, y))
    slope = (f - g).abs() / (x - y).norm(dim=1)
    assert 0.9 < slope.max() <= 1 + 1e-9


def ramped(boxes: Boxes, share: float, width: float) -> Boxes:
    return Boxes(boxes.lo, boxes.hi, torch.tensor([[share, width]], dtype=boxes.lo.dtype).expand(len(boxes.lo), 2))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1])
def test_a_step_between_two_networks_is_a_slope_where_the_ramp_is_as_high(share):
    """Two boxes that share |x| < .1, two planes at heights .002 and 0 of z: along x, without ramps the surface has a step at a wall."""
    boxes = Boxes(torch.tensor([[-1.0, -1, -1], [-0.1, -1, -1]]), torch.tensor([[0.1, 1, 1], [1.0, 1, 1]])).map(torch.Tensor.double)
    boxes, x = ramped(boxes, share, 0.2), torch.linspace(-0.5, 0.5, 4001, dtype=torch.float64)
    low, high = torch.full_like(x, -0.01), torch.full_like(x, 0.01)
    for _ in range(60):  # bisection of z
        z = (low + high) / 2
        at = torch.stack([x, torch.zeros_like(x), z], dim=1)
        f = boxes.compose(torch.stack([z - 0.002, z]) / boxes.scale[:, None], at)
        low, high = torch.where(f < 0, z, low), torch.where(f < 0, high, z)
    step = z.diff().abs().max()
    assert z[0] == pytest.approx(0.002, abs=1e-9) and z[-1] == pytest.approx(0.0, abs=1e-9)
    assert step < 1.01 * share / (1 - share) * 0.00025 if share > 0 else step > 0.0019  # a slope of b / (1 - b) and no step


def test_lowering_takes_a_level_from_what_the_networks_give():
    boxes = ramped(split_boxes(box_points(2000), 4).map(torch.Tensor.double), 0.1, 0.0)
    x, local = noise(200, 3) * 0.3, 0.1 * noise(4, 200)  # far from all walls
    boxes = Boxes(boxes.lo - 9, boxes.hi + 9, boxes.ramp)
    lowered = boxes.compose(local - boxes.lowering(0.25)[:, None], x)
    assert torch.allclose(lowered, boxes.compose(local, x) - 0.25, atol=1e-12)


def test_a_mosaic_is_the_union_of_shapes_cut_with_their_boxes():
    boxes = ramped(split_boxes(box_points(2000), 4), 0.0, 0.0)
    x = noise(3000, 3, dtype=torch.float32) * 0.7
    local = noise(4, 3000, dtype=torch.float32)
    inside = ((local < 0) & (boxes.distance(x) < 0)).any(dim=0)
    assert torch.equal(boxes.compose(local, x) < 0, inside) and 0.05 < inside.float().mean() < 0.95


def test_what_is_kept_has_gradients_though_it_was_asked_for_in_inference_mode_first():
    boxes = Boxes(-torch.ones(2, 3), torch.ones(2, 3))
    with torch.inference_mode():
        boxes.to_local(torch.zeros(1, 3))
    place = torch.full((1, 3), 0.5, requires_grad=True)
    (boxes.to_local(place) * boxes.scale[:, None, None]).square().sum().backward()
    assert torch.allclose(place.grad, 2 * 2 * place.detach())
