"""Sections and scan lines: points far closer along a curve than between curves.

    python apps/76_sections.py MESH... [--sections 30] [--points 20000] [--preset fast] [--keep FOLDER]

A mesh is cut by planes at equal distances across its y axis, and points are drawn along the sections. Columns, for the points as they are
and as `reconstruct` averages them (`sdfshape.thin`): surface kind, coherence, pieces, and the sum Chamfer distance in % of the diagonal.
Expected: averaged, the kind closed, and .46 to .61 of the error where it was a wrap before, .8 to .9 where it was closed.
"""

import argparse
from pathlib import Path

import numpy as np
import trimesh

import sdfshape as s
from sdfshape import thin


def section_points(mesh: s.Mesh, sections: int, count: int) -> np.ndarray:
    """(count, 3) along the sections, as dense on each."""
    body = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    low, high = body.bounds[:, 1]
    heights = low + (high - low) * (np.arange(sections) + 0.5) / sections
    cut = [trimesh.intersections.mesh_plane(body, [0, 1, 0], [0, height, 0]) for height in heights]
    ends = np.concatenate([lines for lines in cut if len(lines)])
    rng, along = np.random.default_rng(0), np.cumsum(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1))
    line, share = np.searchsorted(along, rng.uniform(0, along[-1], count)), rng.random((count, 1))
    return ends[line, 0] * (1 - share) + ends[line, 1] * share


def error(mesh: s.Mesh, truth: s.Mesh) -> float:
    """Sum Chamfer distance, % of the truth's diagonal."""
    return 100 * s.compare(mesh, truth).chamfer_l1_sum / float(np.linalg.norm(np.ptp(truth.vertices, axis=0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="+", type=Path)
    parser.add_argument("--sections", type=int, default=30)
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--keep", type=Path, help="folder for all meshes")
    args = parser.parse_args()
    print("| shape | as they are | coherence | pieces | error | averaged | coherence | pieces | error |")
    print("|---|" + 8 * "---|")
    lines = thin.LINE_SHARE
    for path in args.meshes:
        truth = s.read_mesh(path)
        cloud, row = s.PointCloud(section_points(truth, args.sections, args.points)), [path.stem]
        for name, share in (("plain", 2.0), ("averaged", lines)):
            thin.LINE_SHARE = share  # no share is above 1: nothing is averaged
            result = s.reconstruct(cloud, preset=args.preset)
            surface, pieces = result.report["surface"], result.report["mesh"]["components"]
            row += [surface["kind"], f"{surface['coherence']:.2f}", f"{pieces}", f"{error(result.mesh, truth):.2f}%"]
            if args.keep:
                args.keep.mkdir(parents=True, exist_ok=True)
                result.mesh.write(args.keep / f"{path.stem}_{name}.ply", overwrite=True)
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
