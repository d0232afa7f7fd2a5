"""The margin without labels: which one tells rows that were left out from rows that were made up.

Made up: half of them uniform in the box of the rows, half with every column drawn from the rows on its own, so that each number
is likely and the row is not (the reference distributions of Hastie, Tibshirani, Friedman 2009, section 14.2.4). An estimate of quality,
no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..evaluate.robustness import auroc
from ..types import FloatArray
from .recipes import Request, train_field

LEFT_OUT = 0.2


def search_margin(rows: FloatArray, request: Request, margins: Sequence[float], seed: int) -> Request:
    """The request with the best of these margins; the smallest of equals."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    count = min(max(1, round(LEFT_OUT * len(rows))), len(rows) - 2)
    if count < 1:  # two rows: nothing can be left out
        return request
    kept, left = rows[order[count:]], rows[order[:count]]
    made_up = made_up_rows(rows, len(left), rng)

    def told_apart(margin: float) -> float:
        field = train_field(kept, replace(request, margin=margin), seed, lambda *_: None)
        return auroc(-field(left), -field(made_up))

    return replace(request, margin=max(sorted(margins), key=told_apart))


def made_up_rows(rows: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """About `count` rows of the same columns that nobody measured."""
    half = -(-count // 2)
    anywhere = rng.uniform(rows.min(axis=0), rows.max(axis=0), (half, rows.shape[1]))
    mixed = rows[rng.integers(len(rows), size=(half, rows.shape[1])), np.arange(rows.shape[1])]
    return np.concatenate([anywhere, mixed])
