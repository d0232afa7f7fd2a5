"""Which column means what: named columns, and tables without names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import InputError
from .content import NO_FACES, Content
from .number_table import as_integers

_POINTS = (("x", "y", "z"),)
_NORMALS = (("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"), ("normalx", "normaly", "normalz"))
_COLORS = (("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
_LABELS = ("label", "labels", "class", "classification", "scalar_label", "scalar_classification")
_INTENSITIES = ("intensity", "scalar_intensity")
_UNIT_TOLERANCE = 1e-2  # files print normals with as few as three digits


def content_from_columns(columns: Mapping[str, np.ndarray], label_column: str | None = None, *, faces: np.ndarray = NO_FACES) -> Content:
    """The content of columns with names in lower case; unknown names are left out.

    columns : name to (n,) array
    label_column : str or None      the column of the labels; None: `label`, `labels`, `class`, `classification` or
    one of these as CloudCompare names them (scalar_label), where whole
    """
    points = _triple(columns, _POINTS)
    if points is None:
        raise InputError(f"points must have the columns x, y and z, the file names {_listed(columns)}")
    normals = _triple(columns, _NORMALS)
    colors = _triple(columns, _COLORS)
    return Content(
        points=points.astype(np.float64),
        faces=faces,
        normals=None if normals is None else normals.astype(np.float64),
        colors=None if colors is None else as_colors(colors),
        labels=_named_labels(columns, label_column),
        intensity=next((columns[name].astype(np.float64) for name in _INTENSITIES if name in columns), None),
    )


def content_from_table(table: np.ndarray, label_column: str | None = None) -> Content:
    """The content of a table without names: x y z first, then what the numbers themselves show.

    Columns 4 to 6 (and 7 to 9) are normals if all have a length of about 1, else colours if all are whole numbers of 0
    to 255 and some exceed 1, else left out. Seven columns may also be x y z intensity red green blue.

    table : (n, k) float64, k >= 3
    label_column : str or None      the number of the column of the labels, counted from 1, as text
    """
    n, k = table.shape
    if n and k < 3:
        raise InputError(f"points must have 3 or more columns (x y z), the rows have {k}: is this a list of labels?")
    normals = next((t for t in _triples_behind(table) if _is_unit(t)), None)
    colors = next((t for t in _triples_behind(table) if _is_color(t)), None)
    if k == 7 and normals is None and _is_color(table[:, 4:7]):
        colors = table[:, 4:7]
    return Content(
        points=table[:, :3].astype(np.float64),
        normals=normals,
        colors=None if colors is None else as_colors(colors),
        labels=None if label_column is None else _numbered_labels(table, label_column),
    )


def as_colors(colors: np.ndarray) -> np.ndarray:
    """(n, 3) uint8 of colours that are 0..255, 0..1 (floats), or 0..65535 (integers of 16 bits).

    Raises InputError for other ranges; a NaN channel becomes 0, as in clouds whose invalid points have no colour.
    """
    if colors.dtype == np.uint8:
        return colors.copy()
    if not len(colors):
        return np.zeros((0, 3), np.uint8)
    if colors.dtype == np.uint16 and colors.max() > 255:
        return (colors // 257).astype(np.uint8)
    values = np.nan_to_num(colors.astype(np.float64), nan=0.0)
    low, high = values.min(), values.max()
    if low < 0 or high > 255:
        raise InputError(f"colours must be 0 to 255 or 0 to 1, got {low:g} to {high:g}: repair or remove them")
    is_fraction = colors.dtype.kind == "f" and high <= 1
    return np.round(values * 255 if is_fraction else values).astype(np.uint8)


def _triple(columns: Mapping[str, np.ndarray], choices: tuple[tuple[str, str, str], ...]) -> np.ndarray | None:
    for names in choices:
        if all(name in columns for name in names):
            return np.stack([columns[name] for name in names], axis=1)
    return None


def _triples_behind(table: np.ndarray) -> list[np.ndarray]:
    return [table[:, i : i + 3] for i in (3, 6) if i + 3 <= table.shape[1]]


def _is_unit(triple: np.ndarray) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        return bool((np.abs((triple**2).sum(axis=1) - 1) < 2 * _UNIT_TOLERANCE).all())


def _is_color(triple: np.ndarray) -> bool:
    in_range = ((triple >= 0) & (triple <= 255)).all()
    return bool(in_range and (triple > 1).any() and (triple == np.floor(triple)).all())


def _named_labels(columns: Mapping[str, np.ndarray], label_column: str | None) -> np.ndarray | None:
    if label_column is not None:
        name = label_column.lower()
        if name not in columns:
            raise InputError(f"the label column must be one of {_listed(columns)}, got {label_column!r}")
        return as_integers(columns[name], f"labels (column {label_column!r})", "is this the column of the labels?")
    for name in _LABELS:
        if name in columns and _is_whole(columns[name]):
            return as_integers(columns[name], "labels")
    return None


def _numbered_labels(table: np.ndarray, label_column: str) -> np.ndarray:
    k = table.shape[1]
    if not (label_column.isascii() and label_column.isdigit() and len(label_column) < 6 and 1 <= int(label_column) <= k):
        raise InputError(f"the columns have no names, so the label column must be a number of 1 to {k}, got {label_column!r}")
    return as_integers(table[:, int(label_column) - 1], f"labels (column {label_column})", "is this the column of the labels?")


def _is_whole(column: np.ndarray) -> bool:
    return bool((np.isfinite(column) & (column == np.floor(column))).all())


def _listed(columns: Mapping[str, np.ndarray]) -> str:
    names = [ascii(name[:24])[1:-1] for name in columns]
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") if names else "no columns"
