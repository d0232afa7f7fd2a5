"""Tables of numbers with a name for every column: CSV and Parquet by pandas, NPZ in the layout of ADBench (X and y).

A column that says which rows are anomalous (0 normal, 1 anomalous) may be among them; it is taken out by its name.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..types import FloatArray
from .numpy_files import read_npz_arrays

if TYPE_CHECKING:
    from pandas import DataFrame

TABLES = (".csv", ".tsv", ".npz", ".parquet")
LARGEST_TABLE = 4 << 30  # bytes
LONGEST_LINE = 1 << 16


@dataclass(frozen=True, eq=False)
class Table:
    """values : (n, d) float64, finite.   names : of the d columns.   anomalous : (n,) bool, or None.
    Columns without names are x1 ... xd.
    """

    values: FloatArray
    names: tuple[str, ...]
    anomalous: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)


def read_table(path: str | Path, *, label: str | None = None, ignore: Sequence[str] = ()) -> Table:
    """The numbers of a file, `label` and the columns to `ignore` taken out.

    Of an .npz `X` (n, d) are the numbers, and `y` (n,) the labels if `label` is "y". Raises InputError for anything that is not a complete
    table of numbers: it names the column and the row.
    """
    file = Path(path)
    if file.suffix.lower() not in TABLES:
        raise InputError(f"{file.name}: a table must end in one of {', '.join(TABLES)}, got {file.suffix or 'no ending'!r}: convert it")
    if not file.is_file():
        raise InputError(f"{file}: a table must be a file, there is none of this name: check the path")
    if file.stat().st_size > LARGEST_TABLE:
        raise InputError(f"{file.name}: a table must be below 4 GB, got {file.stat().st_size >> 30} GB: take a part of its rows")
    try:
        return _npz(file, label, ignore) if file.suffix.lower() == ".npz" else _columns(_frame(file), label, ignore)
    except InputError as error:
        raise InputError(f"{file.name}: {error}") from error


def _npz(file: Path, label: str | None, ignore: Sequence[str]) -> Table:
    if ignore:
        raise InputError(f"columns of an .npz have no names to ignore, got {', '.join(ignore)}: use a .csv")
    arrays = read_npz_arrays(file.read_bytes(), ("X",) if label is None else ("X", label))
    x = arrays["X"]
    if x.ndim != 2 or not x.size or x.dtype.kind not in "biuf":
        raise InputError(f"X must be (n, d) numbers, got shape {x.shape} of {x.dtype}")
    values, names = x.astype(np.float64), tuple(f"x{j + 1}" for j in range(x.shape[1]))
    _require_finite(values, names)
    return Table(values, names, None if label is None else _as_anomalous(arrays[label], label, len(x)))


def _frame(file: Path) -> DataFrame:
    """By pandas, from an open file: a name that looks like an address is never fetched."""
    import pandas as pd

    try:
        with file.open("rb") as stream:
            if file.suffix.lower() == ".parquet":
                return pd.read_parquet(stream, engine="pyarrow")
            between = _separator(stream.readline(LONGEST_LINE))
            stream.seek(0)
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)  # rows that are longer than their header
                table = pd.read_csv(stream, sep=between, skipinitialspace=True, index_col=False)
                if _is_no_header(list(table.columns)):
                    stream.seek(0)
                    table = pd.read_csv(stream, sep=between, header=None, skipinitialspace=True, index_col=False)
                    table.columns = [f"x{j + 1}" for j in range(table.shape[1])]
            return table
    except ImportError as error:
        raise InputError('a .parquet needs pyarrow, which is not installed: pip install "sdfshape[parquet]"') from error
    except (ValueError, OSError, KeyError, UnicodeError, OverflowError, pd.errors.ParserWarning) as error:
        raise InputError(f"a table must be rows of one length, {_first_line(error)}: the file is damaged or of another kind") from error


def _is_no_header(names: list[object]) -> bool:
    """Whether a first row is numbers (and gaps), and not 0, 1, 2 ..., as pandas numbers columns."""
    numbers = [name for name in names if _is_number(name)]
    gaps = [name for name in names if str(name).startswith("Unnamed: ")]
    counted = [str(name) for name in names] == [str(j) for j in range(len(names))]
    return bool(numbers) and len(numbers) + len(gaps) == len(names) and not counted


def _separator(first_line: bytes) -> str:
    """Of comma, semicolon and tab the one that the first line has most of."""
    return max(",;\t", key=lambda mark: first_line.count(mark.encode()))


def _is_number(name: object) -> bool:
    try:
        float(str(name))
    except ValueError:
        return False
    return True


def _columns(frame: DataFrame, label: str | None, ignore: Sequence[str]) -> Table:
    frame.columns = [str(name) for name in frame.columns]
    for name in (*([] if label is None else [label]), *ignore):
        if name not in frame.columns:
            raise InputError(f"the column must be one of {_listed(list(frame.columns))}, got {name!r}")
    anomalous = None if label is None else _as_anomalous(frame[label].to_numpy(), label, len(frame))
    kept = frame.drop(columns=[*ignore, *([] if label is None else [label])])
    if not len(kept) or not kept.shape[1]:
        raise InputError(f"a table must have rows and columns, got {kept.shape[0]} and {kept.shape[1]}")
    nameless = [name for name in kept.columns if name.startswith("Unnamed: ")]
    if nameless:
        raise InputError(f"every column must have a name, {nameless[0]!r} has none: leave it out with --ignore {nameless[0]!r}, or name it")
    text = [name for name in kept.columns if kept[name].dtype.kind not in "biuf"]
    if text:
        example = next((str(v) for v in kept[text[0]] if not _is_number(v)), "")
        raise InputError(f"columns must be numbers, {text[0]!r} holds {example[:20]!r}: leave it out with --ignore {text[0]!r}")
    values = kept.to_numpy(np.float64)
    _require_finite(values, tuple(kept.columns))
    return Table(values, tuple(kept.columns), anomalous)


def _require_finite(values: FloatArray, names: tuple[str, ...]) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        raise InputError(
            f"every cell must be a finite number, {len(bad)} are not, first row {row + 1} of {names[column]!r}: fill or drop them"
        )


def _as_anomalous(column: np.ndarray, name: str, rows: int) -> np.ndarray:
    values = np.asarray(column)
    if values.shape != (rows,):
        raise InputError(f"the label {name!r} must be one number a row, got shape {values.shape} for {rows} rows")
    wrong = [v for v in values.tolist() if v not in (0, 1)]
    if wrong:
        raise InputError(f"the label {name!r} must be 0 for normal and 1 for anomalous rows, got {str(wrong[0])[:20]!r}: change it")
    return values.astype(bool)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
