"""The quick closed surface: it stands where it runs along the points, and not where it spans or falls apart."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from shapes import sphere_distance, sphere_points, torus_distance, torus_points, two_spheres_distance

from sdfshape import trial
from sdfshape.extract import components
from sdfshape.orient import OrientedCloud
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


def cylinder_distance(x: np.ndarray) -> np.ndarray:
    """A ball between two planes: its faces are flat, and no point is on them."""
    return np.maximum(sphere_distance(x), np.abs(x[:, 2]) - 0.12)


def cloud(points: np.ndarray, spacing: float = SPACING, normals: np.ndarray | None = None) -> OrientedCloud:
    """What a trial asks of a cloud: points, spacing, normals (0: every span is across them)."""
    found = SimpleNamespace(points=points, spacing=spacing, normals=np.zeros_like(points) if normals is None else normals)
    return found  # type: ignore[return-value]


def tried(distance, points: np.ndarray, **columns) -> tuple[float, float, float, float]:
    return closed_trial(labelled(distance, points), cloud(points, **columns), 0, torch.device("cpu"))


def test_a_surface_along_the_points_stands():
    points = sphere_points(3000)
    assert closed_holds(labelled(sphere_distance, points), cloud(points, 0.05), 0, torch.device("cpu"))


def test_a_surface_that_spans_between_the_points_does_not_stand():
    spanned, across, elsewhere, handles = tried(rod_distance, BALLS)
    assert handles == 0
    assert 0.03 < spanned < 0.15 and elsewhere == 0  # the rod's side is 5% of the whole
    assert across == spanned  # no point has a normal


def test_a_surface_that_bridges_a_gap_along_the_normals_at_its_rim_is_told_from_one_that_leaves_them():
    points = sphere_points(3000)
    cap, slab = points[points[:, 2] < 0.55], points[np.abs(points[:, 2]) < 0.12]
    for rest, distance, along in ((cap, sphere_distance, True), (slab, cylinder_distance, False)):
        spanned, across, _, _ = tried(distance, rest, spacing=0.05, normals=rest / np.linalg.norm(rest, axis=1, keepdims=True))
        assert spanned > 0.03 and (across < 0.05 * spanned if along else across > 0.5 * spanned)


def test_where_a_cloud_is_sparse_the_surface_is_farther_from_its_points_and_spans_nothing(monkeypatch):
    points, rng = sphere_points(40_000), np.random.default_rng(3)
    weight = 7 ** (-(points[:, 0] + 0.7) / 1.4)
    uneven = points[rng.choice(len(points), 4000, replace=False, p=weight / weight.sum())]
    spacing = float(np.median(cKDTree(uneven).query(uneven, k=trial.SPACING_NEIGHBOUR + 1)[0][:, -1]))
    assert tried(sphere_distance, uneven, spacing=spacing)[0] < trial.MOST_SPANNED
    monkeypatch.setattr(trial, "UNEVEN", np.inf)
    assert tried(sphere_distance, uneven, spacing=spacing)[0] > 2 * trial.MOST_SPANNED


def test_chance_does_not_make_a_cloud_uneven_nor_does_its_scale():
    even = trial._sparser(cKDTree(sphere_points(3000)))
    assert (even == 1).mean() > 0.97 and even.max() < 1.3
    assert np.allclose(trial._sparser(cKDTree(1e3 * sphere_points(3000))), even)


def test_a_surface_that_falls_apart_does_not_stand_however_often_it_is_tried():
    spanned, _, elsewhere, _ = tried(two_spheres_distance, BALLS)
    assert spanned < 0.001 and elsewhere == pytest.approx(1400 / 3400, abs=1e-3) and elsewhere > trial.AGAIN * trial.MOST_ELSEWHERE
    assert not closed_holds(labelled(two_spheres_distance, BALLS), cloud(BALLS), 0, torch.device("cpu"))


def test_the_wall_of_a_cavity_has_not_fallen_off(monkeypatch):
    points = np.concatenate([sphere_points(3000), sphere_points(800, 1, 0.35)])

    def shell(x: np.ndarray) -> np.ndarray:
        return np.maximum(sphere_distance(x), -sphere_distance(x, 0.35))

    volumes = []
    whole = components.enclosed_volumes
    monkeypatch.setattr(components, "enclosed_volumes", lambda *a: volumes.append(whole(*a)) or volumes[0])
    spanned, _, elsewhere, handles = tried(shell, points, spacing=0.05)
    assert spanned < 0.001 and elsewhere == handles == 0
    assert np.sort(volumes[0]) == pytest.approx(4 / 3 * np.pi * np.array([-(0.35**3), 0.7**3]), rel=0.1)  # there was a cavity


def test_the_hole_of_a_torus_is_a_handle():
    points = torus_points(3000)
    assert tried(torus_distance, points, spacing=0.05)[3] * 3000 == pytest.approx(1)


def test_no_surface_at_all_does_not_stand(monkeypatch):
    from sdfshape.errors import EmptySurfaceError

    def none(*_, **__):
        raise EmptySurfaceError("none")

    monkeypatch.setattr("sdfshape.extract.extract_mesh", none)
    assert tried(sphere_distance, BALLS) == (1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("seen", "holds", "trials"),
    [
        ([(0.0005, 0.0, 0.005, 0.002)], True, 1),
        ([(0.0017, 0.0, 0.0, 0.0), (0.0002, 0.0, 0.0, 0.0), (0.0013, 0.0, 0.0, 0.0)], True, 3),
        ([(0.0017, 0.0017, 0.0, 0.0), (0.0013, 0.0013, 0.0, 0.0), (0.0009, 0.0009, 0.0, 0.0)], False, 3),
        ([(0.0017, 0.0013, 0.0, 0.0), (0.0023, 0.0, 0.0, 0.0), (0.0030, 0.0009, 0.0, 0.0)], True, 3),
        ([(0.0017, 0.0, 0.0, 0.0), (0.0023, 0.0, 0.0, 0.0), (0.0035, 0.0, 0.0, 0.0)], False, 3),
        ([(0.0, 0.0, 0.015, 0.0), (0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.014, 0.0)], True, 3),
        ([(0.0025, 0.0, 0.0, 0.0)], False, 1),
        ([(0.0001, 0.0, 0.021, 0.0)], False, 1),
        ([(0.0, 0.0, 0.0, 0.007), (0.0, 0.0, 0.0, 0.006), (0.0, 0.0, 0.0, 0.007)], False, 3),
    ],
)
def test_a_close_call_is_tried_again(monkeypatch, seen, holds, trials):
    asked = []

    def looked_at(*wanted):
        asked.append(wanted[2])
        return seen[len(asked) - 1]

    monkeypatch.setattr(trial, "closed_trial", looked_at)
    assert trial.closed_holds(None, None, 5, None) is holds  # type: ignore[arg-type]
    assert asked == [5, 6, 7][:trials]


@pytest.mark.parametrize(
    ("seen", "none", "many", "few", "hardly"),
    [
        ((0.0, 0.0, 0.15, 0.03), False, True, True, True),
        ((0.0, 0.0, 0.41, 0.0), False, False, False, False),
        ((0.0, 0.0, 0.0, 0.09), False, False, False, False),
        ((0.003, 0.0, 0.0, 0.0), False, False, True, True),
        ((0.05, 0.002, 0.0, 0.0), False, False, True, True),
        ((0.05, 0.04, 0.0, 0.0), False, False, False, True),
        ((0.0005, 0.0005, 0.005, 0.002), True, True, True, True),
    ],
)
def test_the_fewer_points_consistent_normals_lose_the_more_of_a_surface_that_spans_is_believed(monkeypatch, seen, none, many, few, hardly):
    monkeypatch.setattr(trial, "closed_trial", lambda *_: seen)
    for lost, holds in ((None, none), (0.03, many), (0.01, few), (0.001, hardly)):
        assert trial.closed_holds(None, None, 5, None, lost=lost) is holds  # type: ignore[arg-type]
