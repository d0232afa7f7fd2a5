"""Outliers of a scan: the trained one-class score beside statistical and radius filters, where the outliers are known.

    python apps/81_clean.py MESH [MESH ...] [--points 20000] [--csv data/results/clean.csv]

Points of each mesh with noise of .2% of its size; 5, 10 and 20% of them are strays instead, uniform in the box. A stray nearer to the
mesh than three spacings is no outlier that could be told, and counts for nothing. Share of the strays that were found, share of the
points of the surface that were lost, and AUROC of the score. statistical: mean distance to 20 neighbours above the mean by two deviations
(Open3D's defaults, PCL's filter); radius: fewer than 16 neighbours within four spacings. certified: share of the points that stay inliers
wherever three deviations of the noise move them.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

import sdfshape as s
from sdfshape.cleaning import clean_scan
from sdfshape.evaluate.results import write_results
from sdfshape.evaluate.robustness import auroc
from sdfshape.sample.scanner import strew
from sdfshape.sample.surface import sample_surface

NOISE, TELLABLE, SHARES = 0.002, 3.0, (0.05, 0.1, 0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mesh", type=Path, nargs="+")
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    rows: list[dict[str, object]] = []
    print(f"{'shape':<16}{'strays':>7}  {'method':<14}{'found':>8}{'lost':>8}{'AUROC':>8}{'certified':>11}{'s':>7}")
    for path in args.mesh:
        for share in SHARES:
            points, stray, clear = scan(s.read_mesh(path), args.points, share)
            for method, judge in {"ours": ours, "statistical": statistical, "radius": by_radius}.items():
                start = time.perf_counter()
                outlier, score, certified = judge(points)
                row = {"shape": path.stem, "strays": share, "method": method, "found": float(outlier[clear].mean())}
                row |= {"lost": float(outlier[~stray].mean()), "auroc": auroc(-score[~stray], -score[clear])}
                row |= {"certified": certified, "seconds": time.perf_counter() - start}
                rows.append(row)
                print(f"{path.stem:<16}{share:>7.0%}  {method:<14}{row['found']:>8.2%}{row['lost']:>8.2%}{row['auroc']:>8.4f}", end="")
                print(f"{certified if certified != '' else 0:>11.2%}{row['seconds']:>7.1f}", flush=True)
    if args.csv:
        write_results(args.csv, rows)


def scan(mesh: s.Mesh, count: int, share: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, which are strays, and which of these are far enough from the mesh to be told."""
    rng = np.random.default_rng(0)
    size = float((mesh.bounds[1] - mesh.bounds[0]).max())
    truth = sample_surface(mesh, 200_000, 1)[0]
    points = sample_surface(mesh, count, 0)[0] + NOISE * size * rng.normal(size=(count, 3))
    clean = points.copy()
    strew(points, share, mesh.bounds[0], mesh.bounds[1], rng)
    stray = (points != clean).any(axis=1)
    spacing = np.median(cKDTree(clean).query(clean, k=7)[0][:, -1])
    return points, stray, stray & (cKDTree(truth).query(points)[0] > TELLABLE * spacing)


def ours(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    done = clean_scan(s.PointCloud(points))
    return done.scores.outliers, np.abs(done.scores.values), done.certified_share(3 * done.noise)


def statistical(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    mean = cKDTree(points).query(points, k=21)[0][:, 1:].mean(axis=1)
    return mean > mean.mean() + 2 * mean.std(), mean, ""


def by_radius(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    tree = cKDTree(points)
    spacing = np.median(tree.query(points, k=7)[0][:, -1])
    near = tree.query_ball_point(points, 4 * spacing, return_length=True) - 1
    return near < 16, -near.astype(float), ""


if __name__ == "__main__":
    main()
