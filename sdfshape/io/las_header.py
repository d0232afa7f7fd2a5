"""What a LAS or LAZ file says of itself, checked against its size before a library sees it (ASPRS LAS 1.4 R15, tables 3 to 6).

laspy believes every count and length: damaged headers kept it busy for a minute, or made it ask for more memory than there is. Here each of
them is paid for by bytes that are there.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

HEADER_BYTES = {0: 227, 1: 227, 2: 227, 3: 235, 4: 375}  # by minor version, at least
RECORD_BYTES = {0: 20, 1: 28, 2: 26, 3: 34, 4: 57, 5: 63, 6: 30, 7: 36, 8: 38, 9: 59, 10: 67}  # by point format, at least
COMPRESSED, FORMAT_BITS = 0x80, 0x3F
RECORD_HEAD, LONG_RECORD_HEAD = 54, 60  # bytes in front of variable records, of extended ones
MOST_RECORDS = 10_000
MOST_POINTS_A_BYTE = 1_000  # of LAZ: equal points shrink to nearly nothing, but not to nothing


@dataclass(frozen=True)
class LasHeader:
    """points : that are promised.   compressed : whether it is LAZ, of which COPC is a kind."""

    points: int
    compressed: bool


def check_las(path: Path) -> LasHeader:
    """The header of a file; raises InputError for one that promises what the file cannot hold. Reads no more than its records' heads."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(375)
        if head[:4] != b"LASF":
            raise InputError("a LAS or LAZ file must begin with LASF, this one does not: is it another format?")
        if len(head) < HEADER_BYTES[0]:
            raise InputError(f"a LAS header has 227 bytes at least, the file has {size}: it is truncated; copy it again")
        major, minor = head[24], head[25]
        header_bytes, offset, records = struct.unpack_from("<HII", head, 94)
        if major != 1 or minor not in HEADER_BYTES:
            raise InputError(f"LAS must be of version 1.0 to 1.4, this is {major}.{minor}: the file is damaged, or newer")
        if not HEADER_BYTES[minor] <= header_bytes <= offset <= size or len(head) < HEADER_BYTES[minor]:
            raise InputError(f"the points must lie behind the header and in the file, they are said to be at {offset} of {size}: damaged")
        _check_scales(head)
        _walk(file, header_bytes, records, offset, RECORD_HEAD)
        points = struct.unpack_from("<I", head, 107)[0]
        if minor == 4:
            start, more, long_count = struct.unpack_from("<QIQ", head, 235)
            points = long_count or points
            if more and not offset <= start <= size:
                raise InputError(f"extended records must lie in the file, they are said to be at {start} of {size}: truncated?")
            _walk(file, start, more, size, LONG_RECORD_HEAD)
    return _checked(head, points, offset, size)


def _checked(head: bytes, points: int, offset: int, size: int) -> LasHeader:
    """The header, if the points it promises are paid for."""
    kind, length = head[104], struct.unpack_from("<H", head, 105)[0]
    compressed = bool(kind & COMPRESSED)
    least = RECORD_BYTES.get(kind & FORMAT_BITS)
    if least is None or length < least:
        raise InputError(f"points must be of format 0 to 10 and long enough, got format {kind & FORMAT_BITS} in {length} bytes: damaged")
    if points == 0:
        raise InputError("a shape must have points, the file holds none: export it again")
    held = (size - offset) * MOST_POINTS_A_BYTE if compressed else (size - offset) // length
    if points > held:
        raise InputError(f"the header promises {points} points, the file can hold {held}: it is truncated; copy it again")
    return LasHeader(points, compressed)


def _check_scales(head: bytes) -> None:
    numbers = struct.unpack_from("<6d", head, 131)
    if not all(map(math.isfinite, numbers)) or not all(numbers[:3]):
        raise InputError("scales and offsets of a LAS file must be finite, the scales not 0: the file is damaged")


def _walk(file, at: int, count: int, end: int, head_bytes: int) -> None:  # type: ignore[no-untyped-def]
    """Raise InputError if `count` records from a place do not end before another one, or they are too many to be meant."""
    if count > MOST_RECORDS:
        raise InputError(f"a LAS file must have at most {MOST_RECORDS} records, the header says {count}: the file is damaged")
    for _ in range(count):
        file.seek(at)
        head = file.read(head_bytes)
        if len(head) < head_bytes:
            raise InputError("records of a LAS file must be in it, one is not: it is truncated; copy it again")
        at += head_bytes + struct.unpack_from("<H" if head_bytes == RECORD_HEAD else "<Q", head, 20)[0]
        if at > end:
            raise InputError("records of a LAS file must end in it, one does not: the file is damaged; copy it again")
