"""Work that would stop the picture, on a thread of its own: of each kind only the latest counts."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from ..errors import SdfShapeError

STOPPING = 10.0  # seconds that the job at hand may take to end
Told = Callable[[float], None]  # the share that is done; raises to give up
Task = Callable[[Told], Any]


class Superseded(Exception):
    """The job is not wanted any more."""


class Jobs:
    """submit(kind, task): task(told) runs after those before it, unless another of its kind came; told(share) raises Superseded then. What
    is done all the same is handed over: a slider that is dragged without a stop would else show nothing.
    """

    def __init__(self) -> None:
        self._latest: dict[str, int] = {}
        self._dropped: dict[str, int] = {}  # by kind, the number up to which nothing is handed over
        self._waiting: SimpleQueue[tuple[str, int, Task] | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[str, int, Any]] = SimpleQueue()
        self._lock = threading.Lock()
        self._share: dict[str, float] = {}
        self._count = 0
        self._thread = threading.Thread(target=self._work, daemon=True, name="sdfshape-viewer")
        self._thread.start()
        atexit.register(self.close)  # a thread inside of torch while Python takes itself apart would abort the process

    def submit(self, kind: str, task: Task) -> None:
        with self._lock:
            self._count += 1
            self._latest[kind] = self._count
            self._share[kind] = 0.0
            self._waiting.put((kind, self._count, task))

    def drop(self, kind: str) -> None:
        """Forget what runs or waits under this name: it is not handed over."""
        with self._lock:
            self._latest.pop(kind, None)
            self._share.pop(kind, None)
            self._dropped[kind] = self._count

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            kinds = [*self._latest, *self._dropped]
        for kind in kinds:
            self.drop(kind)

    def finished(self) -> Iterator[tuple[str, Any]]:
        """(kind, result or SdfShapeError) of jobs that are done and were not dropped; to be called by the thread that draws."""
        while True:
            try:
                kind, number, result = self._done.get_nowait()
            except Empty:
                return
            with self._lock:
                wanted = number > self._dropped.get(kind, 0)
                if self._latest.get(kind) == number:
                    del self._latest[kind], self._share[kind]
            if wanted:
                yield kind, result

    @property
    def running(self) -> dict[str, float]:
        """Kinds that are asked for and not there yet, with the share that is done."""
        with self._lock:
            return dict(self._share)

    def close(self) -> None:
        """Forget everything, and wait for the job at hand to end."""
        self.forget()
        self._waiting.put(None)
        self._thread.join(STOPPING)
        atexit.unregister(self.close)

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            kind, number, task = job
            if self._latest.get(kind) != number:
                continue
            try:
                result = task(partial(self._told, kind, number))
            except Superseded:
                continue
            except SdfShapeError as error:
                result = error
            except Exception as error:  # a fault of ours must not end the thread: it becomes a line in the window
                result = SdfShapeError(f"this could not be computed: {type(error).__name__}: {error}")
            self._done.put((kind, number, result))

    def _told(self, kind: str, number: int, share: float) -> None:
        with self._lock:
            if self._latest.get(kind) != number:
                raise Superseded
            self._share[kind] = share
