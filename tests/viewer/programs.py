"""The program as its users start it, and what must be on the machine for that."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def needs(*names: str) -> pytest.MarkDecorator:
    """Skip, with the reason, where a program is not installed."""
    missing = [name for name in names if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)} (Debian packages chromium, xvfb, xdotool)")


@contextmanager
def served(*words: object, log: Path, env: dict[str, str] | None = None) -> Iterator[tuple[str, subprocess.Popen]]:
    """The address that `sdfshape WORDS` prints, and its process; ended as by Ctrl-C."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "sdfshape", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=os.environ | (env or {}),
        )
    try:
        line = process.stdout.readline().strip()
        assert line.startswith("http"), log.read_text()
        yield line, process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        finally:
            process.kill()
            process.stdout.close()


@contextmanager
def screen(number: int) -> Iterator[str]:
    """A virtual screen; the name of the display."""
    server = subprocess.Popen(["Xvfb", f":{number}", "-screen", "0", "1600x1000x24"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if Path(f"/tmp/.X11-unix/X{number}").exists():
                break
            time.sleep(0.05)
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


def until(truth, seconds: float = 20.0, every: float = 0.1):
    """What `truth()` returns once it is true; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not (found := truth()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(every)
    return found
