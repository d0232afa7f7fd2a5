"""Six solids by formula, for trying what no data set has: thin walls, tubes, lattices, gaps.

    python apps/90_shapes.py FOLDER [--cells 260] [SHAPE...]

A mesh each, SHAPE.ply, by marching cubes over [-1.05, 1.05]^3. They are not exact distances, only their zero sets matter.
"""

import argparse
from pathlib import Path

import numpy as np
from skimage.measure import marching_cubes

import sdfshape as s

Array = np.ndarray
REACH = 1.05


def length(*v: Array) -> Array:
    return np.sqrt(sum(x * x for x in v))


def box(x: Array, y: Array, z: Array, a: float, b: float, c: float) -> Array:
    q = np.stack([abs(x) - a, abs(y) - b, abs(z) - c])
    return length(*np.maximum(q, 0)) + np.minimum(q.max(0), 0)


def cylinder(x: Array, y: Array, z: Array, r: float, h: float) -> Array:
    q = np.stack([length(x, y) - r, abs(z) - h])
    return length(*np.maximum(q, 0)) + np.minimum(q.max(0), 0)


def ring(x: Array, y: Array, z: Array, big: float, small: float) -> Array:
    return length(length(x, y) - big, z) - small


def union(*fields: Array) -> Array:
    return np.minimum.reduce(fields)


def both(*fields: Array) -> Array:
    return np.maximum.reduce(fields)


def cut(field: Array, *others: Array) -> Array:
    return both(field, *(-other for other in others))


def spring(x: Array, y: Array, z: Array) -> Array:
    along = z - 0.3 * np.arctan2(y, x) / (2 * np.pi)
    return both(length(length(x, y) - 0.5, along - 0.3 * np.round(along / 0.3)) - 0.07, abs(z) - 0.8)


def mug(x: Array, y: Array, z: Array) -> Array:
    handle = both(ring(x - 0.55, z, y, 0.3, 0.06), 0.46 - length(x, y))
    return union(cut(cylinder(x, y, z, 0.5, 0.6), cylinder(x, y, z - 0.1, 0.44, 0.6)), handle)


def lattice(x: Array, y: Array, z: Array) -> Array:
    a, b, c = (v - 0.4 * np.round(v / 0.4) for v in (x, y, z))
    return both(union(length(a, b), length(b, c), length(a, c)) - 0.06, box(x, y, z, 0.7, 0.7, 0.7))


def glass(x: Array, y: Array, z: Array) -> Array:
    bowl = both(abs(length(x, y) - 0.12 - 0.33 * np.clip(z / 0.6, 0, 1) ** 0.5) * 0.8 - 0.02, abs(z - 0.4) - 0.4)
    return union(bowl, cylinder(x, y, z + 0.35, 0.04, 0.36), cylinder(x, y, z + 0.72, 0.35, 0.03), cylinder(x, y, z - 0.02, 0.13, 0.03))


def sponge(x: Array, y: Array, z: Array) -> Array:
    d = box(x, y, z, 0.7, 0.7, 0.7)
    for scale in (0.7, 0.7 / 3):
        a, b, c = (abs(v - 2 * scale * np.round(v / (2 * scale))) for v in (x, y, z))
        d = both(d, *(-np.maximum(u - scale / 3, v - scale / 3) for u, v in ((a, b), (b, c), (a, c))))
    return d


def plates(x: Array, y: Array, z: Array) -> Array:
    return union(box(x, y, z - 0.06, 0.7, 0.5, 0.03), box(x, y, z + 0.06, 0.7, 0.5, 0.03), box(x + 0.65, y, z, 0.05, 0.5, 0.09))


SHAPES = {f.__name__: f for f in (spring, mug, lattice, glass, sponge, plates)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("shapes", nargs="*", help=f"of {', '.join(SHAPES)}; all unless told")
    parser.add_argument("--cells", type=int, default=260)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    line = np.linspace(-REACH, REACH, args.cells)
    grid = np.meshgrid(line, line, line, indexing="ij")
    for name in args.shapes or SHAPES:
        vertices, faces, _, _ = marching_cubes(SHAPES[name](*grid).astype(np.float32), 0.0, spacing=(line[1] - line[0],) * 3)
        s.Mesh(vertices - REACH, faces).write(args.folder / f"{name}.ply", overwrite=True)


if __name__ == "__main__":
    main()
