"""The header of a PLY file: which elements with which properties, and how many the file could hold."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import InputError
from .source import shown_token

_MAX_HEADER_BYTES = 1 << 20
_END = re.compile(rb"(?:^|[\r\n])end_header[ \t]*(\r\n|\n|\r|$)")
_BYTE_ORDER = {b"ascii": "", b"binary_little_endian": "<", b"binary_big_endian": ">"}
_TYPES = {
    b"char": "i1", b"int8": "i1", b"uchar": "u1", b"uint8": "u1",
    b"short": "i2", b"int16": "i2", b"ushort": "u2", b"uint16": "u2",
    b"int": "i4", b"int32": "i4", b"uint": "u4", b"uint32": "u4", b"int64": "i8", b"uint64": "u8",
    b"float": "f4", b"float32": "f4", b"double": "f8", b"float64": "f8",
}  # fmt: skip


@dataclass(frozen=True)
class Property:
    """`type` and `length_type` are numpy codes without byte order; `length_type` is None unless the property is a
    list."""

    name: str
    type: str
    length_type: str | None = None

    @property
    def least_bytes(self) -> int:
        """Bytes the property takes in a binary row; of a list only its length is certain."""
        return int((self.length_type or self.type)[1])


@dataclass(frozen=True)
class Element:
    name: str
    count: int
    properties: tuple[Property, ...]


@dataclass(frozen=True)
class Header:
    """byte_order is "" for text, "<" or ">" for binary; body_at is the place of the first byte behind the header."""

    byte_order: str
    elements: tuple[Element, ...]
    body_at: int


def read_header(data: bytes) -> Header:
    """The header, once every count in it was found possible for the size of the file."""
    if not re.match(rb"ply[ \t]*[\r\n]", data):
        raise InputError(f"a PLY file must begin with the line 'ply', got {shown_token(data[:12])}: is it another format?")
    end = _END.search(data[:_MAX_HEADER_BYTES])
    if not end:
        raise InputError("a PLY header must end with 'end_header', it does not: the file is truncated; copy it again")
    lines = [line.split() for line in re.split(rb"[\r\n]+", data[: end.start()])[1:]]
    byte_order: str | None = None
    elements: list[Element] = []
    for words in lines:
        if not words or words[0] in (b"comment", b"obj_info"):
            continue
        if words[0] == b"format" and len(words) == 3 and words[1] in _BYTE_ORDER:
            byte_order = _BYTE_ORDER[words[1]]
        elif words[0] == b"element" and len(words) == 3:
            elements.append(_element(words, elements))
        elif words[0] == b"property" and elements:
            elements[-1] = _with_property(elements[-1], words)
        else:
            raise InputError(f"a PLY header line must be known, got {shown_token(b' '.join(words))}: the header is damaged")
    if byte_order is None:
        raise InputError("a PLY header must have a line 'format', it has none: the header is damaged")
    header = Header(byte_order, tuple(elements), end.end())
    _check_size(header, len(data) - header.body_at)
    return header


def _element(words: list[bytes], elements: list[Element]) -> Element:
    name = words[1].decode("ascii", "backslashreplace")
    if not re.fullmatch(rb"\d{1,18}", words[2]):
        raise InputError(f"counts must be whole numbers of 0 or more, element {shown_token(words[1])} has {shown_token(words[2])}")
    if any(element.name == name for element in elements):
        raise InputError(f"a PLY element must come once, {shown_token(words[1])} comes twice: the header is damaged")
    return Element(name, int(words[2]), ())


def _with_property(element: Element, words: list[bytes]) -> Element:
    is_list = len(words) == 5 and words[1] == b"list"
    types = words[2:4] if is_list else words[1:2]
    if len(words) != (5 if is_list else 3) or any(word not in _TYPES for word in types):
        raise InputError(f"a PLY property must have a known type and a name, got {shown_token(b' '.join(words[1:]))}")
    name = words[-1].decode("ascii", "backslashreplace")
    length_type = _TYPES[types[0]] if is_list else None
    if length_type and length_type[0] == "f":
        raise InputError(f"the length of a PLY list must be an integer type, {shown_token(words[-1])} has {shown_token(words[2])}")
    if any(p.name == name for p in element.properties):
        raise InputError(f"a PLY property must come once, {shown_token(words[-1])} comes twice: the header is damaged")
    added = Property(name, _TYPES[types[-1]], length_type)
    return Element(element.name, element.count, (*element.properties, added))


def _check_size(header: Header, body_bytes: int) -> None:
    """Refuse counts the file cannot hold, before anything of that size is allocated."""
    needed = 0
    for element in header.elements:
        # in text, a number takes one digit and one blank at least
        row = sum(p.least_bytes if header.byte_order else 2 for p in element.properties)
        needed += element.count * row
        if needed > body_bytes + 1:  # + 1: the last line of a text may lack its line end
            raise InputError(
                f"the header promises {element.count} of element {element.name[:24]!r}, more than the "
                f"{body_bytes} bytes behind it "
                "can hold: the file is truncated or damaged; copy it again"
            )
        if element.count and not element.properties:
            raise InputError(f"a PLY element must have properties, {element.name[:24]!r} has none: the header is damaged")
