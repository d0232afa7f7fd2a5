"""Accuracy and time of our presets beside other programs, on the same points in the same run: the tables of the README.

    python apps/91_benchmark.py MESH... [--preset default] [--points 20000] [--poisson] [--beside SCRIPT] [--csv OUT.csv]

Each mesh is sampled once (seed 0); every program gets the same file of points and nothing else. The sum Chamfer (100,000 samples a
side) is in units of half the longest side. `floor` is the truth against itself: no program can be below it. SCRIPT is any program that
runs as `python SCRIPT POINTS.ply --out MESH.ply`. Expected: markdown on stdout, one row a shape, means at the end.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import sdfshape as s
from sdfshape.evaluate.report import mesh_facts
from sdfshape.sample.surface import cloud_of_mesh


def poisson(points: Path, out: Path) -> None:
    """Open3D screened Poisson, depth 8; normals estimated and propagated (12 neighbours)."""
    import open3d as o3d

    cloud = o3d.io.read_point_cloud(points)
    cloud.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(12))
    cloud.orient_normals_consistent_tangent_plane(12)
    mesh, _ = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(cloud, depth=8)
    s.write_mesh(s.Mesh(np.asarray(mesh.vertices), np.asarray(mesh.triangles)), out)


def beside(script: str, points: Path, out: Path) -> None:
    """Another program, in a process of its own."""
    subprocess.run([sys.executable, Path(script).resolve(), points, "--out", out], check=True, capture_output=True)


def ours(preset: str, points: Path, out: Path) -> None:
    """The command line as a user runs it, in a process of its own."""
    subprocess.run([sys.executable, "-m", "sdfshape", "reconstruct", points, "-o", out, "--preset", preset, "--quiet"], check=True)


def judge(out: Path, truth: s.Mesh, half: float) -> dict[str, Any]:
    """Chamfer and Hausdorff in half-extents, signed normal consistency, watertight, pieces."""
    mesh = s.read_mesh(out)
    comparison, facts = s.compare(mesh, truth), mesh_facts(mesh)
    return {
        "chamfer": comparison.chamfer_l1_sum / half,
        "hausdorff": comparison.hausdorff / half,
        "normals": comparison.normal_consistency,
        "watertight": facts["watertight"],
        "pieces": facts["components"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="+", type=Path)
    parser.add_argument("--preset", action="append", help="default, may be given several times")
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--noise", type=float, default=0.0, help="share of the longest side")
    parser.add_argument("--poisson", action="store_true")
    parser.add_argument("--beside", help="another program's script")
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    programs: dict[str, Any] = {name: partial(ours, name) for name in args.preset or ["default"]}
    programs |= {"poisson": poisson} if args.poisson else {}
    programs |= {Path(args.beside).stem: partial(beside, args.beside)} if args.beside else {}
    print("| shape | floor | " + " | ".join(f"{n} | s | pieces" for n in programs) + " |")
    print("|---|---|" + "---|---|---|" * len(programs), flush=True)
    rows: list[dict[str, Any]] = []
    for path in args.meshes:
        truth = s.read_mesh(path)
        half = float((truth.bounds[1] - truth.bounds[0]).max()) / 2
        line = [path.stem, f"{s.compare(truth, truth).chamfer_l1_sum / half:.5f}"]
        with tempfile.TemporaryDirectory() as folder:
            s.write_points(cloud_of_mesh(truth, args.points, 0, noise=args.noise), points := Path(folder) / "points.ply")
            for name, run in programs.items():
                start, out = time.perf_counter(), Path(folder) / f"{name}.ply"
                run(points, out)
                row = {"shape": path.stem, "program": name, "seconds": time.perf_counter() - start} | judge(out, truth, half)
                rows.append(row)
                line += [f"{row['chamfer']:.5f}", f"{row['seconds']:.1f}", f"{row['pieces']}{'' if row['watertight'] else ' open'}"]
        print("| " + " | ".join(line) + " |", flush=True)
    for name in programs:
        mine = [row for row in rows if row["program"] == name]
        means = {key: np.mean([row[key] for row in mine]) for key in ("chamfer", "hausdorff", "normals", "seconds")}
        print(f"\n{name}: mean " + ", ".join(f"{key} {value:.5f}" for key, value in means.items()))
    if args.csv:
        with args.csv.open("w", newline="") as file:
            csv.writer(file).writerows([list(rows[0]), *(row.values() for row in rows)])


if __name__ == "__main__":
    main()
