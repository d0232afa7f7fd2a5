"""Sphere tracing: no ray passes through the surface, whatever it saves; cameras, spans and pictures agree with geometry."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from PIL import Image
from shapes import directions, torus_distance

from sdfshape import PointCloud
from sdfshape.errors import InputError
from sdfshape.field import Box, Sphere, difference
from sdfshape.render import Camera, camera_for, sphere_trace, surface_spans, view_field, write_gif, write_mp4
from sdfshape.render.edges import OFFSETS, widened
from sdfshape.render.trace import box_span

BALL = Sphere((5.0, -3.0, 2.0), 1.5)
LO, HI = np.array([-0.8, -0.8, -0.3]), np.array([0.8, 0.8, 0.3])


def rays_at(count: int, seed: int = 0, spread: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """From a sphere around the domain to places in it."""
    rng = np.random.default_rng(seed)
    origins = 3 * directions(count, seed)
    ways = rng.uniform(-spread, spread, (count, 3)) - origins
    return origins, ways / np.linalg.norm(ways, axis=1, keepdims=True)


def traced(relaxation: float, origins, ways, field=torus_distance, **options):
    start, end = box_span(origins, ways, LO, HI)
    return sphere_trace(field, origins, ways, start=start, end=end, tolerance=1e-4, relaxation=relaxation, **options), start, end


def marched(origins, ways, start, end, step: float = 1e-3) -> np.ndarray:
    """(n,) the first place along each ray, in steps, that is inside; infinite where none is."""
    first = np.full(len(origins), np.inf)
    for k in range(int(np.ceil((end - start).max() / step)) + 1):
        t = np.minimum(start + k * step, end)
        inside = (torus_distance(origins + t[:, None] * ways) < 0) & np.isinf(first) & (start <= end)
        first[inside] = t[inside]
    return first


@pytest.mark.parametrize("relaxation", [1.0, 1.2, 1.9])
def test_no_ray_passes_through_the_surface(relaxation):
    origins, ways = rays_at(2000)
    hits, start, end = traced(relaxation, origins, ways)
    truth = marched(origins, ways, start, end)
    inside = np.isfinite(truth)
    assert hits.hit[inside].all() and (hits.t[inside] <= truth[inside] + 1e-9).all()
    places = origins[hits.hit] + hits.t[hits.hit, None] * ways[hits.hit]
    assert np.abs(torus_distance(places)).max() <= 1e-4 + 1e-9
    grazing = hits.hit & ~inside
    assert grazing.mean() < 0.01 and 0.2 < inside.mean() < 0.9


def test_trust_without_the_check_does_pass_through():
    origins, ways = rays_at(2000)
    _, start, end = traced(1.0, origins, ways)
    truth, t = marched(origins, ways, start, end), start.copy()
    through = np.zeros(len(t), bool)
    for _ in range(100):
        f = torus_distance(origins + t[:, None] * ways)
        t = t + 1.9 * np.maximum(f, 1e-4)
        through |= (t > truth + 0.05) & (torus_distance(origins + t[:, None] * ways) > 0.01)
    assert through.any()  # so the test above can fail


def test_a_loud_field_needs_its_constant():
    origins, ways = rays_at(2000, 1)

    def loud(x):
        return 1.5 * torus_distance(x)

    (honest, start, end), (lying, _, _) = (traced(1.0, origins, ways, loud, lipschitz=constant) for constant in (1.5, 1.0))
    truth = marched(origins, ways, start, end)
    inside = np.isfinite(truth)
    assert (honest.hit[inside] & (honest.t[inside] <= truth[inside] + 1e-9)).all()
    assert not (lying.hit[inside] & (lying.t[inside] <= truth[inside] + 1e-9)).all()


def test_hits_of_a_sphere_are_those_of_geometry():
    origins, ways = rays_at(5000, 2, 0.5)
    ball = Sphere((0.0, 0.0, 0.0), 0.5)
    along = -(origins * ways).sum(axis=1)
    half = 0.25 - ((origins**2).sum(axis=1) - along**2)
    spent: list[int] = []
    for relaxation in (1.0, 1.2):
        hits = sphere_trace(ball, origins, ways, start=np.zeros(5000), end=np.full(5000, 6.0), tolerance=1e-5, relaxation=relaxation)
        clear = np.abs(half) > 1e-3
        assert (hits.hit == (half > 0))[clear].all()
        sure = hits.hit & (half > 0.01)
        assert np.abs(hits.t[sure] - (along - np.sqrt(half.clip(0)))[sure]).max() < 1e-3
        spent.append(hits.evaluations)
    assert spent[1] < 1.2 * spent[0]


def test_relaxed_steps_along_a_wall_are_as_much_longer_as_they_are_relaxed():
    wall, origin, way = Box((-5.0, -1.0, -1.0), (5.0, 1.0, 0.0)), np.array([[-5.0, 0, 0.05]]), np.array([[1.0, 0, 0]])
    spent = [
        sphere_trace(wall, origin, way, start=np.zeros(1), end=np.full(1, 10.0), tolerance=1e-4, relaxation=relaxation).evaluations
        for relaxation in (1.0, 1.6)
    ]
    assert spent[0] / spent[1] == pytest.approx(1.6, rel=0.05)


@pytest.mark.parametrize("parallel", [False, True])
def test_pixels_are_where_the_rays_are(parallel):
    camera = Camera.around(LO, HI, 40, 25, parallel=parallel)
    origins, ways = camera.rays(31, 17)
    depth = np.random.default_rng(0).uniform(1, 5, len(ways))
    column, row, _ = camera.pixels(origins + depth[:, None] * ways, 17, 31)
    assert np.allclose(row * 31 + column, np.arange(31 * 17)) and np.allclose(row, np.arange(31 * 17) // 31)
    assert np.allclose(np.linalg.norm(ways, axis=1), 1)


def test_a_camera_may_look_along_up():
    axes = Camera((0.0, 0.0, 3.0)).axes
    assert np.allclose(axes @ axes.T, np.eye(3)) and np.allclose(axes[2], (0, 0, -1))


@pytest.mark.parametrize("parallel", [False, True])
def test_spans_hold_every_hit(parallel):
    field = difference(Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)), Sphere((0.3, 0.2, 1.0), 0.7))
    camera = camera_for(field, 30, 35, parallel=parallel)
    start, end = surface_spans(*field.surface_cells_unit, camera, 96, 64)
    origins, ways = camera.rays(96, 64)
    whole = sphere_trace(field.evaluate_unit, origins, ways, start=np.zeros(len(ways)), end=np.full(len(ways), 20.0), tolerance=1e-4)
    assert (start[whole.hit] <= whole.t[whole.hit] + 1e-3).all() and (end[whole.hit] >= whole.t[whole.hit] - 1e-3).all()
    assert 0.1 < np.isfinite(start).mean() < 0.7
    part = sphere_trace(field.evaluate_unit, origins, ways, start=start, end=end, tolerance=1e-4)
    assert (part.hit != whole.hit).mean() < 1e-3 and part.evaluations < 0.6 * whole.evaluations  # some graze within the tolerance
    assert np.quantile(np.abs(part.t - whole.t)[part.hit & whole.hit], 0.999) < 1e-3


def test_a_view_of_a_ball_is_a_disc_with_the_depth_and_the_normals_of_a_ball():
    view = view_field(BALL, camera_for(BALL, 20, 10, parallel=True), width=101, height=101, smooth=False)
    seen = np.isfinite(view.depth)
    camera = camera_for(BALL, 20, 10, parallel=True)
    pixel = 2 * camera.distance * camera.slope / 101 * BALL.frame.scale
    assert seen.sum() * pixel**2 == pytest.approx(np.pi * 1.5**2, rel=0.03)
    assert view.depth[50, 50] == pytest.approx(camera.distance * BALL.frame.scale - 1.5, abs=2 * pixel)
    assert np.allclose(view.normals[50, 50], -camera.axes[2], atol=0.05)
    assert np.allclose(np.linalg.norm(view.normals[seen], axis=1), 1) and not view.normals[~seen].any()
    assert (view.color[..., 3] == 255 * seen).all() and (view.picture[~seen] == 255).all()
    assert (view.steps[0] == 0).all()  # rays that meet no cell cost nothing
    for what in ("picture", "depth", "normals", "steps"):
        assert view.shown(what).shape == (101, 101, 3) and view.shown(what).dtype == np.uint8
    assert view.shown("depth")[50, 50, 0] > view.shown("depth")[seen].min()
    with pytest.raises(InputError, match="a view can show"):
        view.shown("feelings")


def test_what_stands_in_the_light_casts_a_shadow():
    field = Box((-2.0, -2.0, -0.2), (2.0, 2.0, 0.0)) | Sphere((0.0, 0.0, 0.9), 0.5)
    camera = camera_for(field, 20, 60)
    lit, shaded = (view_field(field, camera, width=96, height=96, shadows=shadows) for shadows in (False, True))
    darker = lit.picture.astype(int).sum(axis=2) - shaded.picture.astype(int).sum(axis=2)
    floor = np.isfinite(lit.depth) & (lit.normals[..., 2] > 0.99)
    assert (darker >= 0).all() and 0.01 < (darker[floor] > 60).mean() < 0.5


def test_a_turn_is_a_film(tmp_path):
    images = [view_field(BALL, camera_for(BALL, turn), width=24, height=24).picture for turn in (0, 90, 180)]
    images[1][:12] = 0
    write_gif(images, tmp_path / "turn.gif")
    with Image.open(tmp_path / "turn.gif") as film:
        assert film.n_frames >= 2 and film.size == (24, 24)


def test_pictures_have_sizes():
    with pytest.raises(InputError, match="1 to 8192 pixels"):
        view_field(BALL, camera_for(BALL), width=0)


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("size", [(0.5, 1.8, 0.3), (0.2, 2.0, 0.2), (1.0, 1.0, 1.0), (2.0, 0.1, 1.0)])
def test_a_camera_sees_all_of_a_box(size, parallel):
    half = np.array(size) / 2
    corners = (np.array(list(np.ndindex(2, 2, 2))) * 2 - 1) * half
    for up in range(3):
        camera = Camera.around(-half, half, 35, 20, up, parallel=parallel)
        column, row, depth = camera.pixels(corners, 100, 100)
        seen = np.concatenate([column, row])
        assert seen.min() >= -0.5 and seen.max() <= 99.5 and np.ptp(seen) > 45 and (depth > 0).all()


def test_an_eye_among_the_cells_still_sees():
    inside_a_room = difference(Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)), Box((-0.9, -0.9, -0.9), (0.9, 0.9, 0.9)))
    view = view_field(inside_a_room, Camera((0.0, 0.0, 0.1), (0.5, 0.0, 0.1)), width=16, height=16)
    assert np.isfinite(view.depth).all()


@pytest.mark.slow
def test_a_film_of_no_pictures_is_refused_and_one_of_odd_size_is_cut(tmp_path):
    film = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")
    for write in (write_gif, write_mp4):
        with pytest.raises(InputError, match="got none"):
            write([], tmp_path / "none")
    images = [np.full((33, 49, 3), shade, np.uint8) for shade in (10, 120, 250)]
    write_mp4(images, tmp_path / "turn.mp4", frames_a_second=5)
    ask = [film.get_ffmpeg_exe(), "-v", "error", "-i", str(tmp_path / "turn.mp4"), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    frames = np.frombuffer(subprocess.run(ask, capture_output=True, check=True).stdout, np.uint8).reshape(-1, 32, 48, 3)
    assert np.abs(frames.mean(axis=(1, 2, 3)) - (10, 120, 250)).max() < 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["turn.mp4"]


def test_smooth_edges_cover_what_geometry_says():
    camera = camera_for(BALL, 20, 10, parallel=True)
    rough, smooth = (view_field(BALL, camera, width=61, height=61, smooth=kept) for kept in (False, True))
    pixel = 2 * camera.distance * camera.slope / 61 * BALL.frame.scale
    off = [abs(view.color[..., 3].sum() / 255 * pixel**2 / (np.pi * 1.5**2) - 1) for view in (rough, smooth)]
    assert off[1] < 0.012 and off[1] < off[0] / 2  # a tolerance of an eighth of a pixel is .009 of this disc
    assert np.array_equal(rough.depth, smooth.depth) and np.array_equal(rough.normals, smooth.normals)
    partly = (smooth.color[..., 3] > 0) & (smooth.color[..., 3] < 255)
    assert 0.02 < partly.mean() < 0.08 and set(np.unique(smooth.color[partly, 3])) <= {64, 128, 191}
    inner = rough.normals @ -camera.axes[2] > 0.6
    assert inner.mean() > 0.1 and np.array_equal(rough.color[inner], smooth.color[inner])


@pytest.mark.parametrize("parallel", [False, True])
def test_widened_spans_hold_the_hits_beside_the_middles(parallel):
    field = difference(Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)), Sphere((0.3, 0.2, 1.0), 0.7))
    camera = camera_for(field, 30, 35, parallel=parallel)
    start, end = widened(*surface_spans(*field.surface_cells_unit, camera, 96, 64), (64, 96))
    row, column = np.divmod(np.arange(96 * 64), 96)
    for across, down in OFFSETS:
        origins, ways = camera.rays_through(column + across, row + down, 96, 64)
        whole = sphere_trace(field.evaluate_unit, origins, ways, start=np.zeros(len(ways)), end=np.full(len(ways), 20.0), tolerance=1e-4)
        assert (start[whole.hit] <= whole.t[whole.hit] + 1e-3).all() and (end[whole.hit] >= whole.t[whole.hit] - 1e-3).all()


def test_a_surface_takes_the_colours_of_points():
    half = directions(2000, 3) * 1.5 + (5.0, -3.0, 2.0)
    colors = np.where(half[:, 2:] > 2.0, [[250, 0, 0]], [[0, 0, 250]]).astype(np.uint8)
    view = view_field(BALL, camera_for(BALL, 20, 0), width=64, height=64, shadows=False, colors=PointCloud(half, colors=colors))
    red, blue = view.color[10, 32, :3], view.color[54, 32, :3]
    assert red[0] > 80 and red[2] == 0 and blue[2] > 40 and blue[0] == 0
    with pytest.raises(InputError, match="must have colours"):
        view_field(BALL, camera_for(BALL), colors=PointCloud(half))


@pytest.mark.parametrize("up", range(3))
def test_upside_down_is_half_a_turn_of_the_picture(up):
    """Half a turn of the shape about the axis after the upright one shows the same as the opposite way up."""
    lo, hi = np.array([-0.9, -0.5, -0.3]), np.array([0.7, 0.6, 0.8])
    turn = np.where(np.arange(3) == (up + 1) % 3, 1.0, -1.0)
    places = np.random.default_rng(0).uniform(lo, hi, (50, 3))
    below = Camera.around(lo, hi, 30, 20, up + 3, seen=places)
    above = Camera.around(*np.sort([turn * lo, turn * hi], axis=0), 30, 20, up, seen=places * turn)
    for one, other in zip(below.pixels(places, 48, 64), above.pixels(places * turn, 48, 64), strict=True):
        assert np.allclose(one, other)
    assert below.axes[1] @ np.eye(3)[up] < 0 < above.axes[1] @ np.eye(3)[up]
