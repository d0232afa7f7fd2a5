"""Accuracy and time of our presets beside other programs, on the same points in the same run: the tables of the README.

    python apps/91_benchmark.py MESH... [--case clean] [--preset default] [--points 20000] [--poisson] [--true-normals]
                                [--beside SCRIPT] [--csv OUT.csv]

For each case (a fault of `sdfshape.sample.faults`, "all" of them, "guarantee") a table, a row a mesh. All programs get the same points
(seed 0), --true-normals (Poisson with them) those no scan has. Sum Chamfer (100,000 samples a side) in half-extents; `floor`: truth to
itself. Where much is missing: mean distance of points to mesh, how far it leaves the hull. SCRIPT: `SCRIPT POINTS.ply --out MESH.ply`.
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
from sdfshape.baselines import screened_poisson
from sdfshape.evaluate.guarantee_tables import SOLIDS, guarantee_tables
from sdfshape.evaluate.judgement import half_extent, judge
from sdfshape.sample.faults import FAULTS, cloud_with


def poisson(cloud: s.PointCloud, points: Path, out: Path, **options: Any) -> None:
    s.write_mesh(screened_poisson(cloud, **options), out)  # in this process: it costs no start


def beside(script: str, cloud: s.PointCloud, points: Path, out: Path) -> None:
    subprocess.run([sys.executable, Path(script).resolve(), points, "--out", out], check=True, capture_output=True)


def ours(preset: str, cloud: s.PointCloud, points: Path, out: Path) -> None:
    """The command line as a user runs it."""
    subprocess.run([sys.executable, "-m", "sdfshape", "reconstruct", points, "-o", out, "--preset", preset, "--quiet"], check=True)


def table(case: str, args: argparse.Namespace, programs: dict[str, Any]) -> list[dict[str, Any]]:
    """Print the rows of a case and the means; returns the rows."""
    rows: list[dict[str, Any]] = []
    first = "scan, beyond" if FAULTS[case].partial else "Chamfer"
    print(f"\n{case}\n\n| shape | floor | " + " | ".join(f"{name} {first} | s | pieces" for name in programs) + " |")
    print("|---|---|" + "---|---|---|" * len(programs), flush=True)
    for path in args.meshes:
        truth = s.read_mesh(path)
        floor = "-" if FAULTS[case].partial else f"{s.compare(truth, truth).chamfer_l1_sum / half_extent(truth):.5f}"
        line, cloud = [path.stem, floor], cloud_with(truth, FAULTS[case], args.points, 0)
        with tempfile.TemporaryDirectory() as folder:
            s.write_points(s.PointCloud(cloud.points, colors=cloud.colors), points := Path(folder) / "points.ply")
            for name, run in programs.items():
                start, out = time.perf_counter(), Path(folder) / f"{name}.ply"
                try:
                    run(cloud, points, out)
                except (s.SdfShapeError, subprocess.CalledProcessError) as error:
                    print(f"{path.stem}, {name}: {error}", file=sys.stderr)
                    line += ["failed", f"{time.perf_counter() - start:.1f}", "-"]
                    continue
                row = {"case": case, "shape": path.stem, "program": name, "seconds": time.perf_counter() - start}
                rows.append(row := row | judge(s.read_mesh(out), truth, cloud.points))
                measure = f"{row['scan']:.5f}, {row['beyond']:.1%}" if FAULTS[case].partial else f"{row['chamfer']:.5f}"
                line += [measure, f"{row['seconds']:.1f}", f"{row['pieces']}{'' if row['watertight'] else ' open'}"]
        print("| " + " | ".join(line) + " |", flush=True)
    for name in programs:
        means = {k: np.mean([r[k] for r in rows if r["program"] == name] or [np.nan]) for k in ("chamfer", "normals", "scan", "seconds")}
        print(f"\n{name}: mean " + ", ".join(f"{key} {value:.5f}" for key, value in means.items()), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="+", type=Path)
    parser.add_argument("--case", action="append", choices=[*FAULTS, "all", "guarantee"], help="clean, may be given several times")
    parser.add_argument("--preset", action="append", help="default, may be given several times")
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--poisson", action="store_true")
    parser.add_argument("--true-normals", action="store_true", help="Poisson with them, depth 6 and 8")
    parser.add_argument("--beside", help="another program's script")
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    programs = {name: partial(ours, name) for name in args.preset or ["default"]} | ({"poisson": partial(poisson)} if args.poisson else {})
    programs |= {f"true normals {d}": partial(poisson, depth=d, normals="given") for d in ((6, 8) if args.true_normals else ())}
    programs |= {Path(args.beside).stem: partial(beside, args.beside)} if args.beside else {}
    rows = [row for case in FAULTS for row in (table(case, args, programs) if {case, "all"} & set(args.case or ["clean"]) else ())]
    if "guarantee" in (args.case or ()):
        clouds = {path.stem: s.PointCloud(cloud_with(s.read_mesh(path), FAULTS["clean"], args.points, 0).points) for path in args.meshes}
        fields = {name: s.reconstruct(cloud, preset=(args.preset or ["default"])[0]).field for name, cloud in clouds.items()}
        for line in guarantee_tables({**fields, **SOLIDS}, queries=10_000_000, resolutions=(256, 1024)):
            print(line, flush=True)
    if args.csv:
        with args.csv.open("w", newline="") as file:
            csv.writer(file).writerows([list(rows[0]), *(row.values() for row in rows)])


if __name__ == "__main__":
    main()
