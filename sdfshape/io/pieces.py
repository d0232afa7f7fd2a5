"""A piece of a scan on its way from the process that reads it."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from ..errors import InputError

PIECE = 1_000_000  # points at a time
MOST_HEAD = 1 << 16  # bytes of what is said of a piece
_TYPES = {"points": ("f8", 3), "colors": ("u2", 3), "labels": ("i8", 0), "intensity": ("f8", 0)}


@dataclass(frozen=True, eq=False)
class Piece:
    """points : (n, 3) float64, world units.   colors : (n, 3) uint16, as the file has them.   labels (n,) int64, intensity (n,) float64.
    set_aside : points of the file that it says itself are none of the surface.
    """

    points: np.ndarray
    colors: np.ndarray | None = None
    labels: np.ndarray | None = None
    intensity: np.ndarray | None = None
    set_aside: int = 0

    def send(self, stream: BinaryIO) -> None:
        """As a head in JSON, its length before it, and the bytes of the arrays."""
        arrays = {name: getattr(self, name) for name in _TYPES if getattr(self, name) is not None}
        send_head(stream, {"points": len(self.points), "columns": list(arrays), "set_aside": self.set_aside})
        for name, array in arrays.items():
            stream.write(np.ascontiguousarray(array, dtype=f"<{_TYPES[name][0]}").tobytes())

    @classmethod
    def received(cls, head: dict[str, Any], read) -> Piece:  # type: ignore[no-untyped-def]
        """read(n) gives exactly n bytes. Raises InputError for a head that is none of `send`."""
        count, columns = head.get("points"), head.get("columns") or []
        known = isinstance(columns, list) and all(name in list(_TYPES) for name in columns) and "points" in columns
        if not (known and isinstance(count, int) and 0 <= count <= PIECE and isinstance(head.get("set_aside", 0), int)):
            raise InputError("a piece of a scan must say what it holds, this one does not: the reader is damaged")
        arrays = {}
        for name in columns:
            code, width = _TYPES[name]
            array = np.frombuffer(read(count * max(width, 1) * int(code[1])), f"<{code}")
            arrays[name] = array.reshape(-1, width) if width else array
        return cls(**arrays, set_aside=head.get("set_aside", 0))


def send_head(stream: BinaryIO, head: dict[str, Any]) -> None:
    data = json.dumps(head).encode()
    stream.write(struct.pack("<I", len(data)) + data)


def received_head(read) -> dict[str, Any]:  # type: ignore[no-untyped-def]
    """Raises InputError for what is no head."""
    (length,) = struct.unpack("<I", read(4))
    if length > MOST_HEAD:
        raise InputError("a piece of a scan must begin with a head, this one does not: the reader is damaged")
    try:
        head = json.loads(read(length))
    except ValueError as error:
        raise InputError("a piece of a scan must begin with a head, this one does not: the reader is damaged") from error
    return head if isinstance(head, dict) else {}
