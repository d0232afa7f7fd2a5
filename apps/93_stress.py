"""Noise x outliers x unevenness, five levels each: how many of 125 clouds of a mesh come out well.

    python apps/93_stress.py MESH... [--preset default] [--points 20000] [--levels 5] [--keep FOLDER]

Success: sum Chamfer at most twice that of the clean cloud. A line for each failure (meshes stay in FOLDER, to be looked at), then the
share of successes by level of each fault. Expected: at least 90% (the best published on such a grid is 88%).
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np

import sdfshape as s
from sdfshape.sample.faults import Fault, cloud_with

MOST = {"noise": 0.01, "outliers": 0.2, "unevenness": 10.0}  # noise of the longest side, outliers of the points
LEAST = {"noise": 0.0, "outliers": 0.0, "unevenness": 1.0}
SUCCESS = 2.0


def chamfer(truth: s.Mesh, fault: Fault, points: int, preset: str, out: Path | None) -> float:
    cloud = s.PointCloud(cloud_with(truth, fault, points, 0).points)  # without its normals
    result = s.reconstruct(cloud, preset=preset)
    if out is not None:
        result.mesh.write(out, overwrite=True)
    return s.compare(result.mesh, truth).chamfer_l1_sum


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="+", type=Path)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--levels", type=int, default=5, help="of each fault")
    parser.add_argument("--keep", type=Path, help="folder for all meshes")
    args = parser.parse_args()
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
    scale = {name: np.linspace(LEAST[name], MOST[name], args.levels) for name in MOST}
    for path in args.meshes:
        truth = s.read_mesh(path)
        good = np.zeros((args.levels,) * 3, bool)
        clean = chamfer(truth, Fault(), args.points, args.preset, None)
        for level in product(range(args.levels), repeat=3):
            noise, outliers, unevenness = (float(scale[name][k]) for name, k in zip(MOST, level, strict=True))
            fault = Fault(noise=noise, outliers=outliers, unevenness=unevenness)
            label = f"noise {noise:.3g} outliers {outliers:.3g} unevenness {unevenness:.3g}"
            out = args.keep / f"{path.stem} {label}.ply" if args.keep else None
            try:
                ratio = chamfer(truth, fault, args.points, args.preset, out) / clean
            except s.SdfShapeError as error:
                ratio = np.inf
                print(f"- {path.stem}: {label}: {error}", flush=True)
            good[level] = ratio <= SUCCESS
            if not good[level]:
                print(f"- {path.stem}: {label}: {ratio:.2f} x clean", flush=True)
        print(f"\n{path.stem}: {good.mean():.1%} of {good.size}\n\n| fault | " + " | ".join(map(str, range(args.levels))) + " |")
        print("|---|" + "---|" * args.levels)
        for axis, name in enumerate(MOST):
            share = good.mean(axis=tuple(k for k in range(3) if k != axis))
            print(f"| {name} up to {MOST[name]:g} | " + " | ".join(f"{v:.0%}" for v in share) + " |", flush=True)


if __name__ == "__main__":
    main()
