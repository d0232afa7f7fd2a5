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
    assert subprocess.run([sys.executable, app, "--help"], capture_output=True).returncode == 0


@pytest.mark.slow
def test_the_benchmark_prints_a_table(tmp_path):
    write_mesh(icosphere(2.0), tmp_path / "ball.ply")
    command = [sys.executable, APPS[0], tmp_path / "ball.ply", "--preset", "fast", "--points", "2000"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    row = [cell.strip() for cell in done.stdout.splitlines()[2].strip("|").split("|")]
    assert row[0] == "ball" and row[4] == "1" and float(row[2]) < 2 * float(row[1])
