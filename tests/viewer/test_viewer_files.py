"""Files to scenes, the page that stands alone, the command line, notebooks."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import types
import zlib
from pathlib import Path

import numpy as np
import pytest
from shapes import icosphere, sphere_points

from sdfshape.cli import main
from sdfshape.comparison import CompareJob, write_page
from sdfshape.comparison.run import Row
from sdfshape.errors import InputError, OutputError
from sdfshape.field import Sphere
from sdfshape.io import read_mesh, write_mesh, write_points
from sdfshape.types import Mesh, PointCloud
from sdfshape.viewer.layers import Layer, Scene
from sdfshape.viewer.notebook import PageView, show_scene
from sdfshape.viewer.opening import open_show
from sdfshape.viewer.page import scene_page, write_scene_page


@pytest.fixture
def folder(tmp_path) -> Path:
    write_mesh(icosphere(1.0, subdivisions=3), tmp_path / "ball.ply")
    write_points(PointCloud(sphere_points(300, radius=1.2)), tmp_path / "scan.xyz")
    (tmp_path / "notes.md").write_text("not a shape")
    return tmp_path


def run(*words: object, **env: str) -> subprocess.CompletedProcess:
    import os

    clean = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")} | env
    return subprocess.run([sys.executable, "-m", "sdfshape", *map(str, words)], capture_output=True, text=True, timeout=120, env=clean)


# --- opening


def test_files_together_are_layers_of_one_scene(folder):
    show = open_show([folder / "scan.xyz", folder / "ball.ply"], truth=folder / "ball.ply", unit="mm")
    scene = show.openers[0]()
    assert [layer.name for layer in scene.layers] == ["scan.xyz", "ball.ply", "ball.ply (2)"]
    assert [layer.role for layer in scene.layers] == ["scan", "surface", "truth"] and scene.unit == "mm"


def test_a_folder_is_shown_file_by_file_without_what_is_no_shape(folder):
    show = open_show([folder])
    assert show.names == ("ball.ply", "scan.xyz")
    (folder / "broken.ply").write_bytes(b"ply\n")
    assert len(open_show([folder])) == 3  # opened when its turn comes


@pytest.mark.parametrize(
    ("files", "law"),
    [
        ([], "something to show"),
        (["."], "must hold something"),
        ([".", "a.ply"], "folder is shown alone"),
        (["r.json"], "report must be one of"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(tmp_path, files, law):
    (tmp_path / "r.json").write_text("{}")
    with pytest.raises(InputError, match=law):
        open_show([tmp_path / name for name in files])


def test_a_report_of_compare_becomes_a_scene_with_all_its_methods(tmp_path, monkeypatch):
    monkeypatch.setattr("sdfshape.comparison.page._page", lambda *_: "")
    cloud, mesh = PointCloud(sphere_points(200)), icosphere(0.7, subdivisions=2)
    job = CompareJob(cloud, ("default", "poisson"), mesh, seconds=1.0)
    rows = [Row("default", {"threads": 1}, mesh), Row("poisson", {"error": "it failed"})]
    write_page(rows, job, tmp_path / "report", title="t")
    scene = open_show([tmp_path / "report"]).openers[0]()
    assert [(layer.name, layer.role) for layer in scene.layers] == [("default", "surface"), ("scan", "scan"), ("truth", "truth")]
    facts = json.loads((tmp_path / "report" / "report.json").read_text())
    facts["rows"][0]["method"] = "../../etc/passwd"
    (tmp_path / "report" / "report.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match="plain name"):
        open_show([tmp_path / "report"]).openers[0]()


# --- the page


def unpacked(text: str, dtype, columns: int) -> np.ndarray:
    raw = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    width = np.dtype(dtype).itemsize
    planes = raw.reshape(columns, width, -1)
    return np.ascontiguousarray(planes.transpose(2, 0, 1)).view(dtype).reshape(-1, columns)


def facts_of(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1))


def test_the_first_view_of_a_page_is_of_most_of_a_scan():
    ball = sphere_points(2000)
    scan = Layer("scan", PointCloud(np.concatenate([ball, [[90.0, 0, 0]]])), "scan")
    facts = facts_of(scene_page(Scene((scan,), "t")))
    assert np.allclose(facts["focal"], (ball.min(axis=0) + ball.max(axis=0)) / 2)
    assert facts["length"] == pytest.approx(np.linalg.norm(ball.max(axis=0) - ball.min(axis=0)))
    assert facts["hi"][0] == 90


def test_the_page_holds_the_shape_to_a_65536th_of_the_scene():
    mesh = icosphere(2.0, (5e5, 4.9e6, 10.0), subdivisions=4)
    facts = facts_of(scene_page(Scene((Layer("ball", mesh),), "t", unit="m")))
    layer = facts["layers"][0]
    lo, hi = np.array(facts["lo"]), np.array(facts["hi"])
    places = lo + unpacked(layer["places"], np.uint16, 3) / 65535 * (hi - lo)
    assert np.abs(places - mesh.vertices).max() <= (hi - lo).max() / 65535 / 2 * 1.01 + 1e-9
    faces = np.cumsum(unpacked(layer["faces"], np.int32, 1)).reshape(-1, 3)
    np.testing.assert_array_equal(faces, mesh.faces)


def test_values_of_the_page_are_those_of_the_full_data():
    field = Sphere((0, 0, 0), 1.0)
    scan = Layer("scan", PointCloud(sphere_points(500, radius=1.25)), "scan")
    facts = facts_of(scene_page(Scene((Layer("ball", icosphere(1.0), field=field), scan), "t"), resolution=32))
    colorings = {one["name"]: one for one in facts["layers"][1]["colorings"]}
    values = unpacked(colorings["signed distance"]["values"], np.float32, 1)
    np.testing.assert_allclose(values, 0.25, atol=1e-5)
    assert colorings["signed distance"]["unit"] == "units"


def test_no_name_becomes_part_of_the_page_and_nothing_is_fetched():
    name = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    page = scene_page(Scene((Layer(name, icosphere(subdivisions=1)),), name))
    assert page.count("</script>") == 2 and "alert(1)" in page and facts_of(page)["title"] == name
    assert not re.search(r"(src|href)\s*=\s*[\"']?https?:", page) and "http://" not in page.replace("http://www.w3.org", "")


def test_a_page_of_much_more_than_fits_is_thinned_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("sdfshape.viewer.page.MOST_FACES", 1_000)
    monkeypatch.setattr("sdfshape.viewer.page.MOST_POINTS", 500)
    scene = Scene((Layer("ball", icosphere(subdivisions=5)), Layer("scan", PointCloud(sphere_points(4_000)), "scan")), "t")
    facts = facts_of(scene_page(scene))
    assert facts["layers"][0]["triangles"] <= 1_000 and facts["layers"][1]["count"] == 500
    assert "20,480 triangles; " in facts["layers"][0]["counted"] and "in this page" in facts["layers"][1]["counted"]
    size = write_scene_page(scene, tmp_path / "a.html")
    assert size == (tmp_path / "a.html").stat().st_size
    with pytest.raises(OutputError, match="exists"):
        write_scene_page(scene, tmp_path / "a.html")


@pytest.mark.slow
def test_the_page_of_a_mesh_of_200_cells_is_less_than_15_mb(tmp_path):
    """A sphere that fills its grid crosses more cells than any shape of the benchmark; half a million triangles are twice as many."""
    mesh = icosphere(1.0, subdivisions=8)
    assert len(mesh.faces) > 1_000_000
    scan = Layer("scan", PointCloud(sphere_points(60_000)), "scan")
    assert write_scene_page(Scene((Layer("ball", mesh), scan), "t"), tmp_path / "a.html") < 15e6


# --- notebooks


def test_a_notebook_gets_a_page_inside_of_it_and_a_terminal_a_window(monkeypatch):
    class ZMQInteractiveShell:
        pass

    scene = Scene((Layer("a<b>", icosphere(subdivisions=1)),), "t")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(InputError, match="display"):
        show_scene(scene)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=ZMQInteractiveShell))
    made = show_scene(scene)
    assert isinstance(made, PageView)
    html = made._repr_html_()
    assert html.startswith("<iframe srcdoc=") and html.count("<") == html.count("<iframe") + html.count("</iframe")


# --- the command line


@pytest.mark.slow
def test_a_window_on_a_display_that_does_not_answer_names_the_other_ways(folder):
    done = run("view", folder / "ball.ply", DISPLAY=":987")
    assert done.returncode == 1 and done.stdout == ""
    assert re.fullmatch(r"sdfshape: a window needs a display, none was found: .*--web.*--html.*\n", done.stderr)


def test_a_window_without_a_display_names_the_other_ways(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for words in (["view", "ball.ply"], ["reconstruct", "scan.xyz", "-o", "m.ply", "--view"]):
        monkeypatch.setattr(sys, "argv", ["sdfshape", *words])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        assert end.value.code == 1 and out == "" and err.count("\n") == 1
        assert "a window needs a display" in err and "--web" in err and "--html" in err
    assert not (folder / "m.ply").exists()


@pytest.mark.slow
def test_a_page_and_a_picture_from_the_command_line(folder):
    done = run("view", folder / "ball.ply", folder / "scan.xyz", "--html", folder / "a.html", "--unit", "mm")
    assert done.returncode == 0 and re.fullmatch(r"ball.ply \+ scan.xyz, \d+\.\d MB -> .*a.html\n", done.stdout), done.stderr
    assert facts_of((folder / "a.html").read_text())["unit"] == "mm"
    done = run("view", folder / "ball.ply", "--picture", folder / "a.png")
    assert done.returncode == 0 and (folder / "a.png").read_bytes().startswith(b"\x89PNG") and done.stderr == ""


@pytest.mark.parametrize(
    ("words", "law"),
    [
        ([".", "--html", "b.html"], "of one scene"),
        (["ball.ply", "--web", "--html", "b.html"], "one way at a time"),
        (["ball.ply", "--html", "b.txt"], "must end in one of .html .htm"),
        (["ball.ply", "--picture", "b.jpg"], "must end in .png"),
        (["ball.ply", "--web", "--port", "70000"], "port must be 0 to 65535"),
        (["missing.ply", "--web"], "no such file"),
        (["notes.md", "--picture", "b.png"], "an input must end in"),
        (["ball.ply", "--part", "3", "--picture", "b.png"], "part is one of a field"),
        (["ball.ply", "--resolution", "5", "--picture", "b.png"], "resolution must be"),
    ],
)
def test_mistakes_get_one_line(folder, words, law, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["sdfshape", "view", *words])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    assert end.value.code == 1 and out == "" and law in err and err.count("\n") == 1, err
    assert not list(folder.glob("b.*"))


def test_the_shapes_beside_a_report_are_what_was_made(tmp_path, monkeypatch):
    monkeypatch.setattr("sdfshape.comparison.page._page", lambda *_: "")
    mesh = Mesh(icosphere(0.7, subdivisions=2).vertices, icosphere(0.7, subdivisions=2).faces)
    write_page(
        [Row("default", {"threads": 1}, mesh)], CompareJob(PointCloud(sphere_points(200)), ("default",), seconds=1.0), tmp_path, title="t"
    )
    kept = read_mesh(tmp_path / "shapes" / "method-default.ply")
    np.testing.assert_allclose(kept.vertices, mesh.vertices)
    np.testing.assert_array_equal(kept.faces, mesh.faces)


def test_names_that_cannot_be_printed_are_quoted(tmp_path):
    strange = tmp_path / "a\nb.ply"
    write_mesh(icosphere(subdivisions=1), strange)
    show = open_show([strange])
    assert show.names == (r"'a\nb.ply'",) and show.openers[0]().layers[0].name == r"'a\nb.ply'"


def test_rows_are_counted_as_in_the_file(tmp_path):
    points = sphere_points(5).copy()
    points[1] = np.nan
    points[3] = 1e200
    write_points(PointCloud(points), tmp_path / "scan.npy")
    layer = open_show([tmp_path / "scan.npy"]).openers[0]().layers[0]
    assert len(layer.places) == 3 and [layer.row_in_file(k) for k in range(3)] == [0, 2, 4]


def test_layers_of_the_same_name_get_names_of_their_own():
    from sdfshape.viewer.opening import distinct

    layers = [Layer(name, icosphere(subdivisions=1)) for name in ("a", "a", "a (2)", "a")]
    assert len({layer.name for layer in distinct(layers)}) == 4


@pytest.mark.slow
def test_a_mesh_is_seen_without_what_only_fields_need(folder):
    """torch and scipy take seconds: the first picture of a mesh does not wait for them."""
    code = (
        "import sys; from pathlib import Path; from sdfshape.viewer import Session, Stage, WebFront, open_show\n"
        f"session = Session(open_show([Path({str(folder / 'ball.ply')!r})]), Stage(size=(80, 60)))\n"
        "session.stage.picture(); WebFront(session)\n"
        "print([name for name in ('torch', 'scipy', 'skimage', 'igl', 'pyvista', 'trimesh') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
