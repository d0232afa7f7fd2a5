"""Lines of numbers, many at a time."""

from __future__ import annotations

import numpy as np


def decimal_lines(rows: np.ndarray, prefix: str = "") -> list[str]:
    """One line a row; each number is the shortest text that reads back as the same float64."""
    form = prefix + " ".join(["%r"] * rows.shape[1])
    return [form % tuple(row) for row in rows.tolist()]


def integer_lines(rows: np.ndarray, prefix: str = "") -> list[str]:
    """One line a row of whole numbers."""
    form = prefix + " ".join(["%d"] * rows.shape[1])
    return [form % tuple(row) for row in rows.tolist()]
