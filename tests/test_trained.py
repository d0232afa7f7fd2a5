"""The guarantees on fields that were trained, at the size a user gets: minutes, so marked slow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyvista
from scipy.spatial import cKDTree
from test_field import excess

from sdfshape import Reconstruction, read_mesh, reconstruct, write_points
from sdfshape.extract import extract_mesh
from sdfshape.extract.mesh import field_grid
from sdfshape.sample.surface import cloud_of_mesh

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["airplane.ply wrap", "ant.ply closed"])
def trained(request) -> Reconstruction:
    """A default job on a shape that PyVista ships, with both kinds of evidence."""
    name, surface = request.param.split()
    mesh = read_mesh(Path(pyvista.__file__).parent / "examples" / name)
    return reconstruct(cloud_of_mesh(mesh, 20_000, 0), surface=surface)


def test_a_trained_field_is_1_lipschitz_on_ten_million_pairs(trained):
    field = trained.field
    assert field.network_bound <= 1
    assert max(excess(field, 1_000_000, seed) for seed in range(10)) <= 2 * field.float32_error


def test_pruned_extraction_of_a_trained_field_is_the_dense_one_at_256(trained):
    pruned, dense = (extract_mesh(trained.field, resolution=256, dense=dense) for dense in (False, True))
    assert dense.evaluations == dense.dense_evaluations == pruned.dense_evaluations
    assert 15 * pruned.evaluations <= 257**3  # the cube of 256^3 cells; the airplane's flat box alone has a fifth of its nodes
    assert 10 * pruned.evaluations <= dense.evaluations
    assert len(pruned.mesh.faces) == pytest.approx(len(dense.mesh.faces), rel=1e-4)
    cell = trained.field.frame.length_to_world(field_grid(trained.field, 256).spacing)
    for a, b in ((pruned, dense), (dense, pruned)):  # evaluated apart: float32 moves a vertex a little
        assert cKDTree(a.mesh.vertices).query(b.mesh.vertices)[0].max() < 0.05 * cell


def test_a_default_job_is_watertight(trained):
    report = trained.report
    assert report["mesh"]["watertight"] and np.isfinite(trained.mesh.vertices).all()
    assert report["fit"]["mean_abs_f"] < 0.005 * trained.field.frame.scale


@pytest.mark.parametrize(("name", "surface"), [("airplane.ply", "wrap"), ("ant.ply", "closed")])
def test_a_default_job_fits_in_memory(tmp_path, name, surface):
    """In a process of its own: the peak of this one is that of the tests before."""
    mesh = read_mesh(Path(pyvista.__file__).parent / "examples" / name)
    write_points(cloud_of_mesh(mesh, 20_000, 0), tmp_path / "scan.ply")
    words = ["reconstruct", "scan.ply", "-o", "mesh.ply", "--report", "report.json", "--surface", surface, "--quiet"]
    subprocess.run([sys.executable, "-m", "sdfshape", *words], cwd=tmp_path, check=True)
    took = json.loads((tmp_path / "report.json").read_text())["peak_rss_mb"]
    assert 200 < took < 1000
