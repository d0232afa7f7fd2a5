"""What a training loop says after each step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """Number of the step (1 to `steps`), the loss before it, and the lambda it was taken with."""

    step: int
    steps: int
    loss: float
    weight: float
