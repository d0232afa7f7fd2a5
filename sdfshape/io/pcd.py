"""PCD: clouds of the Point Cloud Library, text, binary and compressed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .columns import content_from_columns
from .content import Content
from .lzf import MAX_RATIO, lzf_decode
from .number_table import number_table, plain_lines
from .source import shown_token

_MAX_HEADER_BYTES = 1 << 16
_MAX_ROW_BYTES = 1 << 16  # the largest descriptor of PCL takes about 8 kB
_DATA_LINE = re.compile(rb"(?:^|\n)[ \t]*DATA[ \t]+(\w+)[ \t]*\r?(?:\n|$)")
_CODES = {(b"F", 4): "<f4", (b"F", 8): "<f8"} | {(t, s): f"<{c}{s}" for t, c in ((b"I", "i"), (b"U", "u")) for s in (1, 2, 4, 8)}
_PACKED_COLORS = ("rgb", "rgba")


@dataclass(frozen=True)
class _Header:
    """Columns as (name, numpy code, numbers per row); `_` columns are padding."""

    fields: tuple[tuple[str, str, int], ...]
    points: int
    encoding: bytes
    body_at: int

    @property
    def row_bytes(self) -> int:
        return sum(int(code[2]) * count for _, code, count in self.fields)


def read_pcd(data: bytes, label_column: str | None = None) -> Content:
    """Points with normals, packed colours and labels; the viewpoint is left out, as PCL itself does not apply it."""
    header = _header(data)
    body = data[header.body_at :]
    if header.encoding == b"ascii":
        columns = _text_columns(body, header)
    elif header.encoding == b"binary":
        columns = _binary_columns(body, header)
    else:
        columns = _compressed_columns(body, header)
    for name in _PACKED_COLORS:
        if name in columns:
            columns |= _unpacked(columns[name])
    return content_from_columns(columns, label_column)


def _header(data: bytes) -> _Header:
    end = _DATA_LINE.search(data[:_MAX_HEADER_BYTES])
    if not end:
        raise InputError(f"a PCD file must have a header that ends with DATA, it begins {shown_token(data[:12])}: is it another format?")
    lines = [line.split() for line in plain_lines(data[: end.start()]).split(b"\n")]
    entries = {words[0].upper(): words[1:] for words in lines if words and not words[0].startswith(b"#")}
    if end[1] not in (b"ascii", b"binary", b"binary_compressed"):
        raise InputError(f"PCD data must be ascii, binary or binary_compressed, got {shown_token(end[1])}: convert the file")
    return _Header(_fields(entries), _point_count(entries), end[1], end.end())


def _fields(entries: dict[bytes, list[bytes]]) -> tuple[tuple[str, str, int], ...]:
    names = entries.get(b"FIELDS") or entries.get(b"COLUMNS") or []
    sizes, types = entries.get(b"SIZE", []), entries.get(b"TYPE", [])
    counts = entries.get(b"COUNT", [b"1"] * len(names))
    if not names or not len(names) == len(sizes) == len(types) == len(counts):
        raise InputError(
            f"a PCD header must give SIZE, TYPE and COUNT for each of its FIELDS, it has {len(names)} names, "
            f"{len(sizes)} sizes, "
            f"{len(types)} types and {len(counts)} counts: the header is damaged"
        )
    fields = []
    for name, size, kind, count in zip(names, sizes, types, counts, strict=True):
        code = _CODES.get((kind.upper(), int(size) if re.fullmatch(rb"\d", size) else 0))
        if code is None or not re.fullmatch(rb"\d{1,5}", count) or int(count) < 1:
            raise InputError(
                f"a PCD field must have a type of F, I or U, its size, and a count, {shown_token(name)} has "
                f"{shown_token(kind)}, "
                f"{shown_token(size)}, {shown_token(count)}: the header is damaged"
            )
        fields.append((name.decode("ascii", "backslashreplace").lower(), code, int(count)))
    if sum(int(code[2]) * count for _, code, count in fields) > _MAX_ROW_BYTES:
        raise InputError(f"a PCD row must take at most {_MAX_ROW_BYTES} bytes, the header asks for more: it is damaged")
    return tuple(fields)


def _point_count(entries: dict[bytes, list[bytes]]) -> int:
    words = entries.get(b"POINTS") or [*entries.get(b"WIDTH", [b"?"]), *entries.get(b"HEIGHT", [b"1"])]
    if not all(re.fullmatch(rb"\d{1,18}", word) for word in words):
        raise InputError(f"the count of points must be a whole number of 0 or more, the header has {shown_token(b' '.join(words))}")
    return math.prod(int(word) for word in words)


def _check_count(header: _Header, held: int) -> None:
    if held < header.points:
        raise InputError(f"the header promises {header.points} points, the file holds {held}: it is truncated; copy it again")


def _text_columns(body: bytes, header: _Header) -> dict[str, np.ndarray]:
    table = number_table(plain_lines(body), "row")
    _check_count(header, len(table))
    width = sum(count for _, _, count in header.fields)
    if len(table) and table.shape[1] != width:
        raise InputError(f"a row must have {width} numbers as the header says, the rows have {table.shape[1]}: the file is damaged")
    columns, at = {}, 0
    for name, code, count in header.fields:
        if count == 1 and len(table):
            column = table[: header.points, at]
            # a packed colour printed as a float hides its bits in the float32; everything else keeps the digits of the
            # file
            is_bits = name in _PACKED_COLORS and code[1] == "f"
            columns[name] = np.nan_to_num(column, nan=0.0).astype(np.float32) if is_bits else column
        at += count
    return columns


def _binary_columns(body: bytes, header: _Header) -> dict[str, np.ndarray]:
    _check_count(header, len(body) // header.row_bytes)
    dtype = np.dtype([(str(i), code, (count,)) for i, (_, code, count) in enumerate(header.fields)])
    table = np.frombuffer(body, dtype, header.points)
    return {name: table[str(i)][:, 0].copy() for i, (name, _, count) in enumerate(header.fields) if count == 1}


def _compressed_columns(body: bytes, header: _Header) -> dict[str, np.ndarray]:
    """Column after column, as the compressed form stores them."""
    size = header.points * header.row_bytes
    packed_size, claimed = int.from_bytes(body[:4], "little"), int.from_bytes(body[4:8], "little")
    if len(body) < 8 or packed_size > len(body) - 8:
        raise InputError(f"the file must hold {packed_size} bytes of compressed data, it holds {max(len(body) - 8, 0)}: copy it again")
    if claimed != size or size > MAX_RATIO * packed_size:
        raise InputError(
            f"the header promises {header.points} points ({size} bytes), the compressed data stands for "
            f"{claimed} bytes in "
            f"{packed_size}: the file is damaged; copy it again"
        )
    plain = lzf_decode(body[8 : 8 + packed_size], size)
    columns, at = {}, 0
    for name, code, count in header.fields:
        if count == 1:
            columns[name] = np.frombuffer(plain, code, header.points, at).copy()
        at += header.points * count * int(code[2])
    return columns


def _unpacked(packed: np.ndarray) -> dict[str, np.ndarray]:
    """Red, green and blue of 0xRRGGBB, stored as an integer or as the bits of a float32."""
    if packed.dtype == np.float32:
        bits = packed.view(np.uint32)
    else:
        numbers = np.nan_to_num(packed.astype(np.float64), nan=0.0)
        if len(numbers) and not (numbers.min() >= -(2**31) and numbers.max() < 2**32):
            raise InputError(f"packed colours must be 32-bit numbers, got {numbers.min():g} to {numbers.max():g}: the file is damaged")
        bits = (numbers.astype(np.int64) & 0xFFFFFFFF).astype(np.uint32)
    return {name: ((bits >> shift) & 255).astype(np.uint8) for name, shift in (("red", 16), ("green", 8), ("blue", 0))}
