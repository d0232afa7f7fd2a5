"""Ten classes of images with certificates (Brau et al. 2023): how right, how much of that no attack can change, and how sharp the radius
is.

    python apps/80_digits.py FOLDER [--steps 500] [--places 300] [--csv data/results/digits.csv]

FOLDER: the four idx files of MNIST, or of Fashion-MNIST. One signed distance classifier on the pixels in [0, 1] (orthogonal chain of
width 784, |.|, rows that differ by 1). right: share of the test images with the right class; certified: right, and no image within the
radius (of 255) has another class. LB / MAP: certified radius over the distance of the nearest other class that an attack found: ours
(Newton, then along the boundary), DDN (Rony et al. 2019), iterative penalty; mean, largest (never above 1), seconds, share of the images
where it found the nearest.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from sdfshape.classifier import ClassifierConfig, ddn_attack, fit_classifier, nearest_other_class, penalty_attack
from sdfshape.evaluate.results import write_results
from sdfshape.io import read_mnist

RADII = (8, 16, 36, 72)
ATTACKS = {"ours": nearest_other_class, "DDN": ddn_attack, "penalty": penalty_attack}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--places", type=int, default=300, help="test images to attack")
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    train, test = read_mnist(args.folder, "train"), read_mnist(args.folder, "test")
    config = ClassifierConfig(width=784, depth=3, steps=args.steps, batch=512, margin=0.5, weight=(10.0, 10.0))
    start = time.perf_counter()
    classifier = fit_classifier(train.rows(), train.labels, config=config)
    seconds = time.perf_counter() - start
    rows = test.rows()
    good, radius = classifier.predict(rows) == test.labels, classifier.certified_radius(rows)
    facts: dict[str, object] = {"right": float(good.mean()), "bound": classifier.pair_bound, "seconds": seconds}
    facts |= {f"certified_{r}": float((good & (radius > r / 255)).mean()) for r in RADII}
    print("  ".join(f"{k} {v:.4f}" for k, v in facts.items()))
    asked = np.random.default_rng(0).permutation(len(rows))[: args.places]
    found = {}
    for name, attack in ATTACKS.items():
        start = time.perf_counter()
        found[name] = attack(classifier, rows[asked]).distances
        facts[f"{name}_seconds"] = time.perf_counter() - start
    nearest = np.min(list(found.values()), axis=0)
    for name, distances in found.items():
        reached = np.isfinite(distances)
        ratio = radius[asked][reached] / distances[reached]
        facts |= {f"{name}_mean": float(ratio.mean()), f"{name}_largest": float(ratio.max())}
        facts |= {f"{name}_nearest": float((distances <= 1.001 * nearest).mean())}
        print(f"LB / MAP {name:<8} mean {ratio.mean():.3f}  largest {ratio.max():.3f}  found {reached.mean():.1%}", end="  ")
        print(f"nearest {facts[f'{name}_nearest']:.1%}  {facts[f'{name}_seconds']:.1f} s", flush=True)
    if args.csv:
        write_results(args.csv, [{"set": args.folder.name, "seed": 0, **facts}])


if __name__ == "__main__":
    main()
