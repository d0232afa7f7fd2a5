"""One class in the plane: level sets, slopes and scores (Bethune et al. 2023, Figures 2, 6 and 7, Tables 1 and 8).

    python apps/82_plane.py [--png data/plane.png] [--csv data/results/plane.csv] [--steps 10000]

Five clouds of 2,000 points. Ours; a ReLU network trained by cross-entropy against uniform proposals; a one-class SVM; an Isolation Forest.
The picture: levels of the score, it calls normal what is inside of the green line, and in the last column how our scores spread over new
points of the cloud and over the domain. The table: the steepest slope that was found, on a grid and by climbing from its steepest places:
a lower bound of the Lipschitz constant. Ours has a proven upper one beside it. share: of new points called normal; of the domain called
normal.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import make_blobs, make_circles, make_moons
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sdfshape.baselines.cross_entropy import CrossEntropyNet
from sdfshape.evaluate.results import write_results
from sdfshape.evaluate.slopes import steepest_slope
from sdfshape.oneclass import OneClassSDF

POINTS, SIDE, GRID, SEED, NOISE = 2000, 5.0, 160, 0, 0.05


def clouds(count: int, seed: int) -> dict[str, np.ndarray]:
    """Standardised, each by the deviations of the first draw: seed 0 to learn from, others to ask."""

    def blobs(deviations: list[float], n: int, s: int) -> np.ndarray:
        return make_blobs(n, centers=[[-1.5, 0], [1.5, 0]][: len(deviations)], cluster_std=deviations, random_state=s)[0]

    makers = {
        "one cloud": lambda n, s: blobs([1.0], n, s),
        "two circles": lambda n, s: make_circles(n, noise=NOISE, factor=0.5, random_state=s)[0],
        "two blobs": lambda n, s: blobs([0.3, 0.3], n, s),
        "blob and cloud": lambda n, s: blobs([0.15, 0.8], n, s),
        "two moons": lambda n, s: make_moons(n, noise=NOISE, random_state=s)[0],
    }
    return {name: StandardScaler().fit(make(count, SEED)).transform(make(count, seed)) for name, make in makers.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--png", type=Path)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--steps", type=int, default=10_000, help="of the ReLU network")
    args = parser.parse_args()
    learn, new = clouds(POINTS, SEED), clouds(POINTS, SEED + 1)
    axis = np.linspace(-SIDE, SIDE, GRID)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    rows, panels = [], {}
    for name, points in learn.items():
        torch.manual_seed(SEED)
        ours, net = OneClassSDF(random_state=SEED).fit(points), CrossEntropyNet(SEED).fit(points, SIDE, steps=args.steps)
        forest, svm = IsolationForest(random_state=SEED).fit(points), OneClassSVM(nu=0.05).fit(points)
        scores = {"ours": ours.decision_function, "ReLU, cross-entropy": net.decision_function}
        scores |= {"one-class SVM": svm.decision_function, "Isolation Forest": forest.decision_function}
        for method, score in scores.items():
            row = {"cloud": name, "method": method, "new": float((score(new[name]) >= 0).mean())}
            row |= {"domain": float((score(grid) >= 0).mean()), "slope": "", "proven": ""}
            if method in ("ours", "ReLU, cross-entropy"):
                model = ours.field_.gradient if method == "ours" else net.gradient
                row["slope"] = steepest_slope(model, np.concatenate([grid, new[name]]), box=SIDE)
                row["proven"] = ours.field_.lipschitz_bound if method == "ours" else ""
            rows.append(row)
            print("  ".join(f"{v:<20.4g}" if isinstance(v, float) else f"{v:<20}" for v in row.values()), flush=True)
        panels[name] = (points, scores, ours.score_samples(new[name]), ours.score_samples(grid))
    if args.csv:
        write_results(args.csv, rows)
    if args.png:
        draw(panels, grid, args.png)


def draw(panels: dict, grid: np.ndarray, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 14), layout="constrained")
    axes = figure.subplots(len(panels), 5)
    for row, (name, (points, scores, near, far)) in zip(axes, panels.items(), strict=True):
        for axis, (method, score) in zip(row, scores.items(), strict=False):
            values = score(grid).reshape(GRID, GRID)
            side = grid.reshape(GRID, GRID, 2)
            most = np.abs(values).max()
            axis.contourf(side[..., 0], side[..., 1], values, levels=np.linspace(-most, most, 31), cmap="PuOr_r")
            axis.contour(side[..., 0], side[..., 1], values, levels=[0], colors="limegreen", linewidths=2)
            axis.scatter(*points[:400].T, s=1, c="dimgray")
            axis.set(title=f"{name}: {method}", xticks=[], yticks=[], aspect="equal", xlim=(-4, 4), ylim=(-4, 4))
        row[4].hist([near, far], bins=60, density=True, label=["new points", "domain"])
        row[4].set(title="our score", yticks=[])
        row[4].legend(frameon=False)
    figure.savefig(path, dpi=70)


if __name__ == "__main__":
    main()
