"""`sdfshape sample MESH -o CLOUD`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import words


def sample(
    mesh: Annotated[Path, typer.Argument(help="The mesh to sample.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The cloud: .ply .npz .npy .xyz .pts .txt.")],
    points: Annotated[int, typer.Option(help="How many points.")] = 20_000,
    noise: Annotated[
        float, typer.Option(help="Standard deviation of Gaussian noise (of a scan: along the ray), as a share of the longest side.")
    ] = 0.0,
    outliers: Annotated[float, typer.Option(help="Share of the points that are uniform in the box, 0 to 0.9.")] = 0.0,
    uneven: Annotated[float, typer.Option(help="How many times denser one end is than the other, along a random axis.")] = 1.0,
    missing: Annotated[float, typer.Option(help="Share of the points that is cut out as one hole, 0 to 0.9.")] = 0.0,
    scan: Annotated[bool, typer.Option("--scan", help="See the mesh as a range scanner does: what no camera sees is missing.")] = False,
    views: Annotated[int, typer.Option(help="Of a scan: cameras around the mesh.")] = 12,
    registration: Annotated[float, typer.Option(help="Of a scan: error of each camera's pose, as a share of the longest side.")] = 0.0,
    normals: Annotated[bool, typer.Option("--normals", help="Also write the true normals.")] = False,
    seed: words.Seed = 0,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Sample points from a mesh, uniformly by area or as a range scanner sees it, with noise, outliers and uneven density if asked."""
    from ..errors import InputError
    from ..io import read_mesh, write_points
    from ..sample.faults import with_holes
    from ..sample.scanner import scan_of_mesh
    from ..sample.surface import cloud_of_mesh
    from .outputs import check_outputs

    if not scan and (views != 12 or registration != 0):
        raise InputError("views and registration are of a scan: add --scan")
    check_outputs([("points", output)], [mesh], overwrite=overwrite)
    shape = read_mesh(mesh)
    if scan:
        cloud = scan_of_mesh(
            shape, points, seed, views=views, noise=noise, registration=registration, outliers=outliers, unevenness=uneven, normals=normals
        )
    else:
        cloud = cloud_of_mesh(shape, points, seed, noise=noise, outliers=outliers, unevenness=uneven, normals=normals)
    cloud = with_holes(cloud, missing, seed)
    write_points(cloud, output, overwrite=overwrite)
    if not quiet:
        sys.stdout.write(f"{len(cloud):,} points -> {output}\n")
