"""E57 in pieces, by pye57 (libE57Format); only ever called in the process of `scan_child`, and with a header that was checked."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from .pieces import PIECE, Piece

SIGNATURE, PAGE = b"ASTM-E57", 1024
CARTESIAN = ("cartesianX", "cartesianY", "cartesianZ")
SPHERICAL = ("sphericalRange", "sphericalAzimuth", "sphericalElevation")
COLORS = ("colorRed", "colorGreen", "colorBlue")


def check_e57(path: Path) -> None:
    """Raise InputError for a file whose header (ASTM E2807, table 2) promises what it does not hold."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(48)
    if head[:8] != SIGNATURE:
        raise InputError("an E57 file must begin with ASTM-E57, this one does not: is it another format?")
    if len(head) < 48:
        raise InputError(f"an E57 header has 48 bytes, the file has {size}: it is truncated; copy it again")
    length, at, xml, page = struct.unpack_from("<4Q", head, 16)
    if length != size or page != PAGE or not at + xml <= size:
        raise InputError(f"the header promises {length} bytes in pages of {page}, the file has {size}: it is truncated or damaged")


def e57_pieces(path: Path, label_column: str | None) -> Iterator[Piece]:
    """The points of all scans in the file, each moved by its pose; without those that are marked as invalid."""
    import pye57

    if label_column is not None:
        raise InputError(f".e57 files have no labels here, got the label column {label_column!r}: leave it out")
    with pye57.E57(str(path)) as file:
        for index in range(file.scan_count):
            header = file.get_header(index)
            if header.point_count > 0:
                yield from _scan_pieces(file, header)


def _scan_pieces(file: Any, header: Any) -> Iterator[Piece]:
    from pye57 import libe57

    known = set(header.point_fields)
    place = next((names for names in (CARTESIAN, SPHERICAL) if known.issuperset(names)), None)
    if place is None:
        raise InputError(f"a scan must have cartesian or spherical coordinates, this one has {', '.join(sorted(known))[:80]}")
    invalid = f"{place[0].removesuffix('X').removesuffix('Range')}InvalidState"
    wanted = [*place, *(COLORS if known.issuperset(COLORS) else ()), *({"intensity", invalid} & known)]
    data, buffers = {name: np.zeros(PIECE) for name in wanted}, libe57.VectorSourceDestBuffer()
    for name, column in data.items():
        buffers.append(libe57.SourceDestBuffer(file.image_file, name, column, PIECE, True, True))
    reader = header.points.reader(buffers)
    while got := reader.read():
        yield _piece({name: column[:got] for name, column in data.items()}, place, invalid, header)
    reader.close()


def _most(header: Any, name: str) -> float:
    """The largest value of a colour, as its scan says it; 255 where it does not."""
    try:
        most = float(header.node["colorLimits"][f"{name}Maximum"].value())
    except Exception:  # of the library: there is no such node
        return 255.0
    return most if most > 0 else 255.0


def _piece(data: dict[str, np.ndarray], place: tuple[str, ...], invalid: str, header: Any) -> Piece:
    points = np.stack([data[name] for name in place], axis=1)
    if place == SPHERICAL:
        r, azimuth, elevation = points.T
        level = r * np.cos(elevation)
        points = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), r * np.sin(elevation)], axis=1)
    if header.has_pose():
        points = points @ np.asarray(header.rotation_matrix, dtype=np.float64).T + np.asarray(header.translation, dtype=np.float64)
    good = data[invalid] == 0 if invalid in data else np.ones(len(points), bool)
    colors = None
    if COLORS[0] in data:
        share = np.stack([data[name] / _most(header, name) for name in COLORS], axis=1)[good]
        colors = np.rint(65535 * np.clip(np.nan_to_num(share), 0, 1)).astype(np.uint16)
    intensity = data["intensity"][good] if "intensity" in data else None
    return Piece(points[good], colors, None, intensity, int((~good).sum()))
