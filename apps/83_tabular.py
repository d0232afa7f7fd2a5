"""One class on rows of tables (Bethune et al. 2023, Tables 2 and 5): AUROC on sets of ADBench, ours beside their OCSDF and others.

    python apps/83_tabular.py FOLDER [--seeds 3] [--protocol AD|OC] [--paper] [--csv data/results/tabular.csv]

FOLDER holds files of ADBench, .npz with X and y, with or without the number in front of the name (github.com/Minqi824/ADBench, folder
adbench/datasets/Classical). AD: all rows, without labels, to learn from and to score. OC: half of the normal rows to learn from, the other
half and the anomalies to score. Columns are divided by their deviations for all methods alike; one default each, no set tuned by itself.
`published`: their own OCSDF (data/results/published.csv). --paper also runs their recipe here: minutes a set.
Ranks: of the methods that stand in every row; ties share.
"""

import argparse
import csv
import time
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import rankdata
from sklearn.preprocessing import StandardScaler

from sdfshape.baselines.rows import Scorer, row_scorers
from sdfshape.evaluate.results import write_results
from sdfshape.evaluate.robustness import auroc
from sdfshape.io import Table, read_table
from sdfshape.oneclass import OneClassSDF

SETS = ("breastw", "cardio", "glass", "Ionosphere", "mammography", "thyroid", "vertebral", "vowels", "WBC", "wine")
PUBLISHED = Path(__file__).parents[1] / "data/results/published.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", action="append", choices=SETS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--protocol", choices=("AD", "OC"), action="append")
    parser.add_argument("--paper", action="store_true")
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    methods = {"ours": partial(sdf, "default")} | row_scorers() | ({"paper's recipe": partial(sdf, "paper")} if args.paper else {})
    rows: list[dict[str, object]] = []
    for protocol in args.protocol or ("AD", "OC"):
        print(f"\n{protocol:<12}" + "".join(f"{name:>17}" for name in (*methods, "published")))
        table = np.array([line(args.folder, name, protocol, methods, args.seeds, rows) for name in args.set or SETS])
        print(f"{'mean':<12}" + "".join(f"{value:>17.3f}" for value in table.mean(axis=0)))
        whole = ~np.isnan(table).any(axis=0)
        ranks = np.full(table.shape[1], np.nan)
        ranks[whole] = rankdata(-table[:, whole], axis=1).mean(axis=0)
        print(f"{'rank':<12}" + "".join(f"{value:>17.2f}" for value in ranks))
    if args.csv:
        write_results(args.csv, rows)


def sdf(recipe: str, train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    return OneClassSDF(recipe=recipe, random_state=seed).fit(train).score_samples(test)


def line(folder: Path, name: str, protocol: str, methods: dict, seeds: int, rows: list) -> list[float]:
    """One set: mean AUROC of every method over the seeds, and the published one."""
    table, means = table_of(folder, name), []
    for method, score in methods.items():
        start = time.perf_counter()
        found = [one(table, protocol, score, seed) for seed in range(seeds)]
        means.append(float(np.mean(found)))
        rows.append({"protocol": protocol, "set": name, "method": method, "auroc": means[-1], "deviation": float(np.std(found))})
        rows[-1] |= {"seeds": seeds, "seconds": (time.perf_counter() - start) / seeds}
    with PUBLISHED.open() as file:
        known = {(r["table"], r["set"]): float(r["auroc"]) for r in csv.DictReader(file)}
    means.append(known.get((protocol, name), np.nan))
    print(f"{name:<12}" + "".join(f"{value:>17.3f}" for value in means), flush=True)
    return means


def table_of(folder: Path, name: str) -> Table:
    return read_table(next(p for p in sorted(folder.glob("*.npz")) if p.stem.split("_")[-1].lower() == name.lower()), label="y")


def one(table: Table, protocol: str, score: Scorer, seed: int) -> float:
    bad, order = np.asarray(table.anomalous), np.random.default_rng(seed).permutation(len(table))
    normal = order[~bad[order]]
    learn = np.arange(len(table)) if protocol == "AD" else normal[: len(normal) // 2]
    asked = np.arange(len(table)) if protocol == "AD" else np.setdiff1d(np.arange(len(table)), learn)
    scaler = StandardScaler().fit(table.values[learn])
    scores = score(scaler.transform(table.values[learn]), scaler.transform(table.values[asked]), seed)
    return auroc(scores[~bad[asked]], scores[bad[asked]])


if __name__ == "__main__":
    main()
