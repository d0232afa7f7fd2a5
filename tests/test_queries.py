"""Certified queries against truth in closed form: bounds have a sign, and break when the constant is falsified."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import trimesh
from shapes import icosphere, torus_distance

from sdfshape import extract_mesh
from sdfshape.errors import InputError
from sdfshape.field import Box, CertifiedField, Sphere, difference, intersection, tighten, union
from sdfshape.field.solids import GRAINS
from sdfshape.field.tighten import _emptied

FAR = np.array([1000.0, -2000.0, 300.0])  # nothing may depend on where the origin is


@dataclass(frozen=True, eq=False)
class Torus(CertifiedField):
    """As `shapes.torus_distance`, steeper or with a smaller constant than it has if told."""

    slope: float = 1.0
    claimed: float = 1.0
    bounds = np.array([[-0.8, -0.8, -0.25], [0.8, 0.8, 0.25]])
    float32_error = 1e-12

    @property
    def lipschitz_bound(self) -> float:
        return self.claimed

    def certified(self, points_world):
        return self.slope * torus_distance(points_world), 1e-12

    def value_and_gradient(self, points_world):
        f, h = self.certified(points_world)[0], 1e-6
        return f, np.stack([(torus_distance(points_world + h * e) - torus_distance(points_world - h * e)) / (2 * h) for e in np.eye(3)], -1)


def far(x: float, y: float, z: float) -> np.ndarray:
    return FAR + np.array([x, y, z])


SPHERE, TORUS = Sphere((1000.0, -2000.0, 300.0), 2.0), Torus()
BOX = Box((-1.0, -2.0, -0.5), (1.0, 1.0, 0.5))
STEEP = Torus(slope=1.01)  # 1.01-Lipschitz, and says 1
ROTATION = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]


def around(field: CertifiedField, count: int, seed: int = 0, grow: float = 0.5) -> np.ndarray:
    lo, hi = field.bounds
    return np.random.default_rng(seed).uniform(lo - grow * (hi - lo), hi + grow * (hi - lo), (count, 3))


def on_segments(start, end, count: int = 401) -> np.ndarray:
    return start[:, None] + np.linspace(0, 1, count)[None, :, None] * (end - start)[:, None]


# --- clearance


@pytest.mark.parametrize("field", [SPHERE, TORUS, BOX], ids=["sphere", "torus", "box"])
def test_segment_clearance_is_below_the_least_value_by_the_tolerance_at_most(field):
    a, b, tolerance = around(field, 200), around(field, 200, 1), 0.01
    least = field.certified(on_segments(a, b).reshape(-1, 3))[0].reshape(200, -1).min(axis=1)
    step = np.linalg.norm(b - a, axis=1) / 400
    bound = field.clearance_segment(a, b, tolerance=tolerance)
    assert (bound <= least).all() and (bound >= least - step - tolerance - 1e-9).all()
    assert field.clearance_segment(a[0], b[0], tolerance=tolerance) == pytest.approx(bound[0], abs=tolerance)


def test_a_segment_past_a_sphere_has_the_clearance_of_geometry():
    a, b = far(-5, 3, 0), far(5, 3, 0)
    assert 1 - 1e-6 <= SPHERE.clearance_segment(a, b, tolerance=1e-6) <= 1
    assert SPHERE.clearance_segment(a, b, enough=0.5) >= 0.5
    assert SPHERE.clearance_segment(a, b, enough=1.5) < 1.5
    assert -2 - 1e-6 <= SPHERE.clearance_segment(far(-5, 0, 0), far(5, 0, 0), tolerance=1e-6) <= -2


def test_enough_saves_evaluations():
    from sdfshape.field.clearance import Segments, least_over

    pieces = Segments.between(around(TORUS, 50, grow=2), around(TORUS, 50, 1, grow=2))
    thorough, quick = (least_over(TORUS, pieces, tolerance=1e-4, enough=enough) for enough in (None, 0.1))
    assert quick.evaluations < thorough.evaluations / 2
    assert (quick.free(0.1) == (thorough.lower >= 0.1)).all() and (quick.free(0.1) | quick.touches(0.1)).all()


def violations(field: CertifiedField) -> int:
    """Places where a certified bound of a segment, box or ball is above the field."""
    a, b = around(field, 300), around(field, 300, 1)
    lo, hi = np.minimum(a, b), np.maximum(a, b)
    t = np.random.default_rng(2).uniform(0, 1, (50, 300, 3))
    inside = field.certified((lo + t * (hi - lo)).reshape(-1, 3))[0].reshape(50, 300)
    corners = field.certified(np.concatenate([lo, hi]))[0].reshape(2, 300)
    radius = np.random.default_rng(3).uniform(0, 0.5, 300)
    ball = field.certified((a + radius[:, None] * _directions(50)[:, None]).reshape(-1, 3))[0].reshape(50, 300)
    return int(
        (inside < field.clearance_box(lo, hi)).sum()
        + (corners < field.clearance_box(lo, hi)).sum()
        + (ball < field.clearance_sphere(a, radius)).sum()
        + (field.certified(on_segments(a, b).reshape(-1, 3))[0].reshape(300, -1) < field.clearance_segment(a, b)[:, None]).sum()
    )


def _directions(count: int) -> np.ndarray:
    x = np.random.default_rng(4).normal(size=(count, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("field", [SPHERE, TORUS, BOX], ids=["sphere", "torus", "box"])
def test_no_bound_is_violated(field):
    assert violations(field) == 0


def test_one_percent_of_the_constant_is_noticed():
    sphere = Sphere((0.0, 0.0, 0.0), 1.0)
    outward = _directions(2000) * 3
    radius = np.full(2000, 1.9)
    for field, broken in ((sphere, False), (_Louder(sphere, 1.01), True)):
        nearest = field.certified(outward * (1.1 / 3))[0]  # where each ball is deepest
        assert (nearest < field.clearance_sphere(outward, radius) - 1e-9).any() == broken
    honest = _Louder(sphere, 1.01, claimed=1.01)
    assert not (honest.certified(outward * (1.1 / 3))[0] < honest.clearance_sphere(outward, radius) - 1e-9).any()


@dataclass(frozen=True, eq=False)
class _Louder(CertifiedField):
    field: CertifiedField
    slope: float
    claimed: float = 1.0
    float32_error = 1e-12

    @property
    def bounds(self):
        return self.field.bounds

    @property
    def lipschitz_bound(self) -> float:
        return self.claimed

    def certified(self, points_world):
        values, error = self.field.certified(points_world)
        return self.slope * values, self.slope * error

    def value_and_gradient(self, points_world):
        values, gradients = self.field.value_and_gradient(points_world)
        return self.slope * values, self.slope * gradients


def test_boxes_are_classified_and_never_wrongly():
    lo = around(TORUS, 20_000, grow=0.2)
    hi = lo + np.random.default_rng(5).uniform(0, 0.15, lo.shape)
    kind = TORUS.classify_boxes(lo, hi)
    corners = np.stack([torus_distance(np.where(bits, lo, hi)) for bits in np.ndindex(2, 2, 2)])
    assert (corners[:, kind == 1] > 0).all() and (corners[:, kind == -1] < 0).all()
    assert {*kind.tolist()} == {-1, 0, 1} and (kind == 0).mean() < 0.4


def test_queries_refuse_what_has_no_meaning():
    with pytest.raises(InputError, match="radius must be a finite length"):
        TORUS.clearance_sphere(np.zeros(3), -1.0)
    with pytest.raises(InputError, match="lo must not be above hi"):
        TORUS.clearance_box(np.ones(3), np.zeros(3))
    with pytest.raises(InputError, match="start and end must have as many rows"):
        TORUS.clearance_segment(np.zeros((2, 3)), np.zeros((3, 3)))
    with pytest.raises(InputError, match="tolerance must be a length above 0"):
        TORUS.clearance_segment(np.zeros(3), np.ones(3), tolerance=0.0)
    with pytest.raises(InputError, match="share must be in"):
        TORUS.volume_interval(share=0.0)
    for path, radius, law in (
        (np.zeros((1, 3)), 0.1, "at least two points"),
        (np.zeros((2, 3)), -1, "radius"),
        (np.eye(3), np.nan, "radius"),
    ):
        with pytest.raises(InputError, match=law):
            TORUS.first_contact(path, radius)


# --- contact


def test_a_ball_on_its_way_stops_where_geometry_says():
    path = FAR + np.array([[-10.0, 0, 0], [-6, 0, 0], [6, 0, 0]])
    contact = SPHERE.first_contact(path, 0.5, tolerance=1e-4)
    assert not contact.clear and 7.5 - 2e-3 <= contact.free_length <= 7.5
    assert np.allclose(contact.place, far(-10 + contact.free_length, 0, 0), atol=1e-6) and abs(contact.gap) < 2e-3
    assert contact.length == pytest.approx(16)


def test_a_path_around_is_clear_and_one_that_grazes_is_not_called_clear():
    t = np.linspace(0, 2 * np.pi, 200)
    circle = FAR + 3.0 * np.stack([np.cos(t), np.sin(t), 0 * t], -1)
    sagitta = 3.0 * (1 - np.cos(np.pi / 199))
    assert SPHERE.first_contact(circle, 1.0 - 2 * sagitta, tolerance=1e-4).clear
    assert not SPHERE.first_contact(circle, 1.0 + 1e-6).clear
    assert SPHERE.first_contact(circle, 1.2).free_length == 0


def test_a_ball_passes_through_the_hole_of_a_torus_if_it_is_small_enough():
    through = np.array([[0.0, 0, -1], [0, 0, 1]])
    assert TORUS.first_contact(through, 0.32).clear  # the hole has the radius .33
    stop = TORUS.first_contact(through, 0.34)
    assert not stop.clear and stop.free_length < 1
    assert torus_distance(stop.place[None])[0] >= 0.34 - 1e-3


def test_meshes_and_boxes_collide_or_do_not():
    for gap, free, touches in ((0.2, True, False), (-0.2, False, True)):
        ball = icosphere(1.0, tuple(far(3.0 + gap, 0, 0)), subdivisions=4)
        least = SPHERE.collides(ball)
        assert least.free()[0] == free and least.touches()[0] == touches
        assert least.lower[0] <= least.upper[0]
    near = icosphere(1.0, tuple(far(3.2, 0, 0)), subdivisions=4)
    assert SPHERE.collides(near, 0.19).free(0.19)[0] and SPHERE.collides(near, 0.21).touches(0.21)[0]
    lo = FAR + np.array([[2.1, -1, -1], [1.5, -1, -1]])
    least = SPHERE.collides((lo, lo + 2))
    assert least.free().tolist() == [True, False] and least.touches().tolist() == [False, True]


# --- distances


@pytest.mark.parametrize("field", [SPHERE, TORUS, BOX], ids=["sphere", "torus", "box"])
def test_distance_intervals_hold_the_distance_and_are_narrow(field):
    x = around(field, 3000)
    truth = np.abs(field.certified(x)[0])
    lower, upper = field.distance_interval(x)
    assert (lower <= truth).all() and (truth <= upper * (1 + 1e-12)).all() and np.isfinite(upper).all()
    size = np.ptp(field.bounds, axis=0).max()
    assert np.median(upper - truth) < 1e-3 * size and (upper - truth).max() < 0.05 * size


SLOW = Torus(slope=0.7)  # 1-Lipschitz, but the bound from one value is .7 of the distance


def test_lower_distances_are_tightened_and_hold():
    x = around(SLOW, 2000)
    truth = np.abs(torus_distance(x))
    plain, upper = SLOW.distance_interval(x, tightness=0)
    lower, same = SLOW.distance_interval(x)
    assert np.allclose(plain, 0.7 * truth, atol=1e-9) and (upper == same).all()
    assert (plain <= lower).all() and (lower <= truth).all() and (lower <= 0.9 * upper + 1e-12).all()
    assert np.median(lower / truth) > 0.89 and (lower / truth).mean() > 0.87


def test_a_ball_is_not_emptied_beyond_the_surface():
    x = around(SLOW, 300)
    truth, nothing = np.abs(torus_distance(x)), np.zeros(300)
    assert (_emptied(SLOW, x, nothing, 1.3 * truth) <= truth).all()
    lie = Torus(slope=0.7, claimed=0.35)
    assert (_emptied(lie, x, nothing, 1.3 * truth) > truth).any()  # where no box has its middle near the surface


def test_a_small_budget_costs_tightness_and_no_truth(monkeypatch):
    x = around(SLOW, 500)
    truth, (before, _) = np.abs(torus_distance(x)), SLOW.distance_interval(x)
    monkeypatch.setattr(tighten, "MOST_BOXES", 40)
    lower = SLOW.distance_interval(x)[0]
    assert (lower <= truth).all() and 0.7 * truth.mean() < lower.mean() < before.mean()


@pytest.mark.parametrize("tightness", [-0.1, 1.0, float("nan")])
def test_a_tightness_must_be_a_share(tightness):
    with pytest.raises(InputError, match=r"tightness must be in \[0, 1\)"):
        SLOW.distance_interval(np.zeros((1, 3)), tightness=tightness)


@pytest.mark.parametrize("field", [SPHERE, TORUS, BOX], ids=["sphere", "torus", "box"])
def test_projections_arrive_and_closest_points_are_close(field):
    x, size = around(field, 2000), np.ptp(field.bounds, axis=0).max()
    truth = np.abs(field.certified(x)[0])
    for found in (field.project(x), field.closest_point(x)):
        assert found.converged.mean() > 0.99
        assert np.abs(field.certified(found.places[found.converged])[0]).max() < 1e-5 * size
        assert (found.distance >= truth - 1e-5 * size)[found.converged].all()
    assert np.median(found.distance - truth) < 1e-6 * size and np.quantile(found.distance - truth, 0.99) < 0.02 * size


def test_normals_and_sides():
    x = around(TORUS, 1000)
    assert np.allclose(np.linalg.norm(TORUS.normal(x), axis=1), 1) and (TORUS.contains(x) == (torus_distance(x) < 0)).all()
    h = 1e-6
    for solid in (SPHERE, BOX):
        y = around(solid, 500)
        truth = np.stack([(solid(y + h * e) - solid(y - h * e)) / (2 * h) for e in np.eye(3)], -1)
        assert (np.abs(solid.gradient(y) - truth).max(axis=1) < 1e-3).mean() > 0.98


# --- volumes


@pytest.mark.parametrize(
    ("field", "volume"), [(SPHERE, 4 / 3 * np.pi * 8), (TORUS, 2 * np.pi**2 * 0.55 * 0.22**2), (BOX, 6.0)], ids=["sphere", "torus", "box"]
)
def test_volume_intervals_hold_the_volume_and_shrink(field, volume):
    wide, narrow = field.volume_interval(share=0.3), field.volume_interval(share=0.1)
    for interval in (wide, narrow):
        assert interval.lower <= volume <= interval.upper and interval.lower < interval.estimate < interval.upper
    assert narrow.upper - narrow.lower < 0.6 * (wide.upper - wide.lower) and narrow.estimate == pytest.approx(volume, rel=0.02)


# --- other fields


def test_combined_fields_are_what_they_say():
    a, b = Sphere((0.0, 0.0, 0.0), 1.0), Sphere((1.0, 0.0, 0.0), 0.8)
    x = around(a, 5000, grow=1)
    f, g = a(x), b(x)
    for field, values in ((a | b, np.minimum(f, g)), (a & b, np.maximum(f, g)), (a - b, np.maximum(f, -g)), (a.offset(0.2), f - 0.2)):
        assert np.array_equal(field(x), values) and np.allclose(field.certified(x)[0], values, atol=1e-12)
        assert field.lipschitz_bound == 1 and violations(field) == 0
        lo, hi = field.bounds
        assert (((x >= lo) & (x <= hi)).all(axis=1) | (values > 0)).all()
        h = 1e-6
        truth = np.stack([(field(x + h * e) - field(x - h * e)) / (2 * h) for e in np.eye(3)], -1)
        assert (np.abs(field.gradient(x) - truth).max(axis=1) < 1e-3).mean() > 0.99


def cap(radius: float, height: float) -> float:
    return np.pi * height**2 * (radius - height / 3)


def test_combined_volumes_are_those_of_geometry():
    a, b = Sphere((0.0, 0.0, 0.0), 1.0), Sphere((1.0, 0.0, 0.0), 0.8)
    plane = (1 + 1 - 0.64) / 2  # where the spheres meet
    both = cap(1.0, 1 - plane) + cap(0.8, 0.8 - (1 - plane))
    ball = 4 / 3 * np.pi
    for field, volume in ((union(a, b), ball * (1 + 0.512) - both), (intersection(a, b), both), (difference(a, b), ball - both)):
        mesh = extract_mesh(field, resolution=100).mesh
        shape = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        assert shape.is_watertight and shape.volume == pytest.approx(volume, rel=0.01)
        interval = field.volume_interval(share=0.1)
        assert interval.lower <= volume <= interval.upper


def test_a_moved_field_is_the_field_where_it_was():
    shift = np.array([3.0, -4.0, 5.0])
    moved, x = BOX.moved(ROTATION, shift), around(BOX, 2000)
    y = x @ ROTATION.T + shift
    assert np.allclose(moved(y), BOX(x), atol=1e-9) and np.allclose(moved.gradient(y), BOX.gradient(x) @ ROTATION.T, atol=1e-9)
    values, error = moved.certified(y)
    assert np.abs(values - BOX.certified(x)[0]).max() <= error + 1e-13 and error < 1e-11
    assert violations(moved) == 0 and 1 <= moved.lipschitz_bound < 1 + 1e-9
    corners = np.stack([np.where(bits, *BOX.bounds) for bits in np.ndindex(2, 2, 2)]) @ ROTATION.T + shift
    assert (corners >= moved.bounds[0] - 1e-9).all() and (corners <= moved.bounds[1] + 1e-9).all()


def test_an_offset_reaches_as_far_as_it_says():
    mesh = extract_mesh(BOX.offset(0.3), resolution=80).mesh
    assert np.allclose(mesh.bounds, [[-1.3, -2.3, -0.8], [1.3, 1.3, 0.8]], atol=0.01)
    shell = difference(SPHERE, SPHERE.offset(-0.25))
    assert shell.volume_interval(share=0.2).estimate == pytest.approx(4 / 3 * np.pi * (8 - 1.75**3), rel=0.03)


def test_fields_refuse_what_they_are_not():
    with pytest.raises(InputError, match="orthonormal"):
        BOX.moved(1.01 * np.eye(3))
    with pytest.raises(InputError, match="bounds of these fields do not meet"):
        intersection(SPHERE, BOX)
    with pytest.raises(InputError, match="certified ones"):
        union()
    with pytest.raises(InputError, match="offset must be a finite length"):
        BOX.offset(float("nan"))
    with pytest.raises(InputError, match="radius must be a finite length above 0"):
        Sphere((0.0, 0.0, 0.0), 0.0)
    with pytest.raises(InputError, match="lo must be below hi"):
        Box((0.0, 0.0, 0.0), (1.0, 0.0, 1.0))


def test_solids_state_an_error_that_holds():
    big, x = np.longdouble, around(SPHERE, 500)
    truth = np.sqrt(((x.astype(big) - np.array(SPHERE.centre, big)) ** 2).sum(axis=1)) - 2
    values, error = SPHERE.certified(x)
    assert 0 < np.abs(values - truth).max() <= error == pytest.approx(GRAINS * 4e3, rel=0.6)


def test_a_moved_cut_reaches_as_far_as_its_corner():
    """The corner between two walls is farther away than either: its level set leaves a box grown by the level once it is turned."""
    turn = np.array([[1.0, -1, 0], [1, 1, 0], [0, 0, np.sqrt(2)]]) / np.sqrt(2)
    corner = Box((-1.0, -1.0, -1.0), (0.0, 1.0, 1.0)) & Box((-1.0, -1.0, -1.0), (1.0, 0.0, 1.0))
    field = corner.moved(turn).offset(1.0)
    x = around(field, 20_000, grow=0.6)
    inside = x[field(x) < 0]
    assert (inside >= field.bounds[0]).all() and (inside <= field.bounds[1]).all() and inside[:, 1].max() > 1.1
    for mesh in (extract_mesh(field, resolution=32).mesh, extract_mesh(corner.moved(turn), resolution=32, iso=1.0).mesh):
        assert trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).is_watertight


def test_a_louder_field_needs_more_than_the_radius():
    loud = _Louder(Sphere((0.0, 0.0, 0.0), 1.0), 2.0, claimed=2.0)
    assert not loud.first_contact(np.array([[3.0, 0, 0], [1.6, 0, 0]]), 1.0).clear
    assert loud.first_contact(np.array([[3.0, 0, 0], [2.1, 0, 0]]), 1.0).clear


def test_a_cube_that_was_moved_far_keeps_its_volume():
    moved = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)).moved(np.eye(3), (524287.7, 524287.7, 524287.7))
    interval = moved.volume_interval(share=0.5)
    assert interval.lower <= 1 <= interval.upper


def test_no_tightness_asks_nothing_of_places_without_an_upper_bound():
    lower, upper = np.array([0.1, 0.2]), np.array([np.inf, 0.3])
    assert np.array_equal(tighten.tightened(Sphere((0, 0, 0), 1), np.zeros((2, 3)), lower, upper, 0.0), lower)
