"""Who is told what, at which price, with which guarantee: the comparison of Bethune et al. 2023 (Table 4) with measured costs.

    python apps/89_costs.py MESH [--seconds 8]

MESH: a closed mesh; 20,000 points are taken from it. target: what the network is fitted to; told s: seconds to make that; ms a step,
us a place and step of training; us a query: the field at one of 100,000 random places, all cores. Chamfer: sum, longest half-extent 1,
after these seconds of training (ours: as long as it takes). guarantee: what is proven of a value between the places that were asked.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import sdfshape as s
from sdfshape.baselines import (
    Budget,
    ScoreField,
    extract_level,
    fit_deep_sdf,
    fit_igr,
    fit_siren,
    fit_sll,
    fit_svdd_field,
    supervision_of_mesh,
)
from sdfshape.baselines.deep_sdf import DeepSDFConfig
from sdfshape.baselines.implicit import IGR_BATCH, SIREN_BATCH, SLL_BATCH, SLL_PLACES
from sdfshape.baselines.supervision import evidence_of
from sdfshape.errors import EmptySurfaceError
from sdfshape.frame import HALF_EXTENT, Frame
from sdfshape.sample.surface import cloud_of_mesh

QUERIES, COUNT, CELLS = 100_000, 300_000, 128
Fit = Callable[[np.ndarray, Frame, Budget], ScoreField]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mesh", type=Path)
    parser.add_argument("--seconds", type=float, default=8.0)
    args = parser.parse_args()
    truth = s.read_mesh(args.mesh)
    cloud = s.PointCloud(cloud_of_mesh(truth, 20_000, 0).points)
    frame = Frame.from_points(cloud.points)
    unit = frame.to_unit(cloud.points)
    start = time.perf_counter()
    told = supervision_of_mesh(truth, frame, COUNT, 0)
    labelled = time.perf_counter() - start
    evidence_of(unit, SLL_PLACES, 0)
    signed = time.perf_counter() - start - labelled
    peers: list[tuple[str, str, str, float, int, Fit]] = [
        ("DeepSDF", "distances", "clamped L1", labelled, DeepSDFConfig().batch, lambda p, f, b: fit_deep_sdf(told, f, budget=b)),
        ("SIREN", "0, and slope 1", "L1, eikonal", 0.0, 2 * SIREN_BATCH, lambda p, f, b: fit_siren(p, f, budget=b)),
        ("IGR", "0, and slope 1", "L1, eikonal", 0.0, 2 * IGR_BATCH, lambda p, f, b: fit_igr(p, f, budget=b)),
        ("SLL 2024", "signs", "hKR", signed, 2 * SLL_BATCH, lambda p, f, b: fit_sll(p, f, budget=b)),
        ("Deep SVDD", "a centre", "squares", 0.0, 256, lambda p, f, b: fit_svdd_field(p, f, budget=b)),
    ]
    print("| method | target | loss | told s | ms a step | us a place | us a query | Chamfer | guarantee |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, target, loss, cost, batch, fit in peers:
        field = fit(unit, frame, Budget(args.seconds))
        steps = int(field.info.get("steps") or field.info["epochs"] * -(-len(unit) // batch))
        ms = 1e3 * args.seconds / steps
        line(name, target, loss, cost, ms, batch, query(field, cloud.bounds), error(field, truth, frame), "none")
    for preset in ("paper", "default"):
        result = s.reconstruct(cloud, preset=preset, resolution=CELLS)
        config, seconds = result.field.info["config"]["optimizer"], result.report["seconds"]
        cost = seconds.get("orient", 0.0) + seconds.get("sample", 0.0)
        target = "the points" if preset == "paper" else "signs found in the points"
        ms, batch = 1e3 * seconds["train"] / config["steps"], config["batch"] * (2 if preset == "paper" else 1)
        chamfer = s.compare(result.mesh, truth).chamfer_l1_sum / frame.length_to_world(HALF_EXTENT)
        constant = f"|f| <= distance, L = {result.field.network_bound:.7f}"
        line(f"one class, {preset}", target, "hKR", cost, ms, batch, query(result.field, cloud.bounds), chamfer, constant)


def line(name: str, target: str, loss: str, told: float, ms: float, batch: int, us: float, chamfer: float, guarantee: str) -> None:
    place = 1e3 * ms / batch
    print(f"| {name} | {target} | {loss} | {told:.1f} | {ms:.1f} | {place:.2f} | {us:.2f} | {chamfer:.4f} | {guarantee} |", flush=True)


def query(field: Callable[[np.ndarray], np.ndarray], box: np.ndarray) -> float:
    places = np.random.default_rng(0).uniform(box[0], box[1], (QUERIES, 3))
    field(places[:1000])
    start = time.perf_counter()
    return 1e6 * (len(field(places)) and time.perf_counter() - start) / QUERIES


def error(field: ScoreField, truth: s.Mesh, frame: Frame) -> float:
    try:
        mesh = extract_level(field, resolution=CELLS, dense=not field.is_distance)
    except EmptySurfaceError:
        return float("nan")
    return s.compare(mesh, truth).chamfer_l1_sum / frame.length_to_world(HALF_EXTENT)


if __name__ == "__main__":
    main()
