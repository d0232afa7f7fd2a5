"""The process that reads .las, .laz and .e57: `python -P -m sdfshape.io.scan_child ENDING PATH [LABEL COLUMN]`, pieces on stdout.

Native code that reads files may crash, hang or take all memory on a damaged one: here it takes its own process with it, not the caller's.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError
from .e57 import e57_pieces
from .las import las_pieces
from .pieces import Piece, send_head

MOST_MEMORY = 2 << 30  # address space: a piece takes a fifth of it
READERS: dict[str, Callable[[Path, str | None], Iterator[Piece]]] = {".e57": e57_pieces, ".las": las_pieces, ".laz": las_pieces}
PR_SET_PDEATHSIG = 1
EXTRA = "pip install 'sdfshape[scans]'"


def main(ending: str, path: str, label_column: str | None = None) -> None:
    """All pieces, then an end or an error, each said in one head."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    _end_with_parent()
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # whatever a library prints is none of the pieces
        _say(ending, path, label_column, out)


def _end_with_parent() -> None:
    """Ask Linux for SIGKILL when the parent ends, however it does; elsewhere a pipe without a reader ends this process later."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _say(ending: str, path: str, label_column: str | None, out: BinaryIO) -> None:
    try:
        for piece in READERS[ending](Path(path), label_column):
            piece.send(out)
        send_head(out, {"end": True})
    except ModuleNotFoundError as error:
        send_head(out, {"error": f"{ending} files need the package {error.name}: {EXTRA}"})
    except InputError as error:
        send_head(out, {"error": str(error)})
    except MemoryError:
        send_head(out, {"error": f"a piece must fit into {MOST_MEMORY >> 30} GiB, it does not: the file is damaged"})
    except Exception as error:  # of the libraries, which raise what they like
        said = " ".join(ascii(str(error))[1:-1].split())[:120]
        send_head(out, {"error": f"the points must be readable, they are not ({type(error).__name__}: {said}): the file is damaged"})


if __name__ == "__main__":
    main(*sys.argv[1:])
