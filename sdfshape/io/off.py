"""OFF: the Object File Format of Geomview, with the header glued to the first count as in ModelNet."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..types import Mesh
from .columns import as_colors
from .content import Content
from .number_table import Rows, as_integers, as_table, number_rows, plain_lines
from .polygons import fan_triangles
from .source import shown_token
from .text_lines import decimal_lines, integer_lines

_KEYWORD = re.compile(rb"\s*(ST)?(C)?(N)?(4)?(n)?OFF[ \t]*(BINARY)?", re.ASCII)
_COUNTS = re.compile(rb"\s*(-?\d+)\s+(-?\d+)(?:[ \t]+(-?\d+))?[ \t]*(?:\n|$)")


def read_off(data: bytes) -> Content:
    """Vertices (with normals and colours where the keyword says so) and fanned faces; face colours are left out."""
    text = plain_lines(data)
    if b"#" in text:
        text = re.sub(rb"#[^\n]*", b"", text)
    keyword = _KEYWORD.match(text)
    if keyword and (keyword[4] or keyword[5] or keyword[6]):
        raise InputError("an OFF file must be three-dimensional text, this one is 4OFF, nOFF or BINARY: convert it to PLY")
    body = text[keyword.end() :] if keyword else text
    counts = _COUNTS.match(body)
    if not counts:
        raise InputError(
            f"an OFF file must begin with OFF and the counts of vertices and faces, got {shown_token(text.strip())}: is it another format?"
        )
    n, f = int(counts[1][:20]), int(counts[2][:20])
    rows = _promised_rows(body[counts.end() :], n, f)
    table = as_table(rows.part(0, n), "vertex")
    has = keyword.groups() if keyword else (None,) * 6
    points, normals, colors = _vertex_columns(table, has_normals=bool(has[2]), has_colors=bool(has[1]))
    return Content(points=points, faces=_faces(rows.part(n, n + f)), normals=normals, colors=colors)


def _promised_rows(body: bytes, n: int, f: int) -> Rows:
    if n < 0 or f < 0:
        raise InputError(f"counts must be 0 or more, the header says {n} vertices and {f} faces: the file is damaged")
    rows = number_rows(body, "body line")
    found = len(rows.sizes)
    if found < n:
        raise InputError(f"the header promises {n} vertices, the file holds {found}: it is truncated; copy it again")
    if found < n + f:
        raise InputError(f"the header promises {f} faces, the file holds {found - n}: it is truncated; copy it again")
    return rows


def _vertex_columns(table: np.ndarray, *, has_normals: bool, has_colors: bool) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    n, k = table.shape if len(table) else (0, 3)
    wanted = 3 + 3 * has_normals + 3 * has_colors
    if k < wanted:
        raise InputError(f"a vertex must have {wanted} numbers, the rows have {k}: the file is damaged or its keyword is wrong")
    colors = None
    if has_colors:  # Geomview's order is x y z, normal, colour
        channels = table[:, 3 + 3 * has_normals :][:, :3]
        # MeshLab and CGAL write 0..255; a fraction shows that the writer meant 0..1
        is_fraction = (channels != np.floor(channels)).any()
        colors = as_colors(channels if is_fraction else as_integers(channels, "colours"))
    normals = table[:, 3:6] if has_normals else None
    return (table[:, :3] if n else np.zeros((0, 3))), normals, colors


def _faces(rows: Rows) -> np.ndarray:
    corners_of = as_integers(rows.values[rows.starts], "the first number of a face")
    bad = np.flatnonzero((corners_of < 1) | (corners_of >= rows.sizes))
    if len(bad):
        raise InputError(
            f"face {bad[0] + 1} must list as many vertices as it says, it says {corners_of[bad[0]]} and its line has "
            f"{rows.sizes[bad[0]] - 1}: the file is damaged or truncated"
        )
    place = np.arange(len(rows.values)) - np.repeat(rows.starts, rows.sizes)
    is_corner = (place >= 1) & (place <= np.repeat(corners_of, rows.sizes))  # behind the corners there may be a colour
    return fan_triangles(as_integers(rows.values[is_corner], "vertex numbers of faces"), corners_of)


def write_off(mesh: Mesh, path: Path) -> None:
    """OFF, with a C before it for colours 0..255 and an N for normals; coordinates in their shortest exact form."""
    keyword = "C" * (mesh.colors is not None) + "N" * (mesh.normals is not None) + "OFF"
    vertices = decimal_lines(mesh.vertices)
    if mesh.normals is not None:
        vertices = [f"{v} {x:.5g} {y:.5g} {z:.5g}" for v, (x, y, z) in zip(vertices, mesh.normals.tolist(), strict=True)]
    if mesh.colors is not None:
        opaque = np.column_stack([mesh.colors, np.full(len(mesh.colors), 255)])
        vertices = [f"{v} {c}" for v, c in zip(vertices, integer_lines(opaque), strict=True)]
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(f"{keyword}\n{len(mesh.vertices)} {len(mesh.faces)} 0\n")
        file.write("\n".join([*vertices, *integer_lines(mesh.faces, "3 "), ""]))
