"""One class of images against the nine others (Bethune et al. 2023, section 5.2): AUROC on new images, certified, and under attack.

    python apps/84_images.py FOLDER [--class 3] [--network vgg] [--csv data/results/mnist.csv]

FOLDER: the four idx files of MNIST, or of Fashion-MNIST. Learns from the training images of a class, pixels in [0, 1]; all test images
are scored. `certified`: no moves of this length (of 255) of all images make the AUROC lower, proven. On 100 images of either kind
(`some`): clean, certified, and attacked by l2-PGD, 50 steps from two random starts and from the image itself. Ours: flat discs and the
chain, with --network also vgg or gnp; Deep SVDD in four configurations (`baselines/image_nets.py`), 20 epochs; Isolation Forest, which
has no gradient to attack. One seed.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import IsolationForest

from sdfshape.baselines.budget import Budget
from sdfshape.baselines.deep_svdd import DeepSVDD, DeepSVDDConfig
from sdfshape.baselines.image_nets import FEATURES, NETS, image_net
from sdfshape.evaluate.attack import ValueAndGradient, attacked_auroc
from sdfshape.evaluate.results import write_results
from sdfshape.evaluate.robustness import auroc, certified_auroc
from sdfshape.io import LabelledImages, read_mnist
from sdfshape.oneclass import OneClassSDF, RowField

RADII, EPOCHS, BATCH, ATTACKED = (8, 16, 36, 72), 20, 128, 100
# scores; with their gradients, where it can be attacked; the field, where it is proven
Fitted = tuple[Callable[[np.ndarray], np.ndarray], ValueAndGradient | None, RowField | None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--class", dest="classes", type=int, action="append")
    parser.add_argument("--network", choices=("vgg", "gnp"), action="append", help="an image network besides")
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    train, test = read_mnist(args.folder, "train"), read_mnist(args.folder, "test")
    methods: dict[str, Callable[[np.ndarray], Fitted]]
    methods = {kind: partial(sdf, network=kind) for kind in ("discs", "chain")}
    methods |= {kind: partial(sdf, network=kind, image_shape=train.shape, steps=150) for kind in args.network or ()}
    methods |= {f"Deep SVDD {kind}": partial(svdd, kind, train.shape) for kind in NETS} | {"Isolation Forest": forest}
    rows: list[dict[str, Any]] = []
    for wanted in args.classes or sorted(set(train.labels.tolist())):
        for name, method in methods.items():
            start = time.perf_counter()
            fitted = method(train.rows(train.labels == wanted))
            seconds = time.perf_counter() - start
            rows.append({"class": wanted, "method": name, "seconds": seconds, **judged(fitted, test, wanted), "seed": 0})
            print(wanted, f"{name:<18} {seconds:5.1f} s ", told(rows[-1:]), flush=True)
    for name in methods:
        print(f"mean {name:<18}", told([row for row in rows if row["method"] == name]))
    if args.csv:
        write_results(args.csv, rows)


def sdf(train: np.ndarray, **given: Any) -> Fitted:
    field = OneClassSDF(scaling="none", random_state=0, **given).fit(train).field_
    return lambda x: -field(x), lambda x: tuple(-part for part in field.gradient(x)), field  # type: ignore[return-value]


def svdd(kind: str, image: tuple[int, int, int], train: np.ndarray) -> Fitted:
    model = DeepSVDD(DeepSVDDConfig(widths=(FEATURES,), batch=BATCH), make_net=image_net(kind, image))
    model.fit(train, Budget(steps=EPOCHS * -(-len(train) // BATCH)))
    return lambda x: -model.scores(x), model.normality_and_gradient, None


def forest(train: np.ndarray) -> Fitted:
    return IsolationForest(random_state=0).fit(train).score_samples, None, None


def judged(fitted: Fitted, test: LabelledImages, wanted: int) -> dict[str, Any]:
    (score, both, field), images, normal = fitted, test.rows(), test.labels == wanted
    order = np.random.default_rng(wanted).permutation(len(images))
    good, bad = order[normal[order]][:ATTACKED], order[~normal[order]][:ATTACKED]
    found, error = score(images), 0.0 if field is None else float(field.rounding_error(images).max())
    facts: dict[str, Any] = {"auroc": auroc(found[normal], found[~normal]), "some": auroc(found[good], found[bad])}
    for r in (r for r in RADII if field is not None):
        facts[f"certified_{r}"] = certified_auroc(found[normal], found[~normal], r / 255 + error)
        facts[f"some_certified_{r}"] = certified_auroc(found[good], found[bad], r / 255 + error)
    for r in RADII:
        facts[f"some_attacked_{r}"] = attacked_auroc(both, images[good], images[bad], r / 255, steps=50, restarts=2) if both else ""
    every = [f"{kind}_{r}" for kind in ("certified", "some_certified", "some_attacked") for r in RADII]
    return {name: facts.get(name, "") for name in ("auroc", "some", *every)}


def told(rows: list[dict[str, Any]]) -> str:
    names = [name for name, value in rows[0].items() if value != "" and name.startswith(("auroc", "some", "certified"))]
    return "  ".join(f"{name} {np.mean([row[name] for row in rows]):.3f}" for name in names)


if __name__ == "__main__":
    main()
