"""What is shown and what is said, without any toolkit: layers, detail, colours, clicks, controls, jobs."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest
from shapes import icosphere, sphere_points

from sdfshape.errors import InputError
from sdfshape.field import Box, Sphere
from sdfshape.types import Mesh, PointCloud
from sdfshape.viewer.colorings import choices, colored
from sdfshape.viewer.controls import allowed, controls_of, following
from sdfshape.viewer.detail import face_detail, point_detail, vertex_normals
from sdfshape.viewer.jobs import Jobs
from sdfshape.viewer.layers import Layer, Scene, finite_cloud
from sdfshape.viewer.level import Level
from sdfshape.viewer.picking import Ray, pick, ray_meets
from sdfshape.viewer.probing import reading
from sdfshape.viewer.slicing import DISTANCE, RESIDUAL, cut, nice_step

UTM = np.array([5.0e5, 4.9e6, 120.0])


def everywhere(places):
    return np.ones(len(places), bool)


def scene_of(*layers: Layer) -> Scene:
    return Scene(layers, "test")


def test_a_view_holds_a_cloud_but_not_its_far_strays():
    ball = np.random.default_rng(0).normal(size=(3000, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    strays = 50 * ball[:20]
    assert len(Layer("scan", PointCloud(ball), "scan").outline) == 3000
    outline = scene_of(Layer("scan", PointCloud(np.concatenate([ball, strays])), "scan")).outline
    np.testing.assert_array_equal(outline, ball)
    zeros = np.concatenate([np.zeros((9900, 3)), ball[:90]])  # a depth image with pixels that saw nothing
    assert len(Layer("scan", PointCloud(zeros), "scan").outline) == len(zeros)
    sheet = np.c_[ball[:, :2], np.where(np.arange(3000) < 30, ball[:, 2], 0)]  # most of it has no height
    assert len(Layer("scan", PointCloud(sheet), "scan").outline) == 3000


# --- detail


@pytest.mark.parametrize("most", [200, 1_000, 5_000])
def test_a_large_mesh_is_drawn_with_few_triangles_of_its_own_vertices(most):
    mesh = icosphere(2.0, subdivisions=5)
    detail = face_detail(mesh.vertices, mesh.faces, most)
    assert most / 4 < len(detail.faces) <= most
    drawn = detail.of(mesh.vertices)
    assert detail.faces.max() < len(drawn)
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 2.0, rtol=1e-12)  # places of the sphere itself


def test_clustering_moves_no_corner_farther_than_a_cell():
    mesh = icosphere(2.0, subdivisions=5)
    detail = face_detail(mesh.vertices, mesh.faces, 2_000)
    drawn = detail.of(mesh.vertices)
    side = np.sqrt(2 * 4 * np.pi * 4 / 2_000) * 1.2
    from scipy.spatial import cKDTree

    assert cKDTree(drawn).query(mesh.vertices)[0].max() <= np.sqrt(3) * side


def test_a_small_layer_is_drawn_as_it_is():
    mesh = icosphere(subdivisions=2)
    assert face_detail(mesh.vertices, mesh.faces, 10_000).rows is None
    assert point_detail(100, 100).rows is None
    rows = point_detail(1_000, 100).rows
    assert len(np.unique(rows)) == 100 and np.array_equal(rows, point_detail(1_000, 100).rows)


def test_detail_of_coordinates_far_from_the_origin():
    mesh = icosphere(2.0, subdivisions=5)
    near, far = (face_detail(mesh.vertices + offset, mesh.faces, 1_000) for offset in (0.0, UTM))
    assert abs(len(near.faces) - len(far.faces)) < 0.2 * len(near.faces)


def test_vertex_normals_of_a_sphere_point_outward():
    mesh = icosphere(3.0, subdivisions=4)
    assert (np.einsum("ij,ij->i", vertex_normals(mesh.vertices, mesh.faces), mesh.vertices) / 3 > 0.999).all()


def test_rows_that_are_not_finite_are_not_drawn():
    cloud = PointCloud([[0, 0, 0], [np.nan, 0, 0], [1, 1, 1]], colors=np.arange(9, dtype=np.uint8).reshape(3, 3))
    kept = finite_cloud(cloud)
    assert len(kept) == 2 and kept.colors.tolist() == [[0, 1, 2], [6, 7, 8]]
    with pytest.raises(InputError, match="finite points"):
        finite_cloud(PointCloud([[np.nan] * 3]))


# --- colours


def test_distances_are_exact_whatever_is_drawn():
    surface = Layer("ball", icosphere(1.0, subdivisions=5))
    scan = Layer("scan", PointCloud(sphere_points(3_000, radius=1.5)), "scan")
    values = colored(scene_of(surface, scan), 1, "distance to ball").values
    np.testing.assert_allclose(values, 0.5, atol=2e-3)
    back = colored(scene_of(surface, scan), 0, "distance to scan")
    slow = np.linalg.norm(scan.places[None] - surface.places[:50, None], axis=2).min(axis=1)
    np.testing.assert_allclose(back.values[:50], slow)
    assert back.unit == "units" and str(len(surface.places))[:2] in back.about


def test_signed_distance_and_residual_come_from_the_field():
    field = Sphere((0, 0, 0), 1.0)
    surface = Layer("field", icosphere(1.0), field=field)
    scan = Layer("scan", PointCloud(sphere_points(500, radius=1.25)), "scan")
    scene = scene_of(surface, scan)
    np.testing.assert_allclose(colored(scene, 1, "signed distance").values, 0.25, atol=1e-6)
    assert colored(scene, 0, "eikonal residual on the surface").values.max() < 1e-6
    assert "signed distance" not in choices(scene, 0)


def test_every_choice_colours_every_row():
    rng = np.random.default_rng(0)
    points = sphere_points(400, radius=1.0)
    cloud = PointCloud(points, normals=points, colors=rng.integers(0, 255, (400, 3)).astype(np.uint8), labels=np.arange(400) % 5)
    truth = Layer("truth", icosphere(1.1), "truth")
    scene = scene_of(Layer("ball", icosphere(1.0), field=Sphere((0, 0, 0), 1.0)), Layer("scan", cloud, "scan"), truth)
    for k, layer in enumerate(scene.layers):
        for name in choices(scene, k):
            made = colored(scene, k, name)
            assert made.rgb.shape == (len(layer.places), 3) and made.rgb.dtype == np.uint8, (layer.name, name)
    assert {"colours of the file", "normals", "labels", "outlier score", "orientation confidence", "distance to truth"} <= set(
        choices(scene, 1)
    )


def test_a_long_colouring_says_how_far_it_is_and_can_be_given_up(monkeypatch):
    monkeypatch.setattr("sdfshape.viewer.colorings.BLOCK", 100)
    scan = Layer("scan", PointCloud(sphere_points(1_000)), "scan")
    scene, told = scene_of(scan, Layer("ball", icosphere())), []

    def give_up(share):
        told.append(share)
        if share >= 0.5:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        colored(scene, 0, "distance to ball", give_up)
    np.testing.assert_allclose(told, [0, 0.1, 0.2, 0.3, 0.4, 0.5])


# --- clicks


def test_a_ray_meets_a_triangle_where_its_plane_is():
    rng = np.random.default_rng(1)
    corners = rng.normal(size=(200, 3, 3))
    ray = Ray(np.array([0.1, -0.2, 5.0]), np.array([0.0, 0.0, -1.0]), 0.0)
    depth = ray_meets(ray, corners.reshape(-1, 3), np.arange(600).reshape(-1, 3))
    for k in range(200):  # the slow twin: signed areas of the projections
        a, b, c = corners[k, :, :2] - ray.start[:2]
        areas = [np.linalg.det([b, c]), np.linalg.det([c, a]), np.linalg.det([a, b])]
        hit = min(areas) >= 0 or max(areas) <= 0
        height = 5.0 - np.dot(areas, corners[k, :, 2]) / sum(areas)
        assert np.isfinite(depth[k]) == (hit and height > 0)
        if np.isfinite(depth[k]):
            assert depth[k] == pytest.approx(height)


@pytest.mark.parametrize("origin", [np.zeros(3), UTM])
def test_a_click_reads_the_place_the_certified_distance_and_the_normal(origin):
    field = Sphere(tuple(origin), 2.0)
    layer = Layer("ball", icosphere(2.0, tuple(origin), subdivisions=5), field=field)
    hit = pick([layer], [True], Ray(origin + np.array([0.31, 0.17, 9.0]), np.array([0, 0, -1.0]), 0.01), [everywhere])
    np.testing.assert_allclose(hit.place[:2], origin[:2] + np.array([0.31, 0.17]), atol=1e-9)
    assert hit.normal @ (hit.place - origin) / 2 > 0.99
    lines = dict(reading(hit, Scene((layer,), "t", unit="mm")).lines)
    true = abs(np.linalg.norm(hit.place - origin) - 2.0)
    low, high = (float(x) for x in lines["distance"].split(" mm")[0].split(" to "))
    assert low <= true * (1 + 1e-4) + 1e-9 and true <= high * (1 + 1e-4) + 1e-9
    assert "certified" in lines["distance"] and lines["value"].split()[1] == "mm" and "triangle" in lines["on"]


def test_the_nearest_thing_that_is_drawn_is_hit():
    front = Layer("front", PointCloud([[0.0, 0, 3.0], [0.5, 0, 3.0]]), "scan")
    ball = Layer("ball", icosphere(1.0))
    ray = Ray(np.array([0.0, 0, 9.0]), np.array([0.0, 0, -1.0]), 0.001)
    assert pick([ball, front], [True, True], ray, [everywhere, everywhere]).row == 0
    assert pick([ball, front], [True, False], ray, [everywhere, everywhere]).layer == 0
    behind = pick([ball, front], [True, False], ray, [lambda x: x[:, 2] < 0, everywhere])  # its front half is clipped away
    assert behind.place[2] == pytest.approx(-1.0, abs=0.02)
    aside = Ray(np.array([5.0, 0, 9.0]), np.array([0.0, 0, -1.0]), 0.001)
    assert pick([ball, front], [True, True], aside, [everywhere, everywhere]) is None


# --- slices and levels


def test_iso_lines_stand_at_equal_true_distances():
    centre = np.array([3.0, -2.0, 0.5])
    made = cut(Sphere(tuple(centre), 1.0), 2, 0.5, DISTANCE)
    radii = [np.linalg.norm(line - centre, axis=1) for line in made.lines]
    off = [np.abs((r - 1) / made.step - np.round((r - 1) / made.step)).max() for r in radii if r.min() > 0.1]
    assert max(off) < 0.02 and len(off) > 8
    np.testing.assert_allclose(np.concatenate([np.linalg.norm(line - centre, axis=1) for line in made.zero]), 1.0, atol=1e-3)
    assert all(abs(line[:, 2] - 0.5).max() < 1e-12 for line in made.lines)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_surface_in_a_slice_lies_where_the_box_is(axis):
    size = np.array([3.0, 1.0, 2.0])
    made = cut(Box((0, 0, 0), tuple(size)), axis, 0.4, DISTANCE)
    line = np.concatenate(made.zero)
    np.testing.assert_allclose(line.min(axis=0), np.where(np.arange(3) == axis, 0.4, 0.0), atol=0.02)
    np.testing.assert_allclose(line.max(axis=0), np.where(np.arange(3) == axis, 0.4, size), atol=0.02)


def test_a_slice_of_the_residual_is_dark_for_a_true_distance():
    made = cut(Sphere((0, 0, 0), 1.0), 0, 0.3, RESIDUAL)
    assert (made.rgb.reshape(-1, 3) == made.rgb[0, 0]).all(axis=1).mean() > 0.99
    assert made.limits == (0.0, 1.0)


def test_steps_are_round_numbers():
    assert [nice_step(x) for x in (0.011, 0.02, 0.3, 7.0, 0.0)] == pytest.approx([0.02, 0.02, 0.5, 10.0, 1.0])


def test_the_coarse_surface_follows_the_level_and_is_turned_outward():
    field, level = Sphere((1.0, 2.0, 3.0), 2.0), Level()
    for iso in (-0.3, 0.0, 0.25):
        mesh = level.preview(field, iso)(lambda _: None).mesh
        radius = np.linalg.norm(mesh.vertices - [1.0, 2.0, 3.0], axis=1)
        np.testing.assert_allclose(radius, 2.0 + iso, atol=0.01)
        a, b, c = (mesh.vertices[mesh.faces[:, k]] - [1.0, 2.0, 3.0] for k in range(3))
        assert np.einsum("ij,ij->", a, np.cross(b, c)) > 0
    full = level.full(field, 0.0)(lambda _: None)
    assert full.final and np.abs(np.linalg.norm(full.mesh.vertices - [1, 2, 3], axis=1) - 2).max() < 1e-3


# --- controls


def test_controls_have_names_and_keys_of_their_own():
    layers = [Layer(f"mesh {k}", icosphere(1.0 + k), field=Sphere((0, 0, 0), 1.0) if k == 0 else None) for k in range(3)]
    controls = controls_of(scene_of(*layers, Layer("scan", PointCloud(sphere_points(50)), "scan")), several=True, live=True)
    names, keys = [c.name for c in controls], [c.key for c in controls if c.key]
    assert len(set(names)) == len(names) and len(set(keys)) == len(keys)
    assert not set(keys) & {"?", "[", "]", "X", "Y", "Z", "q"}
    assert all(c.label and c.group for c in controls)


def test_values_are_kept_within_their_limits_and_wrong_ones_are_refused():
    by_name = {c.name: c for c in controls_of(scene_of(Layer("ball", icosphere(), field=Sphere((0, 0, 0), 1.0))), several=False)}
    assert allowed(by_name, "iso", 1e9) == by_name["iso"].hi
    assert allowed(by_name, "clip_x", [9e9, -9e9]) == (by_name["clip_x"].lo, by_name["clip_x"].hi)
    assert allowed(by_name, "edges", 1) is True
    for name, value in (("iso", "nan"), ("iso", [1, 2]), ("iso", None), ("clip_x", 3), ("slice", "w"), ("nothing", 1), ("home", 1)):
        with pytest.raises(InputError):
            allowed(by_name, name, value)


def test_a_key_goes_through_all_values_and_back():
    control = next(c for c in controls_of(scene_of(Layer("ball", icosphere())), several=False) if c.name == "background")
    value, seen = control.value, []
    for _ in control.choices:
        value = following(control, value)
        seen.append(value)
    assert sorted(seen) == sorted(control.choices) and seen[-1] == control.value


def test_controls_of_a_scene_without_size():
    controls_of(scene_of(Layer("point", PointCloud([[1.0, 2.0, 3.0]]), "scan")), several=False)
    flat = Layer("flat", Mesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]]))
    assert scene_of(flat).size == pytest.approx(np.sqrt(2))


# --- jobs


def until(jobs: Jobs, seconds: float = 5.0) -> list:
    end, out = time.monotonic() + seconds, []
    while jobs.running and time.monotonic() < end:
        out += list(jobs.finished())
        time.sleep(0.002)
    return out + list(jobs.finished())


def test_of_waiting_jobs_only_the_latest_is_done():
    jobs, gate, done = Jobs(), threading.Event(), []
    jobs.submit("gate", lambda _: gate.wait(5))
    for k in range(5):
        jobs.submit("iso", lambda _, k=k: done.append(k) or k)
    gate.set()
    assert ("iso", 4) in until(jobs) and done == [4]
    jobs.close()


def test_what_was_begun_and_is_done_is_handed_over_so_that_a_drag_is_seen():
    jobs, begun, gate = Jobs(), threading.Event(), threading.Event()

    def first(_):
        begun.set()
        gate.wait(5)
        return "first"

    jobs.submit("iso", first)
    assert begun.wait(5)
    jobs.submit("iso", lambda _: "second")
    gate.set()
    assert [result for kind, result in until(jobs) if kind == "iso"] == ["first", "second"]
    jobs.close()


def test_a_job_that_says_how_far_it_is_ends_when_another_is_wanted():
    jobs, begun, reached = Jobs(), threading.Event(), []

    def long(told):
        begun.set()
        for k in range(10_000):
            told(k / 10_000)
            reached.append(k)
            time.sleep(0.001)

    jobs.submit("paint0", long)
    assert begun.wait(5)
    jobs.submit("paint0", lambda _: "new")
    assert until(jobs) == [("paint0", "new")] and len(reached) < 9_000
    jobs.close()


def test_what_was_dropped_is_never_handed_over_though_another_of_its_kind_came():
    jobs, begun, gate = Jobs(), threading.Event(), threading.Event()

    def first(_):
        begun.set()
        gate.wait(5)
        return "of the file before"

    jobs.submit("iso", first)
    assert begun.wait(5)
    jobs.forget()
    jobs.submit("iso", lambda _: "of this file")
    gate.set()
    assert until(jobs) == [("iso", "of this file")]
    jobs.close()


def test_an_error_of_a_job_is_handed_over_and_the_thread_goes_on():
    jobs = Jobs()
    jobs.submit("iso", lambda _: 1 / 0)
    ((kind, error),) = until(jobs)
    assert kind == "iso" and "ZeroDivisionError" in str(error)
    jobs.submit("iso", lambda _: 7)
    assert until(jobs) == [("iso", 7)]
    jobs.close()


@pytest.mark.parametrize("token", ["key", "-key", "--key", "-"])
def test_a_key_that_begins_with_a_dash_is_a_key(token):
    from trame.app import get_server

    from sdfshape.viewer.web import _no_arguments

    with _no_arguments(token):
        assert get_server("keys").cli.parse_known_args(sys.argv[1:])[0].authKey == token  # told: under pytest it looks at none
