"""The comparison: every method is a row, failures with their reason; the page stands alone and its numbers are those of the files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from shapes import icosphere, sphere_points

from sdfshape import Mesh, PointCloud
from sdfshape.baselines import ScoreField
from sdfshape.comparison import CompareJob, compare_methods, write_page
from sdfshape.comparison.judge import asked_places, judge_field, judge_mesh
from sdfshape.comparison.methods import METHODS, Ask, missing_packages
from sdfshape.comparison.run import Row, _facts
from sdfshape.comparison.verdict import verdict
from sdfshape.errors import InputError
from sdfshape.evaluate.occupancy import intersection_over_union

BALL = icosphere(0.7, subdivisions=4)


def cube(shift: float) -> Mesh:
    import trimesh

    box = trimesh.creation.box((1.0, 1.0, 1.0))
    return Mesh(np.asarray(box.vertices) + np.array([5e5 + shift, 0, 0]), np.asarray(box.faces))


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.9, 3.0])
def test_intersection_over_union_of_cubes(shift):
    both = max(1 - shift, 0)
    assert intersection_over_union(cube(0), cube(shift)) == pytest.approx(both / (2 - both), abs=0.01)


def test_a_field_is_judged_by_its_distances():
    points = sphere_points(2000)
    places = asked_places(points)
    truth = np.linalg.norm(places, axis=1) - 0.7
    right = judge_field(truth, places, BALL)
    assert right["rmse_domain"] < 0.005 and right["rmse_near"] < 0.005
    assert judge_field(truth + 0.1, places, BALL)["rmse_near"] == pytest.approx(0.1, abs=0.005)
    assert judge_field(truth, places, None) == {}


def test_a_mesh_is_judged_with_and_without_a_truth():
    alone, beside = judge_mesh(BALL, sphere_points(500), None), judge_mesh(BALL, sphere_points(500), BALL)
    assert alone["scan_mean"] < 0.003 and alone["watertight"] and "chamfer" not in alone
    assert beside["iou"] == pytest.approx(1, abs=0.01) and beside["hausdorff_95"] < beside["hausdorff"] and beside["f_score_1"] > 0.99


@pytest.mark.parametrize(
    ("changes", "law"),
    [({"methods": ("magic",)}, "methods must be among default"), ({"methods": ()}, "at least one"), ({"seconds": 0.0}, "budget")],
)
def test_a_job_that_cannot_be_is_refused(changes, law):
    with pytest.raises(InputError, match=law):
        CompareJob(PointCloud(sphere_points(200)), **({"methods": ("poisson",)} | changes))


def test_a_truth_in_other_units_or_elsewhere_is_refused():
    scan = PointCloud(sphere_points(200))
    with pytest.raises(InputError, match="must be in the units of the scan"):
        CompareJob(scan, ("poisson",), Mesh(1000 * BALL.vertices, BALL.faces))
    with pytest.raises(InputError, match="their boxes do not meet"):
        CompareJob(scan, ("poisson",), Mesh(BALL.vertices + 5.0, BALL.faces))


@pytest.mark.slow
def test_a_method_that_hangs_or_dies_is_a_row_with_its_reason(tmp_path):
    assert _facts(tmp_path, 0.05)["error"].startswith("stopped after 0 s, the time to train")
    assert "exit code 1: FileNotFoundError" in _facts(tmp_path, 60)["error"]


def row(method: str, **facts: object) -> Row:
    return Row(method, {"watertight": True, "lipschitz": None, "told": "nothing", **facts})


def test_the_verdict_names_the_nearest_the_proven_the_open_and_the_failed():
    rows = [
        row("default", chamfer=0.2, scan_mean=0.01, lipschitz=1.0),
        row("deepsdf", chamfer=0.1, scan_mean=0.03, told="mesh"),
        row("poisson", chamfer=0.3, scan_mean=0.02, watertight=False),
        Row("igr", {"error": "why"}),
    ]
    known = verdict(rows, known=True)
    assert known.startswith("Nearest: deepsdf (told mesh), Chamfer distance 0.1, then default (0.2).")
    assert "certified distance comes with default alone. Not watertight: poisson. Failed: igr." in known
    assert verdict(rows, known=False).startswith("Nearest: default, distance from the points to the mesh 0.01, then poisson (0.02).")
    assert verdict(rows[1:2], known=True) == "Nearest: deepsdf (told mesh), Chamfer distance 0.1. No method here certifies its distance."
    assert "No method came to an end" in verdict(rows[3:], known=True)


def test_missing_packages_are_known_before_the_work(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert missing_packages(METHODS) == {
        **dict.fromkeys(("poisson", "ball-pivoting", "alpha-shape"), "open3d"),
        **dict.fromkeys(("one-class-svm", "isolation-forest"), "sklearn"),
    }


@pytest.mark.slow
def test_deepsdf_is_told_by_the_cloud_where_the_truth_is_open(monkeypatch):
    def ball(told, frame, **_):
        return ScoreField(lambda x: np.linalg.norm(x, axis=1) - 0.5, frame, True, 1, {"supervision": told.source})

    monkeypatch.setattr("sdfshape.baselines.fit_deep_sdf", ball)
    lid = Mesh(BALL.vertices, BALL.faces[: len(BALL.faces) // 2])
    for truth, told in ((BALL, "mesh"), (lid, "cloud and evidence"), (None, "cloud and evidence")):
        made = METHODS["deepsdf"].run(PointCloud(sphere_points(1000)), Ask(resolution=16, truth=truth))
        assert made.told == told


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.slow
def test_the_page_stands_alone_and_agrees_with_the_files(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    pytest.importorskip("open3d", reason="Open3D is not installed")
    job = CompareJob(PointCloud(sphere_points(1500)), ("isolation-forest", "poisson"), BALL, resolution=32, threads=1)
    told: list[str] = []
    rows = compare_methods(job, told.append)
    write_page(rows, job, tmp_path / "new" / "report", title="<b>a & b</b>")
    assert told == list(job.methods)
    folder = tmp_path / "new" / "report"
    assert {p.name for p in folder.iterdir()} == {"report.html", "report.json", "report.csv", "shapes"}
    assert {p.name for p in (folder / "shapes").iterdir()} == {"scan.ply", "truth.ply", "method-isolation-forest.ply"}
    page = Page()
    page.feed(text := (folder / "report.html").read_text())
    assert "<b>a" not in text and "<b>a & b</b>" in page.words
    assert page.sources and all(source.startswith("data:image/png;base64,") for source in page.sources) and "<script" not in text
    facts = json.loads((folder / "report.json").read_text())["rows"]
    with (folder / "report.csv").open(newline="") as file:
        assert [row["method"] for row in csv.DictReader(file)] == [row["method"] for row in facts] == list(job.methods)
    forest, poisson = facts
    assert "error" not in forest and forest["lipschitz"] is None and format(forest["chamfer"], ".4g") in page.words
    assert forest["residual"] is None and "Qhull finds none" in poisson["error"]
    assert poisson["error"] in page.words


@pytest.mark.slow
def test_the_program_refuses_before_it_works(tmp_path):
    (tmp_path / "scan.xyz").write_text("\n".join(" ".join(f"{v:.5f}" for v in p) for p in sphere_points(200)))
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "report.html").write_text("kept")
    for words, law in (
        (("-o", "there"), "a report exists"),
        (("-o", "scan.xyz"), "must be a folder"),
        (("-o", "new", "--methods", "magic"), "among"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "sdfshape", "compare", "scan.xyz", *words], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 1 and law in done.stderr and done.stderr.count("\n") == 1
    assert (tmp_path / "there" / "report.html").read_text() == "kept" and not (tmp_path / "new").exists()
