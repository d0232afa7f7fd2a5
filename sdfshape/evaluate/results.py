"""Tables of results as CSV: one row a measurement, with the versions that made it."""

from __future__ import annotations

import csv
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path
from typing import Any

from ..io import atomic_write

PACKAGES = ("sdfshape", "torch", "numpy", "scikit-learn")


def write_results(path: str | PathLike[str], rows: Sequence[Mapping[str, Any]], packages: Sequence[str] = PACKAGES) -> None:
    """Write rows of the same keys, numbers to six digits, and a column `versions`. Replaces the file; its folder is made."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    made_by = versions(packages)
    with atomic_write(path, overwrite=True) as temporary, Path(temporary).open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "versions"], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()} | {"versions": made_by}
            )


def versions(packages: Sequence[str]) -> str:
    """Python's version and those of packages that are installed, in one line."""
    found = [f"python {platform.python_version()}"]
    for name in packages:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
