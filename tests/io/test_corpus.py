"""Every broken file of the corpus is refused in one line, at once; what fuzzers do is tried shortly, where one is installed."""

from __future__ import annotations

import subprocess
import sys
import time
import tracemalloc
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from corpus import broken_files, sound_files

from sdfshape import PointCloud, load_field, read_mesh, read_points, reconstruct
from sdfshape.errors import DegenerateCloudError, SdfShapeError

BROKEN = broken_files()
READ_AS_IT_IS = "all-nan.ply"


@pytest.mark.parametrize("name", [name for name in BROKEN if name != READ_AS_IT_IS])
def test_a_broken_file_is_refused_in_one_line_at_once_and_in_little_memory(tmp_path, name):
    (tmp_path / name).write_bytes(BROKEN[name])
    readers = [load_field] if name.endswith(".sdf") else [read_points, read_mesh]
    if name in ("index-out-of-range.off", "index-negative.obj"):
        readers = [read_mesh]
    for read in readers:
        tracemalloc.start()
        start = time.perf_counter()
        with pytest.raises(SdfShapeError) as error:
            read(tmp_path / name)
        seconds, memory = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert "\n" not in str(error.value) and str(error.value).startswith(name) and seconds < 5 and memory < 100e6


def test_points_that_are_not_finite_are_read_and_cannot_be_reconstructed(tmp_path):
    (tmp_path / READ_AS_IT_IS).write_bytes(BROKEN[READ_AS_IT_IS])
    cloud = read_points(tmp_path / READ_AS_IT_IS)
    assert len(cloud) == 3 and np.isnan(cloud.points).all()
    with pytest.raises(DegenerateCloudError, match="100 different finite points"):
        reconstruct(cloud)


def test_the_sound_ones_are_read(tmp_path):
    for name, data in sound_files().items():
        (tmp_path / name).write_bytes(data)
        assert (load_field if name.endswith(".sdf") else read_points)(tmp_path / name)


SHEET = np.random.default_rng(0).uniform(-1, 1, (400, 3)) * [1, 1, 0]


@pytest.mark.parametrize(
    ("points", "law"),
    [
        (SHEET, "lie in one plane"),  # Open3D#880, #6482
        (SHEET * [1, 0, 0], "lie on one line"),
        (np.ones((1000, 3)), "all 1000 are equal"),  # ended the process in igl
        (np.full((500, 3), np.inf), "100 different finite points"),  # the same
        (SHEET[:99], "at least 100"),
        (1e200 * np.random.default_rng(0).normal(size=(300, 3)), "below 1e.100"),
    ],
)
def test_clouds_that_have_no_surface_are_refused_in_one_line(points, law):
    with pytest.raises(DegenerateCloudError, match=law) as error:
        reconstruct(PointCloud(points), preset="fast")
    assert "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["ply", "sdf", "glb", "pcd", "npz", "las"])
def test_fuzzers_find_nothing_in_twenty_thousand_runs(target, tmp_path):
    if find_spec("atheris") is None:
        pytest.skip("atheris is not installed: pip install atheris")
    words = [sys.executable, str(Path(__file__).parents[1] / "fuzz.py"), "--runs", "20000", "--only", target, "--keep", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "runs 20" in done.stdout
