"""One page that opens from disk, anywhere: the shapes inside of it, drawn by the browser's own graphics. No network, no program.

Places are kept in 16 bits along each side of the scene's box (a 65,536th of it), normals are made by the browser, colours in 8 bits. Names
and numbers go into the page as JSON with every `<` escaped: no file name can become part of the page.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SdfShapeError
from ..io import atomic_write
from .colorings import PLAIN, Coloring, choices, color_table, colored
from .detail import Detail, face_detail, point_detail
from .layers import Scene
from .level import FULL_RESOLUTION, Level

MOST_FACES, MOST_POINTS = 900_000, 600_000  # of all layers: about 12 MB of page
TEMPLATE = Path(__file__).parent / "scripts" / "page.html"
SCRIPT = Path(__file__).parent / "scripts" / "page.js"
SLOW = ("orientation confidence", "outlier score")  # left out: seconds to minutes each


def write_scene_page(
    scene: Scene,
    path: str | PathLike[str],
    *,
    resolution: int = FULL_RESOLUTION,
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> int:
    """Write the scene as a page; returns its bytes. Raises OutputError where it cannot be written.

    Everything is there that needs no field: turning, layers, colours with their bars, opacity, slicing off, places and distances between
    them, pictures.
    """
    content = scene_page(scene, resolution=resolution, progress=progress).encode()
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(content)
    return len(content)


def scene_page(scene: Scene, *, resolution: int = FULL_RESOLUTION, progress: Callable[[str], None] = lambda _: None) -> str:
    """The page as text. progress(what) is told what begins."""
    progress("surface")
    scene = _with_full_surface(scene, resolution)
    faces, points = sum(len(layer.faces) for layer in scene.layers), sum(len(x.places) for x in scene.layers if not x.is_surface)
    share = min(1.0, MOST_FACES / max(faces, 1)), min(1.0, MOST_POINTS / max(points, 1))
    (lo, hi), most = scene.bounds, np.stack([scene.outline.min(axis=0), scene.outline.max(axis=0)])
    facts = {
        "title": scene.title,
        "unit": scene.unit,
        "up": scene.up,
        "lo": lo.tolist(),
        "hi": hi.tolist(),
        "focal": most.mean(axis=0).tolist(),  # of the first view, which strays do not make far
        "length": float(np.linalg.norm(most[1] - most[0])) or 1.0,
        "layers": [_layer_facts(scene, k, share, progress) for k in range(len(scene.layers))],
    }
    data = json.dumps(facts).replace("<", "\\u003c")
    return TEMPLATE.read_text(encoding="utf-8").replace("/*SCRIPT*/", SCRIPT.read_text(encoding="utf-8")).replace("/*DATA*/", data)


def _with_full_surface(scene: Scene, resolution: int) -> Scene:
    """Fields open with a coarse surface: the page keeps the full one."""
    k, field = scene.level_layer, scene.level_field
    if k is None or field is None or scene.layers[k].level is not None:
        return scene
    layer = scene.layers[k].with_mesh(Level(resolution).full(field, 0.0)(lambda _: None).mesh, 0.0)
    layers = (*scene.layers[:k], layer, *scene.layers[k + 1 :])
    return Scene(layers, scene.title, scene.up, scene.unit)


def _layer_facts(scene: Scene, k: int, share: tuple[float, float], progress: Callable[[str], None]) -> dict[str, Any]:
    layer = scene.layers[k]
    if layer.is_surface:
        detail = face_detail(layer.places, layer.faces, max(1, int(share[0] * len(layer.faces))))
    else:
        detail = point_detail(len(layer.places), max(1, int(share[1] * len(layer.places))))
    lo, hi = scene.bounds
    places = np.round((detail.of(layer.places) - lo) / np.where(hi > lo, hi - lo, 1.0) * 65535).astype(np.uint16)
    return {
        "name": layer.name,
        "surface": layer.is_surface,
        "shown": layer.shown,
        "color": [c / 255 for c in layer.color],
        "counted": layer.counted + ("" if detail.rows is None else f"; {_drawn(detail)} in this page"),
        "count": len(places),
        "whole": detail.rows is None and layer.rows is None,
        "places": _packed(places),
        "faces": _packed_faces(detail) if layer.is_surface else None,
        "triangles": len(detail.faces),
        "colorings": [_coloring_facts(one, detail) for one in _colorings(scene, k, progress)],
    }


def _drawn(detail: Detail) -> str:
    return f"{len(detail.faces):,} triangles" if len(detail.faces) else f"{0 if detail.rows is None else len(detail.rows):,} points"


def _colorings(scene: Scene, k: int, progress: Callable[[str], None]) -> list[Coloring]:
    found = []
    for name in choices(scene, k):
        if name == PLAIN or name in SLOW:
            continue
        progress(f"{scene.layers[k].name}: {name}")
        try:
            found.append(colored(scene, k, name))
        except SdfShapeError:
            continue  # a page is made of what there is
    return found


def _coloring_facts(one: Coloring, detail: Detail) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": one.name, "unit": one.unit, "about": one.about, "rgb": _packed(detail.of(one.rgb).astype(np.uint8))}
    if one.values is not None:
        facts |= {
            "limits": one.limits,
            "bar": color_table(one.table)[::16].tolist(),
            "values": _packed(detail.of(one.values).astype(np.float32)),
        }
    return facts


def _packed_faces(detail: Detail) -> str:
    """Differences from corner to corner: neighbours have near numbers, which pack well."""
    flat = detail.faces.ravel().astype(np.int64)
    return _packed(np.diff(flat, prepend=0).astype(np.int32))


def _packed(array: np.ndarray) -> str:
    """Deflated bytes, column by column and byte by byte (numbers that change slowly have equal high bytes), as base64."""
    columns = np.ascontiguousarray(array.T if array.ndim == 2 else array[None])
    planes = columns.view(np.uint8).reshape(columns.shape[0], -1, columns.dtype.itemsize).transpose(0, 2, 1)
    return base64.b64encode(zlib.compress(np.ascontiguousarray(planes).tobytes(), 6)).decode()
