"""Files to scenes: clouds, meshes, fields, reports of `compare`, folders."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..io import READABLE, read_mesh, read_shape
from ..io.source import shown_name
from ..types import Mesh, PointCloud
from .layers import PALETTE, Layer, Scene, Show, drawable_rows, finite_cloud

FIELD = ".sdf"
FIRST_RESOLUTION = 64  # cells of the surface of a field in the first picture; the full one follows
SCAN_COLOR = (92, 112, 140)
TRUTH_COLOR = (140, 170, 140)
REPORT, SHAPES = "report.json", "shapes"
METHOD = "method-"


def open_show(files: Sequence[Path], *, truth: Path | None = None, part: int | None = None, up: int = 1, unit: str = "units") -> Show:
    """Files together in one scene; a folder alone, one scene a file, or its report of `compare`.

    truth : a mesh that distances are also measured to.   part : label of the part of a field.   up : axis that points up.   unit : name
    of the unit of length.
    Raises InputError, FieldFileError for what cannot be opened; a folder's files wait until their turn comes.
    """
    if not files:
        raise InputError("there must be something to show, got no file: name a scan, a mesh, a field, or a folder")
    if len(files) == 1 and (report := _report_in(files[0])) is not None:
        return Show((shown_name(files[0]),), (partial(compared, report, up=up, unit=unit),))
    folders = [file for file in files if file.is_dir()]
    if folders and len(files) > 1:
        raise InputError(f"a folder is shown alone, file by file, got {len(files)} names: name its files, or the folder only")
    for file in (*files, *([truth] if truth is not None else [])):
        if not file.exists():
            raise InputError(f"{shown_name(file)}: there is no such file in {file.parent}: check the path")
    groups = [[file] for file in _shown_files(folders[0])] if folders else [list(files)]
    openers: list[Callable[[], Scene]] = [partial(opened, group, truth=truth, part=part, up=up, unit=unit) for group in groups]
    return Show(tuple(" + ".join(map(shown_name, group)) for group in groups), tuple(openers))


def opened(files: Sequence[Path], *, truth: Path | None = None, part: int | None = None, up: int = 1, unit: str = "units") -> Scene:
    """The files as layers of one scene."""
    if part is not None and not any(file.suffix.lower() == FIELD for file in files):
        raise InputError("a part is one of a field (.sdf), got none: leave --part out, or name the field")
    layers = [_layer(file, part) for file in files]
    if truth is not None:
        layers.append(truth_layer(shown_name(truth), _drawable(read_mesh(truth), truth)))
    layers = distinct(layers)
    if truth is not None:
        asked = f"distance to {layers[-1].name}"
        layers = [replace(layer, color_by=asked) if layer.role == "surface" else layer for layer in layers]
    return Scene(tuple(layers), " + ".join(map(shown_name, files)), up, unit)


def distinct(layers: Sequence[Layer]) -> list[Layer]:
    """Layers with names and plain colours of their own."""
    names: set[str] = set()
    out, surfaces = [], 0
    for layer in layers:
        free = (layer.name if count == 1 else f"{layer.name} ({count})" for count in itertools.count(1))
        layer = replace(layer, name=next(name for name in free if name not in names))
        names.add(layer.name)
        if layer.role == "surface":
            layer, surfaces = replace(layer, color=PALETTE[surfaces % len(PALETTE)]), surfaces + 1
        out.append(layer)
    return out


def scan_layer(name: str, cloud: PointCloud, *, shown: bool = True) -> Layer:
    """A cloud as it is drawn."""
    kept = finite_cloud(cloud)
    skipped = len(cloud) - len(kept)
    rows = np.flatnonzero(drawable_rows(cloud)) if skipped else None
    return Layer(name, kept, "scan", color=SCAN_COLOR, shown=shown, rows=rows, skipped=skipped)


def truth_layer(name: str, mesh: Mesh) -> Layer:
    """What others are measured against; not shown at first."""
    return Layer(name, mesh, "truth", color=TRUTH_COLOR, shown=False)


def _layer(file: Path, part: int | None) -> Layer:
    if file.suffix.lower() == FIELD:
        return field_layer(file, part)
    shape = read_shape(file)
    if isinstance(shape, Mesh):
        return Layer(shown_name(file), _drawable(shape, file))
    return scan_layer(shown_name(file), shape)


def _drawable(mesh: Mesh, file: Path) -> Mesh:
    if not len(mesh.faces):
        raise InputError(f"{file.name}: a mesh must have faces to be seen, got none")
    return mesh


def field_layer(file: Path, part: int | None = None) -> Layer:
    """The surface of a field, coarse at first."""
    from ..extract import extract_mesh
    from ..field import load_field
    from ..parts import load_parts

    field = load_field(file) if part is None else load_parts(file)[part]
    return Layer(shown_name(file), extract_mesh(field, resolution=FIRST_RESOLUTION).mesh, field=field)


def _shown_files(folder: Path) -> list[Path]:
    found = sorted(file for file in folder.iterdir() if file.is_file() and file.suffix.lower() in (*READABLE, FIELD))
    if not found:
        raise InputError(f"{folder}: a folder must hold something to show ({' '.join([*READABLE, FIELD])}), this one has nothing")
    return found


def _report_in(place: Path) -> Path | None:
    """The report of `compare` that a name stands for, if it does."""
    report = place / REPORT if place.is_dir() else place
    if report.suffix.lower() != ".json" or (place.is_dir() and not report.exists()):
        return None
    if not (report.parent / SHAPES).is_dir():
        raise InputError(f"{place}: a report must be one of `compare`, with its folder {SHAPES} beside it, got none: run compare again")
    return report


def compared(report: Path, *, up: int = 1, unit: str = "units") -> Scene:
    """Scan, truth and the mesh of every method of a report; the first method is shown, the others wait for the wipe."""
    try:
        rows = json.loads(report.read_bytes())["rows"]
        methods = [str(row["method"]) for row in rows if "error" not in row]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{report.name}: a report of `compare` must list its methods, {error!r:.80} is missing or wrong") from error
    folder = report.parent / SHAPES
    layers: list[Layer] = []
    for name in methods:
        if name != os.path.basename(name) or name.startswith("."):  # noqa: PTH119  (a report names files of its own folder only)
            raise InputError(f"{report.name}: a method must be a plain name, got {name!r}")
        mesh = read_mesh(folder / f"{METHOD}{name}.ply")
        layers += [Layer(name, mesh, shown=not layers)] if len(mesh.faces) else []
    if (folder / "scan.ply").exists():
        shape = read_shape(folder / "scan.ply")
        if isinstance(shape, PointCloud):
            layers.append(scan_layer("scan", shape, shown=False))
    if (folder / "truth.ply").exists():
        layers.append(truth_layer("truth", read_mesh(folder / "truth.ply")))
    return Scene(tuple(distinct(layers)), shown_name(report.parent.resolve()), up, unit)
