"""OBJ: the vertices, colours and polygons of Wavefront files; materials, curves and lines are left out."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..types import Mesh
from .columns import as_colors
from .content import NO_FACES, Content
from .number_table import Rows, as_integers, number_rows, number_table, plain_lines
from .polygons import fan_triangles
from .text_lines import decimal_lines, integer_lines

_VERTEX = re.compile(rb"^[ \t]*v[ \t]+([^\n#]*)", re.MULTILINE)
_NORMAL = re.compile(rb"^[ \t]*vn[ \t]+([^\n#]*)", re.MULTILINE)
_FACE = re.compile(rb"^[ \t]*fo?[ \t]+([^\n#]*)", re.MULTILINE)  # `fo` is the face of the first OBJ version
_REFERENCE = re.compile(rb"^(-?\d+)/(?:-?\d+)?/(-?\d+)$")


def read_obj(data: bytes) -> Content:
    """Vertices in the order of the file, colours where `v` lines carry them, normals where there is one for each
    vertex."""
    text = plain_lines(data)
    if b"\\\n" in text:
        text = text.replace(b"\\\n", b" ")
    table = number_table(b"\n".join(_VERTEX.findall(text)), "vertex")
    n, k = table.shape
    if n == 0:
        raise InputError("an OBJ file must have lines 'v x y z', the file has none: is it another format?")
    if k not in (3, 4, 6, 7):
        raise InputError(f"a vertex must have 3, 4, 6 or 7 numbers (x y z, w, colours), the lines have {k}: repair the file")
    face_lines = _FACE.findall(text)
    return Content(
        points=table[:, :3],
        faces=_faces(text, face_lines, n),
        normals=_vertex_normals(text, face_lines, n),
        colors=as_colors(table[:, k - 3 :]) if k >= 6 else None,
    )


def _faces(text: bytes, face_lines: list[bytes], n: int) -> np.ndarray:
    if not face_lines:
        return NO_FACES
    if not all(line.strip() for line in face_lines):
        raise InputError("a face must list its vertices, an 'f' line is empty: the file is damaged or truncated")
    joined = b"\n".join(face_lines)
    if b"/" in joined:
        joined = re.sub(rb"/[^\s]*", b"", joined)
    rows = number_rows(joined, "face")
    if len(rows.sizes) != len(face_lines):
        raise InputError("a face must name vertices, an 'f' line has only slashes: the file is damaged")
    corners = as_integers(rows.values, "vertex numbers of faces")
    if (corners == 0).any():
        raise InputError("vertices of an OBJ file count from 1, a face names vertex 0: export the file again")
    corners = np.where(corners > 0, corners - 1, corners + _vertices_before(text, rows, n))
    return fan_triangles(corners, rows.sizes)


def _vertices_before(text: bytes, rows: Rows, n: int) -> np.ndarray | int:
    """Vertices above each face line, repeated for each corner: a negative number counts back from there."""
    if (rows.values > 0).all():
        return n
    vertex_at = np.array([match.start() for match in _VERTEX.finditer(text)])
    face_at = np.array([match.start() for match in _FACE.finditer(text)])
    return np.repeat(np.searchsorted(vertex_at, face_at), rows.sizes)


def _vertex_normals(text: bytes, face_lines: list[bytes], n: int) -> np.ndarray | None:
    """(n, 3) normals if there is one for each vertex and no face pairs a vertex with the normal of another."""
    normal_lines = _NORMAL.findall(text)
    if len(normal_lines) != n:
        return None
    for word in b" ".join(face_lines).split():
        reference = _REFERENCE.match(word)
        if reference and reference[1] != reference[2]:
            return None
    normals = number_table(b"\n".join(normal_lines), "normal")
    if normals.shape != (n, 3):
        raise InputError(f"normals must have 3 numbers for each of {n} vertices, got {normals.shape}: repair the file")
    return normals


def write_obj(mesh: Mesh, path: Path) -> None:
    """OBJ with `v x y z` or `v x y z r g b` (colours 0..1), `vn` and `f a//a` with normals; coordinates in their shortest exact form."""
    vertices = decimal_lines(mesh.vertices, "v ")
    if mesh.colors is not None:
        shades = np.array([f"{c / 255:.4g}" for c in range(256)])  # four digits tell 256 shades apart
        vertices = [f"{v} {r} {g} {b}" for v, (r, g, b) in zip(vertices, shades[mesh.colors].tolist(), strict=True)]
    normals, faces = [], integer_lines(mesh.faces + 1, "f ")
    if mesh.normals is not None:
        normals = [f"vn {x:.5g} {y:.5g} {z:.5g}" for x, y, z in mesh.normals.tolist()]
        faces = [f"f {a}//{a} {b}//{b} {c}//{c}" for a, b, c in (mesh.faces + 1).tolist()]
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write("\n".join([*vertices, *normals, *faces, ""]))
