"""The page: one HTML file that opens from disk, with the same numbers as JSON and CSV beside it."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from html import escape
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

from ..io import atomic_write, write_mesh, write_points
from .figures import mesh_figures, slice_figures
from .methods import METHODS
from .run import CompareJob, Row, table_of
from .verdict import verdict

COLUMNS: tuple[tuple[str, str, str, str], ...] = (  # fact, head of its column, format, what it means
    (
        "chamfer",
        "Chamfer, sum",
        ".4g",
        "mean distance mesh to truth plus mean distance truth to mesh, 100,000 samples a side, seeds 1 and 2",
    ),
    ("chamfer_squared", "Chamfer, squared", ".3g", "the same of squared distances"),
    ("hausdorff", "Hausdorff", ".3g", "the largest of these distances"),
    ("hausdorff_95", "Hausdorff 95%", ".3g", "their 95% quantile"),
    ("f_score", "F at 0.5%", ".3f", "harmonic mean of the shares within 0.5% of the truth's diagonal"),
    ("f_score_1", "F at 1%", ".3f", "the same within 1%"),
    (
        "normals",
        "normals",
        ".3f",
        "mean cosine with the nearest true normal, signed: inside out is negative; about 0 for all if the truth has no outside",
    ),
    ("iou", "IoU", ".3f", "intersection over union of the volumes, closed meshes only, 100,000 places"),
    (
        "scan_mean",
        "scan to mesh",
        ".3g",
        "mean distance of the points to the mesh: small for what passes through every point, right or wrong",
    ),
    ("watertight", "watertight", "", "whether every edge has two faces"),
    ("components", "pieces", ",", "connected pieces of the mesh"),
    ("residual", "eikonal residual", ".3f", "mean of ||grad f| - 1| over the domain: 0 for a distance"),
    ("rmse_domain", "distance error, domain", ".3g", "root mean square against the true signed distance, all over the domain"),
    ("rmse_near", "distance error, near", ".3g", "the same within 5% of the half-extent of the truth"),
    ("lipschitz", "certified constant", ".8f", "proven Lipschitz bound; without one nothing is known between the places that were asked"),
    ("told", "told", "", "what the method was given besides the points"),
    ("parameters", "parameters", ",", "numbers that it is made of"),
    ("seconds", "seconds", ".1f", "of training and extraction, on this machine in this hour; not of the start of the program"),
    ("peak_rss_mb", "memory, MB", ",.0f", "most that its process had"),
)
STYLE = """body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1500px;padding:0 1em;color:#222}
table{border-collapse:collapse;font-size:13px} td,th{padding:.25em .45em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
td:first-child,th:first-child{text-align:left} th{font-weight:600;vertical-align:bottom}
td.why{text-align:left;white-space:normal;color:#a33} td.best{font-weight:700;background:#eef6ee}
.wide{overflow-x:auto} figure{display:inline-block;margin:.4em;vertical-align:top;max-width:100%}
figcaption{text-align:center} img{max-width:100%}"""
BEST_IS_LOW = {"chamfer", "chamfer_squared", "hausdorff", "hausdorff_95", "residual", "rmse_domain", "rmse_near"}
BEST_IS_HIGH = {"f_score", "f_score_1", "normals", "iou"}


def files_of(folder: Path, methods: Iterable[str], *, truth: bool) -> list[Path]:
    """What `write_page` may write."""
    shapes = ["scan", *(["truth"] if truth else []), *(f"method-{name}" for name in methods)]
    return [*(folder / f"report.{ending}" for ending in ("html", "json", "csv")), *(folder / "shapes" / f"{name}.ply" for name in shapes)]


def write_page(
    rows: Sequence[Row], job: CompareJob, folder: str | PathLike[str], *, title: str, progress: Callable[[str], None] = lambda _: None
) -> None:
    """report.html, .json and .csv, and the shapes, in a folder that is made if it is not there; files of these names are replaced."""
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
    _write_shapes(rows, job, place / "shapes")


def _write_shapes(rows: Sequence[Row], job: CompareJob, folder: Path) -> None:
    """The scan, the truth and the mesh of each method, for the viewer and for whoever wants them."""
    folder.mkdir(exist_ok=True)
    write_points(job.scan, folder / "scan.ply", overwrite=True)
    if job.truth is not None:
        write_mesh(job.truth, folder / "truth.ply", overwrite=True)
    for row in rows:
        if row.mesh is not None:
            write_mesh(row.mesh, folder / f"method-{row.method}.ply", overwrite=True)


def _page(rows: Sequence[Row], job: CompareJob, title: str) -> str:
    truth, made = job.truth, [row for row in rows if row.mesh is not None]
    known = "with" if truth is not None else "without"
    asked = f"{len(job.scan):,} points, {known} a true mesh; {job.seconds:g} s to train, {job.resolution} cells, seed {job.seed}."
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1>"
    ]
    parts += [f"<p>{asked} Lengths are in the units of the scan. sdfshape {version('sdfshape')}, {date.today()}, {_threads(made)}.</p>"]
    parts += [f"<p><b>{escape(verdict(rows, known=truth is not None))}</b></p>"]
    parts += ["<div class=wide>", _table(rows), "</div>", _legend(rows), mesh_figures(made, job), slice_figures(made, job)]
    return "\n".join(parts) + "</html>\n"


def _table(rows: Sequence[Row]) -> str:
    columns = _columns(rows)
    best = {name: _best(name, [row.facts.get(name) for row in rows]) for name, *_ in columns}
    lines = ["<table><tr><th>method</th>" + "".join(f"<th>{head}</th>" for _, head, *_ in columns) + "</tr>"]
    for row in rows:
        cells = [f'<td title="{escape(METHODS[row.method].about)}">{escape(row.method)}</td>']
        if "error" in row.facts:
            cells.append(f"<td class=why colspan={len(columns)}>{escape(row.facts['error'])}</td>")
        else:
            cells += [_cell(row.facts.get(name), how, best[name]) for name, _, how, _ in columns]
        lines.append("<tr>" + "".join(cells) + "</tr>")
    return "\n".join(lines) + "</table>"


def _columns(rows: Sequence[Row]) -> list[tuple[str, str, str, str]]:
    return [column for column in COLUMNS if any(row.facts.get(column[0]) is not None for row in rows)]


def _legend(rows: Sequence[Row]) -> str:
    """What the methods are, how far those that train came, and what the columns mean."""
    steps = {row.method: row.facts.get("notes", {}).get("steps") for row in rows}
    methods = [
        f"<b>{escape(row.method)}</b>: {escape(METHODS[row.method].about)}"
        + (f", {steps[row.method]:,} steps" if steps[row.method] else "")
        for row in rows
    ]
    means = [f"<b>{head}</b>: {escape(meaning)}" for _, head, _, meaning in _columns(rows)]
    return f"<p>{'; '.join(methods)}.</p><p>{'; '.join(means)}.</p>"


def _threads(rows: Sequence[Row]) -> str:
    threads = sorted({row.facts["threads"] for row in rows})
    return f"{' or '.join(map(str, threads)) or 'no'} threads of {os.cpu_count()}"


def _best(name: str, values: Sequence[Any]) -> float | None:
    there = [value for value in values if value is not None]
    if len(there) < 2 or name not in BEST_IS_LOW | BEST_IS_HIGH:
        return None
    return min(there) if name in BEST_IS_LOW else max(there)


def _cell(value: Any, how: str, best: float | None) -> str:
    if value is None:
        return "<td>-</td>"
    text = ("yes" if value else "no") if isinstance(value, bool) else format(value, how)
    return f"<td{' class=best' if best is not None and value == best else ''}>{escape(text)}</td>"
