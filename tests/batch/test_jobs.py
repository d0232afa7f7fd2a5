"""Which shapes a batch has: folders, manifests, ModelNet10; what is refused, before the first shape."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdfshape.batch import ShapeJob, jobs_of_folder, jobs_of_manifest, jobs_of_modelnet
from sdfshape.batch.jobs import check_apart, job_id
from sdfshape.errors import InputError
from sdfshape.io.modelnet import MODELNET10_CLASSES


def files(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("0 0 0\n")
    return folder


def test_a_folder_is_looked_through_to_its_end(tmp_path):
    files(tmp_path, "b.xyz", "a/c.PLY", "a/notes.md", ".hidden/d.xyz", "a/.e.xyz", "twice.obj", "twice.xyz")
    outside = files(tmp_path.parent / f"{tmp_path.name}-outside", "f.xyz")
    (tmp_path / "link.xyz").symlink_to(outside / "f.xyz")
    jobs = jobs_of_folder(tmp_path, {"seed": 3})
    assert [job.name for job in jobs] == ["a/c", "b", "twice_obj", "twice_xyz"]
    assert all(job.source.is_file() and job.options == {"seed": 3} for job in jobs)


def test_a_manifest_says_what_each_shape_is_asked_for(tmp_path):
    (tmp_path / "m.csv").write_text("path,name,points,keep_all,surface\na.xyz,one,500,true,\nsub/b.xyz,,,,open\n")
    one, two = jobs_of_manifest(tmp_path / "m.csv", {"seed": 1, "points": 200})
    assert (one.name, one.source, one.options) == ("one", tmp_path / "a.xyz", {"seed": 1, "points": 500, "keep_all": True})
    assert (two.name, two.source, two.options) == ("b", tmp_path / "sub/b.xyz", {"seed": 1, "points": 200, "surface": "open"})
    text = '[defaults]\nresolution = 64\n[[shape]]\npath = "a.xyz"\nname = "one"\niso = 2\n[[shape]]\npath = "b.xyz"\nresolution = 32\n'
    (tmp_path / "m.toml").write_text(text)
    one, two = jobs_of_manifest(tmp_path / "m.toml", {"resolution": 100})
    assert one.options == {"resolution": 64, "iso": 2.0} and two.options == {"resolution": 32}


@pytest.mark.parametrize(
    ("name", "text", "law"),
    [
        ("m.csv", "path,color\na.xyz,red\n", "m.csv, shape 1: options must be among path, name, preset"),
        ("m.csv", "file\na.xyz\n", "m.csv, shape 1: a shape must have a `path`, it has file"),
        ("m.csv", "path\n", "must name at least one shape"),
        ("m.csv", "path,points\na.xyz,many\n", "m.csv, shape 1: points must be int, got 'many'"),
        ("m.csv", "path,keep_all\na.xyz,perhaps\n", "keep_all must be true or false, got 'perhaps'"),
        ("m.csv", "path,resolution\na.xyz,3\n", "a: resolution must be 8 to 2048"),
        ("m.csv", "path,points\na.xyz,3\n", "points must be at least 100"),
        ("m.csv", "path\na.xyz\nsub/a.xyz\n", "'a' comes twice"),
        *(
            ("m.csv", f"path,name\na.xyz,{name}\n", "must be a plain path below the output folder")
            for name in ("../b", "/b", "//b", "a/../b", "./b", "b/", "batch.csv/b", "a/mesh.ply", ".stop-1", "a/.b", "a\\b", '"a\nb"')
        ),
        ("m.csv", "path\na.xyz,b\n", "line 2 of a manifest must have as many fields as the first"),
        ("m.csv", "path\n\xff\n", "must be UTF-8 text"),
        ("m.csv", 'path\n"a\n', "must be UTF-8 text in the form of its ending"),
        ("m.toml", "[[shape]\n", "must be UTF-8 text in the form of its ending"),
        ("m.toml", "shape = 3\n", r"must have \[\[shape\]\] tables"),
        ("m.toml", '[[shape]]\npath = "a"\npoints = 200.5\n', "points must be int, got 200.5"),
        ("m.toml", '[[shape]]\npath = "a"\npoints = [1]\n', r"points must be int, got \[1\]"),
        ("m.toml", '[[shape]]\npath = "a"\nseed = true\n', "seed must be int, got True"),
        ("m.toml", '[defaults]\nspeed = 1\n[[shape]]\npath = "a"\n', "defaults: options must be among"),
        ("gone.csv", None, "there is no such manifest"),
    ],
)
def test_a_wrong_manifest_is_named(tmp_path, name, text, law):
    if text is not None:
        (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=law):
        jobs_of_manifest(tmp_path / name, {})


def test_a_folder_without_shapes_is_named(tmp_path):
    with pytest.raises(InputError, match="must hold files that end in"):
        jobs_of_folder(tmp_path, {})
    with pytest.raises(InputError, match="must be a folder or a manifest"):
        jobs_of_folder(tmp_path / "gone", {})
    with pytest.raises(InputError, match="this is one file"):
        jobs_of_folder(files(tmp_path, "a.xyz") / "a.xyz", {})
    with pytest.raises(InputError, match="surface must be one of"):
        jobs_of_folder(files(tmp_path, "a.xyz"), {"surface": "flat"})


def test_results_are_no_scans_and_no_two_shapes_share_a_folder(tmp_path):
    files(tmp_path, "a.xyz", "out/a/mesh.ply", "out/batch.csv")
    assert [job.name for job in jobs_of_folder(tmp_path, {}, output=tmp_path / "out")] == ["a"]
    with pytest.raises(InputError, match="the output must be a folder of its own"):
        jobs_of_folder(tmp_path, {}, output=tmp_path / "sub/..")
    files(tmp_path / "in", "a.xyz", "a.obj", "a_obj.ply")
    with pytest.raises(InputError, match="'a_obj' comes twice"):
        check_apart(jobs_of_folder(tmp_path / "in", {}))
    with pytest.raises(InputError, match="must be a plain path"):
        ShapeJob("bad\udcff", tmp_path / "a.xyz")


def test_modelnet_comes_in_its_own_layout(tmp_path):
    for kind in MODELNET10_CLASSES:
        files(tmp_path, f"{kind}/test/{kind}_0007.off")
    jobs = jobs_of_modelnet(tmp_path, "test", {})
    assert len(jobs) == 10 and jobs[2].name == "chair/test/chair_0007"
    with pytest.raises(InputError, match="bathtub/train is missing"):
        jobs_of_modelnet(tmp_path, "train", {})


def test_an_id_is_of_bytes_options_outputs_and_version(tmp_path, monkeypatch):
    files(tmp_path, "a.xyz", "b.xyz", "c.pts")
    job = ShapeJob("a", tmp_path / "a.xyz", {"seed": 1})
    first = job_id(job, ".ply", True)
    assert first == job_id(ShapeJob("other", tmp_path / "b.xyz", {"seed": 1}), ".ply", True)  # the same bytes
    others = [(ShapeJob("a", tmp_path / "a.xyz", {"seed": 2}), ".ply", True), (job, ".obj", True), (job, ".ply", False)]
    others += [(ShapeJob("a", tmp_path / "c.pts", {"seed": 1}), ".ply", True)]  # another format, other points
    assert len({first, *(job_id(*other) for other in others)}) == 5
    monkeypatch.setattr("sdfshape.__version__", "9.9")
    assert job_id(job, ".ply", True) != first
    monkeypatch.undo()
    (tmp_path / "a.xyz").write_text("0 0 1\n")
    assert job_id(job, ".ply", True) != first
