"""The judge of the guarantee: it finds nothing where nothing is wrong, and finds what is."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest

from sdfshape.evaluate import guarantee, guarantee_tables
from sdfshape.evaluate.guarantee import check_bounds, pruning_facts, query_facts
from sdfshape.field import Box, Sphere

FIELD = Box((-1.0, -0.6, -0.4), (1.0, 0.6, 0.4)) | Sphere((0.8, 0.3, 0.5), 0.5)


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    monkeypatch.setattr(guarantee, "TRUTH_RESOLUTION", 96)
    monkeypatch.setattr(guarantee, "ROWS", 5000)
    monkeypatch.setattr(guarantee, "CHECKED", 1000)


def test_honest_bounds_are_not_violated_and_lies_are_noticed():
    honest, liar = check_bounds(FIELD, 20_000), check_bounds(FIELD, 20_000, lie=1.1)
    assert honest.violations == honest.upper_violations == 0 < liar.violations
    assert 0.97 < honest.near <= 1.001 and 0.9 < honest.tightness <= 1.001
    assert 0 < honest.noticed < liar.noticed


def test_savings_are_counted():
    facts = pruning_facts(FIELD, 64, dense=True)
    assert facts["crossed"] < facts["evaluations"] < facts["box"] < facts["cube"] == 65**3 and facts["dense_seconds"] > 0
    spent = query_facts(FIELD, boxes=1000, pixels=48)
    assert 0 < spent["a_pixel"] < spent["plain_a_pixel"] and spent["boxes_seconds"] > 0


def test_the_tables_have_a_row_a_field(monkeypatch):
    monkeypatch.setattr(guarantee_tables, "DENSE", 32)
    monkeypatch.setattr(guarantee_tables, "query_facts", partial(guarantee.query_facts, boxes=1000, pixels=32))
    fields = {"ball": Sphere((1, 2, 3), 0.7), "box": Box((0, 0, 0), (1, 2, 1))}
    lines = list(guarantee_tables.guarantee_tables(fields, queries=2000, resolutions=(16, 32)))
    assert sum(line.startswith("| ball |") for line in lines) == sum(line.startswith("| box |") for line in lines) == 3
    assert all(a.count("|") == b.count("|") for a, b in pairwise(line for line in lines[:5] if line))
    assert "| 2,000 | 0 | 0 |" in lines[3]
