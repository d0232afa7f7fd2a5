"""The collapse of Deep SVDD over learning rates, and what its regularisers do about it (the experiment of Chong et al. 2020, Table V).

    python apps/98_collapse.py [--seeds 3] [--epochs 100] [--png data/collapse.png] [--csv data/results/collapse.csv]

Data: the digits that come with scikit-learn (8 x 8 pixels); each of the ten is the normal class once: 70% of it to train, the rest beside
all others to test. Printed: AUROC, mean over digits and seeds, and the share of runs that collapsed (features of random places spread less
than a tenth of their distance from 0). `bias`: with biases, which Ruff et al. forbid. Theirs are images of CIFAR-10 and an hour of GPU: the
shape of the table is what can be compared.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from sdfshape.baselines import Budget, DeepSVDD, DeepSVDDConfig

RATES = (1e-3, 1e-2, 1e-1)
VARIANTS = {
    "plain": DeepSVDDConfig(),
    "bias": DeepSVDDConfig(bias=True),
    "noise": DeepSVDDConfig(bias=True, regulariser="noise"),
    "variance": DeepSVDDConfig(bias=True, regulariser="variance"),
    "soft-boundary": DeepSVDDConfig(objective="soft-boundary"),
}
BATCH, TRAIN = 64, 0.7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--png", type=Path)
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    rows = [row(name, rate, args.seeds, args.epochs) for name in VARIANTS for rate in RATES]
    if args.csv:
        args.csv.parent.mkdir(parents=True, exist_ok=True)
        with args.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    if args.png:
        plot(rows, args.png)


def row(name: str, rate: float, seeds: int, epochs: int) -> dict[str, object]:
    """One cell of the table: all digits, all seeds."""
    found = [one(name, rate, digit, seed, epochs) for digit in range(10) for seed in range(seeds)]
    auroc, collapsed = np.array(found).T
    print(f"{name:<14} rate {rate:<6g} AUROC {auroc.mean():.3f} +- {auroc.std():.3f}   collapsed {collapsed.mean():.0%}", flush=True)
    return {
        "variant": name,
        "rate": rate,
        "auroc": auroc.mean(),
        "deviation": auroc.std(),
        "collapsed": collapsed.mean(),
        "runs": len(found),
        "epochs": epochs,
    }


def one(name: str, rate: float, digit: int, seed: int, epochs: int) -> tuple[float, bool]:
    data, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(np.flatnonzero(labels == digit))
    train, kept = np.split(order, [round(TRAIN * len(order))])
    test = np.concatenate([kept, np.flatnonzero(labels != digit)])
    scaled = data / 16
    changed = {**vars(VARIANTS[name]), "rate": rate, "batch": BATCH}
    steps = epochs * -(-len(train) // BATCH)
    svdd = DeepSVDD(DeepSVDDConfig(**changed), seed).fit(scaled[train], Budget(steps=steps))
    scores = np.nan_to_num(svdd.scores(scaled[test]), nan=0.0, posinf=1e30)
    return float(roc_auc_score(labels[test] != digit, scores)), svdd.collapsed_


def plot(rows: list[dict[str, object]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name in VARIANTS:
        mine = [r for r in rows if r["variant"] == name]
        left.errorbar(RATES, [r["auroc"] for r in mine], [r["deviation"] for r in mine], label=name, marker="o", capsize=2)
        right.plot(RATES, [r["collapsed"] for r in mine], label=name, marker="o")
    left.set(xscale="log", xlabel="learning rate", ylabel="AUROC, mean and deviation of runs")
    right.set(xscale="log", xlabel="learning rate", ylabel="share of runs that collapsed", ylim=(-0.05, 1.05))
    right.legend(frameon=False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
