"""LAS, LAZ and COPC in pieces, by laspy; only ever called in the process of `scan_child`, and with a header that was checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from .pieces import PIECE, Piece

NOISE_CLASSES = (7, 18)  # low and high points: noise, as the file itself says (LAS 1.4, table 17)
CLASSES = "classification"
PIECE_BYTES = 1 << 26  # a point may have 65,535 of them


def las_pieces(path: Path, label_column: str | None) -> Iterator[Piece]:
    """Points with colours, intensity and classes (or `label_column`); without those that are withheld, or classified as noise."""
    import laspy

    with laspy.open(path) as reader:
        names = {name.lower(): name for name in reader.header.point_format.dimension_names}
        column = names.get((label_column or CLASSES).lower())
        if label_column is not None and column is None:
            raise InputError(f"the label column must be one of {', '.join(names)}, got {label_column!r}")
        for points in reader.chunk_iterator(max(1, min(PIECE, PIECE_BYTES // reader.header.point_format.size))):
            yield _piece(points, names, column)


def _piece(points, names: dict[str, str], label_column: str | None) -> Piece:  # type: ignore[no-untyped-def]
    """One piece of a `laspy.PackedPointRecord`."""
    classes = np.asarray(points[CLASSES]) if CLASSES in names else np.zeros(len(points), np.uint8)
    good = ~np.isin(classes, NOISE_CLASSES)
    if "withheld" in names:
        good &= np.asarray(points["withheld"]) == 0
    xyz = np.stack([np.asarray(points[axis], dtype=np.float64) for axis in "xyz"], axis=1)
    colors = None
    if all(name in names for name in ("red", "green", "blue")):
        colors = np.stack([np.asarray(points[name], dtype=np.uint16) for name in ("red", "green", "blue")], axis=1)[good]
    labels = None if label_column is None else np.asarray(points[label_column])
    if labels is not None and labels.dtype.kind not in "iu":
        raise InputError(f"labels must be whole numbers, {label_column!r} has others: choose another column")
    intensity = np.asarray(points["intensity"])[good] if "intensity" in names else None
    return Piece(xyz[good], colors, None if labels is None else labels[good].astype(np.int64), intensity, int((~good).sum()))
