"""`sdfshape export FIELD -o FILE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import words

ENDINGS = (".npz", ".vti", ".py", ".onnx", ".glsl")


def export(
    field: Annotated[Path, typer.Argument(help="A field (.sdf) that `reconstruct --model` kept.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help=".npz, .vti: values on a grid; .py: a program that needs NumPy alone; .onnx: a model; .glsl: a shader."
        ),
    ],
    resolution: Annotated[int, typer.Option(help="Of a grid: cells along its longest side, 4 to 1024.")] = 128,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Write a field for other programs. A grid states how far interpolation on it can be off, proven."""
    from ..errors import OutputError
    from ..export import volume_grid, write_glsl, write_numpy_program, write_onnx
    from ..field import load_field
    from .outputs import check_outputs

    ending = output.suffix.lower()
    if ending not in ENDINGS:
        raise OutputError(f"{output.name}: an exported field must end in one of {' '.join(ENDINGS)}, got {output.suffix!r}: rename it")
    check_outputs([("any", output)], [field], overwrite=overwrite)
    loaded, note = load_field(field), "the networks alone: the same surface, smaller values far from it"
    programs = {".py": write_numpy_program, ".onnx": write_onnx, ".glsl": write_glsl}
    if ending in programs:
        programs[ending](loaded, output, overwrite=overwrite)
    else:
        grid = volume_grid(loaded, resolution)
        (grid.save_npz if ending == ".npz" else grid.save_vti)(output, overwrite=overwrite)
        nodes = " x ".join(map(str, grid.values.shape))
        note = f"{nodes} nodes, interpolation is at most {grid.error:.3g} off (proven, units of the scan)"
    if not quiet:
        sys.stdout.write(f"{note} -> {output}\n")
