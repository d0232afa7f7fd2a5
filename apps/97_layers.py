"""Layers compared: every kind of 1-Lipschitz layer with every activation; same shape, places, loss and seconds.

    python apps/97_layers.py MESH [--seconds 10] [--csv data/results/layers.csv]

MESH: a true mesh; 20,000 points are taken from it, and their evidence is gathered once. One network of 5 layers of 64, batches of 2,048,
Adam at 1e-3 and at 5e-3: the row is the one with the lower last loss. `group` is what sdfshape trains with: the matrices turn on the
orthogonal group, without a parametrisation. Chamfer: sum, mean distances both ways, longest half-extent 1; residual: mean ||grad f| - 1|
over the domain; constant: certified, of the trained network.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch

import sdfshape as s
from sdfshape.baselines import Budget, ScoreField, extract_level
from sdfshape.baselines.layer_net import LAYER_ACTIVATIONS, LAYER_KINDS, RESIDUAL, LayerNet
from sdfshape.baselines.layer_study import Fitted, fit_layers
from sdfshape.baselines.networks import count_parameters, evaluate_net
from sdfshape.baselines.supervision import evidence_of
from sdfshape.errors import EmptySurfaceError
from sdfshape.frame import HALF_EXTENT, Frame
from sdfshape.sample.surface import cloud_of_mesh

RATES, RESOLUTION, PLACES = (1e-3, 5e-3), 128, 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mesh", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--kinds", default=",".join(LAYER_KINDS))
    args = parser.parse_args()
    truth = s.read_mesh(args.mesh)
    points = cloud_of_mesh(truth, 20_000, 0).points
    frame = Frame.from_points(points)
    evidence = evidence_of(frame.to_unit(points), 160_000, 0)
    rows = []
    print(f"{'layer':<12}{'activation':<12}{'Chamfer':>9}{'residual':>10}{'ms':>7}{'steps':>7}{'constant':>13}{'numbers':>9}{'rate':>8}")
    for kind in args.kinds.split(","):
        for activation in ("relu",) if kind in RESIDUAL else LAYER_ACTIVATIONS:
            tried = [(fit(kind, activation, evidence, args.seconds, rate), rate) for rate in RATES]
            found, rate = min(tried, key=lambda pair: pair[0].loss)
            row = {"layer": kind, "activation": activation, **judged(found, frame, truth), "rate": rate}
            rows.append(row)
            print(
                f"{kind:<12}{activation:<12}{row['chamfer']:>9.4f}{row['residual']:>10.3f}{row['step_ms']:>7.1f}{row['steps']:>7}", end=""
            )
            print(f"{row['constant']:>13.9f}{row['numbers']:>9,}{rate:>8g}", flush=True)
    if args.csv:
        args.csv.parent.mkdir(parents=True, exist_ok=True)
        with args.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def fit(kind: str, activation: str, evidence: object, seconds: float, rate: float) -> Fitted:
    torch.manual_seed(0)
    return fit_layers(LayerNet(kind, activation), evidence, budget=Budget(seconds), rate=rate)  # type: ignore[arg-type]


def judged(found: Fitted, frame: Frame, truth: s.Mesh) -> dict[str, float]:
    field = ScoreField(lambda x: evaluate_net(found.net, x), frame, True, count_parameters(found.net), {})
    try:
        mesh = extract_level(field, resolution=RESOLUTION, dense=False)
        chamfer = s.compare(mesh, truth).chamfer_l1_sum / frame.length_to_world(HALF_EXTENT)
    except EmptySurfaceError:
        chamfer = float("nan")
    slopes = field.slopes_unit(np.random.default_rng(0).uniform(-1, 1, (PLACES, 3)))
    facts = {"chamfer": chamfer, "residual": float(np.abs(slopes - 1).mean()), "step_ms": found.step_ms, "steps": found.steps}
    return facts | {"constant": found.net.certified_constant(), "numbers": field.parameters, "loss": found.loss}


if __name__ == "__main__":
    main()
