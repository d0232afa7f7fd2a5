"""`Watch`: how another thread looks at a training, ends it early, or breaks it off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

COOLING = 0.07  # share of the steps that a training which is ended early still takes: the rate falls to 0 in them
EARLIEST = 0.25  # share of the steps before which it is not ended: the sides are not learnt yet


class Watch:
    """see(field) is called with a `SignedDistanceField` about every `every` seconds while it trains, by the thread that trains.

    finish() asks for the end, interrupt() for a checkpoint and TrainingInterrupted; both may be called by any thread.
    """

    def __init__(self, see: Callable[[Any], None] = lambda _: None, *, every: float = 2.0) -> None:
        self.see, self.every = see, every
        self._finish, self._interrupt = threading.Event(), threading.Event()
        self._seen = time.perf_counter()
        self.finished_at: tuple[int, int] | None = None  # (step, steps), if it was ended early

    def finish(self) -> None:
        self._finish.set()

    def interrupt(self) -> None:
        self._interrupt.set()

    @property
    def finishing(self) -> bool:
        return self._finish.is_set()

    @property
    def interrupted(self) -> bool:
        return self._interrupt.is_set()

    def due(self) -> bool:
        """Whether it is time to look again; counts from now if so."""
        now = time.perf_counter()
        if now - self._seen < self.every:
            return False
        self._seen = now
        return True

    def step_to_go_on_from(self, step: int, steps: int) -> int:
        """`step`, or a later one near the end if the end was asked for: what is between is left out."""
        last = int((1 - COOLING) * steps)
        if not self.finishing or not EARLIEST * steps <= step < last:
            return step
        self.finished_at = (step, steps)
        return last
