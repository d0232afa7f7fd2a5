"""What a layer can be coloured by. Distances are computed for every point, from the full data, whatever is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import SdfShapeError
from ..types import FloatArray, IntArray, Mesh, PointCloud
from .jobs import Told
from .layers import Layer, Scene

if TYPE_CHECKING:
    from ..field import SignedDistanceField

PLAIN = "one colour"
RESIDUAL = "eikonal residual on the surface"
BLOCK = 200_000  # points asked at a time, so that a long computation can say how far it is, and be given up
QUANTILE = 0.99  # the scale ends where one in a hundred is beyond: a few far points would make all others look alike
ORIENTED = 60_000  # points that confidence is computed for; others take that of the nearest


@dataclass(frozen=True, eq=False)
class Coloring:
    """rgb : (n, 3) uint8 of all rows.   values : (n,) numbers behind it and `limits` of its colour bar, or None.   unit : of them.
    about : one line of numbers over all rows.
    """

    name: str
    rgb: IntArray
    values: FloatArray | None = None
    limits: tuple[float, float] = (0.0, 1.0)
    table: str = ""
    unit: str = ""
    about: str = ""


def choices(scene: Scene, k: int) -> tuple[str, ...]:
    """Names of what layer k can be coloured by, in the order of the panel."""
    layer = scene.layers[k]
    names = [PLAIN]
    names += ["colours of the file"] if layer.shape.colors is not None else []
    names += ["normals"] if layer.is_surface or layer.shape.normals is not None else []
    names += ["labels"] if isinstance(layer.shape, PointCloud) and layer.shape.labels is not None else []
    if (field := scene.level_field) is not None and layer.field is not field:
        names.append("signed distance")
    names += [f"distance to {other.name}" for other in _targets(scene, k)]
    if not layer.is_surface:
        names += ["outlier score", "orientation confidence"]
    elif layer.field is not None:
        names.append(RESIDUAL)
    return tuple(dict.fromkeys(names))


def _targets(scene: Scene, k: int) -> list[Layer]:
    """Layers that distances are measured to: of a scan all surfaces, of a surface the truth and the scans."""
    layer, others = scene.layers[k], [other for j, other in enumerate(scene.layers) if j != k]
    if not layer.is_surface:
        return [other for other in others if other.is_surface]
    return [other for other in others if other.role == "truth" or not other.is_surface]


def colored(scene: Scene, k: int, name: str, told: Told = lambda _: None) -> Coloring:
    """Layer k coloured by `name`, one of `choices`."""
    layer, shape = scene.layers[k], scene.layers[k].shape
    if name == "colours of the file" and shape.colors is not None:
        return Coloring(name, shape.colors)
    if name == "normals":
        return Coloring(name, _direction_rgb(layer))
    if name == "labels" and isinstance(shape, PointCloud) and shape.labels is not None:
        return _labelled(shape.labels)
    if name == "signed distance" and scene.level_field is not None:
        return diverging(name, in_blocks(scene.level_field, layer.places, told), unit=scene.unit)
    if name == RESIDUAL and layer.field is not None:
        field = layer.field
        return rising(name, in_blocks(lambda x: np.abs(np.linalg.norm(field.gradient(x), axis=1) - 1), layer.places, told))
    if name == "outlier score":
        return _scored(scene, layer, told)
    if name == "orientation confidence":
        return rising(name, _confidence(layer.places, told), limits=(0.0, 1.0))
    for other in _targets(scene, k):
        if name == f"distance to {other.name}":
            return rising(name, in_blocks(_distance_to(other), layer.places, told), unit=scene.unit)
    return Coloring(PLAIN, np.broadcast_to(np.array(layer.color, np.uint8), (len(layer.places), 3)))


def in_blocks(ask: Callable[[FloatArray], FloatArray], places: FloatArray, told: Told) -> FloatArray:
    """ask(places), block by block; told(share) after each."""
    values = np.zeros(len(places))
    for start in range(0, len(places), BLOCK):
        told(start / len(places))
        values[start : start + BLOCK] = ask(places[start : start + BLOCK])
    return values


def _distance_to(other: Layer) -> Callable[[FloatArray], FloatArray]:
    """Exact distance to the triangles of a surface, or to the nearest point of a scan."""
    if isinstance(other.shape, Mesh):
        from ..evaluate.metrics import distances_to_mesh

        mesh = other.shape
        return lambda places: distances_to_mesh(places, mesh)
    from scipy.spatial import cKDTree

    tree = cKDTree(other.places)
    return lambda places: tree.query(places, workers=-1)[0]


def rising(name: str, values: FloatArray, *, unit: str = "", limits: tuple[float, float] | None = None) -> Coloring:
    """Numbers from 0 up, dark to bright."""
    lo, hi = limits or (0.0, scale_end(values))
    table = color_table("viridis")
    return Coloring(name, looked_up(table, values, lo, hi), values, (lo, hi), "viridis", unit, _about(values))


def diverging(name: str, values: FloatArray, *, unit: str = "") -> Coloring:
    """Signed numbers: red inside, blue outside, white at 0."""
    end = scale_end(np.abs(values))
    return Coloring(name, looked_up(color_table("RdBu"), values, -end, end), values, (-end, end), "RdBu", unit, _about(values))


def color_table(name: str) -> IntArray:
    """(256, 3) uint8 of matplotlib's colour map of that name."""
    from matplotlib import colormaps

    return np.asarray(colormaps[name](np.linspace(0, 1, 256), bytes=True))[:, :3]


def scale_end(values: FloatArray) -> float:
    return float(np.quantile(values, QUANTILE)) or float(values.max(initial=0.0)) or 1.0


def looked_up(table: IntArray, values: FloatArray, lo: float, hi: float) -> IntArray:
    share = np.clip((values - lo) / (hi - lo), 0, 1)
    return table[(np.nan_to_num(share) * 255).astype(np.uint8)]


def _about(values: FloatArray) -> str:
    sizes = np.abs(values)
    return f"mean {values.mean():.3g}, 95% within {np.quantile(sizes, 0.95):.3g}, largest {sizes.max():.3g} (all {len(values):,})"


def _direction_rgb(layer: Layer) -> IntArray:
    """x, y, z of the normal as red, green, blue; of a mesh that of its faces where the file has none."""
    from .detail import vertex_normals

    normals = layer.shape.normals if layer.shape.normals is not None else vertex_normals(layer.places, layer.faces)
    with np.errstate(invalid="ignore"):
        ways = np.nan_to_num(normals / np.linalg.norm(normals, axis=1, keepdims=True))
    return ((ways + 1) * 127.5).astype(np.uint8)


def _labelled(labels: IntArray) -> Coloring:
    kinds, which = np.unique(labels, return_inverse=True)
    table = np.concatenate([color_table("tab20")[::13], color_table("Set2")[::32]])
    return Coloring("labels", table[which % len(table)], about=f"{len(kinds)} labels, {kinds[0]} to {kinds[-1]}")


def _scored(scene: Scene, layer: Layer, told: Told) -> Coloring:
    """How far each point is off the trained surface, outside or inside; without a field, how much sparser it lies than the rest."""
    from ..field import SignedDistanceField

    if isinstance(field := scene.level_field, SignedDistanceField):
        return rising("outlier score", np.abs(in_blocks(_one_class_score(field), layer.places, told)), unit=scene.unit)
    from scipy.spatial import cKDTree

    told(0.0)
    if len(layer.places) < 2:
        raise SdfShapeError(f"a score needs at least 2 points, got {len(layer.places)}")
    near = cKDTree(layer.places).query(layer.places, k=min(7, len(layer.places)), workers=-1)[0][:, -1]
    return rising("outlier score", near / (float(np.median(near)) or 1.0), unit="typical spacings to the sixth neighbour")


def _one_class_score(field: SignedDistanceField) -> Callable[[FloatArray], FloatArray]:
    return lambda x: field.frame.length_to_world(field.mosaic_unit(field.frame.to_unit(x)).astype(np.float64))


def _confidence(places: FloatArray, told: Told) -> FloatArray:
    """How surely it is known which side of each point is outside; of at most ORIENTED points, the others take that of the nearest."""
    from scipy.spatial import cKDTree

    from ..frame import Frame
    from ..orient import orient

    told(0.0)
    rng = np.random.default_rng(0)
    some = np.unique(places, axis=0)
    if len(some) < 100:
        raise SdfShapeError(f"orientation needs at least 100 different points, got {len(some)}")
    some = some[np.sort(rng.permutation(len(some))[:ORIENTED])]
    confidence = orient(Frame.from_points(some).to_unit(some), rng).confidence
    told(0.8)
    return confidence[cKDTree(some).query(places, workers=-1)[1]]
