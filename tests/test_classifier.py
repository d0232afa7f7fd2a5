"""Signed distance classifiers: heads whose rows differ by 1, radii that no attack gets below."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from test_lipschitz import noise

from sdfshape.classifier import ClassifierConfig, SignedDistanceClassifier, ddn_attack, fit_classifier, nearest_other_class, penalty_attack
from sdfshape.errors import InputError
from sdfshape.lipschitz import ACTIVATIONS, Layers, pair_bound
from sdfshape.lipschitz.certificate import certify_pairs
from sdfshape.lipschitz.heads import HEADS, bounded_pair_difference, pair_norm_loss, pair_norms, unbounded_pair_difference

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = ClassifierConfig(width=16, depth=3, steps=250, batch=512, margin=0.03)


def random_classifier(classes: int = 4, dimension: int = 3, gain: float = 1.5, width: int = 16) -> SignedDistanceClassifier:
    sizes = [(width, dimension), (width, width), (classes, width)]
    matrices = tuple(gain * noise(1, *size, seed=j, dtype=torch.float32) / math.sqrt(size[1]) for j, size in enumerate(sizes))
    biases = tuple(0.3 * noise(1, 1, size[0], seed=9 + j, dtype=torch.float32) for j, size in enumerate(sizes))
    layers = certify_pairs(Layers(matrices, biases, "absolute"))
    middle = layers.outputs(torch.zeros(1, 1, dimension))  # where all outputs are made equal
    return SignedDistanceClassifier(Layers(layers.matrices, (*biases[:-1], layers.biases[-1] - middle), "absolute"), np.arange(classes))


def blobs(count: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three half-planes of directions in the plane: the boundary is three rays from the origin."""
    x = np.random.default_rng(seed).uniform(-1, 1, (count, 2))
    angle = np.mod(np.arctan2(x[:, 1], x[:, 0]), 2 * np.pi)
    return x, 10 + np.floor(3 * angle / (2 * np.pi)).astype(int)


@pytest.fixture(scope="module")
def fitted():
    x, y = blobs()
    return fit_classifier(x, y, config=SMALL)


# --- last layers


@pytest.mark.parametrize("classes", [2, 3, 11])
@pytest.mark.parametrize("name", list(HEADS))
def test_rows_of_a_head_differ_by_one(name, classes):
    start = torch.linalg.qr(noise(16, classes))[0].T / math.sqrt(2) + 0.05 * noise(classes, 16, seed=1)
    head = bounded_pair_difference(start) if name == "bounded" else unbounded_pair_difference(start, 40)
    apart = pair_norms(head)[~torch.eye(classes, dtype=torch.bool)]
    assert (apart - 1).abs().max() < 1e-6
    assert (pair_norms(start)[~torch.eye(classes, dtype=torch.bool)] - 1).abs().max() > 0.01  # so the head did something


def test_bounded_rows_are_orthonormal_over_root_two_and_unbounded_ones_need_not_be():
    start = torch.linalg.qr(noise(16, 5))[0].T + 0.1 * noise(5, 16, seed=1)
    gram = bounded_pair_difference(start) @ bounded_pair_difference(start).T
    assert (gram - torch.eye(5, dtype=gram.dtype) / 2).abs().max() < 1e-6
    far = unbounded_pair_difference(start + 3.0, 60)  # a shift of all rows changes no difference
    assert pair_norm_loss(far) < 1e-12 and far.norm() > 5


def test_the_pair_norm_loss_is_that_of_its_definition_and_lbfgs_follows_its_slope():
    u = noise(4, 6).requires_grad_()
    by_hand = sum(((u[j] - u[k]).square().sum() - 1) ** 2 / 4 for j in range(4) for k in range(j + 1, 4))
    torch.testing.assert_close(pair_norm_loss(u), by_hand)
    (slope,) = torch.autograd.grad(pair_norm_loss(u), u)
    step = 1e-3 * (unbounded_pair_difference(u.detach(), 1) - u.detach())
    assert pair_norm_loss(u.detach() + step) < pair_norm_loss(u.detach())
    assert torch.nn.functional.cosine_similarity(step.flatten(), -slope.flatten(), dim=0) > 0.999999


def test_a_gradient_flows_through_lbfgs():
    """Along the set of solutions (turning the rows) the result follows, across it (stretching them) it stays: to the first order."""
    start = unbounded_pair_difference(noise(3, 5), 60)
    skew = noise(5, 5, seed=3)
    skew = (skew - skew.T) / 2
    for direction, follows in ((start @ skew, 1.0), (start - start.mean(dim=0), 0.0)):
        t = torch.tensor(1e-4, dtype=torch.float64, requires_grad=True)
        moved = unbounded_pair_difference(start + t * direction, 40)
        (slope,) = torch.autograd.grad((moved * direction).sum(), t)
        assert slope / direction.square().sum() == pytest.approx(follows, abs=2e-3)


@pytest.mark.parametrize("name", ["max_min", "oplu"])
def test_paired_activations_permute_and_are_each_other(name):
    x = noise(50, 8)
    out = ACTIVATIONS[name](x)
    assert torch.equal(out.sort(dim=-1).values, x.sort(dim=-1).values)
    order = torch.tensor([0, 2, 4, 6, 1, 3, 5, 7])
    assert torch.equal(ACTIVATIONS["oplu"](x)[:, order], ACTIVATIONS["max_min"](x[:, order]))
    assert torch.equal(ACTIVATIONS["max_min"](x)[:, :4], torch.maximum(x[:, :4], x[:, 4:]))


# --- the certificate


def test_differences_of_scores_keep_their_proven_constant():
    classifier = random_classifier()
    assert 0.9 < classifier.pair_bound <= 1
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (40_000, 3))
    y = x + rng.normal(size=x.shape) * np.geomspace(1e-4, 1, len(x))[:, None]
    a, b = (classifier.scores(z, torch.float64) for z in (x, y))
    change = (a - b)[:, :, None] - (a - b)[:, None, :]
    steepest = (np.abs(change).max(axis=(1, 2)) / np.linalg.norm(x - y, axis=1)).max()
    assert 0.3 < steepest <= 1


def test_the_pair_bound_is_below_the_sum_of_two_and_falsified_weights_show():
    layers = random_classifier().layers
    louder = Layers((*layers.matrices[:-1], 1.01 * layers.matrices[-1]), layers.biases, layers.activation)
    assert pair_bound(louder) == pytest.approx(1.01 * pair_bound(layers), rel=1e-6)
    rows = layers.matrices[-1][0].double()
    chain = math.prod(float(torch.linalg.matrix_norm(w.double(), 2)) for w in layers.matrices[:-1])
    assert pair_bound(layers) == pytest.approx(float(pair_norms(rows).max()) * chain, rel=1e-9)


@pytest.mark.parametrize("make", [random_classifier, None])
def test_no_attack_gets_below_the_certified_radius(make, fitted):
    classifier = make() if make else fitted
    x = np.random.default_rng(1).uniform(-1, 1, (400, classifier.dimension))
    found, radius = nearest_other_class(classifier, x), classifier.certified_radius(x)
    reached = np.isfinite(found.distances)
    assert reached.mean() > 0.3 and (radius > 0).mean() > 0.9
    assert (classifier.predict(found.places[reached]) != classifier.predict(x[reached])).all()
    assert (radius[reached] <= found.distances[reached] * (1 + 1e-12) + 1e-12).all()
    loosest = (radius[reached] / found.distances[reached]).max()
    assert loosest > 0.9 if make is None else loosest > 0.3  # a constant 10% larger would be seen on the fitted one


def test_radii_without_places_and_without_slope(fitted):
    assert fitted.certified_radius(np.zeros((0, 2))).shape == (0,)
    layers = fitted.layers
    flat = Layers((*layers.matrices[:-1], 0 * layers.matrices[-1]), (*layers.biases[:-1], torch.tensor([[[0.0, 1.0, 1.0]]])), "absolute")
    tied = SignedDistanceClassifier(flat, fitted.classes)
    assert tied.pair_bound == 0 and (tied.certified_radius(np.zeros((2, 2))) == 0).all()
    sure = Layers(flat.matrices, (*layers.biases[:-1], torch.tensor([[[0.0, 1.0, 2.0]]])), "absolute")
    assert (SignedDistanceClassifier(sure, fitted.classes).certified_radius(np.zeros((2, 2))) == np.inf).all()


def test_a_large_common_shift_of_all_rows_is_no_part_of_the_certificate():
    """It is in no difference of outputs, and its rounding would be."""
    w, head = torch.linalg.qr(noise(1, 16, 16))[0].float(), noise(1, 40, 16, dtype=torch.float32) / 5 + 100
    plain = Layers((w[..., :3].contiguous(), head), (torch.zeros(1, 1, 16), 5 + noise(1, 1, 40, dtype=torch.float32)), "absolute")
    proven = certify_pairs(plain)
    assert 0.9999999 < pair_bound(proven) <= 1
    u = noise(1, 50, 3, dtype=torch.float32)
    assert torch.equal(proven.outputs(u).argmax(-1), plain.map(torch.Tensor.double).outputs(u.double()).argmax(-1))


# --- training


def test_a_fitted_classifier_knows_classes_and_distances(fitted):
    x, y = blobs(2000, seed=5)
    assert (fitted.predict(x) == y).mean() > 0.97
    assert set(fitted.classes) == {10, 11, 12} and fitted.dimension == 2
    angle = np.mod(np.arctan2(x[:, 1], x[:, 0]), 2 * np.pi)
    off = np.abs(angle[:, None] - np.array([0, 1, 2, 3]) * 2 * np.pi / 3).min(axis=1)
    truth = np.linalg.norm(x, axis=1) * np.sin(np.minimum(off, np.pi / 2))
    radius = fitted.certified_radius(x)
    clear = truth > 0.1
    assert (radius[clear] / truth[clear]).mean() > 0.75  # tight: the gap is nearly the distance
    assert (radius <= truth + 0.05).all()


def test_boundary_points_are_nearer_to_the_boundary(fitted):
    x, _ = blobs(300, seed=6)
    gap, gradient = fitted.gap_and_gradient(x)
    landed = fitted.gap_and_gradient(fitted.boundary_points(x), fitted.scores(x).argmax(axis=1))[0]
    steep = np.linalg.norm(gradient, axis=1) > 0.98
    assert steep.mean() > 0.3 and (np.abs(landed[steep]) < 0.2 * gap[steep] + 0.02).mean() > 0.9


@pytest.mark.parametrize("activation", ["absolute", "max_min", "oplu"])
@pytest.mark.parametrize("head", list(HEADS))
def test_every_kind_learns(activation, head):
    x, y = blobs()
    config = ClassifierConfig(width=16, depth=2, steps=80, batch=256, margin=0.03, activation=activation, head=head)
    classifier = fit_classifier(x, y, config=config)
    assert (classifier.predict(x) == y).mean() > 0.85 and 0.98 < classifier.pair_bound <= 1


def test_same_seed_same_weights_and_room_is_asked_for_no_more():
    x, y = blobs(200)
    config = ClassifierConfig(width=8, depth=2, steps=20, batch=64)
    a, b = (fit_classifier(x, y, config=config, seed=3).layers for _ in range(2))
    assert all(map(torch.equal, a.matrices, b.matrices))
    none = fit_classifier(x, y, config=config, seed=3, room=np.zeros(len(x))).layers
    assert not torch.equal(none.matrices[0], a.matrices[0])


@pytest.mark.parametrize(
    ("x", "y", "law"),
    [
        (np.zeros((5, 2)), np.zeros(5, int), "2 to 16 classes"),
        (np.zeros((40, 2)), np.arange(40), "2 to 16 classes"),
        (np.zeros((5, 2)), np.arange(4), "a label each"),
        (np.full((4, 2), np.nan), np.arange(4), "finite"),
        (np.zeros((4, 30)), np.arange(4), "1 to 16 numbers"),
        (np.zeros((4, 2)), np.array([0.2, 0.7, 0.2, 0.7]), "labels must be"),
    ],
)
def test_what_cannot_be_learned_is_refused(x, y, law):
    with pytest.raises(InputError, match=law):
        fit_classifier(x, y, config=SMALL)


def test_wrong_configurations_and_places_are_refused(fitted):
    with pytest.raises(InputError, match="activation one of"):
        ClassifierConfig(activation="relu")
    with pytest.raises(InputError, match="width must be even"):
        ClassifierConfig(width=7)
    with pytest.raises(InputError, match=r"places must be \(n, 2\)"):
        fitted.predict(np.zeros((3, 3)))


@pytest.mark.parametrize("attack", [ddn_attack, penalty_attack])
def test_attacks_of_others_find_other_classes_never_within_the_radius(fitted, attack):
    x, _ = blobs(150, 3)
    found, radius = attack(fitted, x), fitted.certified_radius(x)
    reached = np.isfinite(found.distances)
    assert reached.mean() > 0.95 and (found.distances[reached] >= radius[reached] * (1 - 1e-12)).all()
    assert (fitted.predict(found.places[reached]) != fitted.predict(x[reached])).all()
    assert np.allclose(np.linalg.norm(found.places - x, axis=1)[reached], found.distances[reached])
    ours = nearest_other_class(fitted, x)
    assert np.median(found.distances[reached] / ours.distances[reached]) < 1.1  # as good as ours, about


@pytest.mark.parametrize("attack", [ddn_attack, penalty_attack])
def test_attacks_of_others_reach_a_plane_about_where_it_is(attack):
    """Two classes, a plane between them: the nearest other class is the distance to it."""
    head, offsets = torch.tensor([[[0.5, 0.0], [-0.5, 0.0]]]), torch.tensor([[[-2.5, 2.5]]])
    layers = Layers((torch.eye(2)[None], head), (torch.full((1, 1, 2), 5.0), offsets), "absolute")
    plane = SignedDistanceClassifier(layers, np.arange(2))
    x = np.random.default_rng(0).uniform(-0.8, 0.8, (60, 2))
    x = x[np.abs(x[:, 0]) > 0.05]
    found = attack(plane, x)
    assert np.allclose(found.distances, np.abs(x[:, 0]), rtol=0.06, atol=0.01)
