"""A command of ours in a process of its own, watched: whatever becomes of it is said in words.

The process ends by itself when its worker has gone (SDFSHAPE_PARENT), so that work that is given to another worker is done once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .locking import is_abandoned

LOOK = 0.1  # seconds between two looks at a process
PATIENCE = 4.0  # seconds to save, once it was asked to end
TOLD = 300  # characters of its last word
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "IGL_NUM_THREADS")


@dataclass(frozen=True)
class Limits:
    """threads : of one piece of work.   seconds, megabytes : it may take, or None.   stop : a file; once it is there, all of it ends.
    lock : of who gave out the work (`locking`); once nobody holds it, all of it ends, too.   again : do also what is done.
    """

    threads: int
    seconds: float | None
    megabytes: float | None
    stop: Path
    lock: Path | None = None
    again: bool = False

    @property
    def is_over(self) -> bool:
        """Whether work must end, or not begin."""
        return self.stop.exists() or is_abandoned(self.lock)


def program(command: str) -> list[str]:
    """The first words of a command of ours; all words are separate, no shell reads them.

    -P: modules are not looked for in the current folder, which may be one of downloaded files.
    """
    return [sys.executable, "-P", "-m", "sdfshape", command]


def run_process(command: list[str], limits: Limits) -> dict[str, Any]:
    """Run it to its end, or to its limits: status done, stopped or (left out) failed, and a reason."""
    environment = os.environ | {name: str(limits.threads) for name in THREADS} | {"SDFSHAPE_PARENT": str(os.getpid())}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, env=environment, start_new_session=True)
        try:
            ended = _watch(process, limits)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # also what it began: the session is its own
            process.wait()
        said.seek(0)
        words = said.read().decode(errors="replace").strip().splitlines()
    ending = ended or _ending(process.returncode, words)
    if limits.is_over and ending.get("status") != "done":
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
        if limits.is_over:
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
    """Memory that a process and those it began hold now, 0 if it has gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        return float(sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))) / 2**20
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
