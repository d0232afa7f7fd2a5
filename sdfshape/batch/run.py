"""All shapes of a batch: given to Dask, taken as they end, written down at once."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..limits import check_threads, cores
from .artefacts import remove_if_empty
from .cluster import Needs, connected, dashboard_of, lock_seen
from .jobs import ShapeJob, check_apart, check_ending, check_kept
from .locking import locked
from .process import PATIENCE, Limits
from .summary import tally, write_summary
from .task import do_shape

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class BatchRequest:
    """output : folder.   ending : of the meshes.   picture : of each shape.   workers : shapes at a time; threads : of each, None: the
    cores shared among the workers.   scheduler : address of a Dask cluster whose machines see the same folders, or None.
    timeout, max_memory : seconds and megabytes of one shape.   again : do also what is done.
    """

    output: Path
    ending: str = ".ply"
    picture: bool = True
    workers: int = 1
    threads: int | None = None
    scheduler: str | None = None
    timeout: float | None = None
    max_memory: float | None = None
    again: bool = False

    def __post_init__(self) -> None:
        check_ending(self.ending)
        check_threads(self.threads, "--threads")
        for name, value in (("--workers", self.workers), ("--timeout", self.timeout)):
            if value is not None and not value > 0:
                raise InputError(f"{name} must be above 0, got {value:g}")
        if self.max_memory is not None and not self.max_memory > 0:
            raise InputError(f"--max-memory must be megabytes above 0, got {self.max_memory:g}")

    @property
    def threads_each(self) -> int:
        """So many that all workers together use every core once."""
        return self.threads or max(1, cores() // self.workers)


def run_batch(
    jobs: Sequence[ShapeJob],
    request: BatchRequest,
    on_row: Callable[[Row], None] = lambda _: None,
    on_link: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """A row a shape, in the order of the jobs; also as batch.csv, batch.html and, line by line as they end, batch.jsonl in the output.

    on_row(row) : as shapes end.   on_link(address) : of Dask's dashboard.
    Raises InputError, OutputError before the first shape; KeyboardInterrupt once all shapes have ended that were asked to.
    """
    check_apart(jobs)
    check_kept(jobs, request.output)
    with locked(request.output) as folder, connected(request.scheduler, request.workers, needed_by(jobs, folder)) as client:
        if find_spec("bokeh"):  # without, the page says only that it is not there
            on_link(dashboard_of(client, request.scheduler))
        stop = folder / f".stop-{secrets.token_hex(4)}"
        lock = lock_seen(client, request.scheduler, folder)
        limits = Limits(request.threads_each, request.timeout, request.max_memory, stop, lock, request.again)
        rows: dict[str, Row] = {}
        log = _Log(folder / "batch.jsonl")
        log.write({"event": "begin", "shapes": len(jobs), "workers": request.workers, "threads": limits.threads})

        def take(row: Row) -> None:
            rows[row["name"]] = row
            log.write({"event": row["status"], **row})
            on_row(row)

        try:
            _collect(client, jobs, request, limits, take)
        finally:
            stop.unlink(missing_ok=True)
            ordered = [rows.get(job.name, _not_begun(job)) for job in jobs]
            _tidy(ordered, folder)
            write_summary(ordered, folder, request.picture)
            log.write({"event": "end", **tally(ordered)})
    return ordered


def needed_by(jobs: Sequence[ShapeJob], folder: Path) -> Needs:
    """What a worker must see and have to do any of the jobs."""
    devices = {str(job.options["device"]) for job in jobs if job.options.get("device")}
    return Needs(frozenset({folder, *(job.source.parent for job in jobs)}), frozenset(devices))


def _collect(client: Any, jobs: Sequence[ShapeJob], request: BatchRequest, limits: Limits, take: Callable[[Row], None]) -> None:
    """Take rows as shapes end. However it ends, no shape is begun any more then; those at work were told to end, and had time to."""
    from distributed import as_completed, wait

    folder, batch = request.output.resolve(), secrets.token_hex(4)  # a cluster may do several batches, with shapes of the same names
    waiting: dict[str, tuple[ShapeJob, Any]] = {}
    try:
        for job in jobs:
            given = (job, folder / job.name, request.ending, request.picture, limits)
            future = client.submit(do_shape, *given, key=f"shape-{batch}-{job.name}", pure=False)
            waiting[future.key] = (job, future)
        for future in as_completed([future for _, future in waiting.values()]):
            job, _ = waiting.pop(future.key)
            take(future.result() if future.status == "finished" else _lost(job, future))
            future.release()
    except BaseException:
        limits.stop.touch()
        with suppress(TimeoutError):  # of a cluster that has lost its workers, or is busy with others
            wait([future for _, future in waiting.values()], timeout=2 * PATIENCE)
        for _, future in waiting.values():
            if future.status == "finished":
                with suppress(OSError):  # the disk may be what failed
                    take(future.result())
        client.cancel([future for _, future in waiting.values()])
        raise


def _tidy(rows: Sequence[Row], folder: Path) -> None:
    """No folders above those of shapes that left nothing."""
    for row in rows:
        for above in (folder / row["name"]).parents:
            if above == folder:
                break
            remove_if_empty(above)


def _lost(job: ShapeJob, future: Any) -> Row:
    """The row of a shape whose workers died with it, as often as Dask tries."""
    error = future.exception()
    reason = f"{type(error).__name__}: its worker died, and those that took it over" if error is not None else str(future.status)
    return _not_begun(job) | {"status": "failed", "reason": reason}


def _not_begun(job: ShapeJob) -> Row:
    return {"name": job.name, "source": str(job.source), "status": "stopped", "reason": "not begun", "id": "", "seconds": 0.0}


class _Log:
    """Lines of JSON, each whole: written at once and flushed to the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, event: dict[str, Any]) -> None:
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "clock": time.monotonic(), **event}) + "\n"
        with self.path.open("ab") as file:
            file.write(line.encode())
            if event.get("status") != "stopped":  # thousands of these come at once, and say nothing that the end does not
                file.flush()
                os.fsync(file.fileno())
