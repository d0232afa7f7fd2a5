"""Closed, wrapped, and what `auto` takes: is its choice the better one? Solids, and furniture, which is no solid.

    python apps/94_surface_kinds.py MESH... [--preset default] [--points 20000] [--keep FOLDER] [--beside FOLDER]

A mesh is sampled once (seed 0). What can be seen of the truth is compared (`sdfshape.evaluate.outer`). Columns for each kind: error (from
the outer surface to the mesh, plus from the mesh to the truth, in spacings of the points), error of the thickness (the same), pieces;
then `auto`: its kind, and its error against the better one's. FOLDER of --beside: meshes SHAPE*.ply of another program on as many points.
Expected: auto is never worse than the better of both by more than 10%, and thickness errors stay under one spacing.
"""

import argparse
from pathlib import Path

import numpy as np

import sdfshape as s
from sdfshape.evaluate.outer import judge_outer
from sdfshape.evaluate.report import mesh_facts
from sdfshape.sample.surface import cloud_of_mesh


def cells(mesh: s.Mesh, truth: s.Mesh, spacing: float) -> tuple[float, list[str]]:
    """The error in spacings, and the columns of a mesh."""
    near, facts = judge_outer(mesh, truth, spacing), mesh_facts(mesh)
    error = (near.completeness + near.excess) / spacing
    pieces = f"{facts['components']}{'' if facts['watertight'] else ' open'}"
    return error, [f"{error:.3f}", f"{near.missed:.1%}", f"{near.thickness_error / spacing:.2f}", f"{near.holes:.1%}", pieces]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="+", type=Path)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, help="folder for all meshes")
    parser.add_argument("--beside", type=Path, help="folder of another program's meshes")
    args = parser.parse_args()
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
    kinds = ("closed", "wrap", *(("other",) if args.beside else ()))
    print("| shape | " + " | ".join(f"{kind} error | missed | thickness | holes | pieces" for kind in kinds) + " | auto | of the better |")
    print("|---|" + 5 * len(kinds) * "---|" + "---|---|")
    worst = 0.0
    for path in args.meshes:
        truth = s.read_mesh(path)
        cloud = s.PointCloud(cloud_of_mesh(truth, args.points, 0).points)
        line, errors, spacing, taken = [path.stem], {}, np.nan, ""
        for kind in ("auto", "closed", "wrap"):
            try:
                result = s.reconstruct(cloud, preset=args.preset, surface=kind)
            except s.SdfShapeError:  # a closed surface that has no inside
                line += ["none", *4 * "-"]
                continue
            surface = result.report["surface"]
            spacing, taken = surface["spacing"], surface["kind"] if kind == "auto" else taken
            errors[kind], columns = cells(result.mesh, truth, spacing)
            line += columns if kind != "auto" else []
            if args.keep:
                result.mesh.write(args.keep / f"{path.stem}_{kind}.ply", overwrite=True)
        if args.beside:
            found = sorted(args.beside.glob(f"{path.stem}*.ply"))
            line += cells(s.read_mesh(found[0]), truth, spacing)[1] if found else ["none", *4 * "-"]
        ratio = errors["auto"] / min(errors.values())
        worst = max(worst, ratio)
        print("| " + " | ".join([*line, taken, f"{ratio:.2f}"]) + " |", flush=True)
    print(f"\nauto at worst {worst:.2f} times the better of closed and wrap")


if __name__ == "__main__":
    main()
