"""The pictures of the page: slices, renders, heat maps both ways, histograms; as HTML figures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np
from scipy.spatial import cKDTree

from ..evaluate.metrics import distances_to_mesh
from ..frame import Frame
from ..sample.surface import sample_surface
from ..types import FloatArray, Mesh
from .drawings import Drawn, histogram_png, shape_pngs, slices_png
from .run import CompareJob, Row

PLACES = 50_000  # a side of the histograms, and of heat maps on points
WORST = 0.01  # of the longest side: where heat maps end
SHOWN = 12_000  # points of the scan in its picture: more are a silhouette


def mesh_figures(rows: Sequence[Row], job: CompareJob) -> str:
    """Of rows with a mesh: renders beside the scan and the truth, heat maps of both distances, and histograms of them."""
    meshes: list[tuple[str, Mesh]] = [(row.method, row.mesh) for row in rows if row.mesh is not None]
    target, unit = _target(job), "truth" if job.truth is not None else "scan"
    there = [_off(mesh.vertices, job) for _, mesh in meshes]
    back = [distances_to_mesh(target, mesh) for _, mesh in meshes]
    given = [("the scan", Drawn(_some(job.scan.points, SHOWN)))] + ([("truth", Drawn(job.truth))] if job.truth is not None else [])
    plain = [*given, *((name, Drawn(mesh)) for name, mesh in meshes)]
    heat = [(name, Drawn(mesh, error)) for (name, mesh), error in zip(meshes, there, strict=True)]
    seen = [(name, Drawn(target, error)) for (name, _), error in zip(meshes, back, strict=True)]
    every = [*plain, *heat, *seen]
    pictures = shape_pngs([one for _, one in every], WORST * float(np.ptp(target, axis=0).max()), job.up)
    shown = [figure(png, name) for png, (name, _) in zip(pictures, every, strict=True)]
    first, second = len(plain), len(plain) + len(heat)
    graphs = [_histogram(name, mesh, error, job) for (name, mesh), error in zip(meshes, back, strict=True)]
    note = (
        "" if any(pictures) else "<p>The meshes could not be drawn: no graphics driver was found, or they took more than two minutes.</p>"
    )
    ask = "What a mesh has too much is bright in the upper row, what it lacks in the lower one."
    if job.truth is None:
        ask += " Upper row: to the nearest point of the scan, so values up to the spacing of the points mean nothing."
    return (
        f"<h2>Meshes</h2>{note}{''.join(shown[:first])}"
        f"<h2>Distance of the mesh to the {unit}, and of the {unit} to the mesh, world units</h2><p>{ask}</p>"
        f"<div>{''.join(shown[first:second])}</div><div>{''.join(shown[second:])}</div><h2>Errors</h2>{''.join(graphs)}"
    )


def slice_figures(rows: Sequence[Row], job: CompareJob) -> str:
    """Of rows with a field: three slices through the middle."""
    scale = Frame.from_points(job.scan.points).scale
    figures = []
    for row in rows:
        if row.slices is not None:
            unit = "world units" if row.facts["is_distance"] else "score, no unit"
            figures.append(figure(slices_png(row.slices, scale, unit=unit), row.method))
    text = "Equally spaced iso-lines: of a distance they are parallel, and equally far apart."
    return f"<h2>Slices through the fields</h2><p>{text}</p>{''.join(figures)}"


def figure(png: bytes, caption: str) -> str:
    """A picture inside of the page; nothing for no bytes."""
    if not png:
        return ""
    data = base64.b64encode(png).decode()
    return f"<figure><img src='data:image/png;base64,{data}' alt='{escape(caption)}'><figcaption>{escape(caption)}</figcaption></figure>"


def _target(job: CompareJob) -> FloatArray:
    """Places that a mesh should pass through."""
    return _some(job.scan.points) if job.truth is None else sample_surface(job.truth, PLACES, 0)[0]


def _some(points: FloatArray, count: int = PLACES) -> FloatArray:
    kept = points[np.isfinite(points).all(axis=1)]
    return kept[np.random.default_rng(0).permutation(len(kept))[:count]]


def _off(places: FloatArray, job: CompareJob) -> FloatArray:
    """Distances of places to the truth, or to the nearest point of the scan."""
    if job.truth is not None:
        return distances_to_mesh(places, job.truth)
    return cKDTree(job.scan.points[np.isfinite(job.scan.points).all(axis=1)]).query(places, workers=-1)[0]


def _histogram(name: str, mesh: Mesh, back: FloatArray, job: CompareJob) -> str:
    unit = "scan's points" if job.truth is None else "truth"
    return figure(histogram_png(_off(sample_surface(mesh, PLACES, 0)[0], job), back, unit), name)
