"""The two things that travel through the pipeline: `PointCloud` and `Mesh`.

Both are frozen and validated once, here, at the border; the rooms below trust them. Coordinates are float64 in world units
(the units of the file). Optional columns (normals, colours, labels, intensity) follow the rows they belong to.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .errors import InputError

if TYPE_CHECKING:
    from os import PathLike

FloatArray = np.ndarray
IntArray = np.ndarray


def as_points(points: object, name: str = "points", *, finite: bool = True) -> FloatArray:
    """`points` as a read-only C-contiguous (n, 3) float64 array; raises InputError that names the argument."""
    return _as_rows(points, name, columns=3, finite=finite)


def require_cloud(cloud: object) -> PointCloud:
    """The cloud; raises InputError for what is none, and says how to make one."""
    if not isinstance(cloud, PointCloud):
        kind = type(cloud).__name__
        raise InputError(f"a cloud must be a PointCloud, got {kind}: PointCloud(points) of an array, read_points(path) of a file")
    return cloud


def _as_rows(rows: object, name: str, *, columns: int, finite: bool) -> FloatArray:
    try:
        array = np.array(rows, dtype=np.float64, order="C", copy=True)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be (n, {columns}) numbers, got {type(rows).__name__}: {error}") from error
    if array.ndim != 2 or array.shape[1] != columns:
        raise InputError(f"{name} must be (n, {columns}), got shape {array.shape}")
    if finite and not np.isfinite(array).all():
        bad = int((~np.isfinite(array).all(axis=1)).sum())
        raise InputError(f"{name} must be finite, {bad} of {len(array)} rows have NaN or infinity: drop them first")
    array.setflags(write=False)
    return array


def _as_colors(colors: object, n: int) -> IntArray:
    array = np.array(colors)
    if array.shape != (n, 3) or array.dtype != np.uint8:
        raise InputError(f"colors must be ({n}, 3) uint8, got {array.shape} {array.dtype}")
    array.setflags(write=False)
    return array


def _as_labels(labels: object, n: int) -> IntArray:
    array = np.array(labels)
    if array.shape != (n,) or array.dtype.kind not in "iu":
        raise InputError(f"labels must be ({n},) integers, got {array.shape} {array.dtype}")
    array = array.astype(np.int64)
    array.setflags(write=False)
    return array


def _as_intensity(intensity: object, n: int) -> FloatArray:
    array = np.array(intensity)
    if array.shape != (n,) or array.dtype.kind not in "iuf":
        raise InputError(f"intensity must be ({n},) numbers, got {array.shape} {array.dtype}")
    array = array.astype(np.float64)
    array.setflags(write=False)
    return array


def _as_normals(normals: object, n: int, each: str, *, finite: bool) -> FloatArray:
    array = as_points(normals, "normals", finite=finite)
    if len(array) != n:
        raise InputError(f"normals must have one row {each}, got {len(array)} for {n}")
    return array


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points of a scan, world units.

    points : (n, 3) float64       may hold NaN or infinite rows as they came from the file; `clean` drops and counts them
    normals : (n, 3) float64      as given by the file, any length, not trusted
    colors : (n, 3) uint8         red, green, blue
    labels : (n,) int64           part or class of each point
    intensity : (n,) float64      of what came back to the scanner, in its own units; may hold NaN
    """

    points: FloatArray
    normals: FloatArray | None = None
    colors: IntArray | None = None
    labels: IntArray | None = None
    intensity: FloatArray | None = None

    def __post_init__(self) -> None:
        points = as_points(self.points, finite=False)
        object.__setattr__(self, "points", points)
        n = len(points)
        if self.normals is not None:
            object.__setattr__(self, "normals", _as_normals(self.normals, n, "a point", finite=False))
        if self.colors is not None:
            object.__setattr__(self, "colors", _as_colors(self.colors, n))
        if self.labels is not None:
            object.__setattr__(self, "labels", _as_labels(self.labels, n))
        if self.intensity is not None:
            object.__setattr__(self, "intensity", _as_intensity(self.intensity, n))

    def __len__(self) -> int:
        return len(self.points)

    @property
    def scan_columns(self) -> dict[str, np.ndarray]:
        """Colors, labels and intensity, as far as there are some."""
        columns = {"colors": self.colors, "labels": self.labels, "intensity": self.intensity}
        return {name: column for name, column in columns.items() if column is not None}

    def __getitem__(self, rows: np.ndarray | slice) -> Self:
        """The cloud of the rows chosen by a mask, an index array or a slice; every column follows."""
        columns: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        chosen: dict[str, Any] = {k: v if v is None else v[rows] for k, v in columns.items()}
        return replace(self, **chosen)

    @property
    def bounds(self) -> FloatArray:
        """(2, 3) lowest and highest corner of the finite points."""
        good = self.points[np.isfinite(self.points).all(axis=1)]
        if not len(good):
            raise InputError(f"a cloud must have finite points to have bounds, got {len(self)} rows and none finite")
        return np.stack([good.min(axis=0), good.max(axis=0)])


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles, world units; faces counter-clockwise seen from outside.

    vertices : (v, 3) float64     finite
    faces : (t, 3) int64          indices into vertices
    colors : (v, 3) uint8         per vertex, optional
    normals : (v, 3) float64      per vertex, outward, finite, optional
    labels : (v,) int64, intensity : (v,) float64      of the points that a vertex stands for, optional
    """

    vertices: FloatArray
    faces: IntArray
    colors: IntArray | None = None
    normals: FloatArray | None = None
    labels: IntArray | None = None
    intensity: FloatArray | None = None

    def __post_init__(self) -> None:
        vertices = as_points(self.vertices, "vertices")
        faces = np.array(self.faces)
        if faces.size == 0:
            faces = np.zeros((0, 3), np.int64)
        if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
            raise InputError(f"faces must be (t, 3) integers, got {faces.shape} {faces.dtype}")
        faces = np.ascontiguousarray(faces, dtype=np.int64)
        if len(faces) and not (faces.min() >= 0 and faces.max() < len(vertices)):
            raise InputError(f"faces must index {len(vertices)} vertices, got {faces.min()} to {faces.max()}")
        faces.setflags(write=False)
        object.__setattr__(self, "vertices", vertices)
        object.__setattr__(self, "faces", faces)
        if self.colors is not None:
            object.__setattr__(self, "colors", _as_colors(self.colors, len(vertices)))
        if self.normals is not None:
            object.__setattr__(self, "normals", _as_normals(self.normals, len(vertices), "a vertex", finite=True))
        if self.labels is not None:
            object.__setattr__(self, "labels", _as_labels(self.labels, len(vertices)))
        if self.intensity is not None:
            object.__setattr__(self, "intensity", _as_intensity(self.intensity, len(vertices)))

    @property
    def bounds(self) -> FloatArray:
        """(2, 3) lowest and highest corner of the vertices."""
        if not len(self.vertices):
            raise InputError("a mesh must have vertices to have bounds, got none")
        return np.stack([self.vertices.min(axis=0), self.vertices.max(axis=0)])

    def write(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write as OBJ, PLY, STL, OFF or GLB, by the ending of `path`; raises OutputError where it cannot."""
        from .io import write_mesh

        write_mesh(self, path, overwrite=overwrite)
