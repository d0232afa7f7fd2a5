"""The gallery runs headless, and stays small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from shapes import icosphere

from sdfshape import write_mesh

APPS = sorted((Path(__file__).parents[1] / "apps").glob("*.py"))


@pytest.mark.parametrize("app", APPS, ids=lambda path: path.stem)
def test_an_app_is_under_100_lines_and_says_how_it_runs(app):
    text = app.read_text()
    assert len(text.splitlines()) <= 100 and f"python apps/{app.name}" in text


@pytest.mark.slow
@pytest.mark.parametrize("app", APPS, ids=lambda path: path.stem)
def test_an_app_starts(app):
    assert subprocess.run([sys.executable, app, "--help"], capture_output=True).returncode == 0


@pytest.mark.slow
def test_the_benchmark_prints_a_table(tmp_path):
    write_mesh(icosphere(2.0), tmp_path / "ball.ply")
    app = next(path for path in APPS if path.stem == "91_benchmark")
    command = [sys.executable, app, tmp_path / "ball.ply", "--preset", "fast", "--points", "2000", "--case", "clean", "--case", "holes"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines() if line.startswith("| ball")]
    assert len(rows) == 2 and all(row[4] == "1" for row in rows)
    assert float(rows[0][2]) < 2 * float(rows[0][1])
    assert float(rows[1][2].split(",")[0]) < 0.02  # from the points to the mesh
