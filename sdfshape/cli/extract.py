"""`sdfshape extract FIELD -o MESH`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import words

if TYPE_CHECKING:
    from ..extract import Extraction
    from ..field import CertifiedField
    from ..types import PointCloud


@dataclass(frozen=True)
class _Wanted:
    """Of every level: as the options of the command."""

    resolution: int
    dense: bool
    shell: float | None
    drop_below: float
    max_deviation: float | None
    vertex_normals: bool


def extract(
    field: Annotated[Path, typer.Argument(help="A field (.sdf) that `reconstruct --model` kept.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The mesh: .obj .ply .stl .off .glb.")],
    resolution: words.Resolution = 200,
    iso: Annotated[
        list[float],
        typer.Option(help="Level, units of the scan: 0 is the surface, positive lies outside. Told again: a mesh of each, NAME_LEVEL.ply."),
    ] = [0.0],  # noqa: B006  (typer reads it, nobody writes it)
    shell: Annotated[
        float | None, typer.Option(help="A wall of this thickness inside of the level, hollow within. Units of the scan.")
    ] = None,
    scan: Annotated[Path | None, typer.Option(help="Points whose colours the mesh takes.")] = None,
    drop_below: Annotated[float, typer.Option(help="Drop pieces of less than this share of the area, 0 to 1.")] = 0.0,
    max_deviation: words.MaxDeviation = None,
    vertex_normals: words.VertexNormals = False,
    dense: Annotated[bool, typer.Option("--dense", help="Evaluate every node: the slow way, same triangles.")] = False,
    part: words.Part = None,
    threads: words.Threads = None,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Extract the mesh of a level of a field; cells that cannot hold it are never opened.

    Unlike `reconstruct`, it does not tell pieces that no point explains: all are kept unless told.
    """
    from ..io import read_points
    from ..train.run import computing_with
    from .job import Outputs
    from .loading import field_or_part

    paths = [output] if len(iso) == 1 else [output.with_name(f"{output.stem}_{level:g}{output.suffix}") for level in iso]
    for path in paths:
        Outputs(mesh=path, overwrite=overwrite).check()
    loaded, colors = field_or_part(field, part), read_points(scan) if scan else None
    wanted = _Wanted(resolution, dense, shell, drop_below, max_deviation, vertex_normals)
    with computing_with("cpu", threads):
        for level, path in zip(iso, paths, strict=True):
            line = _extract_level(loaded, level, colors, wanted, path, overwrite)
            if not quiet:
                sys.stdout.write(f"{line} -> {path}\n")


def _extract_level(field: CertifiedField, iso: float, scan: PointCloud | None, wanted: _Wanted, output: Path, overwrite: bool) -> str:
    """Extract, finish and write one level; returns what to say of it."""
    from ..extract import drop_small, extract_mesh, extract_shell, finish

    found: Extraction
    if wanted.shell is None:
        found = extract_mesh(field, resolution=wanted.resolution, iso=iso, dense=wanted.dense)
    else:
        found = extract_shell(field, wanted.shell, resolution=wanted.resolution, iso=iso, dense=wanted.dense)
    mesh, dropped = drop_small(found.mesh, wanted.drop_below)
    done = finish(mesh, field, iso, scan=scan, max_deviation=wanted.max_deviation, vertex_normals=wanted.vertex_normals)
    done.mesh.write(output, overwrite=overwrite)
    saved = found.dense_evaluations / found.evaluations
    line = f"{len(done.mesh.vertices):,} vertices, {len(done.mesh.faces):,} faces from {found.evaluations:,} evaluations"
    line += f", {saved:.1f} times fewer than dense" + (f", {dropped} small pieces dropped" if dropped else "")
    if wanted.max_deviation is not None:
        line += f", {len(mesh.faces) / len(done.mesh.faces):.1f} times fewer faces, moved by at most {done.deviation.upper:.3g} (proven)"
        line += f", field within {done.off_level:.3g} of {iso:g} (proven)" if wanted.shell is None else ""
    return line
