"""A training that is looked at, ended early, or broken off from another thread."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from shapes import icosphere, sphere_points

from sdfshape import reconstruct
from sdfshape.errors import TrainingInterrupted
from sdfshape.train.config import NetworkConfig, OptimizerConfig, TrainConfig
from sdfshape.train.watch import Watch
from sdfshape.types import PointCloud
from sdfshape.viewer.chart import loss_chart
from sdfshape.viewer.growing import Growing
from sdfshape.viewer.pictures import settle
from sdfshape.viewer.stage import Stage

CONFIG = TrainConfig(network=NetworkConfig(networks=2, width=16, depth=3), optimizer=OptimizerConfig(steps=120, batch=1024, warmup=10))
CLOUD = PointCloud(sphere_points(1_500))

pytestmark = pytest.mark.usefixtures("one_thread")


def made(watch: Watch | None = None, **words):
    return reconstruct(CLOUD, config=CONFIG, surface="closed", resolution=32, seed=0, watch=watch, **words)


@pytest.fixture(scope="module")
def plain(one_thread):
    return made()


@pytest.fixture(scope="module")
def watched(one_thread):
    """(result, fields that were seen)."""
    seen: list = []
    return made(Watch(seen.append, every=0.0)), seen


@pytest.mark.slow
def test_looking_changes_nothing_of_the_result(plain, watched):
    watched, seen = watched
    assert len(seen) == CONFIG.optimizer.steps - 1
    np.testing.assert_array_equal(watched.mesh.vertices, plain.mesh.vertices)
    assert not [text for text in watched.report["warnings"] if "early" in text]


@pytest.mark.slow
def test_every_field_that_is_seen_is_certified_and_nears_the_last_one(plain, watched):
    seen, result = watched[1], plain
    far = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    off = [np.abs(field(far) - result.field(far)).mean() for field in (seen[5], seen[60], seen[-1])]
    assert all(field.lipschitz_bound <= 1 for field in seen[::40]) and off[0] > off[1] > off[2]


@pytest.mark.slow
def test_a_training_that_is_ended_early_cools_down_and_says_so():
    config = replace(CONFIG, optimizer=replace(CONFIG.optimizer, steps=400))
    seen, steps = [], []
    watch = Watch(lambda field: seen.append(field) or watch.finish(), every=0.0)
    tell = {"progress": lambda p: steps.append(p.step) if p.steps else None}
    result = reconstruct(CLOUD, config=config, surface="closed", resolution=32, watch=watch, **tell)
    (text,) = [text for text in result.report["warnings"] if "early" in text]
    assert text == "training was finished early, after 100 of 400 steps" and watch.finished_at == (100, 400)
    assert len(seen) < 135 and steps[-1] == 400 and result.field.lipschitz_bound <= 1
    near = sphere_points(500, seed=5)
    assert np.abs(result.field(near)).mean() < 0.8 * np.abs(seen[99](near)).mean()  # nearer to the surface than where it was ended


@pytest.mark.slow
def test_the_end_may_be_asked_for_before_it_trains():
    watch = Watch()
    watch.finish()
    result = made(watch)
    assert watch.finished_at == (30, 120) and len(result.mesh.faces)


@pytest.mark.slow
def test_a_training_broken_off_by_another_thread_goes_on_to_the_same_result(tmp_path, plain):
    kept = tmp_path / "state.ckpt"
    watch = Watch(lambda _: watch.interrupt(), every=0.0)
    with pytest.raises(TrainingInterrupted, match="continues from"):
        made(watch, checkpoint=kept)
    assert kept.exists()
    np.testing.assert_array_equal(made(checkpoint=kept).mesh.vertices, plain.mesh.vertices)


def test_steps_are_left_out_only_between_a_quarter_and_the_cooling():
    watch = Watch()
    assert [watch.step_to_go_on_from(step, 1000) for step in (10, 500)] == [10, 500]
    watch.finish()
    assert [watch.step_to_go_on_from(step, 1000) for step in (10, 249, 250, 928, 930, 999)] == [10, 249, 929, 929, 930, 999]


# --- seen


@pytest.fixture
def stage():
    made = Stage(size=(200, 150))
    yield made
    made.close()


def grow(stage: Stage, work) -> Growing:
    return Growing(CLOUD, "test", work, stage, resolution=32)


@pytest.mark.slow
def test_the_scan_is_there_at_once_then_the_surface_grows_then_the_field_can_be_asked(stage):
    def work(progress, watch):
        watch.every = 0.05
        result = made(watch, progress=progress)
        return result.mesh, result.field

    growing, layers, charts = grow(stage, work), set(), 0
    assert [layer.name for layer in growing.session.scene.layers] == ["scan"]
    assert "stop" in growing.session.by_name
    while growing.running or growing.session.live:
        growing.session.tick()
        layers.add(tuple(layer.name for layer in growing.session.scene.layers))
        charts += growing.session.chart.startswith(b"\x89PNG")
        time.sleep(0.002)
    growing.wait()
    settle(growing.session)
    assert layers == {("scan",), ("surface", "scan")} and charts
    assert growing.session.progress.startswith("done") and {"iso", "slice"} <= set(growing.session.by_name) and not growing.session.chart
    assert "stop" not in growing.session.by_name
    np.testing.assert_allclose(np.linalg.norm(growing.session.scene.layers[0].places, axis=1), 0.7, atol=0.05)
    growing.session.close()


def test_a_reconstruction_that_fails_says_so_in_the_window_and_to_the_caller(stage):
    def work(progress, watch):
        raise TrainingInterrupted("interrupted at step 7: nothing was kept")

    growing = grow(stage, work)
    while growing.session.live:
        growing.session.tick()
    assert growing.session.progress == "ended: interrupted at step 7: nothing was kept"
    with pytest.raises(TrainingInterrupted):
        growing.wait()
    growing.session.close()


def test_what_is_set_while_it_grows_stays_set(stage):
    gate, shape = threading.Event(), icosphere(0.7, subdivisions=2)

    def work(progress, watch):
        gate.wait(10)
        return shape, None

    growing = grow(stage, work)
    growing.grown(shape)
    growing.session.set("layer0_opacity", 0.5)
    growing.session.set("background", "dark")
    growing.grown(icosphere(0.7, subdivisions=3))
    assert growing.session.values["layer0_opacity"] == 0.5 and growing.session.values["background"] == "dark"
    assert len(growing.session.scene.layers[0].faces) == 1280
    gate.set()
    growing.wait()
    growing.session.close()


def test_the_chart_is_a_picture_of_any_losses():
    for losses in ([], [(1, 0.5)], [(1, float("nan")), (2, 1.0)], [(k, 1.0) for k in range(5)], [(k, -float(k)) for k in range(500)]):
        assert loss_chart(losses, 500).startswith(b"\x89PNG")
