"""Memory is predicted before the run: never below what a run took, nor far above, and what is advised fits."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from shapes import torus_points

import sdfshape as s
from sdfshape.errors import InputError
from sdfshape.memory import Cost, check_memory
from sdfshape.train.config import preset


def test_more_of_anything_takes_more():
    cost = Cost(20_000, 60_000, 160_000, 200)
    for more in (replace(cost, points=60_000), replace(cost, labels=600_000), replace(cost, resolution=800)):
        assert more.megabytes > cost.megabytes
    assert replace(cost, points=10**7).megabytes < replace(cost, points=10**7, kept=200_000).megabytes


@pytest.mark.parametrize("limit", [450.0, 500.0, 800.0, 1500.0])
@pytest.mark.parametrize(
    "cost", [Cost(20_000, 14_000, 60_000, 1200), Cost(300_000, 60_000, 160_000, 200), Cost(10**7, 60_000, 160_000, 2000)], ids=str
)
def test_what_is_advised_fits(limit, cost):
    if cost.megabytes <= limit:
        check_memory(limit, cost)
        return
    with pytest.raises(InputError, match=rf"must fit into {limit:,.0f} MB .* predicted to take {cost.megabytes:,.0f}") as error:
        check_memory(limit, cost)
    asked = {name: int(number) for name, number in re.findall(r"--(points|resolution) (\d+)", str(error.value))}
    if asked:
        check_memory(limit, replace(cost, **asked))
    else:
        assert "nothing with this preset fits below" in str(error.value)


def test_small_clouds_are_advised_too():
    with pytest.raises(InputError, match=r"--resolution \d+ would fit"):
        check_memory(1000.0, Cost(1_500, 60_000, 160_000, 1000))


def test_a_reconstruction_is_refused_before_it_begins():
    told = []
    with pytest.raises(InputError, match="predicted to take"):
        s.reconstruct(s.PointCloud(torus_points(5_000)), max_memory=200, progress=told.append)
    assert told == []
    with pytest.raises(InputError, match="megabytes above 0"):
        s.reconstruct(s.PointCloud(torus_points(5_000)), max_memory=-1)
    check_memory(None, Cost(10**9, 60_000, 160_000, 2048))


@pytest.mark.slow
@pytest.mark.parametrize(("points", "name", "resolution"), [(20_000, "default", 200), (120_000, "fast", 200), (20_000, "fast", 900)])
def test_the_prediction_is_above_what_a_run_takes_and_not_twice_as_much(tmp_path, points, name, resolution):
    rng = np.random.default_rng(0)
    s.write_points(s.PointCloud(torus_points(points) + 0.002 * rng.normal(size=(points, 3))), tmp_path / "scan.ply")
    words = ["reconstruct", "scan.ply", "-o", "mesh.ply", "--report", "report.json", "--preset", name, "--resolution", str(resolution)]
    subprocess.run([sys.executable, "-m", "sdfshape", *words, "--quiet"], cwd=tmp_path, check=True)
    took = json.loads((tmp_path / "report.json").read_text())["peak_rss_mb"]
    assert took <= Cost.of(points, preset(name), resolution).megabytes < 2 * took
