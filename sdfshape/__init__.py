"""sdfshape: point clouds in, certified signed distance fields and watertight meshes out.

The pipeline, in the order of the rooms of this package:

    file -> io -> PointCloud -> clean -> thin -> frame (world -> unit) -> orient -> sample (evidence) -> train (1-Lipschitz network, hKR)
         -> field (certified) -> extract (pruned marching cubes) -> Mesh -> io -> file

A scan that is too large for memory comes through `streaming`; one with more detail than a mosaic shows through `tiles`, which do the middle
of it many times over; many scans through `batch`.

Conventions. f < 0 inside, f > 0 outside. NumPy float64 in world units (the units of the file) outside; torch float32 in the unit frame
inside. Names carry `_world` or `_unit` where both exist.

>>> import sdfshape as s
>>> cloud = s.read_points("scan.ply")                                   # doctest: +SKIP
>>> result = s.reconstruct(cloud, preset="default", seed=0)             # doctest: +SKIP
>>> result.field(points_world)                                          # doctest: +SKIP
>>> result.mesh.write("mesh.obj")                                       # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import SdfShapeError as SdfShapeError
from .types import Mesh as Mesh
from .types import PointCloud as PointCloud

if TYPE_CHECKING:
    from .evaluate import compare as compare
    from .extract import extract_mesh as extract_mesh
    from .field import Box as Box
    from .field import SignedDistanceField as SignedDistanceField
    from .field import Sphere as Sphere
    from .field import load_field as load_field
    from .io import read_mesh as read_mesh
    from .io import read_points as read_points
    from .io import read_shape as read_shape
    from .io import write_mesh as write_mesh
    from .io import write_points as write_points
    from .reconstruction import Options as Options
    from .reconstruction import Progress as Progress
    from .reconstruction import Reconstruction as Reconstruction
    from .reconstruction import reconstruct as reconstruct
    from .render import render_field as render_field
    from .tiles import Workforce as Workforce
    from .tiles import reconstruct_tiles as reconstruct_tiles
    from .train import TrainConfig as TrainConfig

__version__ = "0.1.0"

# torch and scipy take a second to import: they come with the first name that needs them
_HOMES = {
    "compare": "evaluate",
    "extract_mesh": "extract",
    "Box": "field",
    "SignedDistanceField": "field",
    "Sphere": "field",
    "load_field": "field",
    "read_mesh": "io",
    "read_points": "io",
    "read_shape": "io",
    "write_mesh": "io",
    "write_points": "io",
    "Options": "reconstruction",
    "Progress": "reconstruction",
    "Reconstruction": "reconstruction",
    "reconstruct": "reconstruction",
    "render_field": "render",
    "Workforce": "tiles",
    "reconstruct_tiles": "tiles",
    "TrainConfig": "train",
}
__all__ = ["Mesh", "PointCloud", "SdfShapeError", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sdfshape' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"sdfshape.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
