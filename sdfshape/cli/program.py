"""The program: its commands, and what becomes of errors."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import typer

from ..errors import SdfShapeError, TrainingInterrupted
from ..waiting import wait_briefly_if_busy
from .batch import batch
from .certify import certify
from .clean import clean
from .compare import compare
from .demo import demo
from .download import download
from .evaluate import evaluate
from .export import export
from .extract import extract
from .oneclass import oneclass
from .query import query
from .reconstruct import reconstruct
from .render import render
from .sample import sample
from .tile import make_tile, tile
from .view import view

EXIT_ERROR, EXIT_INTERRUPTED = 1, 130
PARENT_LOOK, PATIENCE = 0.5, 5.0  # seconds

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Point clouds in, certified signed distance fields and watertight meshes out. No normals, no GPU.",
)
for command in (reconstruct, tile, batch, demo, sample, extract, query, export, render, view, evaluate, compare, certify, clean, download):
    app.command()(command)
app.command(hidden=True)(make_tile)
app.add_typer(oneclass, name="oneclass")


@app.callback(invoke_without_command=True)
def _begin(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    if version:
        from .. import __version__

        typer.echo(f"sdfshape {__version__}")
        raise typer.Exit
    wait_briefly_if_busy()  # whatever the command computes


def run() -> NoReturn:
    """`main` in a process of its own, left without taking the libraries apart: that costs half a second and saves nothing."""
    try:
        main()
        code: object = 0
    except SystemExit as end:
        code = end.code
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or its reader has gone
            stream.flush()
    os._exit(code if isinstance(code, int) else EXIT_ERROR)


def main() -> None:
    """Run the command line; never a traceback for what a user can cause."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    _end_with_parent(os.environ.pop("SDFSHAPE_PARENT", ""))
    try:
        app(standalone_mode=True)
    except TrainingInterrupted as error:
        _end(str(error), EXIT_INTERRUPTED)
    except SdfShapeError as error:
        _end(str(error), EXIT_ERROR)
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != EXIT_INTERRUPTED:  # typer makes of an interruption an exit without a word
            raise
        _end("interrupted: every file is complete or not there", EXIT_INTERRUPTED)
    except MemoryError:
        _end("the job must fit into memory, it does not: ask for fewer points, samples or cells", EXIT_ERROR)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nobody is left to tell
        sys.exit(EXIT_ERROR)


def _end_with_parent(parent: str) -> None:
    """If `batch` began this process: end it, as SIGTERM does, when its worker has gone, which cannot end it any more."""

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(PARENT_LOOK)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE)
        os._exit(EXIT_INTERRUPTED)

    if parent.isdigit():
        threading.Thread(target=watch, daemon=True).start()


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end(message: str, code: int) -> None:
    line = " ".join(message.split())
    sys.stderr.write(f"sdfshape: {line}\n")
    sys.exit(code)
