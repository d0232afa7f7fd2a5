"""`Layer`: one thing that is seen, a cloud or a surface, with all its numbers, in world units. Knows no toolkit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from ..errors import InputError
from ..types import FloatArray, IntArray, Mesh, PointCloud
from .detail import MOVING_FACES, MOVING_POINTS, STILL_FACES, STILL_POINTS, Detail, face_detail, point_detail

if TYPE_CHECKING:
    from ..field import CertifiedField

Kind = Literal["scan", "surface"]
PALETTE = ((207, 200, 187), (122, 160, 196), (214, 153, 116), (150, 182, 138), (178, 150, 190), (205, 186, 116))


@dataclass(frozen=True, eq=False)
class Layer:
    """name : as the panel says it.   shape : a cloud, finite rows only, or a mesh.   role : truth is what others are measured against.

    field : whose surface a mesh is, if that is known; then the level can be moved.   color : plain, red green blue.
    level : at which the shape is that surface in full, world units; None while it is coarse.   rows : of the points in their file,
    of which `skipped` are not finite.   color_by : what it is coloured by at first, if it can be.
    """

    name: str
    shape: PointCloud | Mesh
    role: Literal["scan", "surface", "truth"] = "surface"
    field: CertifiedField | None = None
    color: tuple[int, int, int] = PALETTE[0]
    shown: bool = True
    level: float | None = None
    rows: IntArray | None = None
    skipped: int = 0
    color_by: str = ""

    @property
    def is_surface(self) -> bool:
        return isinstance(self.shape, Mesh)

    @property
    def places(self) -> FloatArray:
        """(n, 3) points or vertices, world units."""
        return self.shape.vertices if isinstance(self.shape, Mesh) else self.shape.points

    @property
    def faces(self) -> IntArray:
        """(t, 3); none of a cloud."""
        return self.shape.faces if isinstance(self.shape, Mesh) else np.zeros((0, 3), np.int64)

    @cached_property
    def bounds(self) -> FloatArray:
        return self.shape.bounds

    @cached_property
    def outline(self) -> FloatArray:
        """(m, 3) some of the places; of a cloud without those that are farther from most of it than it is long: else it would be a dot."""
        some = self.places[:: max(1, len(self.places) // OUTLINE)]
        if self.is_surface:
            return some
        low, high = np.percentile(some, MOST, axis=0)
        room = float((high - low).max()) or np.inf
        near = ((some >= low - room) & (some <= high + room)).all(axis=1)
        return some[near]

    @cached_property
    def still(self) -> Detail:
        """What is drawn while nothing moves."""
        return self._detail(STILL_POINTS, STILL_FACES)

    @cached_property
    def moving(self) -> Detail:
        """What is drawn while it turns: a part of what is drawn while nothing moves."""
        still = self.still
        if not self.is_surface:
            return self._detail(MOVING_POINTS, MOVING_FACES)
        fewer = face_detail(still.of(self.places), still.faces, MOVING_FACES)
        if still.rows is None or fewer.rows is None:
            return fewer if still.rows is None else still
        return Detail(still.rows[fewer.rows], fewer.faces)

    def _detail(self, points: int, faces: int) -> Detail:
        if self.is_surface:
            return face_detail(self.places, self.faces, faces)
        return point_detail(len(self.places), points)

    @cached_property
    def shading(self) -> FloatArray | None:
        """(n, 3) normals that light a cloud by, as given; or None."""
        normals = getattr(self.shape, "normals", None)
        return None if normals is None else np.nan_to_num(normals, posinf=0.0, neginf=0.0)

    def with_mesh(self, mesh: Mesh, level: float | None) -> Self:
        """The layer with another surface, as when its level moves."""
        return replace(self, shape=mesh, level=level)

    def row_in_file(self, row: int) -> int:
        """The number of a point or triangle as its file counts, from 0."""
        return row if self.rows is None or self.is_surface else int(self.rows[row])

    @property
    def counted(self) -> str:
        """How much it holds, in words."""
        if self.is_surface:
            return f"{len(self.places):,} vertices, {len(self.faces):,} triangles"
        return f"{len(self.places):,} points" + (f"; {self.skipped:,} not finite, not shown" if self.skipped else "")


OUTLINE = 20_000  # places of a layer
MOST = (1.0, 99.0)  # percentiles of the coordinates of a cloud between which most of it is
FARTHEST = 1e30  # a place beyond has no digits left, and no picture


def digits(size: float) -> int:
    """Decimals that tell a millionth of `size` apart."""
    return int(np.clip(6 - np.floor(np.log10(max(size, 1e-300))), 0, 12))


def finite_cloud(cloud: PointCloud) -> PointCloud:
    """The rows that can be drawn; raises InputError if there are none."""
    good = drawable_rows(cloud)
    if not good.any():
        raise InputError(f"a cloud must have finite points to be seen, got {len(cloud)} rows and none finite")
    return cloud if good.all() else cloud[good]


def drawable_rows(cloud: PointCloud) -> np.ndarray:
    """(n,) bool."""
    with np.errstate(invalid="ignore"):
        return (np.abs(cloud.points) < FARTHEST).all(axis=1)


@dataclass(frozen=True, eq=False)
class Scene:
    """layers : drawn together, in one frame.   title : of the window.   up : axis that points up.   unit : name of the unit of length."""

    layers: tuple[Layer, ...]
    title: str
    up: int = 1
    unit: str = "units"

    def __post_init__(self) -> None:
        if not self.layers:
            raise InputError("a scene must have something to show, got nothing")
        for layer in self.layers:
            if not np.abs(layer.bounds).max() < FARTHEST:
                raise InputError(f"{layer.name}: places must be within {FARTHEST:g} of the origin to be seen")

    @cached_property
    def bounds(self) -> FloatArray:
        """(2, 3) of all layers, world units."""
        boxes = np.stack([layer.bounds for layer in self.layers])
        return np.stack([boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)])

    @cached_property
    def outline(self) -> FloatArray:
        """(m, 3) places of all layers, world units, evenly taken: a view that holds them with a little room holds all, but for strays."""
        return np.concatenate([layer.outline for layer in self.layers])

    @property
    def size(self) -> float:
        """Length of the diagonal, world units; 1 for a single place."""
        return float(np.linalg.norm(self.bounds[1] - self.bounds[0])) or 1.0

    @property
    def origin(self) -> FloatArray:
        """(3,) subtracted before anything is drawn: graphics count in float32."""
        return self.bounds.mean(axis=0)

    @property
    def level_layer(self) -> int | None:
        """The layer whose level can be moved: the first that has a field."""
        return next((k for k, layer in enumerate(self.layers) if layer.field is not None), None)

    @property
    def level_field(self) -> CertifiedField | None:
        """Its field: it answers clicks and slices."""
        return None if self.level_layer is None else self.layers[self.level_layer].field


Opener = Callable[[], Scene]


@dataclass(frozen=True, eq=False)
class Show:
    """One scene after the other, as the files of a folder are: opened when their turn comes."""

    names: tuple[str, ...]
    openers: tuple[Opener, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(cls, scene: Scene) -> Show:
        """One scene alone."""
        return cls((scene.title,), (lambda: scene,))
