"""`sdfshape query FIELD POINTS -o TABLE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import words

COLUMNS = ("x", "y", "z", "distance", "lower", "upper", "nx", "ny", "nz")
ROWS = 65_536  # at a time


def query(
    field: Annotated[Path, typer.Argument(help="A field (.sdf) that `reconstruct --model` kept.")],
    points: Annotated[Path, typer.Argument(help="Where to ask: points, in the units of the scan (any file that `reconstruct` reads).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The table: .csv.")],
    tightness: Annotated[
        float,
        typer.Option("--tightness", help="Work on each lower bound until it is this share of the upper one, or cannot be; 0 is fast."),
    ] = 0.9,
    part: words.Part = None,
    threads: words.Threads = None,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Ask a field for distances: a table with a row a point, in the units of the scan.

    distance: the field's value, negative inside; it does not overstate, but for float32's error. lower, upper: proven bounds of the
    distance to the surface, on any side, for which more places are asked: lower may be above distance; upper is inf where none was found.
    nx, ny, nz: the direction in which the distance grows.
    """
    import numpy as np

    from ..errors import InputError
    from ..io import atomic_write, read_points
    from ..train.run import computing_with
    from .loading import field_or_part
    from .outputs import check_outputs

    if not 0 <= tightness < 1:
        raise InputError(f"--tightness must be at least 0 and below 1, got {tightness:g}")
    check_outputs([("table", output)], [field, points], overwrite=overwrite)
    loaded, places = field_or_part(field, part), read_points(points).points
    if not np.isfinite(places).all():
        raise InputError(f"{points.name}: places to ask at must be finite, {int((~np.isfinite(places).all(axis=1)).sum())} rows are not")
    with atomic_write(output, overwrite=overwrite) as temporary, computing_with("cpu", threads), Path(temporary).open("w") as file:
        file.write(",".join(COLUMNS) + "\n")
        for first in range(0, len(places), ROWS):
            some = places[first : first + ROWS]
            table = np.column_stack([some, loaded(some), *loaded.distance_interval(some, tightness=tightness), loaded.normal(some)])
            np.savetxt(file, table, fmt="%.17g", delimiter=",")
    if not quiet:
        inside = int(loaded.contains(places).sum())
        sys.stdout.write(f"{len(places):,} points, {inside:,} inside -> {output}\n")
