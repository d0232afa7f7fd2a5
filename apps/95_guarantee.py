"""What the guarantee is worth: violations of certified bounds (none expected), tightness, what pruning and sphere tracing save.

    python apps/95_guarantee.py FIELD... [--queries 10000000] [--fine]

FIELD: a .sdf that `sdfshape reconstruct --model` kept. Each is judged against its own surface (`sdfshape.evaluate.guarantee`), on all
cores. `noticed`: violations if the constant were 1% too small. --fine also extracts at 1024 cells. Expected: no violation, tightness in
the near band about .9, fewer than 6 evaluations a crossed cell, a picture under 3 s, a million boxes under 10 s.
"""

import argparse
from pathlib import Path

import numpy as np

import sdfshape as s
from sdfshape.evaluate.guarantee import check_bounds, pruning_facts, query_facts


def bounds_row(name: str, field: s.SignedDistanceField, queries: int) -> str:
    found = check_bounds(field, queries)
    counts = f"{found.queries:,} | {found.violations} | {found.upper_violations} | {found.noticed:,}"
    return f"| {name} | {counts} | {found.near:.3f} | {found.tightness:.3f} |"


def pruning_row(name: str, field: s.SignedDistanceField, resolutions: list[int]) -> str:
    line, spent = [name], []
    for resolution in resolutions:
        facts = pruning_facts(field, resolution, dense=resolution == 256)
        spent.append(facts["evaluations"])
        share = f"{facts['evaluations'] / facts['crossed']:.2f}"
        line += [share, *(f"{facts[key] / facts['evaluations']:.1f}" for key in ("box", "cube")), f"{facts['seconds']:.1f}"]
        line += [f"{facts['dense_seconds'] / facts['seconds']:.1f}"] if "dense_seconds" in facts else []
    slope = np.polyfit(np.log(resolutions), np.log(spent), 1)[0]
    return "| " + " | ".join([*line, f"{slope:.2f}"]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fields", nargs="+", type=Path)
    parser.add_argument("--queries", type=int, default=10_000_000)
    parser.add_argument("--fine", action="store_true")
    args = parser.parse_args()
    fields = {path.stem: s.load_field(path) for path in args.fields}
    print("| field | queries | below | above | noticed | tight, near | tight, domain |\n" + "|---" * 7 + "|")
    for name, field in fields.items():
        print(bounds_row(name, field, args.queries), flush=True)
    resolutions = [128, 256, *([1024] if args.fine else [])]
    heads = [f"{r}: a cell | of box | of cube | s" + (" | dense s" if r == 256 else "") for r in resolutions]
    print("\n| field | " + " | ".join(heads) + " | slope |\n" + "|---" * (4 * len(resolutions) + 3) + "|")
    for name, field in fields.items():
        print(pruning_row(name, field, resolutions), flush=True)
    print("\n| field | a million boxes, s | picture, s | evaluations a pixel | of plain |\n" + "|---" * 5 + "|")
    for name, field in fields.items():
        facts = query_facts(field)
        share = facts["a_pixel"] / facts["plain_a_pixel"]
        print(
            f"| {name} | {facts['boxes_seconds']:.1f} | {facts['picture_seconds']:.1f} | {facts['a_pixel']:.2f} | {share:.0%} |", flush=True
        )


if __name__ == "__main__":
    main()
