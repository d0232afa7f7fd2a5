"""Read any file: the format by the ending of the name, one line for whatever is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..errors import InputError
from ..types import Mesh, PointCloud
from .columns import as_colors
from .content import Content
from .glb import read_glb
from .numpy_files import read_npy, read_npz
from .obj import read_obj
from .off import read_off
from .pcd import read_pcd
from .pieces import Piece
from .ply import read_ply
from .source import MAX_FILE_BYTES, read_bytes, refuse_folder, shown_name
from .stl import read_stl
from .streams import STREAMED, is_streamed, stream_pieces
from .text import read_pwn, read_text

_SURFACES: dict[str, Callable[[bytes], Content]] = {
    ".glb": read_glb,
    ".obj": read_obj,
    ".off": read_off,
    ".stl": read_stl,
}
_CLOUDS: dict[str, Callable[[bytes, str | None], Content]] = {
    ".asc": read_text,
    ".csv": read_text,
    ".npy": read_npy,
    ".npz": read_npz,
    ".pcd": read_pcd,
    ".ply": read_ply,
    ".pts": read_text,
    ".pwn": read_pwn,
    ".txt": read_text,
    ".xyz": read_text,
}

T = TypeVar("T")
READABLE: tuple[str, ...] = tuple(sorted([*_SURFACES, *_CLOUDS, *STREAMED]))


def read_points(path: str | os.PathLike[str], *, label_column: str | None = None) -> PointCloud:
    """The points of a cloud, or the vertices of a mesh, with every column the file has.

    Parameters
    ----------
    path : path
        One of the endings in `READABLE`, in upper or lower case.
    label_column : str or None
        Name of the column (PLY, PCD, CSV with header) or array (NPZ) of the labels; its number counted from 1 in text
        and NPY without names. None: a column named label, labels, class or scalar_label, where its numbers are whole.

    Returns
    -------
    PointCloud
        (n, 3) points in the units and the order of the file, n >= 1; rows may be NaN or infinite.

    Raises
    ------
    InputError
        In one line, with the file name: whatever is wrong with the file.
    """
    return _read(path, label_column, Content.cloud)


def read_mesh(path: str | os.PathLike[str]) -> Mesh:
    """The triangles of a file, world units, in its order; polygons are cut into fans.

    Vertices are kept as they are, used or not, repeated or not; only STL, which repeats them by its design, has equal
    ones merged.

    Raises
    ------
    InputError
        In one line, with the file name: whatever is wrong with the file; also where it has no faces or a vertex is not
        finite.
    """
    return _read(path, None, Content.mesh)


def read_shape(path: str | os.PathLike[str]) -> PointCloud | Mesh:
    """A Mesh if the file has faces, otherwise a PointCloud; raises InputError as `read_mesh` and `read_points` do."""
    return _read(path, None, lambda content: content.mesh() if content.has_faces else content.cloud())


def _read(path: str | os.PathLike[str], label_column: str | None, convert: Callable[[Content], T]) -> T:
    try:
        with np.errstate(all="ignore"):  # damaged numbers may overflow or be NaN: they are counted, not warned about
            return convert(_content(path, label_column))
    except InputError as error:
        raise InputError(f"{shown_name(path)}: {error}") from error
    except MemoryError as error:
        raise InputError(f"{shown_name(path)}: the shape must fit into memory, it does not: thin or split it first") from error


def _some(pieces: Iterable[Piece]) -> list[Piece]:
    """All pieces; raises InputError when they are more than fit beside each other: a small packed file may hold any number of points."""
    held, kept = 0, []
    for piece in pieces:
        kept.append(piece)
        held += sum(column.nbytes for column in vars(piece).values() if isinstance(column, np.ndarray))
        if held > MAX_FILE_BYTES // 2:
            raise InputError(
                f"all points must fit into {MAX_FILE_BYTES >> 31} GiB here, these do not: `sdfshape tile` takes scans of any size"
            )
    return kept


def _joined(pieces: list[Piece]) -> Content:
    """All of a scan that came in pieces."""
    columns: dict[str, np.ndarray] = {}
    for name in ("points", "colors", "labels", "intensity"):
        parts = [part for piece in pieces if (part := getattr(piece, name)) is not None]
        if parts and sum(map(len, parts)) == sum(len(piece.points) for piece in pieces):  # else some scans of the file lack it
            columns[name] = np.concatenate(parts)
    if "colors" in columns:
        columns["colors"] = as_colors(columns["colors"])
    return Content(**{"points": np.zeros((0, 3))} | columns)  # type: ignore[arg-type]


def _content(path: str | os.PathLike[str], label_column: str | None) -> Content:
    ending = Path(os.fsdecode(path)).suffix.lower()
    if is_streamed(path):
        return _joined(_some(stream_pieces(path, label_column)))
    if ending in _CLOUDS:
        return _CLOUDS[ending](read_bytes(path), label_column)
    if ending not in _SURFACES:
        if (place := Path(os.fsdecode(path))).exists():
            refuse_folder(place.stat().st_mode)
        if ending == ".sdf":
            raise InputError("an input must be points or a mesh, this is a field: `sdfshape extract` makes a mesh of it, `view` draws it")
        raise InputError(f"an input must end in one of {' '.join(READABLE)}, got {ending[:16]!r}: convert or rename it")
    if label_column is not None:
        raise InputError(f"{ending} files have no labels, got the label column {label_column!r}: leave it out")
    return _SURFACES[ending](read_bytes(path))
