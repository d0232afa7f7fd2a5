"""One training run from evidence to certified layers: device, checkpoint, interruption."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

import torch

from ..errors import InputError, TrainingInterrupted
from ..limits import check_threads
from ..lipschitz import Boxes, Layers
from ..sample import Evidence
from ..types import FloatArray
from .checkpoint import load_checkpoint, save_checkpoint
from .config import TrainConfig
from .loop import OneClassLoop
from .paper import PaperLoop
from .record import Record
from .watch import Watch

SLOWEST_REPORT = 0.1  # seconds between two reports of progress


@contextmanager
def computing_with(device: str, threads: int | None) -> Iterator[torch.device]:
    """The device by name and the number of threads for the time of the block; raises InputError for what this machine has not."""
    check_threads(threads)
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"device must be cpu, cuda or cuda:N, got {device!r}") from error
    if chosen.type not in ("cpu", "cuda") or (chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count()):
        raise InputError(f"device must be one that this machine and this build of torch have, got {device!r}: use cpu")
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield chosen
    finally:
        torch.set_num_threads(before)


def make_loop(
    evidence: Evidence, points_unit: FloatArray, boxes: Boxes, config: TrainConfig, seed: int, device: torch.device
) -> OneClassLoop | PaperLoop:
    """The loop that a configuration asks for: ours on evidence, the paper's on the points themselves."""
    if config.network.kind == "bjorck":
        return PaperLoop(torch.as_tensor(points_unit), boxes, config, seed)
    return OneClassLoop(evidence, boxes, config, seed, device)


def train_layers(
    loop: OneClassLoop | PaperLoop,
    on_record: Callable[[Record, float], None],
    *,
    checkpoint: str | PathLike[str] | None = None,
    mark: str = "",
    watch: Watch | None = None,
    look: Callable[[Layers], None] = lambda _: None,
) -> Layers:
    """Run `loop` to its end. on_record(record, seconds left) is called about ten times a second.

    checkpoint : continued from if the file is there (and refused if its `mark` is another run's); written on SIGINT and SIGTERM,
    and if `watch` is interrupted. Raises TrainingInterrupted then, naming it.   look(layers) is called when `watch` is due.
    """
    if checkpoint is not None and Path(checkpoint).exists():
        state = load_checkpoint(checkpoint, mark)
        try:
            loop.restore(state)
        except (KeyError, RuntimeError) as error:
            raise InputError(f"{checkpoint}: a checkpoint must hold the whole state, {error} is missing or wrong: delete it") from error
    start, told, first = time.perf_counter(), -math.inf, loop.step
    with _interruption() as interrupted:
        for record in loop.run():  # between two records the loop is between two steps: a state worth keeping
            now = time.perf_counter()
            if now - told >= SLOWEST_REPORT or record.step == record.steps:
                told = now
                on_record(record, (now - start) / (record.step - first) * (record.steps - record.step))
            if (interrupted or (watch is not None and watch.interrupted)) and record.step < record.steps:
                raise _stopped(loop, checkpoint, mark)
            if watch is not None and record.step < record.steps:
                if watch.due():
                    look(loop.layers())
                loop.step = watch.step_to_go_on_from(loop.step, record.steps)
    return loop.layers()


@contextmanager
def _interruption() -> Iterator[list[int]]:
    """A list that is empty until SIGINT or SIGTERM comes. Outside the main thread Python has no handlers to give: it stays empty."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = {number: signal.signal(number, lambda n, _: came.append(n)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stopped(loop: OneClassLoop | PaperLoop, checkpoint: str | PathLike[str] | None, mark: str) -> TrainingInterrupted:
    if checkpoint is None:
        return TrainingInterrupted(f"interrupted at step {loop.step}: nothing was kept, no checkpoint was asked for")
    save_checkpoint(checkpoint, loop.state(), mark)
    return TrainingInterrupted(f"interrupted at step {loop.step}: the same command continues from {checkpoint}", str(checkpoint))
