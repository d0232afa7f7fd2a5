"""Which evidence a cloud can give, and what is said when it can give none."""

from __future__ import annotations

import numpy as np
import pytest
from shapes import box_points

from sdfshape.errors import DegenerateCloudError
from sdfshape.reconstruction import _distinct
from sdfshape.sample import Evidence, gather_evidence
from sdfshape.sample.kind import LEAST_EVIDENCE, _require_both_sides


def gather(points: np.ndarray, surface: str = "auto"):
    stages: list[str] = []
    gathered = gather_evidence(points, surface, 20_000, np.random.default_rng(0), stages.append, 0.04)
    assert stages == ["orient", "sample"]
    return gathered


def sheet(count: int = 4000) -> np.ndarray:
    xy = np.random.default_rng(0).uniform(-0.8, 0.8, (count, 2))
    return np.c_[xy, 0.2 * np.sin(3 * xy[:, 0]) * xy[:, 1]]


def test_a_solid_is_closed_and_says_nothing():
    solid = gather(box_points(6000))
    assert (solid.kind, solid.least_thickness, solid.warnings) == ("closed", 0, ())
    assert solid.coherence > 0.95 and solid.confidence > 0.8 and solid.ball_radius > 0
    assert min(len(solid.evidence.inside), len(solid.evidence.outside)) > 4000


def test_a_sheet_is_wrapped_as_thick_as_said_and_warned_about():
    wrap = gather(sheet())
    assert wrap.kind == "wrap" and wrap.coherence < 0.5 and "wrapped without orientation" in wrap.warnings[0]
    assert wrap.least_thickness == 0.04 and wrap.confidence < 0.5


def test_a_forced_kind_is_kept():
    assert gather(box_points(6000), "wrap").kind == "wrap" and gather(box_points(6000), "wrap").warnings == ()
    forced = gather(sheet(), "closed")
    assert forced.kind == "closed" and "try --surface wrap" in forced.warnings[0]


def test_evidence_of_one_side_alone_is_refused():
    rows = np.zeros((500, 4), np.float32)
    for kind, law in (("wrap", "this cloud is too sparse to show both"), ("closed", "no place of this cloud is surely inside")):
        _require_both_sides(Evidence(rows, rows[:LEAST_EVIDENCE]), kind)
        for one in (Evidence(rows, rows[:99]), Evidence(rows[:99], rows)):
            with pytest.raises(DegenerateCloudError, match=law):
                _require_both_sides(one, kind)


def test_equal_points_of_the_unit_frame_are_one():
    points = box_points(50)
    again = np.concatenate([points[:10], points])
    assert np.array_equal(_distinct(again), points)
