"""What is drawn, by VTK without a screen: pixels against the geometry they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from shapes import icosphere, sphere_points

from sdfshape.field import Sphere
from sdfshape.limits import UPRIGHT
from sdfshape.types import Mesh, PointCloud
from sdfshape.viewer.eye import FOOT
from sdfshape.viewer.keys import press
from sdfshape.viewer.layers import Layer, Scene, Show
from sdfshape.viewer.opening import opened
from sdfshape.viewer.panel import WIDTH, Panel
from sdfshape.viewer.pictures import scene_picture, settle
from sdfshape.viewer.saving import save_beside, saved
from sdfshape.viewer.session import Session
from sdfshape.viewer.stage import Stage

UTM = np.array([5.0e5, 4.9e6, 120.0])
SIZE = (300, 200)


@pytest.fixture(scope="module")
def stage():
    made = Stage(size=SIZE)
    yield made
    made.close()


def session_of(stage: Stage, *layers: Layer, resolution: int = 48) -> Session:
    scene = Scene(layers, "test")
    session = Session(Show(("test",), (lambda: scene,)), stage, resolution=resolution)
    settle(session)
    return session


def ball(name: str = "ball", centre=(0.0, 0, 0), color=(250, 20, 20), field: bool = False, radius: float = 1.0) -> Layer:
    return Layer(
        name, icosphere(radius, tuple(centre), subdivisions=4), color=color, field=Sphere(tuple(centre), radius) if field else None
    )


def colour_of(picture: np.ndarray, color: str) -> np.ndarray:
    """(h, w) whether a pixel is mostly of this channel."""
    k = "rgb".index(color)
    rest = [j for j in range(3) if j != k]
    return (picture[..., k].astype(int) - picture[..., rest].max(axis=-1)) > 40


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("origin", [np.zeros(3), UTM])
def test_the_ray_of_a_pixel_hits_what_is_drawn_there(stage, parallel, origin):
    session = session_of(stage, ball(centre=origin))
    session.set("parallel", parallel)
    drawn = colour_of(stage.picture(), "r")
    rng = np.random.default_rng(0)
    for x, y in rng.integers((0, 0), SIZE, (60, 2)):
        ray = stage.eye.ray(float(x), float(y))
        away = origin - ray.start
        near = np.linalg.norm(away - (away @ ray.way) * ray.way)
        if abs(near - 1) > 0.03:
            assert drawn[SIZE[1] - 1 - y, x] == (near < 1), (x, y, near)
    session.close()


def test_home_shows_all_corners_from_every_upright_axis(stage):
    flat = Layer(
        "flat", Mesh(np.array([[0, 0, 0], [9, 0, 0], [9, 1, 0.1], [0, 1, 0.1]]) + UTM, [[0, 1, 2], [0, 2, 3]]), color=(250, 20, 20)
    )
    session = session_of(stage, flat)
    for up in UPRIGHT:
        session.set("up", up)
        drawn = colour_of(stage.picture(), "r")
        edge = np.concatenate([drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]])
        assert drawn.any() and not edge.any(), up
    session.close()


@pytest.mark.parametrize("way", [(200.0, 0, 0), (0, 0, 200.0), (-200.0, -150, -100)])
def test_home_is_near_the_scan_wherever_its_strays_are(stage, way):
    points = np.concatenate([sphere_points(4000), [way]])
    session = session_of(stage, Layer("scan", PointCloud(points), "scan", color=(250, 20, 20)))
    drawn = np.argwhere(colour_of(stage.picture(), "r"))
    assert np.ptp(drawn[:, 0]) > 0.6 * SIZE[1]  # rows: the ball is as high as the picture, but for its foot
    session.close()


def test_clip_keeps_what_is_inside_of_the_box_and_a_click_knows_it(stage):
    session = session_of(stage, ball())
    session.act("view_z")
    whole = colour_of(stage.picture(), "r").sum()
    session.set("clip", True)
    session.set("clip_x", (0.0, 9.0))
    assert colour_of(stage.picture(), "r").sum() == pytest.approx(whole / 2, rel=0.05)
    session.set("clip_z", (-9.0, 0.0))
    session.click(SIZE[0] / 2 + 20, SIZE[1] / 2)
    settle(session)
    assert session.readings[0].place[2] < 0 and session.readings[0].place[0] > 0
    session.close()


def test_the_wipe_shows_one_on_the_left_and_the_other_on_the_right_and_a_click_knows_it(stage):
    session = session_of(stage, ball("red"), ball("green", color=(20, 250, 20)))
    session.set("layer0_shown", False)
    session.set("wipe", True)
    session.set("wipe_at", 0.4)
    picture = stage.picture()
    red, green = (np.argwhere(colour_of(picture, color))[:, 1] for color in "rg")
    line = 0.4 * SIZE[0]
    red = red[np.abs(red - line) > 3]  # the line itself is orange
    assert red.max() < line < green.min() + 2 and len(red) > 500 and len(green) > 500
    for x, name in ((line - 8, "red"), (line + 8, "green")):
        session.click(x, SIZE[1] / 2)
        settle(session)
        assert session.readings[0].lines[0][1].startswith(name)
    session.set("wipe", False)
    session.set("measure", False)  # takes the orange marks away
    assert not colour_of(stage.picture(), "r").any()
    session.close()


def test_colours_stay_with_their_vertices_when_few_are_drawn(stage, monkeypatch):
    monkeypatch.setattr("sdfshape.viewer.layers.STILL_FACES", 500)
    mesh = icosphere(1.0, subdivisions=5)
    colors = np.where(mesh.vertices[:, :1] > 0, np.array([[250, 10, 10]]), np.array([[10, 250, 10]])).astype(np.uint8)
    session = session_of(stage, Layer("ball", Mesh(mesh.vertices, mesh.faces, colors)))
    session.act("view_z")
    picture = stage.picture()
    red, green = (np.argwhere(colour_of(picture, color))[:, 1].mean() for color in "rg")
    assert red > SIZE[0] / 2 + 15 and green < SIZE[0] / 2 - 15  # x grows to the right, seen along z
    session.close()


def test_the_level_moves_the_surface_coarse_while_dragged_and_full_when_let_go(stage):
    session = session_of(stage, ball(field=True), resolution=96)
    before = len(session.scene.layers[0].faces)
    session.set("iso", 0.2, final=False)
    settle(session)
    coarse = session.scene.layers[0]
    np.testing.assert_allclose(np.linalg.norm(coarse.places, axis=1), 1.2, atol=0.01)
    session.set("iso", 0.2)
    settle(session)
    full = session.scene.layers[0]
    np.testing.assert_allclose(np.linalg.norm(full.places, axis=1), 1.2, atol=1e-3)
    assert len(coarse.faces) < len(full.faces) and before > 0
    session.close()


def test_a_level_that_does_not_exist_leaves_the_surface_and_says_why(stage):
    session = session_of(stage, ball(field=True))
    session.by_name["iso"].__dict__["lo"] = -5.0
    session.set("iso", -4.0)
    settle(session)
    assert "iso must be within" in session.status and len(session.scene.layers[0].faces)
    session.close()


def test_measuring_takes_two_places_and_begins_anew_with_the_third(stage):
    session = session_of(stage, ball())
    session.act("view_z")
    session.set("measure", True)
    for x in (SIZE[0] / 2 - 30, SIZE[0] / 2 + 30):
        session.click(x, SIZE[1] / 2)
        settle(session)
    apart = np.linalg.norm(session.readings[0].place - session.readings[1].place)
    assert session.measured == f"{apart:.6g} units apart"
    session.click(SIZE[0] / 2, SIZE[1] / 2)
    settle(session)
    assert len(session.readings) == 1 and not session.measured
    session.click(1, 1)
    settle(session)
    assert "nothing there" in session.status
    session.close()


def test_every_value_of_every_control_can_be_set_and_drawn(stage):
    cloud = PointCloud(sphere_points(300, radius=1.1), normals=sphere_points(300), labels=np.arange(300) % 3)
    session = session_of(stage, ball(field=True), Layer("scan", cloud, "scan"), Layer("truth", icosphere(1.05), "truth"))
    for control in session.controls:
        for value in {"toggle": (True, False), "choice": control.choices, "slider": (control.lo, control.hi)}.get(control.kind, ()):
            session.set(control.name, value)
            settle(session)
            stage.render()
            assert session.values[control.name] == value
        if control.kind == "action" and control.group != "Save":
            session.act(control.name)
            stage.render()
    session.close()


def test_every_key_does_what_its_control_says(stage):
    session = session_of(stage, ball(field=True), ball("other"))
    for control in session.controls:
        if control.key and control.kind in ("toggle", "choice"):
            before = session.values[control.name]
            press(session, control.key)
            assert session.values[control.name] != before, control.name
        elif control.key and control.group == "Save":
            assert press(session, control.key) == control.name
    session.set("wipe", True)
    for key, name, grows in (("]", "iso", True), ("[", "iso", False), ("Right", "wipe_at", True), ("Left", "wipe_at", False)):
        before = session.values[name]
        press(session, key)
        assert (session.values[name] > before) == grows
    assert press(session, "nothing") is None
    session.close()


# --- the panel of the window


def test_the_panel_has_a_place_to_press_for_every_control(stage):
    layers = (ball(field=True), ball("other"), Layer("scan", PointCloud(sphere_points(50)), "scan"))
    session, asked = session_of(stage, *layers), []
    panel = Panel(session, asked.append)
    panel.draw(400)
    panel.opened = {control.group for control in session.controls}
    panel.draw(4_000)
    groups = len(panel.opened)
    assert len(panel.spots) == len(session.controls) + groups + 1  # and the help
    before = dict(session.values)
    for spot in list(panel.spots):
        x, y = (spot.box[0] + spot.box[2]) / 2 + 5, (spot.box[1] + spot.box[3]) / 2
        assert panel.press(x, y)
        panel.release(x)
    changed = {name for name in before if session.values[name] != before[name]}
    toggles = {c.name for c in session.controls if c.kind == "toggle"}
    sliders = {c.name for c in session.controls if c.kind == "slider"}
    assert toggles <= changed and len(sliders - changed) <= 1 and {"screenshot", "export", "help"} <= set(asked)
    session.close()


def test_a_slider_of_the_panel_is_dragged_and_let_go(stage):
    session = session_of(stage, ball(field=True))
    panel, sets = Panel(session, lambda _: None), []
    session.set = lambda name, value, final=True: sets.append((name, value, final))
    panel.draw(300)
    panel.opened = {"Field"}
    panel.draw(2_000)
    spot = next(spot for spot in panel.spots if spot.held)
    assert panel.press(spot.box[0], spot.box[1] + 2)
    panel.drag(spot.box[2])
    assert panel.release(spot.box[2] + 500) and not panel.release(0)
    iso = session.by_name["iso"]
    assert [(value, final) for _, value, final in sets] == [(iso.lo, False), (iso.hi, False), (iso.hi, True)]
    panel.press(WIDTH / 2, spot.box[1] + 2)
    assert sets[-1][1] == pytest.approx((iso.lo + iso.hi) / 2)  # the track lies in the middle of the panel
    assert not panel.press(WIDTH + 1, 5)
    session.close()


def test_a_choice_of_the_panel_unfolds_and_takes_what_is_pressed(stage):
    session = session_of(stage, ball())
    panel = Panel(session, lambda _: None)
    panel.draw(300)
    panel.opened = {"View"}
    panel.unfolded = "background"
    panel.draw(2_000)
    spot = panel.spots[-2]  # the last one is the heading of what follows
    panel.press(spot.box[0] + 5, spot.box[1] + 5)
    assert session.values["background"] == session.by_name["background"].choices[-1] and panel.unfolded == ""
    session.close()


# --- files


def test_what_is_saved_is_a_picture_a_turn_and_all_of_the_surface(stage, tmp_path, monkeypatch):
    monkeypatch.setattr("sdfshape.viewer.saving.FRAMES", 4)
    session = session_of(stage, ball())
    ending, content = saved(session, "screenshot")
    assert ending == ".png" and content.startswith(b"\x89PNG")
    ending, content = saved(session, "turntable")
    assert ending == ".gif" and content.startswith(b"GIF8") and stage.window.GetSize() == SIZE
    from sdfshape.io import read_mesh

    for form in ("ply", "obj", "stl", "off", "glb"):
        session.set("export_as", form)
        path = save_beside(session, "export", tmp_path)
        assert path.suffix == f".{form}" and len(read_mesh(path).faces) == len(session.scene.layers[0].faces)
    assert save_beside(session, "export", tmp_path).name == "ball-2.glb"  # nothing is replaced
    session.close()


def test_a_picture_needs_no_screen(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    picture = scene_picture(Scene((ball(),), "test"), size=SIZE)
    assert picture.shape == (200, 300, 3) and colour_of(picture, "r").mean() > 0.1


# --- files one after the other


def test_next_and_previous_go_around_and_a_broken_file_leaves_what_was_there(stage):
    from sdfshape.errors import InputError

    def broken():
        raise InputError("b.ply: broken")

    one, three = Scene((ball("one"),), "one"), Scene((ball("three"),), "three")
    session = Session(Show(("a", "b", "c"), (lambda: one, broken, lambda: three)), stage)
    session.act("next")
    assert session.status == "b.ply: broken; still showing a (1 of 3)" and session.scene is one and session.index == 1
    session.act("next")
    assert session.scene is three
    session.act("next")
    assert session.scene.title == "one"
    session.act("previous")
    assert session.scene is three
    session.close()


# --- what belongs to one scene stays in it


def test_what_was_computed_for_one_file_does_not_come_into_the_next(stage):
    field = ball("field", field=True)
    one, two = Scene((field, Layer("scan", PointCloud(sphere_points(100)), "scan")), "one"), Scene((ball("two", field=True),), "two")
    session = Session(Show(("a", "b"), (lambda: one, lambda: two)), stage, resolution=24)
    session.set("slice", "x")
    session.set("layer1_color", "signed distance")
    session.click(SIZE[0] / 2, SIZE[1] / 2)
    session.act("next")
    settle(session)
    assert session.scene.layers[0].name == "two" and session.slice is None and not session.readings and not session.paints
    session.close()


def test_distances_to_a_surface_follow_it_when_it_moves(stage):
    session = session_of(stage, ball(field=True), Layer("scan", PointCloud(sphere_points(200, radius=1.5)), "scan"), resolution=96)
    session.set("layer1_color", "distance to ball")
    settle(session)
    np.testing.assert_allclose(session.paints[1].values, 0.5, atol=0.01)
    session.set("iso", 0.25)
    settle(session)
    np.testing.assert_allclose(session.paints[1].values, 0.25, atol=0.01)
    session.close()


def test_a_coarse_surface_is_not_saved_as_the_full_one(stage):
    from sdfshape.errors import InputError

    session = session_of(stage, ball(field=True), resolution=96)
    session.set("iso", 0.1, final=False)
    with pytest.raises(InputError, match="still being computed"):
        session.surface()
    session.set("iso", 0.1)
    settle(session)
    assert len(session.surface().faces) > 10_000
    session.close()


def test_a_mesh_that_is_full_already_is_shown_as_it_is_at_its_level(stage):
    coarse = icosphere(1.2, subdivisions=2)
    layer = Layer("surface", coarse, field=Sphere((0, 0, 0), 1.0), level=0.2)
    session = session_of(stage, layer)
    assert len(session.scene.layers[0].faces) == len(coarse.faces) and session.values["iso"] == pytest.approx(0.2)
    session.close()


def test_a_slice_is_drawn_read_and_taken_away(stage):
    from sdfshape.viewer.session import Due

    session = session_of(stage, ball(field=True))
    session.act("view_z")
    plain = stage.picture().astype(int)
    session.set("slice", "z")
    session.set("slice_at", 1.0)
    settle(session)
    assert np.abs(stage.picture().astype(int) - plain).mean() > 5 and "z = 1 units" in session.status
    session.click(SIZE[0] / 2 + 70, SIZE[1] / 2)
    settle(session)
    lines = dict(session.readings[0].lines)
    assert lines["on"] == "the slice" and session.readings[0].place[2] == pytest.approx(1.0) and "outside" in lines["distance"]
    session.set("measure", False)
    session.tick()
    session.set("slice", "off")
    assert session.tick() is Due.PICTURE
    assert np.abs(stage.picture().astype(int) - plain).mean() < 0.1
    session.close()


def test_the_wipe_stays_where_it_is_in_a_picture_of_another_size(stage):
    session = session_of(stage, ball("red"), ball("green", color=(20, 250, 20)))
    session.set("wipe", True)
    session.set("wipe_at", 0.5)
    stage.resize(150, 100)
    try:
        picture = stage.picture()
        assert np.argwhere(colour_of(picture, "g"))[:, 1].min() == pytest.approx(75, abs=2)
    finally:
        stage.resize(*SIZE)
    session.close()


def test_what_is_in_the_middle_keeps_its_size_without_perspective(stage):
    session = session_of(stage, ball())
    before = colour_of(stage.picture(), "r").sum()
    session.set("parallel", True)
    without = colour_of(stage.picture(), "r").sum()
    session.set("parallel", False)
    assert without == pytest.approx(before, rel=0.1) and colour_of(stage.picture(), "r").sum() == pytest.approx(before, rel=0.01)
    session.close()


def test_the_first_file_that_can_be_opened_is_shown_and_the_others_are_named(stage):
    from sdfshape.errors import InputError

    def broken():
        raise InputError("a.txt: no points")

    good = Scene((ball(),), "good")
    session = Session(Show(("a.txt", "b"), (broken, lambda: good)), stage)
    assert session.heading == "b (2 of 2)" and session.status == "a.txt: no points"
    session.close()
    with pytest.raises(InputError, match=r"a\.txt"):
        Session(Show(("a.txt",), (broken,)), stage)


def test_looks_stay_from_file_to_file(stage):
    one, two = Scene((ball("one"),), "one"), Scene((ball("two"),), "two")
    session = Session(Show(("a", "b"), (lambda: one, lambda: two)), stage)
    session.set("background", "dark")
    session.set("clip", True)
    session.act("next")
    assert session.values["background"] == "dark" and session.values["clip"] is False
    session.close()


def test_the_panel_draws_names_of_any_kind(stage):
    session = session_of(stage, ball("ä ö 漢字 " + "long " * 40))
    assert Panel(session, lambda _: None).draw(500).shape == (500, WIDTH, 3)
    session.close()


def test_an_error_of_the_surface_is_the_error_of_the_picture():
    from sdfshape.errors import SdfShapeError

    empty = Layer("empty", icosphere(1.0), field=Sphere((0, 0, 0), 1.0).offset(-5.0))
    with pytest.raises(SdfShapeError, match="iso must be"):
        scene_picture(Scene((empty,), "test"), size=SIZE)


def test_home_fills_the_picture_and_leaves_room_for_a_colour_bar(stage):
    """A long shape that lies askew in its box, beside the middle of its box in the picture."""
    rod = Mesh(ball().shape.vertices * (3.0, 0.3, 0.3) @ np.linalg.qr([[1.0, 2, 0], [0, 1, 1], [1, 0, 1]])[0], ball().shape.faces)
    session_of(stage, Layer("rod", rod, color=(250, 20, 20)))
    rows, columns = np.nonzero(colour_of(stage.picture(), "r"))
    height, width = SIZE[1], SIZE[0]
    assert rows.max() < (1 - FOOT) * height and rows.min() > 0 and columns.min() > 0 and columns.max() < width - 1
    filled = max(np.ptp(rows) / ((1 - FOOT) * height), np.ptp(columns) / width)
    assert filled > 0.7
    assert abs(columns.mean() / width - 0.5) < 0.1


def test_a_truth_that_is_given_colours_the_meshes(tmp_path):
    for name, radius in (("ball.ply", 1.0), ("truth.ply", 1.1)):
        ball(radius=radius).shape.write(tmp_path / name)
    scene = opened([tmp_path / "ball.ply"], truth=tmp_path / "truth.ply")
    session = session_of(Stage(size=SIZE), *scene.layers)
    assert session.values["layer0_color"] == "distance to truth.ply" and session.bar is not None
    assert session.values["layer1_color"] == "one colour"
    session.close()
    session.stage.close()
