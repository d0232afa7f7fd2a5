"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real meshes and scans for development; named by SDFSHAPE_DATA, or beside the repository. Never part of it."""
    folder = Path(os.environ.get("SDFSHAPE_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "SOURCES.md").is_file():
        pytest.skip(f"no development data at {folder}: set SDFSHAPE_DATA")
    return folder
