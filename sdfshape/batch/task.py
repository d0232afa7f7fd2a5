"""One shape, as a worker of Dask does it: `sdfshape reconstruct` in a process of its own, watched. Whatever becomes of it is a row."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .artefacts import Artefacts
from .jobs import ShapeJob, job_id
from .process import TOLD, Limits, program, run_process


def do_shape(job: ShapeJob, folder: Path, ending: str, picture: bool, limits: Limits) -> dict[str, Any]:
    """The row of a shape: status done, kept (it was done before), failed or stopped, with its reason, seconds and facts. Never raises."""
    start = time.monotonic()
    row: dict[str, Any] = {"name": job.name, "source": str(job.source), "status": "failed", "reason": "", "id": ""}
    made = Artefacts(folder, ending, picture)
    try:
        if limits.is_over:
            return row | {"status": "stopped", "reason": "not begun", "seconds": 0.0}
        row["id"] = job_id(job, ending, picture)
        if not limits.again and (kept := made.kept_facts(row["id"])) is not None:
            return row | {"status": "kept"} | kept  # with the seconds that it took then
        else:
            made.begin()
            row |= run_process(_command(job, made, limits), limits)
            if row["status"] == "done":
                made.finish(row["id"])
                row |= made.facts()
            else:
                made.clear()
    except Exception as error:  # a worker must outlive every shape
        row |= {"status": "failed", "reason": _reason(error)}
    return row | {"seconds": time.monotonic() - start}


def _command(job: ShapeJob, made: Artefacts, limits: Limits) -> list[str]:
    """`sdfshape reconstruct` with the options of the job."""
    words = [*program("reconstruct"), "-o", str(made.mesh), "--model", str(made.folder / "field.sdf")]
    words += ["--report", str(made.report), "--threads", str(limits.threads), "--overwrite", "--quiet"]
    words += ["--max-memory", str(limits.megabytes)] if limits.megabytes is not None else []
    words += ["--picture", str(made.folder / "picture.png")] if made.picture else []
    for name, value in _asked(job.options).items():
        option = f"--{name.replace('_', '-')}"
        words += ([option] if value else []) if isinstance(value, bool) else [option, str(value)]
    return [*words, "--", str(job.source)]


def _asked(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{Path(os.fsdecode(error.filename)).name}: {error.strerror}"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:TOLD]
