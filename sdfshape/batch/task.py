"""One shape, as a worker of Dask does it: `sdfshape reconstruct` in a process of its own, watched. Whatever becomes of it is a row.

The process ends by itself when its worker has gone (SDFSHAPE_PARENT), so that a shape that is given to another worker is done once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .artefacts import Artefacts
from .jobs import ShapeJob, job_id

LOOK = 0.1  # seconds between two looks at a process
PATIENCE = 4.0  # seconds to save, once it was asked to end
TOLD = 300  # characters of its last word
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Limits:
    """threads : of one shape.   seconds, megabytes : it may take, or None.   stop : a file; once it is there, all shapes end.
    again : do also what is done.
    """

    threads: int
    seconds: float | None
    megabytes: float | None
    stop: Path
    again: bool = False


def do_shape(job: ShapeJob, folder: Path, ending: str, picture: bool, limits: Limits) -> dict[str, Any]:
    """The row of a shape: status done, kept (it was done before), failed or stopped, with its reason, seconds and facts. Never raises."""
    start = time.monotonic()
    row: dict[str, Any] = {"name": job.name, "source": str(job.source), "status": "failed", "reason": "", "id": ""}
    made = Artefacts(folder, ending, picture)
    try:
        if limits.stop.exists():
            return row | {"status": "stopped", "reason": "not begun", "seconds": 0.0}
        row["id"] = job_id(job, ending, picture)
        if not limits.again and (kept := made.kept_facts(row["id"])) is not None:
            return row | {"status": "kept"} | kept  # with the seconds that it took then
        else:
            made.begin()
            row |= _process(_command(job, made, limits.threads), limits)
            if row["status"] == "done":
                made.finish(row["id"])
                row |= made.facts()
            else:
                made.clear()
    except Exception as error:  # a worker must outlive every shape
        row |= {"status": "failed", "reason": _reason(error)}
    return row | {"seconds": time.monotonic() - start}


def _command(job: ShapeJob, made: Artefacts, threads: int) -> list[str]:
    """`sdfshape reconstruct` with the options of the job, all as separate words: no shell reads them.

    -P: modules are not looked for in the current folder, which may be one of downloaded files.
    """
    words = [sys.executable, "-P", "-m", "sdfshape", "reconstruct", "-o", str(made.mesh), "--model", str(made.folder / "field.sdf")]
    words += ["--report", str(made.report), "--threads", str(threads), "--overwrite", "--quiet"]
    words += ["--picture", str(made.folder / "picture.png")] if made.picture else []
    for name, value in _asked(job.options).items():
        option = f"--{name.replace('_', '-')}"
        words += ([option] if value else []) if isinstance(value, bool) else [option, str(value)]
    return [*words, "--", str(job.source)]


def _asked(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _process(command: list[str], limits: Limits) -> dict[str, Any]:
    environment = os.environ | {name: str(limits.threads) for name in THREADS} | {"SDFSHAPE_PARENT": str(os.getpid())}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, env=environment, start_new_session=True)
        try:
            ended = _watch(process, limits)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        words = said.read().decode(errors="replace").strip().splitlines()
    ending = ended or _ending(process.returncode, words)
    if limits.stop.exists() and ending.get("status") != "done":
        ending["status"] = "stopped"
    return ending


def _watch(process: subprocess.Popen[bytes], limits: Limits) -> dict[str, Any]:
    """Wait for its end; the row of a process that had to be ended, nothing for one that ended by itself."""
    start = time.monotonic()
    while True:
        try:
            process.wait(timeout=LOOK)
            return {}
        except subprocess.TimeoutExpired:
            pass
        if limits.stop.exists():
            process.send_signal(signal.SIGTERM)  # saves a checkpoint where it can
            return {} if _ends(process) else {"status": "stopped", "reason": "killed: it did not end when asked to"}
        if limits.seconds is not None and time.monotonic() - start > limits.seconds:
            return {"reason": f"stopped after {limits.seconds:g} s, its time: --timeout gives more"}
        if limits.megabytes is not None and (used := resident_mb(process.pid)) > limits.megabytes:
            return {"reason": f"stopped at {used:.0f} MB, its memory is {limits.megabytes:.0f}: --max-memory gives more"}


def _ends(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return False
    return True


def resident_mb(pid: int) -> float:
    """Memory that a process holds now, 0 if it has gone."""
    import psutil

    try:
        return float(psutil.Process(pid).memory_info().rss) / 2**20
    except psutil.Error:
        return 0.0


def _ending(code: int, words: list[str]) -> dict[str, Any]:
    """What an exit code and the last words say."""
    last = words[-1][:TOLD].removeprefix("sdfshape: ") if words else ""
    if code == 0:
        return {"status": "done"}
    if code == 130:
        return {"status": "stopped", "reason": last}
    if code < 0:
        name = signal.Signals(-code).name
        return {"reason": f"killed by {name}" + (", as the system does when memory runs out" if name == "SIGKILL" else f": {last}")}
    return {"reason": last or f"exit code {code}"}


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{Path(os.fsdecode(error.filename)).name}: {error.strerror}"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:TOLD]
