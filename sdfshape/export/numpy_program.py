"""One Python file that evaluates a field with NumPy alone."""

from __future__ import annotations

import base64
import io
from os import PathLike
from pathlib import Path

from ..field import SignedDistanceField
from ..io import atomic_write
from .numbers import field_numbers, require_absolute

LINE = 120

PROGRAM = '''"""A signed distance field, written by sdfshape: negative inside, in the units of the scan. Needs NumPy alone.

distance(points (m, 3)) -> (m,). It is 1-Lipschitz up to rounding: no surface is nearer than |distance| says.
    python THIS_FILE X Y Z
"""

import base64
import io

import numpy as np

ROWS = 65536  # points at a time
NUMBERS = """
{numbers}
"""
_data = np.load(io.BytesIO(base64.b64decode(NUMBERS)), allow_pickle=False)
_layers = [(_data[f"matrix_{{j}}"].astype(np.float64), _data[f"bias_{{j}}"].astype(np.float64)) for j in range({layers})]
LO, HI = _data["centre"] + _data["scale"] * _data["lo"].min(0), _data["centre"] + _data["scale"] * _data["hi"].max(0)  # holds all inside


def distance(points):
    points = np.atleast_2d(np.asarray(points, dtype=np.float64))
    parts = [_some(points[first : first + ROWS]) for first in range(0, len(points), ROWS)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _some(points):
    u = (points - _data["centre"]) / _data["scale"]
    best = np.full(len(u), np.inf)
    boxes = zip(*(_data[name] for name in ("lo", "hi", "box_scale", "share", "width")))
    for k, (lo, hi, size, share, width) in enumerate(boxes):
        h = (u - (lo + hi) / 2) / size
        for j, (matrix, bias) in enumerate(_layers):
            h = h @ matrix[k].T + bias[k]
            h = np.abs(h) if j < len(_layers) - 1 else h
        q = np.maximum(lo - u, u - hi)
        box = np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(axis=1), 0)
        ramp = np.maximum(box + width, 0)
        best = np.minimum(best, np.maximum((1 - share) * size * h[:, 0] + share * ramp, box))
    return _data["scale"] * best


if __name__ == "__main__":
    import sys

    print(distance([float(word) for word in sys.argv[1:4]])[0])
'''


def write_numpy_program(field: SignedDistanceField, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write the field's mosaic as a Python file. Raises OutputError where it cannot."""
    import numpy as np

    require_absolute(field)
    packed = io.BytesIO()
    np.savez_compressed(packed, **field_numbers(field))  # type: ignore[arg-type]
    text = base64.b64encode(packed.getvalue()).decode()
    lines = "\n".join(text[first : first + LINE] for first in range(0, len(text), LINE))
    with atomic_write(path, overwrite=overwrite) as temporary:
        Path(temporary).write_text(PROGRAM.format(numbers=lines, layers=len(field.layers.matrices)), encoding="ascii")
