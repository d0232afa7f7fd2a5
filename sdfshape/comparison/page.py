"""The page: one HTML file that opens from disk, with the same numbers as JSON and CSV beside it."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable, Sequence
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ..frame import Frame
from ..io import atomic_write
from ..sample.surface import sample_surface
from ..types import FloatArray, Mesh
from .drawings import histogram_png, mesh_pngs, slices_png
from .methods import METHODS
from .run import CompareJob, Row, table_of

DRAWN = 50_000  # places a side of the histograms
COLUMNS: tuple[tuple[str, str, str], ...] = (  # fact, head of its column, format
    ("chamfer", "Chamfer, sum", ".4g"),
    ("chamfer_squared", "Chamfer, squared", ".3g"),
    ("hausdorff", "Hausdorff", ".3g"),
    ("hausdorff_95", "Hausdorff 95%", ".3g"),
    ("f_score", "F at 0.5%", ".3f"),
    ("f_score_1", "F at 1%", ".3f"),
    ("normals", "normals", ".3f"),
    ("iou", "IoU", ".3f"),
    ("scan_mean", "scan to mesh", ".3g"),
    ("watertight", "watertight", ""),
    ("components", "pieces", ","),
    ("residual", "eikonal residual", ".3f"),
    ("rmse_domain", "distance error, domain", ".3g"),
    ("rmse_near", "distance error, near", ".3g"),
    ("lipschitz", "certified constant", ".7f"),
    ("told", "told", ""),
    ("parameters", "parameters", ","),
    ("seconds", "seconds", ".1f"),
    ("peak_rss_mb", "memory, MB", ",.0f"),
)
EXPLAINED = """<p>Lengths are in the units of the scan. <b>Chamfer, sum</b>: mean distance mesh to truth plus mean distance truth to mesh;
<b>squared</b>: the same of squares. <b>Hausdorff</b>: the largest of these distances, and their 95% quantile. <b>F</b>: harmonic mean of
the shares within 0.5% or 1% of the truth's diagonal. <b>normals</b>: mean cosine with the nearest true normal, signed: inside out is
negative. <b>IoU</b>: of the volumes, closed meshes only. 100,000 samples a surface, seeds 1 and 2. <b>Eikonal residual</b>: mean of
||grad f| - 1| over the domain: 0 for a distance. <b>Distance error</b>: root mean square against the true signed distance, over the domain
and within 5% of the half-extent. <b>Certified constant</b>: proven Lipschitz bound; without one, nothing is known between the places that
were asked. <b>told</b>: what the method was given besides the points. Seconds include training and extraction, not the start of the
program.</p>"""
STYLE = """body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1500px;padding:0 1em;color:#222}
table{border-collapse:collapse} td,th{padding:.25em .6em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
td:first-child,th:first-child{text-align:left} th{font-weight:600;vertical-align:bottom}
td.why{text-align:left;white-space:normal;color:#a33} td.best{font-weight:700;background:#eef6ee}
.wide{overflow-x:auto} figure{display:inline-block;margin:.4em;vertical-align:top;max-width:100%}
figcaption{text-align:center} img{max-width:100%}"""
BEST_IS_LOW = {"chamfer", "chamfer_squared", "hausdorff", "hausdorff_95", "scan_mean", "residual", "rmse_domain", "rmse_near", "seconds"}
BEST_IS_HIGH = {"f_score", "f_score_1", "normals", "iou"}


def write_page(
    rows: Sequence[Row], job: CompareJob, folder: str | PathLike[str], *, title: str, progress: Callable[[str], None] = lambda _: None
) -> None:
    """report.html, report.json and report.csv in a folder that is made if it is not there; files of these names are replaced."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    facts = table_of(rows)
    progress("pictures")
    page = _page(rows, job, title)
    names = list(dict.fromkeys(name for row in facts for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows([{k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.items()} for row in facts])
    asked = {"points": len(job.scan), "budget": job.seconds, "resolution": job.resolution, "seed": job.seed, "truth": job.truth is not None}
    for name, content in (("json", json.dumps({"asked": asked, "rows": facts}, indent=2)), ("csv", text.getvalue()), ("html", page)):
        with atomic_write(place / f"report.{name}", overwrite=True) as temporary:
            Path(temporary).write_text(content, encoding="utf-8", newline="")


def _page(rows: Sequence[Row], job: CompareJob, title: str) -> str:
    truth, made = job.truth, [row for row in rows if row.mesh is not None]
    known = "with" if truth is not None else "without"
    asked = f"{len(job.scan):,} points, {known} a true mesh; {job.seconds:g} s to train, {job.resolution} cells, seed {job.seed}."
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1>"
    ]
    parts += [f"<p>{asked}</p>", "<div class=wide>", _table(rows), "</div>", EXPLAINED]
    parts += [_meshes(made, job), _slices(made, job)]
    return "\n".join(parts) + "</html>\n"


def _table(rows: Sequence[Row]) -> str:
    columns = [column for column in COLUMNS if any(row.facts.get(column[0]) is not None for row in rows)]
    best = {name: _best(name, [row.facts.get(name) for row in rows]) for name, _, _ in columns}
    lines = ["<table><tr><th>method</th>" + "".join(f"<th>{head}</th>" for _, head, _ in columns) + "</tr>"]
    for row in rows:
        cells = [f'<td title="{escape(METHODS[row.method].about)}">{escape(row.method)}</td>']
        if "error" in row.facts:
            cells.append(f"<td class=why colspan={len(columns)}>{escape(row.facts['error'])}</td>")
        else:
            cells += [_cell(row.facts.get(name), how, best[name]) for name, _, how in columns]
        lines.append("<tr>" + "".join(cells) + "</tr>")
    return "\n".join(lines) + "</table>"


def _best(name: str, values: Sequence[Any]) -> float | None:
    there = [value for value in values if value is not None]
    if not there or name not in BEST_IS_LOW | BEST_IS_HIGH:
        return None
    return min(there) if name in BEST_IS_LOW else max(there)


def _cell(value: Any, how: str, best: float | None) -> str:
    if value is None:
        return "<td>-</td>"
    text = ("yes" if value else "no") if isinstance(value, bool) else format(value, how)
    return f"<td{' class=best' if best is not None and value == best else ''}>{escape(text)}</td>"


def _meshes(rows: Sequence[Row], job: CompareJob) -> str:
    """Renders, heat maps of the distance to the truth or to the scan, and histograms."""
    target = job.truth.vertices if job.truth is not None else job.scan.points
    if job.truth is not None:
        target = np.concatenate([target, sample_surface(job.truth, 4 * DRAWN, 0)[0]])
    tree, shown = cKDTree(target), [row for row in rows if row.mesh is not None]
    meshes: list[Mesh] = [row.mesh for row in shown if row.mesh is not None]
    errors = [tree.query(mesh.vertices, workers=-1)[0] for mesh in meshes]
    most = 0.02 * float(np.ptp(target, axis=0).max())
    all_meshes, all_errors = (
        ([job.truth, *meshes], [np.zeros(len(job.truth.vertices)), *errors]) if job.truth is not None else (meshes, errors)
    )
    pictures = mesh_pngs(all_meshes, all_errors, most, job.up) if all_meshes else []
    names = (["truth"] if job.truth is not None else []) + [row.method for row in shown]
    plain = "".join(_figure(png, name) for name, (png, _) in zip(names, pictures, strict=True))
    first = 1 if job.truth is not None else 0
    heat = "".join(_figure(png, name) for name, (_, png) in zip(names[first:], pictures[first:], strict=True))
    unit = "truth" if job.truth is not None else "scan"
    graphs = "".join(_figure(_histogram(mesh, target, unit), name) for name, mesh in zip(names[first:], meshes, strict=True))
    note = "" if any(png for png, _ in pictures) else "<p>This machine could not draw meshes: no graphics driver was found.</p>"
    return f"<h2>Meshes</h2>{note}{plain}<h2>Distance of the mesh to the {unit}, world units</h2>{heat}<h2>Errors</h2>{graphs}"


def _histogram(mesh: Mesh, target: FloatArray, unit: str) -> bytes:
    points, rng = sample_surface(mesh, DRAWN, 0)[0], np.random.default_rng(0)
    some = target[rng.permutation(len(target))[:DRAWN]]
    return histogram_png(cKDTree(target).query(points, workers=-1)[0], cKDTree(points).query(some, workers=-1)[0], unit)


def _slices(rows: Sequence[Row], job: CompareJob) -> str:
    scale = Frame.from_points(job.scan.points).scale
    figures = []
    for row in rows:
        if row.slices is not None:
            unit = "world units" if row.facts["is_distance"] else "score, no unit"
            figures.append(_figure(slices_png(row.slices, scale, unit=unit), row.method))
    return (
        "<h2>Slices through the fields</h2><p>Equally spaced iso-lines: of a distance they are parallel, and equally far apart.</p>"
        + "".join(figures)
    )


def _figure(png: bytes, caption: str) -> str:
    if not png:
        return ""
    data = base64.b64encode(png).decode()
    return f"<figure><img src='data:image/png;base64,{data}' alt=''><figcaption>{escape(caption)}</figcaption></figure>"
