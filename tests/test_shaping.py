"""What was made closed in doubt hangs together, or is made again as a wrap: also when it is interrupted there."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
import torch
from shapes import icosphere, sphere_points
from test_trial import BALLS, labelled, rod_distance, two_spheres_distance

from sdfshape.errors import TrainingInterrupted
from sdfshape.extract.components import vertex_components
from sdfshape.frame import Frame
from sdfshape.options import Options
from sdfshape.sample import Gathered
from sdfshape.shaping import Shaped, Subject, _in_pieces, shape
from sdfshape.train.config import NetworkConfig, OptimizerConfig, TrainConfig
from sdfshape.types import Mesh

CONFIG = TrainConfig(network=NetworkConfig(networks=4), optimizer=OptimizerConfig(steps=150, batch=2048))
UNIT = Frame((0.0, 0.0, 0.0), 1.0)
pytestmark = pytest.mark.usefixtures("one_thread")


def shaped(checkpoint=None, trained=lambda *_: None, *, doubted: bool = True, points: np.ndarray = BALLS, **changes) -> Shaped:
    """Two balls that are closed as two, and wrapped as one with a rod between them."""
    options = Options(resolution=48, **changes)
    subject = Subject(points, points, UNIT, options, torch.device("cpu"), lambda _: None, trained, checkpoint)
    closed = Gathered(labelled(two_spheres_distance, points), "closed", coherence=0.8, doubted=doubted)
    return shape(subject, closed, CONFIG, lambda: Gathered(labelled(rod_distance, points), "wrap"))


def pieces(found: Shaped) -> int:
    return vertex_components(found.mesh)[0]


def test_a_doubtful_closed_surface_in_pieces_is_wrapped():
    found = shaped()
    assert pieces(found) == 1 and found.gathered.kind == found.field.info["surface"] == "wrap"
    assert found.gathered.coherence == 0.8 and "fell to pieces: wrapped (--surface closed" in found.gathered.warnings[-1]


@pytest.mark.parametrize("iso", [pytest.param(0.0, marks=pytest.mark.slow), 0.2])
def test_pieces_are_counted_on_the_surface_itself(iso):
    assert shaped(iso=iso).gathered.kind == "wrap"  # at 0.2 the two closed balls are one piece


def test_two_objects_whose_sides_are_sure_stay_two():
    found = shaped(doubted=False)
    assert pieces(found) == 2 and found.gathered.kind == "closed" and not found.gathered.warnings


def test_a_doubtful_closed_surface_in_one_piece_stays():
    ball = sphere_points(2000, 0, 0.3) + np.array([-0.45, 0, 0])
    found = shaped(points=ball)  # no point explains the other ball
    assert pieces(found) == 1 and found.gathered.kind == "closed"


def test_the_wall_of_a_cavity_is_no_piece():
    outer, inner = icosphere(0.5), icosphere(0.3)
    hollow = Mesh(
        np.concatenate([outer.vertices, inner.vertices]), np.concatenate([outer.faces, inner.faces[:, ::-1] + len(outer.vertices)])
    )
    two = Mesh(np.concatenate([inner.vertices, inner.vertices + 1]), np.concatenate([inner.faces, inner.faces + len(inner.vertices)]))
    for mesh, in_pieces in ((hollow, False), (two, True)):
        made = Shaped(None, None, None, None, mesh, 0)  # type: ignore[arg-type]
        options = Options(resolution=48)
        subject = Subject(BALLS, mesh.vertices, UNIT, options, torch.device("cpu"), lambda _: None, lambda *_: None, None)
        assert _in_pieces(subject, made) is in_pieces


def test_a_crumb_of_a_sparse_cloud_is_no_piece_and_a_part_is():
    big, small = icosphere(0.5, subdivisions=4), icosphere(0.05, (0.8, 0, 0), subdivisions=2)
    both = Mesh(np.concatenate([big.vertices, small.vertices]), np.concatenate([big.faces, small.faces + len(big.vertices)]))
    made = Shaped(None, None, None, None, both, 0)  # type: ignore[arg-type]
    for count, in_pieces in ((14, False), (25, True)):
        scan = np.concatenate([sphere_points(2000, 0, 0.5), sphere_points(count, 1, 0.05) + np.array([0.8, 0, 0])])
        subject = Subject(scan, scan, UNIT, Options(resolution=48), torch.device("cpu"), lambda _: None, lambda *_: None, None)
        assert _in_pieces(subject, made) is in_pieces


def test_a_thickened_closed_surface_is_trained_as_a_closed_one():
    ball = sphere_points(2000, 0, 0.3) + np.array([-0.45, 0, 0])
    subject = Subject(ball, ball, UNIT, Options(resolution=32), torch.device("cpu"), lambda _: None, lambda *_: None, None)
    closed = Gathered(labelled(two_spheres_distance, ball), "closed", least_thickness=0.04, thickened=0.1)
    assert shape(subject, closed, CONFIG, lambda: closed).config == CONFIG


@pytest.mark.slow
def test_a_first_training_that_was_interrupted_and_is_thrown_away_is_not_in_the_way(tmp_path):
    whole, began = shaped(), []

    def stop_in_the_first(record, _):
        began.append(record.step)
        if len(began) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TrainingInterrupted):
        shaped(tmp_path / "c", stop_in_the_first)
    assert (tmp_path / "c").exists()
    resumed = shaped(tmp_path / "c")
    assert not (tmp_path / "c").exists()
    assert np.array_equal(resumed.mesh.vertices, whole.mesh.vertices)


@pytest.mark.slow
def test_the_second_training_is_continued_without_the_first(tmp_path):
    whole, began, again = shaped(), [], []

    def stop_in_the_second(record, _):
        began.append(record.step)
        if record.step == 1 and began.count(1) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TrainingInterrupted):
        shaped(tmp_path / "c", stop_in_the_second)
    resumed = shaped(tmp_path / "c", lambda record, _: again.append(record.step))
    assert sorted(again) == again and 1 not in again  # one training, from where it stood
    assert np.array_equal(resumed.mesh.vertices, whole.mesh.vertices)
