"""The quick closed surface: it stands where it runs along the points, and not where it spans or falls apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from shapes import sphere_distance, sphere_points, torus_distance, torus_points, two_spheres_distance

from sdfshape import trial
from sdfshape.extract import components
from sdfshape.sample import Evidence
from sdfshape.trial import closed_holds, closed_trial

BALLS = np.concatenate([sphere_points(2000, 0, 0.3) + np.array([-0.45, 0, 0]), sphere_points(1400, 1, 0.25) + np.array([0.5, 0.1, 0])])
SPACING = 0.03
pytestmark = pytest.mark.usefixtures("one_thread")


def labelled(distance, points: np.ndarray, count: int = 20_000) -> Evidence:
    """Places near the points and all over the domain, on the sides that a distance tells."""
    rng = np.random.default_rng(0)
    near = points[rng.integers(len(points), size=count)] + 0.05 * rng.normal(size=(count, 3))
    places = np.concatenate([near, rng.uniform(-1, 1, (count // 5, 3))])
    f = distance(places)
    rows = np.column_stack([places, 0.5 * np.abs(f), np.abs(f)]).astype(np.float32)
    return Evidence(rows[f < -0.005], rows[f > 0.005])


def rod_distance(x: np.ndarray) -> np.ndarray:
    """Both balls, and a rod between them that no point has seen."""
    way = np.array([0.95, 0.1, 0.0])
    along = np.clip(((x - (-0.45, 0, 0)) @ way) / (way @ way), 0, 1)
    return np.minimum(two_spheres_distance(x), np.linalg.norm(x - (-0.45, 0, 0) - along[:, None] * way, axis=1) - 0.12)


def tried(distance, points: np.ndarray) -> tuple[float, float, float]:
    return closed_trial(labelled(distance, points), points, SPACING, 0, torch.device("cpu"))


def test_a_surface_along_the_points_stands():
    points = sphere_points(3000)
    assert closed_holds(labelled(sphere_distance, points), points, 0.05, 0, torch.device("cpu"))


def test_a_surface_that_spans_between_the_points_does_not_stand():
    spanned, elsewhere, handles = tried(rod_distance, BALLS)
    assert handles == 0
    assert 0.03 < spanned < 0.15 and elsewhere == 0  # the rod's side is 5% of the whole


def test_a_surface_that_falls_apart_does_not_stand_however_often_it_is_tried():
    spanned, elsewhere, _ = tried(two_spheres_distance, BALLS)
    assert spanned < 0.001 and elsewhere == pytest.approx(1400 / 3400, abs=1e-3) and elsewhere > trial.AGAIN * trial.MOST_ELSEWHERE
    assert not closed_holds(labelled(two_spheres_distance, BALLS), BALLS, SPACING, 0, torch.device("cpu"))


def test_the_wall_of_a_cavity_has_not_fallen_off(monkeypatch):
    points = np.concatenate([sphere_points(3000), sphere_points(800, 1, 0.35)])

    def shell(x: np.ndarray) -> np.ndarray:
        return np.maximum(sphere_distance(x), -sphere_distance(x, 0.35))

    volumes = []
    whole = components.enclosed_volumes
    monkeypatch.setattr(components, "enclosed_volumes", lambda *a: volumes.append(whole(*a)) or volumes[0])
    spanned, elsewhere, handles = closed_trial(labelled(shell, points), points, 0.05, 0, torch.device("cpu"))
    assert spanned < 0.001 and elsewhere == handles == 0
    assert np.sort(volumes[0]) == pytest.approx(4 / 3 * np.pi * np.array([-(0.35**3), 0.7**3]), rel=0.1)  # there was a cavity


def test_the_hole_of_a_torus_is_a_handle():
    points = torus_points(3000)
    assert closed_trial(labelled(torus_distance, points), points, 0.05, 0, torch.device("cpu"))[2] * 3000 == pytest.approx(1)


def test_no_surface_at_all_does_not_stand(monkeypatch):
    from sdfshape.errors import EmptySurfaceError

    def none(*_, **__):
        raise EmptySurfaceError("none")

    monkeypatch.setattr("sdfshape.extract.extract_mesh", none)
    assert trial.closed_trial(labelled(sphere_distance, BALLS), BALLS, SPACING, 0, torch.device("cpu")) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("seen", "holds", "trials"),
    [
        ([(0.0005, 0.005, 0.002)], True, 1),
        ([(0.0017, 0.0, 0.0), (0.0002, 0.0, 0.0), (0.0013, 0.0, 0.0)], True, 3),
        ([(0.0017, 0.0, 0.0), (0.0013, 0.0, 0.0), (0.0009, 0.0, 0.0)], False, 3),
        ([(0.0, 0.015, 0.0), (0.0, 0.0, 0.0), (0.0, 0.014, 0.0)], True, 3),
        ([(0.0025, 0.0, 0.0)], False, 1),
        ([(0.0001, 0.021, 0.0)], False, 1),
        ([(0.0, 0.0, 0.007), (0.0, 0.0, 0.006), (0.0, 0.0, 0.007)], False, 3),
    ],
)
def test_a_close_call_is_tried_again(monkeypatch, seen, holds, trials):
    asked = []

    def looked_at(*wanted):
        asked.append(wanted[3])
        return seen[len(asked) - 1]

    monkeypatch.setattr(trial, "closed_trial", looked_at)
    assert trial.closed_holds(None, None, 0.0, 5, None) is holds  # type: ignore[arg-type]
    assert asked == [5, 6, 7][:trials]


def test_handles_and_parts_of_consistent_normals_are_allowed_and_spans_are_not(monkeypatch):
    for seen, holds in (((0.0, 0.15, 0.03), True), ((0.0, 0.41, 0.0), False), ((0.0, 0.0, 0.09), False), ((0.003, 0.0, 0.0), False)):
        monkeypatch.setattr(trial, "closed_trial", lambda *_, seen=seen: seen)
        assert trial.closed_holds(None, None, 0.0, 5, None, consistent=True) is holds  # type: ignore[arg-type]
        assert not trial.closed_holds(None, None, 0.0, 5, None)  # type: ignore[arg-type]
