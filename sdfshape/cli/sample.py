"""`sdfshape sample MESH -o CLOUD`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import words


def sample(
    mesh: Annotated[Path, typer.Argument(help="The mesh to sample.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The cloud: .ply .xyz .npy .npz.")],
    points: Annotated[int, typer.Option(help="How many points.")] = 20_000,
    noise: Annotated[float, typer.Option(help="Standard deviation of Gaussian noise, as a share of the longest side.")] = 0.0,
    outliers: Annotated[float, typer.Option(help="Share of the points that are uniform in the box, 0 to 0.9.")] = 0.0,
    normals: Annotated[bool, typer.Option("--normals", help="Also write the true normals.")] = False,
    seed: words.Seed = 0,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Sample points from a mesh, uniformly by area, with noise and outliers if asked."""
    from ..io import check_writable, read_mesh, write_points
    from ..sample.surface import cloud_of_mesh

    check_writable(output, overwrite=overwrite)
    cloud = cloud_of_mesh(read_mesh(mesh), points, seed, noise=noise, outliers=outliers, normals=normals)
    write_points(cloud, output, overwrite=overwrite)
    if not quiet:
        sys.stdout.write(f"{len(cloud):,} points -> {output}\n")
