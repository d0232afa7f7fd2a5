"""Every default of `OneClassSDF`, changed one at a time: mean AUROC over sets of ADBench, seconds a fit.

    python apps/85_ablation.py FOLDER [--seeds 2] [--change "depth 2"] [--csv data/results/oneclass_ablation.csv]

FOLDER as in apps/83_tabular.py, whose protocols AD (all rows, no labels) and OC (half of the normal rows) are used.
"""

import argparse
import time
from importlib import import_module
from pathlib import Path

import numpy as np

from sdfshape.evaluate.results import write_results
from sdfshape.oneclass import OneClassSDF, evidence

tabular = import_module("83_tabular")

CHANGES: dict[str, dict[str, object]] = {"default": {}}
ONE_AT_A_TIME: dict[str, tuple[float, ...]] = {"neighbors": (5, 20, 100), "margin": (0.002, 0.05, 0.2), "weight": (10.0, 300.0)}
ONE_AT_A_TIME |= {"steps": (150, 1200), "width": (32, 128), "depth": (2, 6), "contamination": (0.01, 0.2)}
CHANGES |= {f"{name} {value:g}": {name: value} for name, values in ONE_AT_A_TIME.items() for value in values}
CHANGES |= {"no walk": {"walk_steps": 0}, "ball": {"domain": "ball"}}
PLACES = {f"{name} {value}": (name, value) for name, value in (("ANYWHERE", 0.02), ("ON_THE_WAY", 0.02), ("OWN", 0.05))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--set", action="append", choices=tabular.SETS)
    parser.add_argument("--change", action="append", choices=[*CHANGES, *PLACES], help="this line alone; may be given again")
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    rows = []
    for name in args.change or (*CHANGES, *PLACES):
        constant, value = PLACES.get(name, ("OWN", evidence.OWN))
        before = getattr(evidence, constant)
        setattr(evidence, constant, value)
        row: dict[str, object] = {"change": name}
        start = time.perf_counter()
        for protocol in ("AD", "OC"):
            row[protocol] = mean_auroc(args.folder, protocol, args.set or tabular.SETS, args.seeds, CHANGES.get(name, {}))
        row["seconds"] = (time.perf_counter() - start) / (2 * args.seeds * len(args.set or tabular.SETS))
        setattr(evidence, constant, before)
        rows.append({**row, "seeds": args.seeds})
        print("  ".join(f"{v:<18.4f}" if isinstance(v, float) else f"{v:<18}" for v in row.values()), flush=True)
    if args.csv:
        write_results(args.csv, rows)


def mean_auroc(folder: Path, protocol: str, sets: tuple[str, ...], seeds: int, changes: dict) -> float:
    def score(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
        return OneClassSDF(random_state=seed, **changes).fit(train).score_samples(test)

    tables = [tabular.table_of(folder, name) for name in sets]
    return float(np.mean([tabular.one(table, protocol, score, seed) for table in tables for seed in range(seeds)]))


if __name__ == "__main__":
    main()
