"""`sdfshape certify FIELD`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def certify(
    field: Annotated[Path, typer.Argument(help="A field (.sdf) that `reconstruct --model` kept.")],
    verbose: Annotated[bool, typer.Option("--verbose", help="Also print the spectral norm of every layer.")] = False,
) -> None:
    """Prove again that a field is 1-Lipschitz, from its weights; exit 1 if it is not."""
    import numpy as np

    from ..lipschitz.certificate import spectral_norms_above
    from ..parts.files import load_solid_and_parts

    loaded, parts = load_solid_and_parts(field)
    centre = np.asarray([loaded.frame.centre])
    lines = [
        f"certified Lipschitz constant   {loaded.network_bound:.12f} <= 1 (product of spectral norms, float64, rounded up)",
        f"rounding of certified queries  {loaded.certified(centre)[1]:.3g} (proven, float64, units of the scan)",
        f"rounding of plain evaluation   {loaded.float32_error:.3g} (estimated, float32, units of the scan)",
        f"networks, numbers              {len(loaded.boxes.lo)}, {loaded.parameters:,}",
    ]
    if parts is not None:
        lines.append(f"parts, proven room between     {len(parts.labels)}, {parts.gap / max(parts.classifier.pair_bound, 1):.4g}")
        lines.append(f"differences of their outputs   {parts.classifier.pair_bound:.12f} <= 1")
    if verbose:
        lines.append("spectral norms of the layers' matrices, a column a network; the constant is the largest product of a column:")
        for j, matrices in enumerate(loaded.layers.matrices):
            norms = ", ".join(f"{n:.12f}" for n in spectral_norms_above(matrices).tolist())
            lines.append(f"layer {j + 1:2d} {'x'.join(map(str, matrices.shape[1:])):>7}  {norms}")
    sys.stdout.write("\n".join(lines) + "\n")
