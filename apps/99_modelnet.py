"""The paper's ModelNet10 protocol as a page: 2,048 points, its preset beside ours, Poisson, DeepSDF (Bethune et al. 2023, figures 5, 8, 9).

    python apps/99_modelnet.py MESH... [--budget 20] [-o modelnet.html]

MESH: shapes of ModelNet10 (.off), z up. Points are sampled uniformly by area, seed 0. The page has a row a shape: the truth, and what each
method made of the points, all from one camera; beside it the Chamfer distance (sum of both means, longest half-extent 1) and the pieces.
DeepSDF is told true distances where the shape is closed, else those to the points, with the signs of our evidence.
"""

import argparse
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np

import sdfshape as s
from sdfshape.comparison.drawings import Drawn, shape_pngs
from sdfshape.comparison.figures import figure
from sdfshape.comparison.page import STYLE
from sdfshape.comparison.run import CompareJob, Row, compare_methods
from sdfshape.io import atomic_write
from sdfshape.sample.surface import cloud_of_mesh

METHODS, POINTS = ("paper", "default", "poisson", "deepsdf"), 2048
UP = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="+", type=Path)
    parser.add_argument("--budget", type=float, default=20.0, help="seconds that DeepSDF may train")
    parser.add_argument("--output", "-o", type=Path, default=Path("modelnet.html"))
    args = parser.parse_args()
    found: dict[str, list[Row]] = {}
    html = ""
    print(f"{'shape':<16}" + "".join(f"{name:>22}" for name in METHODS) + "   Chamfer, pieces, seconds")
    for path in args.meshes:
        truth = unit(s.read_mesh(path))
        scan = s.PointCloud(cloud_of_mesh(truth, POINTS, 0).points)
        found[path.stem] = compare_methods(CompareJob(scan, METHODS, truth, args.budget, resolution=200, up=UP))
        print(f"{path.stem:<16}" + "".join(f"{cell(row):>22}" for row in found[path.stem]), flush=True)
        html += shown(path.stem, truth, scan, found[path.stem])
    for name, of in (("mean", np.mean), ("worst", np.max)):
        print(f"{name:<16}" + "".join(f"{of(chamfers(found, k)):>22.4f}" for k in range(len(METHODS))))
    with atomic_write(args.output, overwrite=True) as temporary:
        Path(temporary).write_text(page(html, found, args.budget), encoding="utf-8")


def unit(mesh: s.Mesh) -> s.Mesh:
    """Around the origin, longest half-extent 1."""
    middle, half = mesh.bounds.mean(axis=0), np.ptp(mesh.bounds, axis=0).max() / 2
    return replace(mesh, vertices=(mesh.vertices - middle) / half)


def cell(row: Row) -> str:
    facts = row.facts
    return "failed" if "error" in facts else f"{facts['chamfer']:.4f} {facts['components']:>4} {facts['seconds']:>5.1f}"


def chamfers(found: dict[str, list[Row]], k: int) -> list[float]:
    """Of method k, over the shapes; infinite where it failed."""
    return [rows[k].facts.get("chamfer", float("inf")) for rows in found.values()]


def shown(name: str, truth: s.Mesh, scan: s.PointCloud, rows: list[Row]) -> str:
    """A row of the page."""
    made = [row for row in rows if row.mesh is not None]
    drawn = [Drawn(scan.points), Drawn(truth), *(Drawn(row.mesh) for row in made if row.mesh is not None)]
    captions = ["2,048 points", "truth", *(f"{row.method}: {row.facts['chamfer']:.4f}" for row in made)]
    pictures = shape_pngs(drawn, 1.0, UP)
    failed = "".join(f"<p>{row.method}: {escape(row.facts['error'])}</p>" for row in rows if row.mesh is None)
    return f"<h2>{escape(name)}</h2>" + "".join(map(figure, pictures, captions)) + failed


def page(html: str, found: dict[str, list[Row]], budget: float) -> str:
    head = "".join(f"<th>{name}</th>" for name in METHODS)
    lines = "".join(f"<tr><td>{name}</td>{''.join(f'<td>{cell(row)}</td>' for row in rows)}</tr>" for name, rows in found.items())
    for name, of in (("mean", np.mean), ("worst", np.max)):
        lines += f"<tr><td>{name}</td>" + "".join(f"<td>{of(chamfers(found, k)):.4f}</td>" for k in range(len(METHODS))) + "</tr>"
    text = f"2,048 points a shape; Chamfer distance (longest half-extent 1), pieces, seconds; DeepSDF trains for {budget:g} s."
    small = STYLE + " img{max-width:230px} h2{margin:.3em 0 0}"
    table = f"<table><tr><th>shape</th>{head}</tr>{lines}</table>"
    return (
        f"<!doctype html><meta charset=utf-8><title>ModelNet10</title><style>{small}</style><h1>ModelNet10</h1><p>{text}</p>{table}{html}"
    )


if __name__ == "__main__":
    main()
