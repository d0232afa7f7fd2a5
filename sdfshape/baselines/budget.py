"""How long a method may train: seconds of the clock, or steps, whichever ends first."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import InputError


@dataclass(frozen=True)
class Budget:
    """seconds : of the clock.   steps : at most; with steps alone a run is repeatable to the bit."""

    seconds: float = math.inf
    steps: int = 1_000_000

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.steps >= 1):
            raise InputError(f"a budget must have seconds above 0 and at least 1 step, got {self.seconds:g} and {self.steps}")

    def progress(self) -> Iterator[float]:
        """One number a step, rising from 0 towards 1: the share of the budget that is used, for schedules."""
        start = time.perf_counter()
        for step in range(self.steps):
            used = max(step / self.steps, (time.perf_counter() - start) / self.seconds)
            if used >= 1:
                return
            yield used
