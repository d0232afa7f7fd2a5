"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # a thread each, also of the programs that tests start: two that wait for two others take longer
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # said before numpy is loaded
        os.environ.setdefault(name, "1")

from sdfshape.waiting import SPINS

os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # two workers share the cores (`waiting`): said before torch is loaded

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real meshes and scans for development; named by SDFSHAPE_DATA, or beside the repository. Never part of it."""
    folder = Path(os.environ.get("SDFSHAPE_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "SOURCES.md").is_file():
        pytest.skip(f"no development data at {folder}: set SDFSHAPE_DATA")
    return folder


@pytest.fixture(scope="module")
def one_thread():
    """Networks as small as those of unit tests lose more to waiting threads than they gain, the more so on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
