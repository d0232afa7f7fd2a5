"""`clean_scan` and `sdfshape clean`: strays go, points of the surface stay, and what is certified holds."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from shapes import sphere_points
from typer.testing import CliRunner

from sdfshape.cleaning import CleanedScan, clean_scan
from sdfshape.cli.program import app
from sdfshape.errors import InputError, SdfShapeError
from sdfshape.io import read_points, write_points
from sdfshape.types import PointCloud

STRAYS = 120


@cache
def dirty() -> PointCloud:
    """A sphere of radius .7 with noise, strays far from it at the end, and one row that is no number."""
    rng = np.random.default_rng(0)
    ball = sphere_points(2500) + 0.002 * rng.normal(size=(2500, 3))
    far = rng.uniform(-1, 1, (4000, 3))
    far = far[np.abs(np.linalg.norm(far, axis=1) - 0.7) > 0.25][:STRAYS]
    points = 10 * np.concatenate([ball, far, [[np.nan, 0, 0]]])
    return PointCloud(points, colors=np.tile(np.arange(len(points))[:, None] % 255, (1, 3)).astype(np.uint8))


@cache
def cleaned() -> CleanedScan:
    return clean_scan(dirty())


@pytest.mark.slow
def test_strays_go_and_the_surface_stays():
    outlier = cleaned().scores.outliers
    assert outlier[2500:].mean() > 0.97 and outlier[-1] and outlier[:2500].mean() < 0.005
    kept = cleaned().kept
    assert len(kept) == (~outlier).sum() and np.array_equal(kept.colors, dirty().colors[~outlier])


@pytest.mark.slow
def test_marks_are_labels_and_rows_that_are_no_numbers_go():
    marked = cleaned().marked
    assert len(marked) == len(dirty()) - 1 and np.array_equal(marked.labels, cleaned().scores.outliers[:-1])
    done = cleaned()
    labelled = CleanedScan(
        PointCloud(done.cloud.points, labels=np.zeros(len(done.cloud), int)), done.scores, done.radius, 0.1, 0.1, done.field, {}
    )
    with pytest.raises(InputError, match="marks are labels"):
        _ = labelled.marked


@pytest.mark.slow
def test_no_move_within_the_certified_radius_makes_an_outlier_of_an_inlier():
    done, rng = cleaned(), np.random.default_rng(1)
    inlier = done.radius > 0
    points, radius = done.cloud.points[inlier], done.radius[inlier]
    for _ in range(20):
        direction = rng.normal(size=points.shape)
        there = points + radius[:, None] * direction / np.linalg.norm(direction, axis=1, keepdims=True)
        values, error = done.field.certified(there)
        assert (np.abs(values) <= done.scores.limit + error).all()
    slope = done.field.gradient(points)
    outward = points + (1.3 * radius)[:, None] * slope * np.sign(done.field(points))[:, None]
    assert (np.abs(done.field(outward)) > done.scores.limit).mean() > 0.3  # the bound is no idle one: the field is .85 steep


@pytest.mark.slow
def test_shares_fall_with_the_radius_and_end_at_0():
    shares = [cleaned().certified_share(r) for r in np.linspace(0, cleaned().scores.limit * 1.01, 20)]
    assert (np.diff(shares) <= 0).all() and shares[0] == (~cleaned().scores.outliers).mean() and shares[-1] == 0
    facts = cleaned().facts()
    assert facts["outliers"] == cleaned().scores.outliers.sum() and facts["lipschitz_bound"] <= 1
    assert 0.9 < facts["certified_inliers"]["three_noise"] <= 1 - facts["outliers"] / facts["points"]
    json.dumps(facts)


@pytest.mark.slow
def test_a_limit_of_ones_own():
    wide = clean_scan(dirty(), limit=20.0)
    assert wide.scores.outliers.sum() == 1 and wide.scores.limit == 20  # the row that is no number
    for wrong in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="limit must be a length above 0"):
            clean_scan(dirty(), limit=wrong)


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=True)
    return (1, str(result.exception)) if isinstance(result.exception, SdfShapeError) else (result.exit_code, result.output)


@pytest.mark.slow
def test_the_command_drops_or_marks_and_reports(tmp_path):
    scan, out, report = tmp_path / "scan.ply", tmp_path / "clean.ply", tmp_path / "report.json"
    write_points(dirty()[:-1], scan)
    code, output = run("clean", scan, "-o", out, "--report", report, "--model", tmp_path / "f.sdf")
    facts = json.loads(report.read_text())
    assert code == 0 and f"{facts['outliers']:,} outliers" in output and "certified" in output
    assert len(read_points(out)) == facts["points"] - facts["outliers"] and (tmp_path / "f.sdf").exists()
    code, _ = run("clean", scan, "-o", out, "--mark", "-q", "--overwrite")
    assert code == 0 and read_points(out, label_column="label").labels.sum() == facts["outliers"]


@pytest.mark.parametrize(
    ("words", "law"),
    [
        (("SCAN", "-o", "DIR/c.obj"), "c.obj: points must end in one of"),
        (("SCAN", "-o", "SCAN"), "an output must not be an input"),
        (("SCAN", "-o", "DIR/c.npy"), ".npy holds points and normals alone"),
        (("MESH", "-o", "DIR/c.ply"), "a scan must be points, this file has faces"),
        (("nothing.ply", "-o", "DIR/c.ply"), "nothing.ply"),
        (("SCAN", "-o", "DIR/c.ply", "--limit", "-2"), "limit must be a length above 0"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(tmp_path, words, law):
    scan = tmp_path / "scan.ply"
    write_points(dirty()[:-1], scan)
    mesh = tmp_path.parent / f"{tmp_path.name}.off"
    mesh.write_text("OFF\n4 4 0\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 0 3 2\n3 1 2 3\n")
    code, message = run("clean", *[w.replace("SCAN", str(scan)).replace("MESH", str(mesh)).replace("DIR", str(tmp_path)) for w in words])
    assert code == 1 and law in message and [p.name for p in Path(tmp_path).iterdir()] == ["scan.ply"]
