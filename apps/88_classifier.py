"""Signed distance classifiers: how right, how sharp, and how much of the distance to another class is proven (Brau et al. 2023).

    python apps/88_classifier.py CLOUD --labels COLUMN [--places 2000]

CLOUD: labelled points. Every activation with every last layer, on nine tenths of the points. right: of the tenth left out; radius: median
certified distance without another label, at the points, longest half-extent .8; slope: mean length of the gap's gradient, 1 for a distance;
LB / MAP: certified radius over the distance of the nearest other label that an attack found (`sdfshape.classifier.attack`), mean and
largest: never above 1. Last line: the nearest neighbour, which certifies half of the difference of two distances.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

import sdfshape as s
from sdfshape.classifier import ClassifierConfig, fit_classifier, nearest_other_class
from sdfshape.frame import Frame
from sdfshape.lipschitz.heads import HEADS
from sdfshape.parts.places import labelled_places


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cloud", type=Path)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--places", type=int, default=2000)
    args = parser.parse_args()
    cloud = s.read_points(args.cloud, label_column=args.labels)
    points, labels = Frame.from_points(cloud.points).to_unit(cloud.points), np.asarray(cloud.labels)
    rng = np.random.default_rng(0)
    out = rng.random(len(points)) < 0.1
    spacing = float(np.median(cKDTree(points).query(points, k=7, workers=-1)[0][:, -1]))
    given = labelled_places(points[~out], labels[~out], spacing, rng)
    asked = points[rng.integers(len(points), size=args.places)]
    print(
        f"{'activation':<12}{'head':<12}{'s':>6}{'right':>8}{'radius':>8}{'slope':>7}{'LB/MAP':>8}{'most':>7}{'found':>7}{'constant':>13}"
    )
    for activation in ("absolute", "max_min", "oplu"):
        for head in HEADS:
            start = time.perf_counter()
            config = ClassifierConfig(activation=activation, head=head)
            classifier = fit_classifier(given.places, given.labels, room=given.room, config=config)
            seconds = time.perf_counter() - start
            found, radius = nearest_other_class(classifier, asked), classifier.certified_radius(asked)
            reached = np.isfinite(found.distances)
            ratio = radius[reached] / np.maximum(found.distances[reached], 1e-300)
            slope = np.linalg.norm(classifier.gap_and_gradient(asked)[1], axis=1).mean()
            right = (classifier.predict(points[out]) == labels[out]).mean()
            print(f"{activation:<12}{head:<12}{seconds:>6.1f}{right:>8.4f}{np.median(radius):>8.4f}{slope:>7.3f}", end="")
            print(f"{ratio.mean():>8.3f}{ratio.max():>7.3f}{reached.mean():>7.1%}{classifier.pair_bound:>13.9f}", flush=True)
    nearest = cKDTree(points[~out]).query(points[out], workers=-1)[1]
    classes = np.unique(labels)
    far = np.sort(np.stack([cKDTree(points[~out][labels[~out] == k]).query(asked, workers=-1)[0] for k in classes], axis=1), axis=1)
    print(f"nearest neighbour: right {(labels[~out][nearest] == labels[out]).mean():.4f}, ", end="")
    print(f"radius {np.median((far[:, 1] - far[:, 0]) / 2):.4f}")


if __name__ == "__main__":
    main()
