"""All methods, one after the other, each in a process of its own: what crashes or hangs is a row with its reason."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..clean import clean
from ..errors import InputError
from ..types import FloatArray, Mesh, PointCloud
from .judge import asked_places, judge_field, judge_mesh
from .methods import METHODS, require_methods
from .worker import load_mesh, save_mesh

STARTING = 60.0  # seconds beyond its budget that a method that trains has to start, to extract and to be asked
EXTRACTING = 3.0  # budgets, the same
LONGEST = 1800.0  # seconds that a method without a budget has
SMALLEST, LARGEST = 0.1, 3.0  # sizes of the scan in sizes of the truth: a scan may see a part, and have strays


@dataclass(frozen=True, eq=False)
class CompareJob:
    """scan, truth : world units.   methods : names of METHODS.   seconds : budget of each that trains; any method may take some times that
    in all.   resolution : cells of the grids.   threads : of each, as the environment says unless told.
    """

    scan: PointCloud
    methods: tuple[str, ...]
    truth: Mesh | None = None
    seconds: float = 60.0
    resolution: int = 128
    seed: int = 0
    threads: int | None = None
    up: int = 2  # axis of the pictures

    def __post_init__(self) -> None:
        require_methods(self.methods)
        if not (np.isfinite(self.seconds) and self.seconds > 0):
            raise InputError(f"the budget must be seconds above 0, got {self.seconds:g}")
        if self.truth is not None:
            _require_same_frame(self.scan, self.truth)


def _require_same_frame(scan: PointCloud, truth: Mesh) -> None:
    """Raises InputError for a truth that is in other units or elsewhere than the scan."""
    size = [float(np.linalg.norm(np.ptp(box, axis=0))) for box in (scan.bounds, truth.bounds)]
    if not SMALLEST <= size[0] / size[1] <= LARGEST:
        raise InputError(f"the truth must be in the units of the scan, their sizes are {size[1]:.3g} and {size[0]:.3g}: scale one of them")
    if (scan.bounds[0] > truth.bounds[1]).any() or (scan.bounds[1] < truth.bounds[0]).any():
        raise InputError("the truth must stand where the scan does, their boxes do not meet: move one of them")


@dataclass(frozen=True, eq=False)
class Row:
    """facts : numbers by name, or `error`, the reason why there are none.   mesh, slices : what it made, or None."""

    method: str
    facts: dict[str, Any]
    mesh: Mesh | None = None
    slices: FloatArray | None = None  # (3, k, k) values through the middle of the domain


def compare_methods(job: CompareJob, progress: Callable[[str], None] = lambda _: None) -> list[Row]:
    """One row a method, in the order asked for. `progress` is told what begins."""
    scan, _ = clean(job.scan, keep_outliers=True)
    places, rows = asked_places(scan.points, job.seed), []
    for name in job.methods:
        progress(name)
        with tempfile.TemporaryDirectory(prefix="sdfshape-") as folder:
            rows.append(_row(name, job, scan.points, places, Path(folder)))
    return rows


def _row(name: str, job: CompareJob, points: FloatArray, places: FloatArray, folder: Path) -> Row:
    asked = {"method": name, "seconds": job.seconds, "resolution": job.resolution, "seed": job.seed, "threads": job.threads}
    (folder / "job.json").write_text(json.dumps(asked))
    np.savez(folder / "cloud.npz", points=points)
    np.save(folder / "places.npy", places)
    if job.truth is not None:
        save_mesh(job.truth, folder / "truth.npz")
    facts = _facts(folder, job.seconds * (1 + EXTRACTING) + STARTING if METHODS[name].trained else LONGEST)
    if "error" in facts:
        return Row(name, facts)
    mesh, slices = load_mesh(folder / "mesh.npz"), None
    facts |= judge_mesh(mesh, points, job.truth)
    if (folder / "field.npz").exists():
        with np.load(folder / "field.npz", allow_pickle=False) as data:
            slices = data["slices"]
            facts |= judge_field(data["values"], places, job.truth) if facts["is_distance"] else {}
    return Row(name, facts, mesh, slices)


def _facts(folder: Path, limit: float) -> dict[str, Any]:
    """What the worker left, or why it left nothing."""
    start, log = time.perf_counter(), folder / "log.txt"
    with log.open("w") as out:
        worker = subprocess.Popen([sys.executable, "-m", "sdfshape.comparison.worker", folder], stdout=out, stderr=out)
        try:
            code = worker.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            return {"error": f"stopped after {limit:.0f} s, the time to train, to extract and to be asked: a larger budget may help"}
        finally:
            worker.kill()
            worker.wait()
    if (folder / "facts.json").exists():
        return {"wall": time.perf_counter() - start} | json.loads((folder / "facts.json").read_text())
    last = (log.read_text(errors="replace").strip().splitlines() or ["no word"])[-1]
    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return {"error": f"{how}: {last[:200]}"}


def table_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Flat facts, a dictionary a row: for JSON and CSV."""
    return [{"method": row.method, **row.facts} for row in rows]
