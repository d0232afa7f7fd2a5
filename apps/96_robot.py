"""A ball finds its way through a scanned shape, and the way is proven to be free.

    python apps/96_robot.py SCAN -o PICTURE.png [--radius 0.04] [--seed 0]

SCAN: points or a mesh, as `sdfshape reconstruct` reads them. From one side of the shape's box to the other, low above its floor (z up, as
ModelNet10 has it): the shortest path over the nodes of a grid at which the field is larger than the radius, then
`first_contact`, which proves the whole of it or says where it ends. --radius is a share of the longest side. Picture: the shape with the
ball at places along the path. Expected: "contact-free along all of its ... units", and a picture of a ball that passes between the legs.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

import sdfshape as s
from sdfshape.field import CertifiedField, Sphere, union
from sdfshape.render import camera_for, view_field, write_png
from sdfshape.sample.surface import cloud_of_mesh

NODES = 48  # of the grid along the longest side
BALLS = 14  # drawn


def shortest_path(field: CertifiedField, start: np.ndarray, goal: np.ndarray, radius: float) -> np.ndarray:
    """(k, 3) over nodes whose ball is free, by steps to the 26 neighbours; raises InputError where there is none."""
    lo, hi = field.bounds[0] - 3 * radius, field.bounds[1] + 3 * radius
    step = float((hi - lo).max()) / NODES
    shape = tuple(np.ceil((hi - lo) / step).astype(int))
    nodes = lo + step * (np.indices(shape).reshape(3, -1).T + 0.5)
    free = (field.certified(nodes)[0] > radius + step / 2).reshape(shape)
    number, rows, cols, lengths = np.arange(free.size).reshape(shape), [], [], []
    for way in np.ndindex(3, 3, 3):
        d = np.array(way) - 1
        here, there = (tuple(slice(max(0, -k * q), n - max(0, k * q)) for k, n in zip(d, shape, strict=True)) for q in (1, -1))
        both = free[here] & free[there]
        rows.append(number[here][both])
        cols.append(number[there][both])
        lengths.append(np.full(int(both.sum()), step * np.linalg.norm(d)))
    graph = coo_matrix((np.concatenate(lengths), (np.concatenate(rows), np.concatenate(cols))), shape=(free.size,) * 2).tocsr()
    a, b = (int(np.where(free.ravel(), ((nodes - end) ** 2).sum(axis=1), np.inf).argmin()) for end in (start, goal))
    distance, before = dijkstra(graph, indices=a, return_predecessors=True)
    if not np.isfinite(distance[b]):
        raise s.SdfShapeError(f"a path must exist, a ball of radius {radius:.3g} finds none: use a smaller one")
    path = [b]
    while path[-1] != a:
        path.append(int(before[path[-1]]))
    return nodes[path[::-1]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scan", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--radius", type=float, default=0.04, help="share of the longest side")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    shape = s.read_shape(args.scan)
    cloud = cloud_of_mesh(shape, 20_000, args.seed) if isinstance(shape, s.Mesh) else shape
    field = s.reconstruct(cloud, seed=args.seed).field
    lo, hi = field.bounds
    radius = args.radius * float((hi - lo).max())
    low, middle = lo[2] + 0.2 * (hi[2] - lo[2]), (lo[1] + hi[1]) / 2
    path = shortest_path(field, np.array([lo[0] - 2 * radius, middle, low]), np.array([hi[0] + 2 * radius, middle, low]), radius)
    contact = field.first_contact(path, radius)
    way = "contact-free along all" if contact.clear else f"proven free for {contact.free_length:.4g}"
    print(f"{way} of its {contact.length:.4g} units; ball of radius {radius:.4g}; {field(path).min() - radius:.3g} to spare at its nodes")
    places = path[np.linspace(0, len(path) - 1, BALLS).round().astype(int)]
    scene = union(field, *(Sphere(tuple(place), radius) for place in places))
    write_png(view_field(scene, camera_for(scene, -60, 18, 2), width=700, height=700).picture, args.output, overwrite=True)


if __name__ == "__main__":
    main()
