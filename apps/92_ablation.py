"""The lab book: one change at a time, what it costs and what it brings. Each default of `TrainConfig` has its line here.

    python apps/92_ablation.py MESH... [--only WORD] [--points 20000]

Each mesh is sampled once (seed 0); all variants share the points. A line that names a constant changes it in its module; lines that begin
with `wrap` force the wrap, and are to be read beside `wrap`. Columns: mean sum Chamfer over the meshes in half-extents, largest
Hausdorff, pieces beyond one, seconds of evidence (orient and sample) and of training. Expected: the line `default` is not beaten by
more than the noise of a seed (about 1%) at equal time.
"""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import sdfshape as s
from sdfshape.sample.surface import cloud_of_mesh
from sdfshape.train import TrainConfig

BASE = TrainConfig()


@dataclass(frozen=True)
class Variant:
    """config : of the training.   constants : of modules under sdfshape, by name.   surface : as in Options."""

    config: TrainConfig
    constants: dict[str, Any]
    surface: str = "auto"


def network(**changes: Any) -> TrainConfig:
    return replace(BASE, network=replace(BASE.network, **changes))


def optimizer(**changes: Any) -> TrainConfig:
    return replace(BASE, optimizer=replace(BASE.optimizer, **changes))


def constant(name: str, value: Any, surface: str = "auto") -> Variant:
    """A change of one constant, named as module.NAME under sdfshape."""
    return Variant(BASE, {name: value}, surface)


CONFIGS = {
    "default": BASE,
    "walk off": replace(BASE, walk=False),
    "margin .001": replace(BASE, margin=1e-3),
    "margin .003": replace(BASE, margin=3e-3),
    "margin .005": replace(BASE, margin=5e-3),
    "weight 2 to 300": replace(BASE, weight=(2.0, 300.0)),
    "weight 5 to 100": replace(BASE, weight=(5.0, 100.0)),
    "weight 100 fixed": replace(BASE, weight=(100.0, 100.0)),
    "ramp .5": replace(BASE, ramp=0.5),
    "labels 200,000": replace(BASE, labels=200_000),
    "labels 1,200,000": replace(BASE, labels=1_200_000),
    "1 network": network(networks=1),
    "8 networks": network(networks=8),
    "width 48": network(width=48),
    "width 96": network(width=96),
    "depth 3": network(depth=3),
    "depth 8": network(depth=8),
    "steps 800": optimizer(steps=800),
    "steps 3,200": optimizer(steps=3200),
    "batch 4,096": optimizer(batch=4096),
    "batch 16,384": optimizer(batch=16384),
    "turn .05": optimizer(turn=0.05),
    "turn .15": optimizer(turn=0.15),
    "rate .005": optimizer(rate=5e-3),
    "rate .02": optimizer(rate=2e-2),
    "momentum .95": optimizer(momentum=0.95),
    "second moment .999": optimizer(second_moment=0.999),
    "warmup 1": optimizer(warmup=1),
    "float32 throughout": optimizer(low_share=0.0),
}
CONSTANTS = {
    "evidence.KEEP_SPACINGS 0": constant("sample.evidence.KEEP_SPACINGS", 0.0),
    "evidence.KEEP_SPACINGS 1": constant("sample.evidence.KEEP_SPACINGS", 1.0),
    "evidence.NEAR_SIGMAS halved": constant("sample.evidence.NEAR_SIGMAS", (0.125, 0.25, 0.5)),
    "evidence.NEAR_SIGMAS doubled": constant("sample.evidence.NEAR_SIGMAS", (0.5, 1.0, 2.0)),
    "places.UNIFORM_SHARE .2": constant("orient.places.UNIFORM_SHARE", 0.2),
    "boxes.OVERLAP .3": constant("lipschitz.boxes.OVERLAP", 0.3),
    "neighbours.ENOUGH 24": constant("orient.neighbours.ENOUGH", ((np.inf, 24),)),
    "wrap": Variant(BASE, {}, "wrap"),
    "wrap closing.RADIUS 1.0": constant("orient.closing.RADIUS", 1.0, "wrap"),
    "wrap closing.RADIUS 1.5": constant("orient.closing.RADIUS", 1.5, "wrap"),
    "wrap closing.SHORE_DRAWS 10": constant("orient.closing.SHORE_DRAWS", 10, "wrap"),
    "wrap closing.SHORE_DRAWS 40": constant("orient.closing.SHORE_DRAWS", 40, "wrap"),
    "wrap closing.GAP 0": constant("orient.closing.GAP", 0.0, "wrap"),
    "wrap oriented.SLAB_SPACINGS .2": constant("orient.oriented.SLAB_SPACINGS", 0.2, "wrap"),
    "wrap oriented.SLAB_SPACINGS .5": constant("orient.oriented.SLAB_SPACINGS", 0.5, "wrap"),
    "wrap evidence.KEEP_THICKNESS 0": constant("sample.evidence.KEEP_THICKNESS", 0.0, "wrap"),
}
VARIANTS = {name: Variant(config, {}) for name, config in CONFIGS.items()} | CONSTANTS


@contextmanager
def changed(constants: dict[str, Any]) -> Iterator[None]:
    """The constants have these values for the time of the block."""
    with ExitStack() as stack:
        for name, value in constants.items():
            module, _, attribute = name.rpartition(".")
            stack.enter_context(patch.object(import_module(f"sdfshape.{module}"), attribute, value))
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="+", type=Path)
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--only", default="", help="variants whose name holds this word")
    args = parser.parse_args()
    shapes = [s.read_mesh(path) for path in args.meshes]
    print("| variant | Chamfer | Hausdorff | extra pieces | evidence s | train s |\n|---|---|---|---|---|---|")
    for name, variant in VARIANTS.items():
        if args.only not in name:
            continue
        pieces = 0
        chamfer: list[float] = []
        hausdorff: list[float] = []
        evidence: list[float] = []
        training: list[float] = []
        for truth in shapes:
            half = float((truth.bounds[1] - truth.bounds[0]).max()) / 2
            with changed(variant.constants):
                cloud = cloud_of_mesh(truth, args.points, 0)
                result = s.reconstruct(cloud, config=variant.config, surface=variant.surface, keep_all=True)
            comparison = s.compare(result.mesh, truth)
            chamfer.append(comparison.chamfer_l1_sum / half)
            hausdorff.append(comparison.hausdorff / half)
            pieces += result.report["mesh"]["components"] - 1
            seconds = result.report["seconds"]
            evidence.append(seconds["orient"] + seconds["sample"])
            training.append(seconds["train"])
        numbers = f"{np.mean(chamfer):.5f} | {max(hausdorff):.4f} | {pieces} | {np.mean(evidence):.1f} | {np.mean(training):.1f}"
        print(f"| {name} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
