"""Scans that are read in pieces, however large they are: .las, .laz (also COPC) and .e57, each in a process of its own (`scan_child`)."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError
from .e57 import check_e57
from .las_header import check_las
from .pieces import Piece, received_head
from .source import check_file

CHECKS: dict[str, Callable[[Path], object]] = {".e57": check_e57, ".las": check_las, ".laz": check_las}
STREAMED = tuple(CHECKS)
STALLED = 30.0  # seconds without a byte: a piece takes less than one
BLOCK = 1 << 20


def is_streamed(path: str | os.PathLike[str]) -> bool:
    """Whether a file of this name is read in pieces."""
    return Path(os.fsdecode(path)).suffix.lower() in STREAMED


def stream_pieces(path: str | os.PathLike[str], label_column: str | None = None) -> Iterator[Piece]:
    """The pieces of a scan, in the order of the file; memory does not grow with it.

    Raises
    ------
    InputError    in one line, without the name of the file: what is wrong with it, also where its reader crashed, hung, or took all memory
    """
    check_file(path)
    file = Path(os.fsdecode(path))
    CHECKS[file.suffix.lower()](file)
    with _reader(path, label_column) as read:
        while "end" not in (head := received_head(read)):
            if "error" in head:
                raise InputError(str(head["error"]))
            yield Piece.received(head, read)


@contextmanager
def _reader(path: str | os.PathLike[str], label_column: str | None):  # type: ignore[no-untyped-def]
    """read(n) gives n bytes of what the child says."""
    file = Path(os.fsdecode(path)).absolute()  # a name that begins with - is no option
    words = [sys.executable, "-P", "-m", "sdfshape.io.scan_child", file.suffix.lower(), str(file)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    words += [] if label_column is None else [label_column]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment) as child:
        try:
            assert child.stdout is not None
            yield _Reader(child, child.stdout.fileno()).read
        finally:
            child.kill()


class _Reader:
    """Exactly as many bytes as are asked for, or an InputError that says why there are none."""

    def __init__(self, child: subprocess.Popen[bytes], handle: int) -> None:
        self.child, self.handle = child, handle
        self.ready = selectors.DefaultSelector()
        self.ready.register(handle, selectors.EVENT_READ)

    def read(self, count: int) -> bytes:
        data, until = bytearray(), time.monotonic() + STALLED
        while len(data) < count:
            if not self.ready.select(max(until - time.monotonic(), 0)):
                raise InputError(f"a piece must be read within {STALLED:g} s, this one was not: the file is damaged, or its disk is gone")
            some = os.read(self.handle, min(count - len(data), BLOCK))
            if not some:
                code = self.child.wait()
                raise InputError(f"the points must be readable, their reader ended without a word (code {code}): the file is damaged")
            data += some
            until = time.monotonic() + STALLED
        return bytes(data)
