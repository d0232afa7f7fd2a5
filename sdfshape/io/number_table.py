"""Numbers in text, many at a time: rows of equal or of different length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .source import shown_token

_CHUNK_BYTES = 8 << 20  # bounds the memory of the word list: about 60 bytes a word
_IS_BLANK = np.zeros(256, dtype=bool)
_IS_BLANK[list(b" \t\n\r\x0b\x0c")] = True  # exactly what bytes.split() splits at


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of numbers of different length.

    values : (m,) array            all numbers, row after row
    sizes : (rows,) int64          numbers in each row
    """

    values: np.ndarray
    sizes: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        return np.cumsum(self.sizes) - self.sizes

    def part(self, first: int, end: int) -> Rows:
        """The rows first to end - 1."""
        edges = np.concatenate([[0], np.cumsum(self.sizes)])
        return Rows(self.values[edges[first] : edges[end]], self.sizes[first:end])


def plain_lines(text: bytes) -> bytes:
    """`text` without byte order mark and with Unix line ends."""
    text = text.removeprefix(b"\xef\xbb\xbf")
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def number_rows(text: bytes, row_name: str = "row") -> Rows:
    """The numbers of every line of `text` that is not blank.

    Raises InputError that names the row (counted from 1, blank lines left out) of the first word that is no number.
    """
    values, sizes, begin, rows = [], [], 0, 0
    while begin < len(text):
        end = text.find(b"\n", begin + _CHUNK_BYTES) + 1 or len(text)
        chunk = text[begin:end]
        words = chunk.split()
        counts = _words_per_line(chunk)
        values.append(_as_numbers(words, counts, rows, row_name))
        sizes.append(counts)
        begin, rows = end, rows + len(counts)
    if not values:
        return Rows(np.zeros(0), np.zeros(0, np.int64))
    return Rows(np.concatenate(values), np.concatenate(sizes))


def number_table(text: bytes, row_name: str = "row") -> np.ndarray:
    """(n, k) float64 of the lines of `text`; raises InputError where a row is longer or shorter than the first."""
    return as_table(number_rows(text, row_name), row_name)


def as_table(rows: Rows, row_name: str = "row") -> np.ndarray:
    """(n, k) array of rows of equal length; raises InputError that names the first row of another length."""
    if not len(rows.sizes):
        return np.zeros((0, 0))
    columns = int(rows.sizes[0])
    other = np.flatnonzero(rows.sizes != columns)
    if len(other):
        raise InputError(
            f"every {row_name} must have {columns} numbers like the first, {row_name} {other[0] + 1} has "
            f"{rows.sizes[other[0]]}: the file is damaged or truncated"
        )
    return rows.values.reshape(-1, columns)


def as_integers(values: np.ndarray, what: str, else_do: str = "the file is damaged") -> np.ndarray:
    """`values` as int64; raises InputError where one is not a whole number."""
    if values.dtype.kind in "iu" and values.dtype != np.uint64:
        return values.astype(np.int64)
    values = np.asarray(values, dtype=np.float64)
    whole = (np.abs(values) < 2.0**53) & (np.floor(values) == values)  # false for NaN and infinity
    if not whole.all():
        raise InputError(f"{what} must be whole numbers, got {values[~whole][0]:g}: {else_do}")
    return values.astype(np.int64)


def _as_numbers(words: list[bytes], counts: np.ndarray, rows: int, row_name: str) -> np.ndarray:
    try:
        numbers = np.fromiter(map(float, words), np.float64, len(words))
    except ValueError:
        numbers = None
    # float() takes 1_000 for 1000, and no file means that; one scan of the joined words is cheap
    if numbers is not None and not any(b"_" in word for word in words):
        return numbers
    bad = next(i for i, word in enumerate(words) if not is_number(word))
    row = rows + int(np.searchsorted(np.cumsum(counts), bad, side="right")) + 1
    raise InputError(f"every {row_name} must hold numbers, {row_name} {row} holds {shown_token(words[bad])}: repair that line")


def is_number(word: bytes) -> bool:
    """Whether `word` is one decimal number, NaN or infinity."""
    try:
        float(word)
    except ValueError:
        return False
    return b"_" not in word


def _words_per_line(chunk: bytes) -> np.ndarray:
    letters = np.frombuffer(chunk, np.uint8)
    begins_word = ~_IS_BLANK[letters]
    begins_word[1:] &= _IS_BLANK[letters[:-1]]
    lines = np.concatenate([[0], np.flatnonzero(letters == ord("\n")) + 1])
    lines = lines[lines < len(letters)]
    counts = np.add.reduceat(begins_word, lines, dtype=np.int64)
    return counts[counts > 0]
