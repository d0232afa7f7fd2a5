"""Write meshes and clouds: the format by the ending of the name, complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from ..errors import OutputError
from ..types import Mesh, PointCloud
from .atomic import atomic_write
from .glb_writing import write_glb, write_glb_scene
from .numpy_files import write_npy, write_npz
from .obj import write_obj
from .off import write_off
from .ply import write_ply_cloud, write_ply_mesh
from .source import shown_name
from .stl import write_stl
from .text import write_xyz

T = TypeVar("T")
_MESHES: dict[str, Callable[[Mesh, Path], None]] = {
    ".glb": write_glb,
    ".obj": write_obj,
    ".off": write_off,
    ".ply": write_ply_mesh,
    ".stl": write_stl,
}
_CLOUDS: dict[str, Callable[[PointCloud, Path], None]] = {
    ".npy": write_npy,
    ".npz": write_npz,
    ".ply": write_ply_cloud,
    ".pts": write_xyz,
    ".txt": write_xyz,
    ".xyz": write_xyz,
}

WRITABLE_MESHES: tuple[str, ...] = tuple(_MESHES)
WRITABLE_POINTS: tuple[str, ...] = tuple(_CLOUDS)


def write_mesh(mesh: Mesh, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write triangles, world units, to .glb .obj .off .ply or .stl.

    OBJ, OFF and PLY keep float64 exactly; GLB keeps float32 around the centre of the shape, which itself is float64.
    Vertex colours are kept by all but STL, labels and intensity by PLY alone.

    Raises
    ------
    OutputError
        The ending is none of these, the mesh has no faces, `path` cannot be written (see `atomic_write`), or float32
        STL would move a vertex by more than 1e-5 of the bounding-box diagonal.
    """
    if not len(mesh.faces):
        raise OutputError(f"{shown_name(path)}: a mesh must have faces to be written, this one has none: write its points")
    _write(mesh, path, _MESHES, overwrite=overwrite)


def write_scene(meshes: Mapping[str, Mesh], path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write several meshes, world units, as named objects of one .glb. Raises OutputError as `write_mesh`."""
    if not meshes or not all(len(mesh.faces) for mesh in meshes.values()):
        raise OutputError(f"{shown_name(path)}: a scene must have meshes with faces, one has none or there are none")
    _write(meshes, path, {".glb": write_glb_scene}, overwrite=overwrite)


def write_points(cloud: PointCloud, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write points and their columns, world units, to .ply .npz .npy or text (.xyz .pts .txt); float64 is kept exactly.

    Raises
    ------
    OutputError
        The ending is none of these, the cloud is empty, `path` cannot be written (see `atomic_write`), or .npy would
        lose colours, labels or intensity.
    """
    if not len(cloud):
        raise OutputError(f"{shown_name(path)}: a cloud must have points to be written, this one has none")
    _write(cloud, path, _CLOUDS, overwrite=overwrite)


def _write(shape: T, path: str | os.PathLike[str], writers: Mapping[str, Callable[[T, Path], None]], *, overwrite: bool) -> None:
    ending = Path(os.fsdecode(path)).suffix.lower()
    if ending not in writers:
        known = " ".join(writers)
        raise OutputError(f"{shown_name(path)}: this output must end in one of {known}, got {ending[:16]!r}: choose one of these")
    with atomic_write(path, overwrite=overwrite) as temporary:
        try:
            writers[ending](shape, temporary)
        except OutputError as error:
            raise OutputError(f"{shown_name(path)}: {error}") from error
