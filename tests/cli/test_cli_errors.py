"""Every mistake a user can make: one line on stderr, the right exit code, nothing half-written."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import numpy as np
import pytest

from sdfshape import Mesh, PointCloud
from sdfshape.cli import main
from sdfshape.io import write_mesh, write_points
from sdfshape.train.config import PRESETS

RNG = np.random.default_rng(0)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Call the program in this process and folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sdfshape", *words])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code or 0, out, err

    return call


def save(points: np.ndarray, name: str) -> str:
    write_points(PointCloud(points), name)
    return name


def sphere(n: int = 500) -> np.ndarray:
    x = RNG.normal(size=(n, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


CLOUDS = {
    "too few": (sphere(99), "at least 100 different finite points, got 99"),
    "all equal": (np.ones((200, 3)), "all 200 are equal"),
    "one line": (np.outer(np.linspace(0, 1, 200), [1.0, 2, 3]), "on one line"),
    "one plane": (np.c_[RNG.uniform(size=(200, 2)), np.zeros(200)], "in one plane"),
    "not finite": (np.full((200, 3), np.nan), "200 not finite, 0 duplicates): check the file's columns"),
    "mostly not finite": (np.concatenate([sphere(50), np.full((200, 3), np.inf)]), "got 50"),
}


@pytest.mark.parametrize("case", CLOUDS)
def test_a_cloud_without_a_volume_is_one_line_and_nothing_is_written(run, tmp_path, case):
    points, law = CLOUDS[case]
    code, out, err = run("reconstruct", save(points, "scan.xyz"), "-o", "mesh.ply", "-q")
    assert code == 1 and out == "" and law in err and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["scan.xyz"]


def test_missing_file(run):
    code, _, err = run("reconstruct", "nowhere.ply", "-o", "mesh.ply")
    assert code == 1 and "nowhere.ply" in err and err.count("\n") == 1


def test_unknown_output_ending_is_refused_before_the_work(run):
    code, _, err = run("reconstruct", save(sphere(), "scan.ply"), "-o", "mesh.fbx")
    assert code == 1 and ".obj" in err and "mesh.fbx" in err


@pytest.mark.parametrize("output", [".", "/", ""])
def test_an_output_without_a_name_is_refused(run, output):
    code, _, err = run("reconstruct", save(sphere(), "scan.ply"), "-o", output)
    assert code == 1 and "a mesh must end in one of" in err and err.count("\n") == 1


def test_a_field_in_place_of_a_scan_is_told_from_a_scan(run, tmp_path):
    (tmp_path / "field.sdf").write_bytes(b"")
    code, _, err = run("reconstruct", "field.sdf", "-o", "mesh.ply")
    assert code == 1 and "this is a field" in err and "extract" in err


def test_an_output_that_exists_is_refused_before_the_work(run, tmp_path):
    (tmp_path / "mesh.ply").write_text("precious")
    code, _, err = run("reconstruct", save(sphere(), "scan.ply"), "-o", "mesh.ply")
    assert code == 1 and "--overwrite" in err and (tmp_path / "mesh.ply").read_text() == "precious"


def test_two_outputs_of_one_name_are_refused(run):
    code, _, err = run("reconstruct", save(sphere(), "scan.ply"), "-o", "a.ply", "--cleaned", "a.ply")
    assert code == 1 and "a name of its own" in err


def test_missing_output_folder(run):
    code, _, err = run("reconstruct", save(sphere(), "scan.ply"), "-o", "no/such/mesh.ply")
    assert code == 1 and "folder" in err and err.count("\n") == 1


def test_wrong_usage_is_exit_2(run):
    assert run("reconstruct")[0] == 2
    assert run("reconstruct", "scan.ply", "-o", "m.ply", "--preset", "perfect")[0] == 2


def test_the_help_says_how_many_networks_a_preset_has(run):
    said = " ".join(run("reconstruct", "--help")[1].replace("│", " ").split())
    for name in ("fast", "default", "quality"):
        assert re.search(rf"{name}: (a mosaic )?of {PRESETS[name].network.networks}\b", said)


@pytest.mark.parametrize(
    ("words", "law"),
    [
        (("--threads", "0"), "threads must be at least 1"),
        (("--threads", "100000"), "at most 256"),
        (("--seed", "-1"), "seed must be"),
        (("--device", "abacus"), "device must be"),
        (("--points", "10"), "points must be at least 100"),
        (("--resolution", "0"), "resolution must be 8 to 2048"),
        (("--resolution", "2049"), "resolution must be 8 to 2048"),
        (("--iso", "nan"), "iso must be a finite length"),
        (("--iso", "1000"), "iso must be within"),
        (("--device", "cuda", "--preset", "paper"), "device must be cpu for the preset paper"),
        (("--surface", "wrap", "--preset", "paper"), "surface must be auto for the preset paper"),
        (("--picture", "p.jpg"), "a picture must end in .png"),
        (("--cleaned", "scan.ply", "--overwrite"), "an output must not be an input"),
        (("--checkpoint", "scan.ply"), "a checkpoint must be a file of its own"),
        (("--model", "f.bin"), "a field must end in .sdf"),
        (("--report", "r.txt"), "a report must end in .json"),
        (("--picture", "p.png", "--azimuth", "nan"), "azimuth must be a finite number"),
        (("--picture", "p.png", "--elevation", "inf"), "elevation must be a finite number"),
        (("--checkpoint", "no/such/c"), "folder"),
    ],
)
def test_an_option_out_of_range_is_one_line(run, words, law):
    code, _, err = run("reconstruct", save(sphere(), "scan.ply"), "-o", "m.ply", "-q", *words)
    assert code == 1 and law in err and err.count("\n") == 1


def test_garbage_field_files_are_refused(run, tmp_path):
    (tmp_path / "bad.sdf").write_bytes(RNG.bytes(5000))
    for words in (("certify", "bad.sdf"), ("extract", "bad.sdf", "-o", "m.ply"), ("certify", "missing.sdf")):
        code, _, err = run(*words)
        assert code == 1 and err.count("\n") == 1 and "field must be" in err


def test_evaluate_refuses_a_mesh_without_area(run):
    write_mesh(Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]])), "flat.ply")
    code, _, err = run("evaluate", "flat.ply", "flat.ply")
    assert code == 1 and "area" in err


def test_errors_of_real_broken_files_come_fast(run, shared_data):
    for path in sorted((shared_data / "tabular").glob("*.npz"))[:2]:
        start = time.perf_counter()
        code, _, err = run("reconstruct", str(path), "-o", "m.ply", "-q")
        assert code == 1 and err.count("\n") == 1 and time.perf_counter() - start < 5


def test_version_and_help_do_not_import_torch():
    code = "import sys; sys.argv = ['sdfshape', '--help']\nfrom sdfshape.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "assert not {'torch', 'scipy', 'open3d', 'pyvista', 'trimesh'} & set(sys.modules), 'heavy import'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "reconstruct" in done.stdout


@pytest.mark.parametrize(
    ("words", "law"),
    [
        (("--tiles", "3"), "tiles must be a power of two, at most 2048, got 3"),
        (("--preset", "paper"), "tiles need a preset that tells inside from outside"),
        (("--work", "scan.ply"), "must be a folder that can be written"),
        (("--device", "tpu"), "device must be"),
        (("--scheduler", "tcp://127.0.0.1:9"), "--scheduler must be the address of a Dask scheduler that runs"),
        (("--workers", "0"), "workers must be at least 1, got 0"),
    ],
)
def test_tiles_refuse_before_the_scan_is_read(run, monkeypatch, tmp_path, words, law):
    monkeypatch.setattr("sdfshape.cli.tile_job.read_scan", None)
    monkeypatch.setattr("sdfshape.batch.cluster.CONNECT", 1)
    save(sphere(), "scan.ply")
    code, out, err = run("tile", "scan.ply", "-o", "mesh.ply", *words)
    assert code == 1 and out == "" and law in err and len(err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["scan.ply"]


def test_a_scan_that_tiles_cannot_read_leaves_nothing(run, tmp_path):
    (tmp_path / "scan.las").write_text("no scan")
    code, _, err = run("tile", "scan.las", "-o", "mesh.ply")
    assert code == 1 and "must begin with LASF" in err and [path.name for path in tmp_path.iterdir()] == ["scan.las"]
    save(np.ones((500, 3)), "same.ply")
    code, _, err = run("tile", "same.ply", "-o", "mesh.ply", "--quiet")
    assert code == 1 and "all 500 are equal" in err and not list(tmp_path.glob(".*"))


def test_an_interruption_says_which_tiles_are_kept(run, monkeypatch, tmp_path):
    def interrupted(cloud, options, *, work, **asked):
        (work / "tile-0000.json").write_text("{}")
        raise KeyboardInterrupt

    save(sphere(), "scan.ply")
    (tmp_path / "w").mkdir()
    monkeypatch.setattr("sdfshape.tiles.reconstruct_tiles", interrupted)
    code, _, err = run("tile", "scan.ply", "-o", "mesh.ply", "--work", "w", "--quiet")
    assert code == 130 and err == "sdfshape: interrupted: 1 tile is kept in w, and the same command goes on with them\n"


def test_memory_that_would_not_do_is_refused_with_what_would(run, tmp_path):
    save(sphere(5_000), "scan.ply")
    code, _, err = run("reconstruct", "scan.ply", "-o", "mesh.ply", "--max-memory", "700", "--resolution", "1500")
    assert code == 1 and "it is predicted to take" in err and "--resolution" in err and "would fit" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.ply"]


READERS = {  # of every command that reads and writes one kind of file: words that would write over what they read
    "evaluate": (("m.ply", "t.json"), ("evaluate", "m.ply", "t.json", "--report", "t.json")),
    "query": (("p.csv",), ("query", "f.sdf", "p.csv", "-o", "p.csv")),
    "query, by a link": (("p.csv",), ("query", "f.sdf", "p.csv", "-o", "link.csv")),
    "sample": (("m.ply",), ("sample", "m.ply", "-o", "m.ply")),
    "clean": (("s.ply",), ("clean", "s.ply", "-o", "s.ply")),
    "extract": (("s.ply",), ("extract", "f.sdf", "-o", "s.ply", "--scan", "s.ply")),
    "extract, of two": (("s_1.ply",), ("extract", "f.sdf", "-o", "s.ply", "--iso", "0", "--iso", "1", "--scan", "s_1.ply")),
    "render": (("f.png",), ("render", "f.png", "-o", "f.png")),
    "export": (("f.npz",), ("export", "f.npz", "-o", "f.npz")),
    "view": (("s.png",), ("view", "s.png", "--picture", "s.png")),
    "truth": (("t.ply",), ("reconstruct", "s.xyz", "-o", "t.ply", "--truth", "t.ply")),
    "tile": (("t.ply",), ("tile", "s.xyz", "-o", "t.ply", "--truth", "t.ply")),
    "oneclass": (("t.csv",), ("oneclass", "score", "d.ocsdf", "t.csv", "-o", "t.csv")),
}


@pytest.mark.parametrize("command", READERS)
def test_what_is_read_is_never_replaced(run, tmp_path, command):
    files, words = READERS[command]
    for name in files:
        (tmp_path / name).write_text("precious")
    (tmp_path / "link.csv").symlink_to(tmp_path / "p.csv")
    code, _, err = run(*words, "--overwrite")
    assert code == 1 and "an output must not be an input" in err and err.count("\n") == 1
    assert all((tmp_path / name).read_text() == "precious" for name in files)


def test_a_report_of_a_comparison_does_not_replace_what_it_compares(run, tmp_path):
    (tmp_path / "out" / "shapes").mkdir(parents=True)
    save(sphere(), "out/shapes/scan.ply")
    before = (tmp_path / "out/shapes/scan.ply").read_bytes()
    code, _, err = run("compare", "out/shapes/scan.ply", "-o", "out", "--methods", "fast", "--overwrite")
    assert code == 1 and "an output must not be an input" in err and (tmp_path / "out/shapes/scan.ply").read_bytes() == before


def test_a_batch_replaces_neither_its_manifest_nor_its_shapes(run, tmp_path):
    (tmp_path / "out" / "a").mkdir(parents=True)
    save(sphere(), "out/a/mesh.ply")
    (tmp_path / "out" / "batch.csv").write_text("path,name\na/mesh.ply,b\n")
    (tmp_path / "m.csv").write_text("path,name\nout/a/mesh.ply,a\n")
    for manifest in ("out/batch.csv", "m.csv"):
        code, _, err = run("batch", manifest, "-o", "out")
        assert code == 1 and "an output must not be an input" in err and err.count("\n") == 1
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["a", "batch.csv", "mesh.ply"]


@pytest.mark.parametrize(
    ("words", "law"),
    [
        (("evaluate", "m.ply", "m.ply", "--samples", "0"), "samples must be 1 to"),
        (("evaluate", "m.ply", "m.ply", "--samples", "-1"), "samples must be 1 to"),
        (("evaluate", "m.ply", "m.ply", "--seed", "-1"), "seed must be"),
        (("evaluate", "m.ply", "m.ply", "--tau", "-1"), "tau must be a finite length above 0"),
        (("evaluate", "m.ply", "m.ply", "--tau", "nan"), "tau must be a finite length above 0"),
        (("sample", "m.ply", "-o", "p.ply", "--seed", "-1"), "seed must be"),
        (("sample", "m.ply", "-o", "p.ply", "--uneven", "inf"), "an unevenness of 1 to"),
        (("sample", "m.ply", "-o", "p.ply", "--points", "99999999999"), "1 to 1,000,000,000 points"),
        (("sample", "m.ply", "-o", "p.ply", "--scan", "--views", "0"), "1 to 10,000 views"),
        (("extract", "f.sdf", "-o", "n.ply", "--drop-below", "2"), "--drop-below must be a share"),
        (("extract", "f.sdf", "-o", "n.ply", "--shell", "nan"), "--shell must be a finite length"),
        (("extract", "f.sdf", "-o", "n.stl", "--vertex-normals"), "leave --vertex-normals out"),
        (("reconstruct", "m.ply", "-o", "n.stl", "--vertex-normals"), "leave --vertex-normals out"),
    ],
)
def test_a_wish_that_cannot_be_is_one_line_before_the_work(run, tmp_path, words, law):
    corner = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    write_mesh(Mesh(corner, np.array([[0, 1, 2]])), "m.ply")
    code, _, err = run(*words)
    assert code == 1 and law in err and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["m.ply"]
