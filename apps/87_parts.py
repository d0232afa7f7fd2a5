"""The parts of a field in one picture: together, pulled apart, and where the nearest other part is (proven).

    python apps/87_parts.py FIELD -o PICTURE.png [--up z] [--apart 0.6]

FIELD: a .sdf of `sdfshape reconstruct --labels COLUMN --model FIELD`. Left: the parts in their places; middle: each moved away from the
middle of all by --apart of its way; right: the certified radius within which no place belongs to another part, from 0 (dark) to a tenth of
the size.
"""

import argparse
from pathlib import Path

import numpy as np

from sdfshape import Mesh, extract_mesh
from sdfshape.errors import EmptySurfaceError
from sdfshape.parts import load_parts
from sdfshape.parts.scene import part_colors

SIZE = 620  # pixels


def main() -> None:
    import pyvista

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("field", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--up", choices=("x", "y", "z"), default="z")
    parser.add_argument("--apart", type=float, default=0.6)
    args = parser.parse_args()
    parts = load_parts(args.field)
    meshes: dict[int, Mesh] = {}
    for label in parts.labels:
        try:
            meshes[label] = extract_mesh(parts[label], resolution=160).mesh
        except EmptySurfaceError:
            print(f"part {label} has no inside")
    box = parts.solid.bounds
    middle, size, axis = box.mean(axis=0), float(np.linalg.norm(np.ptp(box, axis=0))), "xyz".index(args.up)
    way = np.roll([1.0, 0.8, 0.45], axis + 1)
    colors = dict(zip(parts.labels, part_colors(len(parts.labels)) / 255, strict=True))
    plotter = pyvista.Plotter(off_screen=True, window_size=[3 * SIZE, SIZE], shape=(1, 3), border=False)
    plotter.set_background("white")
    for panel in range(3):
        plotter.subplot(0, panel)
        for label, mesh in meshes.items():
            moved = mesh.vertices - middle + (panel == 1) * args.apart * (mesh.bounds.mean(axis=0) - middle)
            surface = pyvista.PolyData.from_regular_faces(moved, mesh.faces)
            if panel < 2:
                plotter.add_mesh(surface, color=tuple(colors[label]), specular=0.2, ambient=0.2)
                continue
            radius = parts.certified_label_radius(mesh.vertices)
            plotter.add_mesh(surface, scalars=radius, clim=(0.0, 0.1 * size), cmap="viridis", show_scalar_bar=False)
        plotter.camera_position = [
            tuple((2.8 if panel == 1 else 1.9) * size * way / np.linalg.norm(way)),
            (0, 0, 0),
            tuple(np.eye(3)[axis]),
        ]
    plotter.screenshot(args.output)


if __name__ == "__main__":
    main()
