"""What the guarantee is worth: violations of certified bounds (none expected), tightness, what pruning and sphere tracing save.

    python apps/95_guarantee.py FIELD... [--queries 10000000] [--fine]

FIELD: a .sdf that `sdfshape reconstruct --model` kept. Each, and two solids in closed form, is judged against its own surface
(`sdfshape.evaluate.guarantee`), on all cores. `noticed`: violations if the constant were 1% too small. --fine also extracts at 1024 cells.
Expected: no violation, tightness in the near band above .9, fewer than 6 evaluations a crossed cell, a picture under 3 s, a million boxes
under 10 s.
"""

import argparse
from pathlib import Path

import sdfshape as s
from sdfshape.evaluate.guarantee_tables import SOLIDS, guarantee_tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fields", nargs="+", type=Path)
    parser.add_argument("--queries", type=int, default=10_000_000)
    parser.add_argument("--fine", action="store_true")
    args = parser.parse_args()
    fields = {path.stem: s.load_field(path) for path in args.fields}
    for line in guarantee_tables({**fields, **SOLIDS}, queries=args.queries, resolutions=(128, 256, *((1024,) if args.fine else ()))):
        print(line, flush=True)


if __name__ == "__main__":
    main()
