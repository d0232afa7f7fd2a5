"""The jobs of the command line, end to end on small inputs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import sdfshape as s
from sdfshape.cli import console, main
from sdfshape.cli.words import Preset, Surface
from sdfshape.evaluate.report import mesh_facts
from sdfshape.sample import SURFACES
from sdfshape.train import PRESETS

THIN = [("closed", 0.0, 0.0), ("points", 0.0, 0.0), ("wrap", 0.2, 0.0), ("closed", 0.2, 0.03)]
RADIUS, CENTRE = 3.0, np.array([5.0e5, 4.9e6, 120.0])


def cloud(n: int = 3000, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(n, 3))
    return CENTRE + RADIUS * x / np.linalg.norm(x, axis=1, keepdims=True)


def program(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "sdfshape", *words], cwd=cwd, capture_output=True, text=True)


@pytest.fixture(scope="module")
def job(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One run of `reconstruct` with every output, on a coloured sphere far from the origin."""
    folder = tmp_path_factory.mktemp("job")
    points = cloud()
    colors = np.where(points[:, 2:] > CENTRE[2], [[255, 0, 0]], [[0, 0, 255]]).astype(np.uint8)
    s.write_points(s.PointCloud(points, colors=colors), folder / "scan.ply")
    outputs = ["-o", "mesh.obj", "--model", "field.sdf", "--report", "report.json", "--picture", "picture.png", "--cleaned", "clean.ply"]
    return folder, program("reconstruct", "scan.ply", *outputs, "--preset", "fast", "--resolution", "64", "--threads", "1", cwd=folder)


def test_reconstruct_writes_everything_and_nothing_else(job):
    folder, done = job
    assert done.returncode == 0, done.stderr
    assert {p.name for p in folder.iterdir()} >= {"scan.ply", "mesh.obj", "field.sdf", "report.json", "picture.png"}
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]
    assert "watertight" in done.stdout and "mesh.obj" in done.stdout and "Traceback" not in done.stderr


def test_the_mesh_has_the_units_the_place_and_the_colours_of_the_scan(job):
    mesh = s.read_mesh(job[0] / "mesh.obj")
    radius = np.linalg.norm(mesh.vertices - CENTRE, axis=1)
    assert abs(radius - RADIUS).max() < 0.02 * RADIUS
    assert mesh.colors is not None
    top = mesh.vertices[:, 2] > CENTRE[2] + 0.2 * RADIUS
    assert (mesh.colors[top, 0] > 200).all()


def test_the_points_that_belong_to_the_surface_are_written_as_they_came(job):
    came, clean = (s.read_points(job[0] / name) for name in ("scan.ply", "clean.ply"))
    report = json.loads((job[0] / "report.json").read_text())
    assert len(clean) == len(came) - report["fit"]["outliers"] > 0.99 * len(came)
    rows = [np.flatnonzero((came.points == point).all(axis=1))[0] for point in clean.points[::100]]
    assert np.array_equal(came.colors[rows], clean.colors[::100])


def test_the_report_has_the_promised_parts(job):
    report = json.loads((job[0] / "report.json").read_text())
    keys = {"version", "input", "preset", "config", "seed", "threads", "device", "seconds", "peak_rss_mb", "field", "extraction", "mesh"}
    assert keys | {"fit", "warnings"} <= set(report)
    assert {"read", "orient", "sample", "train", "extract", "write", "total"} == set(report["seconds"])
    assert report["mesh"]["watertight"] and report["mesh"]["components"] == 1
    assert report["field"]["lipschitz_bound"] <= 1
    assert report["extraction"]["evaluations"] < report["extraction"]["dense_evaluations"]
    assert report["fit"]["max_abs_f"] < 0.02 * RADIUS
    volume = 4 / 3 * np.pi * RADIUS**3
    assert abs(report["mesh"]["volume"] - volume) < 0.02 * volume


def test_the_summary_says_what_is_thicker_than_it_was():
    words = [console._thin_words({"kind": k, "least_thickness": t, "thickened": n}) for k, t, n in THIN]
    assert words[0] == words[1] == "" and "wrapped parts about 0.2 thick" in words[2]
    assert words[3] == ", walls too thin for their points (3.00% of all) made about 0.2 thick at least"


@pytest.mark.slow
def test_the_field_is_certified_and_extracts_the_same_surface_and_shells(job):
    folder, _ = job
    done = program("certify", "field.sdf", "--verbose", cwd=folder)
    assert done.returncode == 0 and "<= 1" in done.stdout
    assert program("extract", "field.sdf", "-o", "again.ply", "--resolution", "64", cwd=folder).returncode == 0
    first, again = s.read_mesh(folder / "mesh.obj"), s.read_mesh(folder / "again.ply")
    assert np.allclose(first.vertices, again.vertices, atol=1e-6) and np.array_equal(first.faces, again.faces)
    assert program("extract", "field.sdf", "-o", "shell.ply", "--iso", "0.5", "--resolution", "64", cwd=folder).returncode == 0
    away = np.linalg.norm(s.read_mesh(folder / "shell.ply").vertices - CENTRE, axis=1) - RADIUS
    assert away.min() > 0.5 - 0.02 * RADIUS and away.mean() < 0.55  # never nearer than it says, but for the fit of the surface itself
    far = program("extract", "field.sdf", "-o", "none.ply", "--iso", "-50", cwd=folder)
    assert far.returncode == 1 and "range" in far.stderr and not (folder / "none.ply").exists()


@pytest.mark.slow
def test_levels_walls_colours_normals_and_fewer_faces_in_one_go(job):
    folder, _ = job
    options = ("--iso", "0", "--iso", "0.5", "--shell", "0.4", "--scan", "scan.ply", "--max-deviation", "0.1", "--vertex-normals")
    done = program("extract", "field.sdf", "-o", "many.ply", "--resolution", "48", *options, cwd=folder)
    assert done.returncode == 0 and done.stdout.count("(proven)") == 2, done.stderr
    for name, out in (("many_0.ply", 0.0), ("many_0.5.ply", 0.5)):
        mesh = s.read_mesh(folder / name)
        facts = mesh_facts(mesh)
        assert facts["watertight"] and facts["components"] == 2 and mesh.normals is not None and mesh.colors is not None
        wall = 4 / 3 * np.pi * ((RADIUS + out) ** 3 - (RADIUS + out - 0.4) ** 3)
        assert facts["volume"] == pytest.approx(wall, rel=0.25)
    assert "two walls" in program("extract", "field.sdf", "-o", "no.ply", "--shell", "50", cwd=folder).stderr
    assert not (folder / "many.ply").exists() and not (folder / "no.ply").exists()


@pytest.mark.slow
def test_evaluate_and_sample_and_render(job):
    folder, _ = job
    done = program("evaluate", "mesh.obj", "mesh.obj", "--samples", "2000", cwd=folder)
    assert done.returncode == 0 and json.loads(done.stdout)["metrics"]["normal_consistency"] > 0.9
    assert program("sample", "mesh.obj", "-o", "cloud.xyz", "--points", "500", cwd=folder).returncode == 0
    assert len(s.read_points(folder / "cloud.xyz")) == 500
    assert program("render", "field.sdf", "-o", "r.png", "--size", "64", cwd=folder).returncode == 0
    assert (folder / "r.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_query_writes_a_table_of_distances_and_bounds(job):
    folder, _ = job
    rng = np.random.default_rng(3)
    places = CENTRE + rng.uniform(-1.5, 1.5, (500, 3)) * RADIUS
    s.write_points(s.PointCloud(places), folder / "places.xyz")
    done = program("query", "field.sdf", "places.xyz", "-o", "table.csv", cwd=folder)
    assert done.returncode == 0 and "500 points" in done.stdout, done.stderr
    table = np.genfromtxt(folder / "table.csv", delimiter=",", names=True)
    truth = np.linalg.norm(np.stack([table["x"], table["y"], table["z"]], -1) - CENTRE, axis=1) - RADIUS
    assert np.abs(table["distance"] - truth).max() < 0.05 * RADIUS
    assert (table["lower"] <= table["upper"]).all() and (table["lower"] <= np.abs(truth) + 0.02 * RADIUS).all()
    assert np.allclose(np.hypot(np.hypot(table["nx"], table["ny"]), table["nz"]), 1, atol=1e-4)
    for words, law in (
        (("places.xyz", "-o", "table.txt"), "must end in .csv"),
        (("places.xyz", "-o", "table.csv"), "exists"),
        (("places.xyz", "-o", "t.csv", "--tightness", "1"), "below 1"),
    ):
        again = program("query", "field.sdf", *words, cwd=folder)
        assert again.returncode == 1 and law in again.stderr and again.stderr.count("\n") == 1


@pytest.mark.slow
def test_export_writes_what_other_programs_read(job):
    folder, _ = job
    for name in ("grid.npz", "grid.vti", "shape.py"):
        done = program("export", "field.sdf", "-o", name, "--resolution", "24", cwd=folder)
        assert done.returncode == 0 and name in done.stdout and (folder / name).stat().st_size > 1000, done.stderr
    for away, least, most in ((0.0, -RADIUS, 0.0), (0.9, -0.12 * RADIUS, 0.0), (1.2, 0.1 * RADIUS, 0.22 * RADIUS)):
        place = CENTRE + np.array([away * RADIUS, 0, 0])
        said = subprocess.run([sys.executable, "shape.py", *map(str, place)], cwd=folder, capture_output=True, text=True)
        assert least < float(said.stdout) < most
    wrong = program("export", "field.sdf", "-o", "shape.stl", cwd=folder)
    assert wrong.returncode == 1 and "must end in one of" in wrong.stderr and wrong.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_same_command_gives_the_same_bytes_also_through_an_interruption(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    s.write_points(s.PointCloud(cloud(800)), "scan.ply")
    assert _main(monkeypatch, "a") == 0
    monkeypatch.setattr(console, "progress_bar", _interrupting_bar)
    assert _main(monkeypatch, "b") == 130
    err = capsys.readouterr().err
    assert "the same command continues" in err and err.count("\n") == 1
    assert not Path("b.ply").exists() and not Path("b.sdf").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == [".b.ply.checkpoint"]
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert _main(monkeypatch, "b") == 0
    for ending in ("ply", "sdf"):
        assert Path(f"a.{ending}").read_bytes() == Path(f"b.{ending}").read_bytes()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def _main(monkeypatch, name: str) -> int:
    """The program in this process; its exit code."""
    words = ["reconstruct", "scan.ply", "--preset", "fast", "--resolution", "32", "--quiet", "-o", f"{name}.ply", "--model", f"{name}.sdf"]
    monkeypatch.setattr(sys, "argv", ["sdfshape", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0


@contextmanager
def _interrupting_bar(_quiet: bool):
    """A progress bar whose user presses Ctrl-C when the training is under way."""

    def show(progress: s.Progress) -> None:
        if progress.stage == "train" and 5 < progress.step < progress.steps:
            signal.raise_signal(signal.SIGINT)

    yield show


def test_the_words_of_the_command_line_are_those_of_the_library():
    assert set(Preset.__origin__.__args__) == set(PRESETS)
    assert set(Surface.__origin__.__args__) == set(SURFACES)
