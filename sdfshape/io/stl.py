"""STL: triangles without shared vertices, binary or text."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..errors import InputError, OutputError
from ..types import Mesh
from .content import Content
from .number_table import number_table, plain_lines

_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_HEADER_BYTES = 84
_MAX_SHIFT = 1e-5  # of the bounding-box diagonal: a tenth of a pixel where the shape fills a 10,000-pixel picture
_CORNER = re.compile(rb"^[ \t]*vertex[ \t]+([^\n]*)", re.MULTILINE | re.IGNORECASE)
_FACET = re.compile(rb"^[ \t]*facet\b", re.MULTILINE | re.IGNORECASE)
_FACET_END = re.compile(rb"^[ \t]*endfacet", re.MULTILINE | re.IGNORECASE)
_SOLID_END = re.compile(rb"^[ \t]*endsolid", re.MULTILINE | re.IGNORECASE)


def read_stl(data: bytes) -> Content:
    """Triangles with equal corners merged; the first word does not decide, for binary files may begin with "solid"
    too."""
    claimed = int.from_bytes(data[80:_HEADER_BYTES], "little")
    if len(data) >= _HEADER_BYTES and len(data) == _HEADER_BYTES + claimed * _RECORD.itemsize:
        corners = np.frombuffer(data, _RECORD, claimed, _HEADER_BYTES)["corners"].reshape(-1, 3).astype(np.float64)
    elif data.lstrip()[:5].lower() == b"solid" and b"\0" not in data:
        corners = _text_corners(plain_lines(data))
    else:
        raise InputError(_size_law(len(data), claimed))
    if not len(corners):
        raise InputError("an STL file must have triangles, the file holds none: export it again")
    points, faces = _merge_equal(corners)
    return Content(points=points, faces=faces)


def _size_law(size: int, claimed: int) -> str:
    if size < _HEADER_BYTES:
        return f"an STL file is text with 'solid' or has a header of {_HEADER_BYTES} bytes, the file has {size} bytes: copy it again"
    held = (size - _HEADER_BYTES) // _RECORD.itemsize
    advice = "it is truncated; copy it again" if held < claimed else "the count is wrong or bytes were added; export it again"
    return f"the header promises {claimed} triangles, the file holds {held}: {advice}"


def _text_corners(text: bytes) -> np.ndarray:
    lines = _CORNER.findall(text)
    facets = len(_FACET_END.findall(text))
    if len(lines) != 3 * facets or len(_FACET.findall(text)) != facets or not _SOLID_END.search(text):
        raise InputError(
            f"a text STL must have 3 corners for each facet and end with 'endsolid', the file has {len(lines)} "
            "corners and "
            f"{facets} complete facets: it is truncated or damaged; copy it again"
        )
    corners = number_table(b"\n".join(lines), "corner")
    if len(corners) and corners.shape != (len(lines), 3):
        raise InputError(f"a corner must have 3 numbers, the lines give {corners.shape[1]}: repair the file")
    return corners.reshape(-1, 3)


def _merge_equal(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unique points in the order of their first use, and (t, 3) faces; NaN equals nothing."""
    order = np.lexsort(corners.T)
    is_new = np.concatenate([[True], (np.diff(corners[order], axis=0) != 0).any(axis=1)])
    first = np.minimum.reduceat(order, np.flatnonzero(is_new))  # the earliest corner of each group
    rank = np.argsort(np.argsort(first))
    faces = np.zeros(len(corners), np.int64)
    faces[order] = rank[np.cumsum(is_new) - 1]
    return corners[np.sort(first)], faces.reshape(-1, 3)


def write_stl(mesh: Mesh, path: Path) -> None:
    """Binary STL. The format is float32 and has no colours: colours are left out.

    Raises OutputError where float32 would move a vertex by more than 1e-5 of the bounding-box diagonal.
    """
    _check_float32(mesh)
    corners = mesh.vertices[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    records = np.zeros(len(corners), _RECORD)
    records["normal"] = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
    records["corners"] = corners
    with path.open("wb") as file:
        # the header must not begin with "solid": some readers take that for text
        file.write(b"binary STL, sdfshape".ljust(80))
        file.write(len(records).to_bytes(4, "little"))
        file.write(records.tobytes())


def _check_float32(mesh: Mesh) -> None:
    low, high = mesh.bounds
    with np.errstate(over="ignore"):
        shift = np.abs(mesh.vertices.astype(np.float32).astype(np.float64) - mesh.vertices).max()
    allowed = _MAX_SHIFT * np.linalg.norm(high - low)
    if shift > allowed:
        raise OutputError(
            f"STL stores float32, which would move a vertex by {shift:.2g} (allowed: {allowed:.2g}, "
            f"{_MAX_SHIFT:g} of the "
            "diagonal): write .ply or .obj, or shift the shape to the origin"
        )
