"""The support of one class of images made visible (Bethune et al. 2023, Figures 4 and 11): Algorithm 1 with T = 64 and eta = 1.

    python apps/79_support.py FOLDER [--network discs] [--class 3] [--png data/images.png]

FOLDER: the four idx files of MNIST, or of Fashion-MNIST. For every class an image of it; four places where uniform noise comes to,
walking down the certified distance in the box of all images; an image of another class, and where that comes to.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from sdfshape.io import LabelledImages, read_mnist
from sdfshape.oneclass import OneClassSDF, RowField
from sdfshape.sample import Domain, newton_raphson_walk

STEPS, FROM_NOISE = 64, 4
TITLES = ("an image", *("from noise",) * FROM_NOISE, "another class", "comes to")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--class", dest="classes", type=int, action="append")
    parser.add_argument("--network", choices=("discs", "chain"), default="discs")
    parser.add_argument("--png", type=Path, default=Path("support.png"))
    args = parser.parse_args()
    train, test = read_mnist(args.folder, "train"), read_mnist(args.folder, "test")
    shown = []
    for wanted in args.classes or sorted(set(train.labels.tolist())):
        detector = OneClassSDF(scaling="none", network=args.network, random_state=0).fit(train.rows(train.labels == wanted))
        shown.append(support(detector.field_, test, wanted))
        print(f"class {wanted} done", flush=True)
    draw(shown, args.png)


def support(field: RowField, test: LabelledImages, wanted: int) -> np.ndarray:
    """(7, height, width) as in TITLES."""
    noise = Domain().uniform(FROM_NOISE, field.columns, torch.Generator().manual_seed(wanted)).double()
    other = test.rows(np.flatnonzero(test.labels != wanted)[wanted : wanted + 1])
    start = torch.cat([noise, 2 * torch.as_tensor(other) - 1])  # the domain is [-1, 1], pixels are in [0, 1]
    ended = newton_raphson_walk(
        lambda z: 2 * field.values((z + 1) / 2), start, steps=STEPS, share=torch.full((len(start), 1), STEPS).double(), domain=Domain()
    )
    came = (ended.numpy() + 1) / 2
    first = test.rows(np.flatnonzero(test.labels == wanted)[:1])
    images = np.concatenate([first, came[:FROM_NOISE], other, came[FROM_NOISE:]])
    return images.reshape(len(images), *test.shape)[..., 0]


def draw(shown: list[np.ndarray], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1.2 * len(shown)), layout="constrained")
    for row, (axes, images) in enumerate(zip(figure.subplots(len(shown), len(TITLES), squeeze=False), shown, strict=True)):
        for axis, title, image in zip(axes, TITLES, images, strict=True):
            axis.imshow(image, cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[], title="" if row else title)
    figure.savefig(path, dpi=80)


if __name__ == "__main__":
    main()
