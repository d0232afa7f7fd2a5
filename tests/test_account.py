"""What the user should know about a job is said."""

from __future__ import annotations

import numpy as np
import pytest

from sdfshape.account import Job, _warnings
from sdfshape.clean import Dropped
from sdfshape.options import Options
from sdfshape.sample import Gathered
from sdfshape.sample.evidence import NO_EVIDENCE
from sdfshape.train.config import TrainConfig
from sdfshape.types import PointCloud

FINE = {"bridged": 0.0}, {"dropped_components": 0, "bodies": 1}


@pytest.mark.parametrize(
    ("lost", "said"),
    [(0, []), (1, ["1 point without finite coordinates was left out"]), (2667, ["2,667 points without finite coordinates were left out"])],
)
def test_points_without_finite_coordinates_are_not_left_out_silently(lost: int, said: list[str]):
    cloud = PointCloud(np.zeros((3, 3)))
    dropped = Dropped(8000, non_finite=lost)
    job = Job(cloud, cloud, dropped, 0.0, Gathered(NO_EVIDENCE, "closed"), Options(), TrainConfig(), {})
    assert _warnings(job, *FINE) == said
