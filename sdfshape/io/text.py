"""Points as text: XYZ, TXT, ASC, CSV, PTS and PWN."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..types import PointCloud
from .columns import content_from_columns, content_from_table
from .content import Content
from .number_table import is_number, number_table, plain_lines
from .source import shown_token
from .text_lines import decimal_lines, integer_lines

_MAX_HEADER_LINES = 10  # lines of words above the first number; comments do not count
_SEPARATOR = re.compile(rb"[\s,;]+")
_COMMENT = re.compile(rb"(?:#|//)[^\n]*")


class _Header(NamedTuple):
    body_at: int  # where the first row begins
    promised: int | None  # points promised by a line of its own
    names: list[str] | None  # columns named by the last line above the numbers
    is_comment: bool  # whether the names came from a comment
    separator: bytes  # b",", b";" or b"" for blanks


def read_text(data: bytes, label_column: str | None = None) -> Content:
    """Points with the columns named by a header line `x y z ...` (it may be a comment), or as the numbers show."""
    text = plain_lines(data)
    header = _header(text)
    body = text[header.body_at :]
    if b"#" in body or b"//" in body:
        body = _COMMENT.sub(b"", body)
    table = number_table(_blank_separated(body, header.separator), "row")
    if header.promised is not None and header.promised != len(table):
        advice = "it is truncated; copy it again" if len(table) < header.promised else "repair the first line"
        raise InputError(f"the first line promises {header.promised} points, the file holds {len(table)}: {advice}")
    names = _fitting_names(header, table.shape[1])
    if names is None:
        return content_from_table(table, label_column)
    return content_from_columns(dict(zip(names, table.T, strict=True)), label_column)


def read_pwn(data: bytes, label_column: str | None = None) -> Content:
    """Points with normals: rows of six numbers, the last three a normal of any length."""
    if label_column is not None:
        raise InputError(f"a .pwn file has no columns but points and normals, got the label column {label_column!r}: leave it out")
    text = plain_lines(data)
    header = _header(text)
    table = number_table(_blank_separated(_COMMENT.sub(b"", text[header.body_at :]), header.separator), "row")
    if header.promised is not None and header.promised != len(table):
        raise InputError(f"the first line promises {header.promised} points, the file holds {len(table)}: copy it again")
    if table.shape[1] != 6:
        raise InputError(f"a .pwn row must have 6 numbers (point and normal), the rows have {table.shape[1]}: name the file .xyz")
    return Content(points=table[:, :3], normals=table[:, 3:])


def _header(text: bytes) -> _Header:
    names, is_comment, at, words_above = None, False, 0, 0
    while at < len(text):
        end = text.find(b"\n", at) + 1 or len(text)
        line = text[at:end].strip()
        words = [word for word in _SEPARATOR.split(_COMMENT.sub(b"", line)) if word]
        if line and not words:
            names, is_comment = _names(line.lstrip(b"#/")), True
        elif words and all(is_number(word) for word in words):
            return _with_count(text, at, end, words, _Header(at, None, names, is_comment, _separator(line)))
        elif words:
            words_above += 1
            if words_above > _MAX_HEADER_LINES:
                break
            names, is_comment = _names(line), False
        at = end
    _refuse_words(text)
    first = shown_token(text.lstrip()[:40].split(b"\n")[0])
    law = f"a point file must have rows of numbers, none below a header of at most {_MAX_HEADER_LINES} lines"
    raise InputError(f"{law}: it begins {first}: write x y z in each row")


def _refuse_words(text: bytes) -> None:
    """Raise InputError if one of the first lines is a point with a word behind it: the name of a part, say."""
    for line in text.split(b"\n", _MAX_HEADER_LINES)[:_MAX_HEADER_LINES]:
        words = [word for word in _SEPARATOR.split(line.strip()) if word]
        if len(words) > 3 and all(is_number(word) for word in words[:3]):
            column = next((k for k, word in enumerate(words) if not is_number(word)), 0)
            if column:
                raise InputError(
                    f"every column must hold numbers, column {column + 1} holds {shown_token(words[column])}: "
                    "remove it, or write whole numbers for the words"
                )


def _with_count(text: bytes, at: int, end: int, words: list[bytes], header: _Header) -> _Header:
    """A line with one whole number above longer lines is the count of points, as in PTS files."""
    rest = text[end : end + 4096].lstrip()
    below = [word for word in _SEPARATOR.split(rest.split(b"\n")[0]) if word]
    if len(words) != 1 or not words[0].lstrip(b"+-").isdigit() or (rest and len(below) < 2):
        return header
    if len(words[0]) > 18 or int(words[0]) < 0:
        raise InputError(f"the count of points must be 0 or more and possible, the first line says {shown_token(words[0])}: repair it")
    count = int(words[0])
    if not rest:
        raise InputError(f"the first line promises {count} points, the file holds 0: it is truncated; copy it again")
    return header._replace(body_at=end, promised=count, separator=_separator(rest.split(b"\n")[0]))


def _separator(line: bytes) -> bytes:
    return b";" if b";" in line else b"," if b"," in line else b""


def _blank_separated(body: bytes, separator: bytes) -> bytes:
    if not separator:
        return body
    if separator == b";" and b"," in body:
        raise InputError("numbers must have decimal points, the file has commas between semicolons: replace the commas by points")
    if re.search(rb"%b[ \t]*%b" % (separator, separator), body):
        raise InputError("every column of every row must have a number, a row has an empty column: fill or remove it")
    return body.replace(separator, b" ")


def _names(line: bytes) -> list[str] | None:
    """Names of columns if the line names x, y and z."""
    names = [word.decode("utf-8", "replace").strip("\"'").lower() for word in _SEPARATOR.split(line.strip()) if word]
    return names if {"x", "y", "z"} <= set(names) else None


def _fitting_names(header: _Header, columns: int) -> list[str] | None:
    names = header.names
    if names is None or (header.is_comment and len(names) != columns):
        return None  # a comment is prose until it fits
    if len(names) != columns:
        raise InputError(f"the header names {len(names)} columns, the rows have {columns}: repair the header")
    if len(set(names)) != columns:
        raise InputError("every column must have a name of its own, the header repeats one: rename it")
    return names


def write_xyz(cloud: PointCloud, path: Path) -> None:
    """Rows `x y z`, then normals, colours, labels and intensity where there are any, named by a comment in the first line."""
    names, blocks = ["x", "y", "z"], [decimal_lines(cloud.points)]
    if cloud.normals is not None:
        names += ["nx", "ny", "nz"]
        blocks.append(decimal_lines(cloud.normals))
    if cloud.colors is not None:
        names += ["red", "green", "blue"]
        blocks.append(integer_lines(cloud.colors))
    if cloud.labels is not None:
        names.append("label")
        blocks.append(integer_lines(np.asarray(cloud.labels)[:, None]))
    if cloud.intensity is not None:
        names.append("intensity")
        blocks.append(decimal_lines(np.asarray(cloud.intensity)[:, None]))
    with path.open("w", encoding="ascii", newline="\n") as file:
        if len(blocks) > 1:
            file.write(f"# {' '.join(names)}\n")
        file.write("\n".join([*map(" ".join, zip(*blocks, strict=True)), ""]))
