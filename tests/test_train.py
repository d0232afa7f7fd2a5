"""Training: it learns, it repeats itself byte for byte, and it can be stopped and continued."""

from __future__ import annotations

import signal
from dataclasses import replace
from functools import cache
from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from shapes import sphere_distance, sphere_points

from sdfshape.errors import InputError, TrainingInterrupted
from sdfshape.lipschitz import Boxes, Layers, lipschitz_bound, split_boxes
from sdfshape.sample import Evidence
from sdfshape.train import PRESETS, NetworkConfig, OptimizerConfig, TrainConfig, preset
from sdfshape.train.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from sdfshape.train.config import RecipeConfig
from sdfshape.train.loop import OneClassLoop, schedule
from sdfshape.train.paper import PaperLoop
from sdfshape.train.run import computing_with, make_loop, train_layers

CONFIG = TrainConfig(network=NetworkConfig(networks=1, width=32, depth=4), optimizer=OptimizerConfig(steps=150, batch=1024, warmup=10))
PAPER = TrainConfig(
    network=NetworkConfig(kind="bjorck", networks=1, width=16, depth=2),
    optimizer=OptimizerConfig(steps=14, batch=32, rate=1e-3, warmup=1, low_share=0.0),
    margin=0.05,
    weight=(100.0, 100.0),
)


pytestmark = pytest.mark.usefixtures("one_thread")


@cache
def ball_evidence() -> Evidence:
    """Places labelled by the distance to a sphere of radius 0.7, half of them near it; each may move as far as that distance."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-1, 1, (20_000, 3)), sphere_points(20_000, 1) + 0.05 * rng.normal(size=(20_000, 3))])
    x = x[(np.abs(x) <= 1).all(axis=1)]
    d = sphere_distance(x)
    rows = np.c_[x, np.abs(d), np.abs(d)].astype(np.float32)
    return Evidence(rows[d < 0], rows[d > 0])


@cache
def box(count: int = 1) -> Boxes:
    return split_boxes(sphere_points(2000), count)


def loop(seed: int = 0, config: TrainConfig = CONFIG) -> OneClassLoop:
    return OneClassLoop(ball_evidence(), box(config.network.networks), config, seed)


def paper_loop(seed: int = 0) -> PaperLoop:
    return PaperLoop(torch.as_tensor(sphere_points(64)), box(), PAPER, seed)


@cache
def trained(seed: int = 0) -> tuple[Layers, tuple[float, ...]]:
    one = loop(seed)
    losses = tuple(record.loss for record in one.run())
    return one.layers(), losses


def same(a: Layers, b: Layers) -> bool:
    return all(map(torch.equal, (*a.matrices, *a.biases), (*b.matrices, *b.biases)))


def kept(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in state.items()}


def value(layers: Layers, x: np.ndarray) -> np.ndarray:
    t = torch.as_tensor(x, dtype=torch.float32)
    return box().compose(layers(box().to_local(t)), t).numpy()


# --- it learns


def test_a_short_run_finds_the_sphere():
    layers, losses = trained()
    assert np.abs(value(layers, sphere_points(4000, 9))).mean() < 0.03
    x = np.random.default_rng(5).uniform(-1, 1, (20_000, 3))
    assert ((value(layers, x) < 0) == (sphere_distance(x) < 0)).mean() > 0.95
    untrained = loop().layers()
    assert np.abs(value(untrained, sphere_points(4000, 9))).mean() > 0.1  # the test's own assumption
    assert np.isfinite(losses).all() and len(losses) == 150


def test_what_was_trained_is_certified_at_every_step():
    one = loop()
    for record in islice(one.run(), 40):
        if record.step % 10 == 0:
            assert lipschitz_bound(one.layers()) <= 1
    assert lipschitz_bound(trained()[0]) <= 1


# --- it repeats itself


def test_same_seed_same_bytes_and_another_seed_others():
    again = loop(0)
    losses = tuple(record.loss for record in again.run())
    assert losses == trained(0)[1] and same(again.layers(), trained(0)[0])
    other = loop(1)
    next(other.run())
    first = loop(0)
    next(first.run())
    assert not same(other.layers(), first.layers())


@pytest.mark.parametrize("stop", [1, 60, 149])
def test_a_restored_run_ends_as_the_undisturbed_one(stop):
    one = loop()
    list(islice(one.run(), stop))
    state = kept(one.state())
    fresh = loop()
    fresh.restore(state)
    records = list(fresh.run())
    assert [r.step for r in records] == list(range(stop + 1, 151))
    assert tuple(r.loss for r in records) == trained()[1][stop:] and same(fresh.layers(), trained()[0])


def test_a_mosaic_trains_and_restores():
    config = replace(CONFIG, network=NetworkConfig(networks=2, width=16, depth=2), optimizer=OptimizerConfig(steps=8, batch=256))
    one = loop(0, config)
    list(islice(one.run(), 3))
    state = kept(one.state())
    list(one.run())
    fresh = loop(0, config)
    fresh.restore(state)
    list(fresh.run())
    assert same(one.layers(), fresh.layers()) and lipschitz_bound(fresh.layers()) <= 1


def test_paper_loop_is_certified_repeats_and_restores():
    one = paper_loop()
    records = list(one.run())
    assert [r.step for r in records] == list(range(1, 15)) and np.isfinite([r.loss for r in records]).all()
    assert lipschitz_bound(one.layers()) <= 1 and one.layers().activation == "full_sort"
    for stop in (5, 12):  # in the warm epochs, and after them, amid an epoch
        half = paper_loop()
        list(islice(half.run(), stop))
        fresh = paper_loop()
        fresh.restore(kept(half.state()))
        assert tuple(fresh.run()) == tuple(records[stop:]) and same(fresh.layers(), one.layers())
    other = paper_loop(1)
    list(other.run())
    assert not same(other.layers(), one.layers())


def test_paper_walk_starts_after_its_warm_epochs_and_goes_to_the_surface():
    one = paper_loop()
    network = one._orthogonal().map(torch.Tensor.detach)
    z = 2 * torch.rand(200, 3, generator=torch.Generator().manual_seed(0)) - 1
    before = network(box().to_local(z))[0]
    assert torch.equal(one._negatives(z, 200, network, epoch=2), z)
    one.step = 10
    walked = one._negatives(z, 200, network, epoch=2)
    after = network(box().to_local(walked))[0]
    assert walked.abs().max() <= 1
    assert torch.equal(walked[before <= 0], z[before <= 0]) and (before > 0).any()
    inner = (before > 0) & (walked.abs() < 1).all(dim=1)
    assert after[inner].mean() < 0.8 * before[inner].mean()


@pytest.mark.parametrize("updates", [0, 3])
def test_a_walk_is_used_as_often_as_its_algorithm_says(updates):
    config = replace(PAPER, recipe=RecipeConfig(updates=updates, warm_epochs=1), optimizer=replace(PAPER.optimizer, steps=40))
    one = PaperLoop(torch.as_tensor(sphere_points(64)), box(), config, 0)
    used = []
    for _ in one.run():
        used.append(one.negatives)
    walks = 1 + sum(a is not b for a, b in pairwise(used))
    assert walks == 14 if updates == 3 else 2 <= walks <= 20  # of 20 epochs, each walk lasts one at least
    assert len(used[0]) == 64 and lipschitz_bound(one.layers()) <= 1
    half = PaperLoop(torch.as_tensor(sphere_points(64)), box(), config, 0)
    list(islice(half.run(), 17))
    fresh = PaperLoop(torch.as_tensor(sphere_points(64)), box(), config, 0)
    fresh.restore(kept(half.state()))
    list(fresh.run())
    assert same(fresh.layers(), one.layers())


# --- schedule


@pytest.mark.parametrize("name", list(PRESETS))
def test_lambda_never_falls_and_the_rate_is_a_share_that_ends_near_0(name):
    config = preset(name)
    steps = config.optimizer.steps
    rates, weights = np.array([schedule(step, config) for step in range(steps)]).T
    assert (np.diff(weights) >= 0).all() and weights[0] == config.weight[0] and weights[-1] == pytest.approx(config.weight[1])
    assert rates.min() >= 0 and rates.max() <= 1 and rates[-1] < 1e-4 and rates.max() > 0.9
    assert (np.diff(rates[config.optimizer.warmup :]) <= 0).all() and (np.diff(rates[: config.optimizer.warmup - 1]) > 0).all()


# --- configuration


@pytest.mark.parametrize(
    ("make", "law"),
    [
        (lambda: NetworkConfig(networks=3), "networks must be a power of two, got 3"),
        (lambda: NetworkConfig(networks=0), "networks must be a power of two, got 0"),
        (lambda: NetworkConfig(width=3), "width and depth must be at least 4 and 1"),
        (lambda: NetworkConfig(depth=0), "width and depth must be at least 4 and 1"),
        (lambda: TrainConfig(margin=0.0), "margin must be above 0, got 0.0"),
        (lambda: TrainConfig(weight=(3.0, 2.0)), "weight must be rising and above 0"),
        (lambda: TrainConfig(weight=(0.0, 2.0)), "weight must be rising and above 0"),
        (lambda: TrainConfig(labels=999), "labels must be at least 1000, got 999"),
        (lambda: preset("best"), "preset must be one of fast, default, quality, paper, got 'best'"),
    ],
)
def test_a_broken_configuration_is_refused_by_name(make, law):
    with pytest.raises(InputError, match=law):
        make()


def test_a_configuration_is_plain_json_and_presets_differ():
    import json

    texts = {json.dumps(config.as_dict()) for config in PRESETS.values()}
    assert len(texts) == len(PRESETS)


def test_the_kind_of_network_chooses_the_loop():
    with computing_with("cpu", 1) as device:
        assert isinstance(make_loop(ball_evidence(), sphere_points(64), box(), CONFIG, 0, device), OneClassLoop)
        assert isinstance(make_loop(ball_evidence(), sphere_points(64), box(), PAPER, 0, device), PaperLoop)


def test_threads_are_given_back_and_devices_must_exist():
    before = torch.get_num_threads()
    with computing_with("cpu", 1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    for name in ("abacus", "meta"):
        with pytest.raises(InputError, match="device must be"), computing_with(name, None):
            pass


# --- checkpoints


def test_fingerprint_changes_with_everything_that_decides_the_run():
    points = sphere_points(100)
    marks = {
        fingerprint([points], CONFIG, 0),
        fingerprint([points[::-1]], CONFIG, 0),
        fingerprint([points], replace(CONFIG, margin=0.01), 0),
        fingerprint([points], CONFIG, 1),
        fingerprint([points, points], CONFIG, 0),
    }
    assert len(marks) == 5 and fingerprint([points.copy()], CONFIG, 0) in marks


def test_checkpoint_round_trip_is_exact(tmp_path):
    one = loop()
    list(islice(one.run(), 3))
    save_checkpoint(tmp_path / "c", one.state(), "mark")
    again = load_checkpoint(tmp_path / "c", "mark")
    assert again.keys() == one.state().keys() and all(torch.equal(again[k], v) for k, v in one.state().items())


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_refused(tmp_path):
    path = tmp_path / "c"
    save_checkpoint(path, loop().state(), "mark")
    with pytest.raises(InputError, match="c: a checkpoint must be of the same input, options and program"):
        load_checkpoint(path, "another")
    data = path.read_bytes()
    for damaged in (b"", data[:9], data[: len(data) // 2], np.random.default_rng(0).bytes(999)):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="c: a checkpoint must be a safetensors file of this program"):
            load_checkpoint(path, "mark")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_continues_to_the_same_end(tmp_path, number):
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    told = []

    def stop_at_first_report(record, seconds_left):
        told.append(record.step)
        signal.raise_signal(number)

    with pytest.raises(TrainingInterrupted, match="interrupted at step 1: the same command continues from") as stopped:
        train_layers(loop(), stop_at_first_report, checkpoint=tmp_path / "c", mark="m")
    assert stopped.value.checkpoint == str(tmp_path / "c") and told == [1]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert same(train_layers(loop(), lambda *_: None, checkpoint=tmp_path / "c", mark="m"), trained()[0])
    with pytest.raises(InputError, match="same input"):
        train_layers(loop(), lambda *_: None, checkpoint=tmp_path / "c", mark="other")


def test_an_interrupted_run_without_a_checkpoint_says_so():
    with pytest.raises(TrainingInterrupted, match="nothing was kept") as stopped:
        train_layers(loop(), lambda *_: signal.raise_signal(signal.SIGINT))
    assert stopped.value.checkpoint is None
