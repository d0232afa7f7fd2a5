"""The lab book: one change at a time, what it costs and what it brings. Each default of `TrainConfig` has its line here.

    python apps/92_ablation.py MESH... [--only WORD] [--points 20000] [--noise 0] [--unevenness 1]

Each mesh is sampled once (seed 0). A line that names a constant changes it in its module (BURIED 0: no slabs; BACK 0: no point comes back);
those that begin with `wrap` force it; `orient.consistent` shows at --points 3000, `outliers` and `trial` at --unevenness 10. Columns: mean
sum Chamfer in half-extents, largest Hausdorff, most extra pieces, seconds of evidence and of training. Expected: `default` (`wrap`) is not
beaten by more than the noise of a seed (1%) at equal time.
"""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import sdfshape as s
from sdfshape.evaluate.judgement import half_extent
from sdfshape.sample.surface import cloud_of_mesh
from sdfshape.train import TrainConfig

BASE = TrainConfig()
TRAIN: dict[str, Any] = {"walk": (False,), "margin": (1e-3, 1e-2, 2e-2), "ramp": (0.5,), "labels": (80_000, 600_000)}
TRAIN |= {"weight": ((2, 300), (5, 100), (100, 100)), "walked": (2, 8)}
NETWORK: dict[str, Any] = {"networks": (16, 32, 128), "width": (16, 32), "depth": (3, 5)}
OPTIMIZER: dict[str, Any] = {"steps": (350, 1400), "batch": (8192, 32768), "turn": (0.02, 0.1), "rate": (5e-3, 2e-2)}
OPTIMIZER |= {"momentum": (0.6, 0.9), "second_moment": (0.999,), "warmup": (1,), "low_share": (0.0,)}
CONSTANTS: dict[str, Any] = {"sample.evidence.NEAR_SIGMAS": ((0.05, 0.15, 0.4), (0.25, 0.5, 1.0)), "sample.kind.NOISY": (9.0, 0.0)}
CONSTANTS |= {"sample.evidence.PLANE_TO_POINT": ((0.0, 0.1), (3.0, 6.0)), "orient.cavities.OPEN": (0.4, 1.1)}
CONSTANTS |= {"sample.evidence.KEEP_SPACINGS": (0.0, 1.0), "orient.oriented.SURE": (1.1,), "orient.overturn.OFF": (9.0,)}
CONSTANTS |= {"orient.places.UNIFORM_SHARE": (0.2,), "orient.places.AROUND": (2.0,), "orient.overturn.MOST_ASKED": (20,)}
CONSTANTS |= {"orient.coherence.BURIED": (0.0,), "orient.coherence.COMPANY": (4, 11), "orient.oriented.OPPOSED": (-0.7, 1.1)}
CONSTANTS |= {"orient.winding.ACCURACY": (1.3, 2.0), "orient.neighbours.ENOUGH": (((np.inf, 24),),), "orient.consistent.MOST_POINTS": (0,)}
CONSTANTS |= {"lipschitz.boxes.OVERLAP": (0.3,), "lipschitz.boxes.RAMP": (0.0, 0.05), "lipschitz.boxes.DEPTH": (0.3,)}
CONSTANTS |= {"sample.evidence.DOUBT": (0.0, 0.15), "orient.consistent.WIDTH": (0.25, 1.0), "orient.consistent.ROUNDS": (5, 20)}
CONSTANTS |= {"sample.evidence.UNKNOWN": (0.2, 0.0), "orient.denoise.PASSES": (1, 3), "orient.denoise.NEIGHBOURS_A_NOISE": (100, 400)}
CONSTANTS |= {"outliers.BACK": (0.0,), "outliers.GAP": (0.0,), "trial.UNEVEN": (np.inf,)}
# tried with auto and with wrap
OF_THE_BALL: dict[str, Any] = {"orient.closing.RADIUS": (0.8, 1.2), "orient.closing.SEES_SKY": (0.1,), "orient.closing.SHORE_DRAWS": (10,)}
OF_THE_BALL |= {"orient.closing.GAP": (0.0,), "orient.oriented.SLAB_SPACINGS": (0.2, 0.5), "sample.evidence.KEEP_THICKNESS": (0.0,)}
OF_THE_BALL |= {"sample.evidence.COARSE_SIGMAS": ((0.1, 0.25, 0.5),)}
OF_THE_BALL |= {"orient.gaps." + name: values for name, values in (("WIDEST", (0.0, 1.0)), ("NARROWEST", (0.0,)), ("FLAT", (0.9, 0.97)))}


@dataclass(frozen=True)
class Variant:
    """A line of the table: config of the training, constants of modules by name, surface as in Options."""

    name: str
    config: TrainConfig = BASE
    constants: dict[str, Any] = field(default_factory=dict)
    surface: str = "auto"


def variants() -> Iterator[Variant]:
    yield Variant("default")
    for part, changes in ((None, TRAIN), ("network", NETWORK), ("optimizer", OPTIMIZER)):
        for name, values in changes.items():
            for value in values:
                change = {name: value} if part is None else {part: replace(getattr(BASE, part), **{name: value})}
                yield Variant(f"{name} {value}", replace(BASE, **change))
    for start, surface, table in (("", "auto", CONSTANTS | OF_THE_BALL), ("wrap ", "wrap", {"": ("",), **OF_THE_BALL})):
        for name, values in table.items():
            yield from (Variant(f"{start}{name} {value}", BASE, {name: value} if name else {}, surface) for value in values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="+", type=Path)
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--noise", type=float, default=0.0, help="share of the longest side")
    parser.add_argument("--unevenness", type=float, default=1.0, help="densest by sparsest")
    parser.add_argument("--only", default="", help="variants whose name holds this word")
    args = parser.parse_args()
    print("| variant | Chamfer | Hausdorff | most extra pieces | evidence s | train s |\n|---|---|---|---|---|---|")
    for variant in (v for v in variants() if args.only in v.name):
        rows = []
        for truth in map(s.read_mesh, args.meshes):
            half = half_extent(truth)
            with ExitStack() as changed:
                for name, value in variant.constants.items():
                    module, _, attribute = name.rpartition(".")
                    changed.enter_context(patch.object(import_module(f"sdfshape.{module}"), attribute, value))
                cloud = cloud_of_mesh(truth, args.points, 0, noise=args.noise, unevenness=args.unevenness)
                result = s.reconstruct(cloud, config=variant.config, surface=variant.surface, keep_all=True)
            near, pieces, time = s.compare(result.mesh, truth), result.report["mesh"]["components"], result.report["seconds"]
            rows.append((near.chamfer_l1_sum / half, near.hausdorff / half, pieces - 1, time["orient"] + time["sample"], time["train"]))
        mean, most = np.mean(rows, axis=0), np.max(rows, axis=0)
        print(f"| {variant.name} | {mean[0]:.5f} | {most[1]:.4f} | {most[2]:.0f} | {mean[3]:.1f} | {mean[4]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
