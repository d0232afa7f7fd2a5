"""`sdfshape extract FIELD -o MESH`."""

from __future__ import annotations

import math
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

    def check(self, iso: list[float]) -> None:
        """Raise InputError now for what would be refused after the work."""
        from ..errors import InputError
        from ..limits import check_request

        for level in iso:
            check_request(self.resolution, level, dense=self.dense)
        if not 0 <= self.drop_below < 1:
            raise InputError(f"--drop-below must be a share of at least 0 and below 1, got {self.drop_below:g}")
        for name, length in (("--shell", self.shell), ("--max-deviation", self.max_deviation)):
            if length is not None and not 0 < length < math.inf:
                raise InputError(f"{name} must be a finite length above 0, got {length:g}")


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
    from ..train.run import computing_with
    from .loading import field_or_part
    from .outputs import check_normals_kept, check_outputs

    paths = [output] if len(iso) == 1 else [output.with_name(f"{output.stem}_{level:g}{output.suffix}") for level in iso]
    check_outputs([("mesh", path) for path in paths], [field, scan], overwrite=overwrite)
    wanted = _Wanted(resolution, dense, shell, drop_below, max_deviation, vertex_normals)
    wanted.check(iso)
    check_normals_kept(output, vertex_normals)
    loaded, colors = field_or_part(field, part), _coloured(scan, output) if scan else None
    with computing_with("cpu", threads):
        for level, path in zip(iso, paths, strict=True):
            line = _extract_level(loaded, level, colors, wanted, path, overwrite)
            if not quiet:
                sys.stdout.write(f"{line} -> {path}\n")


def _coloured(scan: Path, output: Path) -> PointCloud:
    """The points whose columns the mesh takes; raises InputError where none would reach the file."""
    from ..errors import InputError
    from ..io import read_points

    cloud = read_points(scan)
    held = {".stl": (), ".ply": ("colors", "labels", "intensity")}.get(output.suffix.lower(), ("colors",))
    if not set(cloud.scan_columns) & set(held):
        has = f"has {' and '.join(cloud.scan_columns)}" if cloud.scan_columns else "has none"
        takes = f"takes {' and '.join(held)}" if held else "takes none"
        raise InputError(f"{scan.name}: --scan gives the mesh its colours, this {has} and {output.suffix} {takes}: leave --scan out")
    return cloud


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
