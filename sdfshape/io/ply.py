"""PLY, text and binary of both byte orders: vertices with all their columns, faces and triangle strips."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError, OutputError
from ..types import Mesh, PointCloud
from .columns import content_from_columns
from .content import NO_FACES, Content
from .number_table import Rows, as_integers
from .ply_body import read_elements
from .ply_header import read_header
from .polygons import fan_triangles, strip_triangles

_CORNER_LISTS = ("vertex_indices", "vertex_index")


def read_ply(data: bytes, label_column: str | None = None) -> Content:
    """Vertices with every column that has a meaning here; polygons are fanned, strips are cut; other elements are left
    out."""
    elements = read_elements(data, read_header(data))
    if "vertex" not in elements:
        raise InputError(f"a PLY file must have the element 'vertex', it has {len(elements)} others: nothing to read")
    columns = {name.lower(): column for name, column in elements["vertex"].items() if isinstance(column, np.ndarray)}
    faces = []
    if "face" in elements:
        corners = _corner_list(elements["face"], "face")
        faces.append(fan_triangles(as_integers(corners.values, "vertex numbers of faces"), corners.sizes))
    if "tristrips" in elements:
        faces.append(_strips(_corner_list(elements["tristrips"], "tristrips")))
    return content_from_columns(columns, label_column, faces=np.concatenate([NO_FACES, *faces]))


def _corner_list(element: dict[str, np.ndarray | Rows], name: str) -> Rows:
    for key in _CORNER_LISTS:
        if key in element:
            corners = element[key]
            if isinstance(corners, Rows):
                return corners
    if all(len(c.sizes if isinstance(c, Rows) else c) == 0 for c in element.values()):
        return Rows(np.zeros(0, np.int64), np.zeros(0, np.int64))
    raise InputError(f"the element {name!r} must have the list vertex_indices or vertex_index, it has neither: export it again")


def _strips(rows: Rows) -> np.ndarray:
    """Triangles of all strips; the end of a row ends its strip as a -1 does."""
    strips = as_integers(rows.values, "vertex numbers of strips")
    return strip_triangles(np.insert(strips, np.cumsum(rows.sizes), -1))


def write_ply_mesh(mesh: Mesh, path: Path) -> None:
    """Binary little-endian PLY: double coordinates, float normals, uchar colours, int labels, double intensity."""
    faces = np.zeros(len(mesh.faces), [("n", "u1"), ("corners", "<i4", 3)])
    faces["n"] = 3
    if len(mesh.vertices) > np.iinfo(np.int32).max:
        raise OutputError(f"PLY counts vertices in 32 bits, the mesh has {len(mesh.vertices)}: simplify it")
    faces["corners"] = mesh.faces
    columns = _columns(mesh.vertices, "x y z", "f8")
    if mesh.normals is not None:
        columns |= _columns(mesh.normals, "nx ny nz", "f4")
    if mesh.colors is not None:
        columns |= _columns(mesh.colors, "red green blue", "u1")
    columns |= _scan_columns(mesh)
    _write(path, columns, faces)


def write_ply_cloud(cloud: PointCloud, path: Path) -> None:
    """Binary little-endian PLY: double coordinates and normals, uchar colours, int labels, double intensity."""
    columns = _columns(cloud.points, "x y z", "f8")
    if cloud.normals is not None:
        columns |= _columns(cloud.normals, "nx ny nz", "f8")
    if cloud.colors is not None:
        columns |= _columns(cloud.colors, "red green blue", "u1")
    _write(path, columns | _scan_columns(cloud), None)


def _scan_columns(shape: PointCloud | Mesh) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    if shape.labels is not None:
        if len(shape.labels) and np.abs(shape.labels.astype(np.float64)).max() > np.iinfo(np.int32).max:
            raise OutputError("PLY labels are 32-bit integers, these are larger: write .npz")
        columns |= _columns(shape.labels[:, None], "label", "i4")
    if shape.intensity is not None:
        columns |= _columns(shape.intensity[:, None], "intensity", "f8")
    return columns


def _columns(rows: np.ndarray, names: str, code: str) -> dict[str, np.ndarray]:
    return {name: column.astype("<" + code) for name, column in zip(names.split(), rows.T, strict=True)}


def _write(path: Path, columns: dict[str, np.ndarray], faces: np.ndarray | None) -> None:
    names = {"f8": "double", "f4": "float", "u1": "uchar", "i4": "int"}
    n = len(next(iter(columns.values())))
    vertices = np.zeros(n, [(name, column.dtype) for name, column in columns.items()])
    header = ["ply", "format binary_little_endian 1.0", "comment written by sdfshape", f"element vertex {n}"]
    for name, column in columns.items():
        vertices[name] = column
        header.append(f"property {names[column.dtype.str[1:]]} {name}")
    if faces is not None:
        header += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    with path.open("wb") as file:
        file.write(("\n".join(header) + "\nend_header\n").encode("ascii"))
        file.write(vertices.tobytes())
        if faces is not None:
            file.write(faces.tobytes())
