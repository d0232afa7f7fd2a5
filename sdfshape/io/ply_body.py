"""The rows of a PLY file, column by column. The counts of the header are possible: `ply_header` has checked them."""

from __future__ import annotations

import struct

import numpy as np

from ..errors import InputError
from .number_table import Rows, as_integers, number_rows
from .ply_header import Element, Header, Property

Columns = dict[str, np.ndarray | Rows]  # a scalar property is an (n,) array, a list property is Rows
_MAX_UNIFORM = 1 << 24  # numpy records end at 2 GiB
_STRUCT_CODES = {
    "i1": "b",
    "u1": "B",
    "i2": "h",
    "u2": "H",
    "i4": "i",
    "u4": "I",
    "i8": "q",
    "u8": "Q",
    "f4": "f",
    "f8": "d",
}


def read_elements(data: bytes, header: Header) -> dict[str, Columns]:
    """The columns of every element, by the names of the header."""
    if not header.byte_order:
        return _text_elements(data, header)
    elements, at = {}, header.body_at
    for element in header.elements:
        elements[element.name], at = _binary_element(data, at, element, header.byte_order)
    return elements


def _truncated(element: Element, row: int) -> InputError:
    return InputError(
        f"the header promises {element.count} of element {element.name[:24]!r}, the file ends in row {row + 1}: "
        "it is truncated or damaged; copy it again"
    )


def _text_elements(data: bytes, header: Header) -> dict[str, Columns]:
    body = data[header.body_at :]
    rows = number_rows(body.replace(b"\r", b"\n") if b"\r" in body else body, "body line")
    elements, first = {}, 0
    for element in header.elements:
        found = len(rows.sizes) - first
        if found < element.count:
            raise _truncated(element, found)
        elements[element.name] = _text_element(rows.part(first, first + element.count), element)
        first += element.count
    return elements


def _text_element(rows: Rows, element: Element) -> Columns:
    columns: Columns = {}
    at, ends = rows.starts, np.cumsum(rows.sizes)
    for prop in element.properties:
        short = np.flatnonzero(at >= ends)
        if len(short):
            raise _too_short(element, int(short[0]), prop)
        head = rows.values[at]
        at = at + 1
        if prop.length_type is None:
            columns[prop.name] = _of_type(head, prop)
            continue
        sizes = as_integers(head, "lengths of lists")
        wrong = np.flatnonzero((sizes < 0) | (at + sizes > ends))
        if len(wrong):
            raise _too_short(element, int(wrong[0]), prop)
        place = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        columns[prop.name] = Rows(rows.values[np.repeat(at, sizes) + place], sizes)
        at = at + sizes
    longer = np.flatnonzero(at != ends)
    if len(longer):
        raise InputError(
            f"row {longer[0] + 1} of element {element.name[:24]!r} must have the numbers its header names, it has "
            f"{ends[longer[0]] - at[longer[0]]} more: the file is damaged"
        )
    return columns


def _too_short(element: Element, row: int, prop: Property) -> InputError:
    return InputError(
        f"row {row + 1} of element {element.name[:24]!r} must have the numbers its header names, it ends before or in "
        f"{prop.name[:24]!r}: the file is truncated or damaged; copy it again"
    )


def _of_type(column: np.ndarray, prop: Property) -> np.ndarray:
    """Whole columns in the type of the header, so that uchar colours are known from fractions; floats stay as precise
    as printed."""
    if prop.type[0] == "f":
        return column
    integers = as_integers(column, f"the {prop.name[:24]!r} of a row")
    limits = np.iinfo(prop.type)
    if len(integers) and not (limits.min <= integers.min() and integers.max() <= limits.max):
        raise InputError(f"{prop.name[:24]!r} must be {limits.min} to {limits.max}, got {integers.min()} to {integers.max()}")
    return integers.astype(prop.type)


def _binary_element(data: bytes, at: int, element: Element, order: str) -> tuple[Columns, int]:
    lengths = _first_lengths(data, at, element, order)
    if lengths is not None:
        dtype = np.dtype([(f"{i}{part}", *form) for i, p in enumerate(element.properties) for part, form in _fields(p, i, lengths, order)])
        end = at + element.count * dtype.itemsize
        if end <= len(data):
            table = np.frombuffer(data, dtype, element.count, at)
            if all((table[f"{i}n"] == size).all() for i, size in lengths.items()):
                return _uniform_columns(table, element, lengths), end
        elif not lengths:
            raise _truncated(element, (len(data) - at) // max(dtype.itemsize, 1))
    return _walk(data, at, element, order)


def _fields(prop: Property, i: int, lengths: dict[int, int], order: str) -> list[tuple[str, tuple]]:
    if prop.length_type is None:
        return [("v", (order + prop.type,))]
    return [("n", (order + prop.length_type,)), ("v", (order + prop.type, (lengths[i],)))]


def _first_lengths(data: bytes, at: int, element: Element, order: str) -> dict[int, int] | None:
    """The lengths of the lists in the first row, which most files keep; None if even that row is not whole."""
    lengths: dict[int, int] = {}
    for i, prop in enumerate(element.properties):
        if prop.length_type is None:
            at += int(prop.type[1])
            continue
        if not element.count:
            lengths[i] = 0
            continue
        size = int.from_bytes(data[at : at + int(prop.length_type[1])], "little" if order == "<" else "big", signed=False)
        at += int(prop.length_type[1]) + size * int(prop.type[1])
        if at > len(data) or size > _MAX_UNIFORM:
            return None
        lengths[i] = size
    return lengths


def _uniform_columns(table: np.ndarray, element: Element, lengths: dict[int, int]) -> Columns:
    columns: Columns = {}
    for i, prop in enumerate(element.properties):
        column = table[f"{i}v"]
        column = column.astype(column.dtype.newbyteorder("="))
        if prop.length_type is None:
            columns[prop.name] = column
        else:
            columns[prop.name] = Rows(column.reshape(-1), np.full(len(table), lengths[i], np.int64))
    return columns


def _walk(data: bytes, at: int, element: Element, order: str) -> tuple[Columns, int]:
    """Row by row, for lists of different length."""
    readers = [(struct.Struct(order + _STRUCT_CODES[p.length_type or p.type]), p) for p in element.properties]
    scalars: list[list[float]] = [[] for _ in readers]
    parts: list[list[bytes]] = [[] for _ in readers]
    for row in range(element.count):
        for i, (reader, prop) in enumerate(readers):
            if at + reader.size > len(data):
                raise _truncated(element, row)
            (head,) = reader.unpack_from(data, at)
            at += reader.size
            scalars[i].append(head)
            if prop.length_type is not None:
                end = at + head * int(prop.type[1])
                if head < 0 or end > len(data):
                    raise _truncated(element, row)
                parts[i].append(data[at:end])
                at = end
    columns: Columns = {}
    for i, (_, prop) in enumerate(readers):
        if prop.length_type is None:
            columns[prop.name] = np.array(scalars[i], dtype=prop.type)
        else:
            values = np.frombuffer(b"".join(parts[i]), order + prop.type)
            columns[prop.name] = Rows(values.astype(prop.type), np.array(scalars[i], dtype=np.int64))
    return columns, at
