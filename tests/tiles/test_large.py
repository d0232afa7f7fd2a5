"""A large scan by the command: georeferenced, coloured, classified, in memory that its size does not set."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from formats import las_bytes
from scipy.spatial import cKDTree
from shapes import torus_distance, torus_points

from sdfshape import load_field, read_mesh
from sdfshape.evaluate.report import mesh_facts

PLACE = np.array([500_000.0, 4_000_000.0, 100.0])


def peak_mb(words: list[str]) -> float:
    """Largest memory of a command and all its processes."""
    most = 0.0
    with psutil.Popen(words) as process:
        while process.poll() is None:
            try:
                most = max(most, sum(p.memory_info().rss for p in (process, *process.children(recursive=True))) / 2**20)
                process.wait(timeout=0.1)
            except (psutil.Error, psutil.TimeoutExpired):
                pass
    assert process.returncode == 0
    return most


@pytest.mark.slow
def test_three_million_points_in_tiles_by_the_command(tmp_path: Path):
    places = torus_points(3_000_000)
    colors = np.where(places[:, :1] > 0, [65535, 0, 0], [0, 0, 65535]).astype(np.uint16)
    columns = dict(zip(("red", "green", "blue"), colors.T, strict=True)) | {
        "classification": np.where(places[:, 1] > 0, 6, 2).astype(np.uint8)
    }
    (tmp_path / "scan.laz").write_bytes(las_bytes(100 * places + PLACE, ending=".laz", **columns))
    names = {"-o": tmp_path / "mesh.ply", "--model": tmp_path / "field.sdf", "--report": tmp_path / "report.json"}
    given = [str(word) for pair in names.items() for word in pair]
    words = [sys.executable, "-m", "sdfshape", "tile", str(tmp_path / "scan.laz"), *given, "--tiles", "4", "--preset", "fast", "--quiet"]
    assert peak_mb([*words, "--workers", "2"]) < 3500
    mesh, report = read_mesh(names["-o"]), json.loads(names["--report"].read_text())
    facts = mesh_facts(mesh)
    assert facts["watertight"] and facts["components"] == 1 and report["input"]["came"] == 3_000_000
    off = 100 * torus_distance((mesh.vertices - PLACE) / 100)
    assert np.abs(off).mean() < 0.2 and np.abs(off).max() < 2
    assert cKDTree(mesh.vertices).query((100 * places + PLACE)[:: 3_000_000 // 20_000])[0].max() < 2  # no hole
    field = load_field(names["--model"])
    assert field.network_bound <= 1 and len(field.boxes.lo) == 4 * 32
    beyond = mesh.vertices[:, 0] - PLACE[0]  # where the colours change
    right = np.where(beyond[:, None] > 0, [255, 0, 0], [0, 0, 255])
    assert (np.abs(mesh.colors - right)[np.abs(beyond) > 1] < 64).all()  # an average's voxel, about 0.9, mixes
    assert (mesh.colors == right)[np.abs(beyond) > 2.5].all()  # and a vertex takes from the four best averages
    assert set(np.unique(mesh.labels)) == {2, 6}
