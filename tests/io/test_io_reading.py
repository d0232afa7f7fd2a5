"""The border: whatever is not a readable file is one line with its name."""

import os

import numpy as np
import pytest

from sdfshape.errors import InputError
from sdfshape.io import READABLE, read_mesh, read_points, read_shape
from sdfshape.types import Mesh, PointCloud


def _refused(path, law, read=read_points):
    with pytest.raises(InputError, match=law) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    assert _refused(tmp_path / "chair.off", "there is no such file").startswith("chair.off: ")


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "a.ply").mkdir()
    _refused(tmp_path / "a.ply", "this is a folder")


def test_a_pipe_and_a_device_are_refused(tmp_path):
    os.mkfifo(tmp_path / "a.ply")
    _refused(tmp_path / "a.ply", "device or a pipe")
    (tmp_path / "b.ply").symlink_to("/dev/zero")
    _refused(tmp_path / "b.ply", "device or a pipe")


def test_a_file_too_large_for_memory_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "a.xyz").open("wb") as file:
        file.truncate((4 << 30) + 1)
    _refused(tmp_path / "a.xyz", "at most 4 GiB")


def test_an_unknown_ending_lists_the_known_ones(tmp_path):
    (tmp_path / "a.step").write_text("x")
    message = _refused(tmp_path / "a.step", "must end in one of")
    assert all(ending in message for ending in READABLE)


@pytest.mark.parametrize("ending", READABLE)
def test_an_empty_file_is_refused(tmp_path, ending):
    (tmp_path / f"a{ending}").write_bytes(b"")
    _refused(tmp_path / f"a{ending}", "this one is empty")


@pytest.mark.parametrize("ending", READABLE)
def test_blanks_alone_are_refused(tmp_path, ending):
    (tmp_path / f"a{ending}").write_bytes(b" \n\n ")
    _refused(tmp_path / f"a{ending}", "a[.]")


@pytest.mark.parametrize("ending", READABLE)
@pytest.mark.parametrize("read", [read_points, read_mesh, read_shape])
def test_binary_garbage_is_refused(tmp_path, ending, read):
    (tmp_path / f"a{ending}").write_bytes(np.random.default_rng(0).bytes(4096))
    _refused(tmp_path / f"a{ending}", "a[.]", read)


@pytest.mark.parametrize("ending", READABLE)
def test_prose_is_refused(tmp_path, ending):
    (tmp_path / f"a{ending}").write_text("It was the best of times,\nit was the worst of times.\n" * 20)
    _refused(tmp_path / f"a{ending}", "a[.]")


def test_a_name_with_line_breaks_stays_in_one_line(tmp_path):
    _refused(tmp_path / "a\nb.ply", "no such file")
    _refused("a\0.ply", "cannot be read")


def test_the_ending_may_be_in_capitals(tmp_path):
    (tmp_path / "A.XYZ").write_text("1 2 3\n")
    assert read_points(tmp_path / "A.XYZ").points.tolist() == [[1, 2, 3]]


def test_a_shape_is_a_mesh_exactly_if_it_has_faces(tmp_path):
    (tmp_path / "a.off").write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
    (tmp_path / "b.off").write_text("OFF\n3 0 0\n0 0 0\n1 0 0\n0 1 0\n")
    assert isinstance(read_shape(tmp_path / "a.off"), Mesh)
    assert isinstance(read_shape(tmp_path / "b.off"), PointCloud)
    assert len(read_points(tmp_path / "a.off")) == 3
    _refused(tmp_path / "b.off", "a mesh must have faces, the file holds 3 points", read_mesh)


def test_nan_passes_in_clouds_and_is_counted_in_meshes(tmp_path):
    (tmp_path / "a.off").write_text("OFF\n4 1 0\n0 0 0\n1 0 nan\n0 1 0\ninf 0 0\n3 0 1 2\n")
    assert np.isfinite(read_points(tmp_path / "a.off").points).all(axis=1).tolist() == [True, False, True, False]
    _refused(tmp_path / "a.off", "finite vertices, 2 of 4 have NaN", read_mesh)


def test_a_file_without_points_is_refused(tmp_path):
    (tmp_path / "a.off").write_text("OFF\n0 0 0\n")
    _refused(tmp_path / "a.off", "must have points")


def test_a_label_column_needs_a_format_with_labels(tmp_path):
    (tmp_path / "a.off").write_text("OFF\n1 0 0\n0 0 0\n")
    with pytest.raises(InputError, match=r"[.]off files have no labels, got the label column 'part'"):
        read_points(tmp_path / "a.off", label_column="part")


def test_importing_the_room_loads_no_heavy_library():
    import subprocess
    import sys

    code = (
        "import sys, sdfshape; before = set(sys.modules); import sdfshape.io; "
        "print(sorted({'torch', 'scipy', 'trimesh', 'plyfile'} & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["folder", "folder.ply"])
def test_a_folder_is_called_a_folder(tmp_path, name):
    (tmp_path / name).mkdir()
    _refused(tmp_path / name, "this is a folder: name a file in it")
