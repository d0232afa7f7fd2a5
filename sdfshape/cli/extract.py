"""`sdfshape extract FIELD -o MESH`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import words


def extract(
    field: Annotated[Path, typer.Argument(help="A field (.sdf) that `reconstruct --model` kept.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The mesh: .obj .ply .stl .off .glb.")],
    resolution: words.Resolution = 200,
    iso: words.Iso = 0.0,
    dense: Annotated[bool, typer.Option("--dense", help="Evaluate every node: the slow way, same triangles.")] = False,
    threads: words.Threads = None,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Extract the mesh of a level of a field; cells that cannot hold it are never opened.

    Unlike `reconstruct`, it has no scan to take colours from, nor to tell pieces that no point explains: all are kept.
    """
    from ..extract import extract_mesh
    from ..field import load_field
    from ..train.run import computing_with
    from .job import Outputs

    Outputs(mesh=output, overwrite=overwrite).check()
    with computing_with("cpu", threads):
        result = extract_mesh(load_field(field), resolution=resolution, iso=iso, dense=dense)
    result.mesh.write(output, overwrite=overwrite)
    if not quiet:
        saved = result.dense_evaluations / result.evaluations
        sys.stdout.write(
            f"{len(result.mesh.vertices):,} vertices, {len(result.mesh.faces):,} faces from {result.evaluations:,} evaluations, "
            f"{saved:.1f} times fewer than dense -> {output}\n"
        )
