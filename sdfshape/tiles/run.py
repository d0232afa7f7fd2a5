"""All tiles of a plan: given to Dask, one process each, done once."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..batch.cluster import Needs, connected, lock_seen
from ..batch.process import PATIENCE, Limits, program, run_process
from ..errors import InputError, SdfShapeError
from ..limits import check_threads, cores
from ..train.run import computing_with
from .folder import TileFolder
from .training import train_tile


@dataclass(frozen=True, kw_only=True)
class Workforce:
    """workers : tiles at a time.   threads : of each, None: the cores shared among the workers.   device : of torch, None: of the options.
    scheduler : address of a Dask cluster whose machines see the same folder, or None.
    """

    workers: int = 1
    threads: int | None = None
    scheduler: str | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        check_threads(self.threads)
        if self.workers < 1:
            raise InputError(f"workers must be at least 1, got {self.workers}")

    @property
    def threads_each(self) -> int:
        return self.threads or max(1, cores() // self.workers)


def make_tile(folder: Path, index: int, *, plan: str, threads: int, device: str) -> None:
    """Train one tile of the plan of this id in a folder and keep it there; raises InputError if there is no such tile, or another plan."""
    work = TileFolder(folder)
    if work.id != plan:
        raise InputError(
            f"{folder}: the plan must be the one that the tile was asked for, it is another: one command at a time in a folder"
        )
    whole = work.read_plan()
    if not 0 <= index < len(whole.tiles):
        raise InputError(f"a tile must be 0 to {len(whole.tiles) - 1}, got {index}")
    with computing_with(device, threads) as chosen:
        made = train_tile(whole.tiles[index], work.read_points(index), whole.coarse, whole.config, whole.seed, chosen)
        work.keep(index, whole.frame, made, plan)


def do_tile(folder: Path, index: int, plan: str, device: str, limits: Limits) -> tuple[int, str]:
    """The tile, and why it failed, or nothing: `make_tile` in a process of its own."""
    try:
        if limits.is_over:
            return index, "not begun"
        words = [*program("make-tile"), "--plan", plan, "--threads", str(limits.threads), "--device", device]
        ending = run_process([*words, "--", str(folder), str(index)], limits)
        return index, "" if ending.get("status") == "done" else str(ending.get("reason", "failed"))
    except Exception as error:  # a worker must outlive every tile
        return index, f"{type(error).__name__}: {error}"


def run_tiles(work: TileFolder, plan: str, indices: Sequence[int], force: Workforce, on_tile: Callable[[int, float], None]) -> None:
    """Do these tiles of the plan of this id, in a folder that is locked. on_tile(how many are done, seconds left).

    Raises SdfShapeError for a tile that failed: the others go on, and are kept. KeyboardInterrupt once all have ended that were asked to.
    """
    if not indices:
        return
    from distributed import as_completed, wait

    device = force.device or "cpu"
    with connected(force.scheduler, force.workers, Needs(frozenset({work.path}), frozenset({device}))) as client:
        stop, start = work.path / f".stop-{secrets.token_hex(4)}", time.monotonic()
        limits = Limits(force.threads_each, None, None, stop, lock_seen(client, force.scheduler, work.path))
        batch, failed = secrets.token_hex(4), []
        futures = [client.submit(do_tile, work.path, j, plan, device, limits, key=f"tile-{batch}-{j}", pure=False) for j in indices]
        try:
            for count, future in enumerate(as_completed(futures), 1):
                index, reason = _ended(future)
                failed += [f"tile {index}: {reason}"] if reason else []
                on_tile(count, (time.monotonic() - start) / count * (len(futures) - count))
        except BaseException:
            stop.touch()
            with suppress(TimeoutError):
                wait(futures, timeout=2 * PATIENCE)
            client.cancel(futures)
            raise
        finally:
            stop.unlink(missing_ok=True)
    if failed:
        raise SdfShapeError(f"{len(failed)} of {len(indices)} tiles failed, the first: {failed[0]}: the others are kept, run it again")


def _ended(future: Any) -> tuple[int, str]:
    if future.status == "finished":
        return future.result()  # type: ignore[no-any-return]
    return int(str(future.key).rsplit("-", 1)[1]), "its worker died, and those that took it over"
