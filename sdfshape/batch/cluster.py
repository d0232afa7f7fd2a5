"""Where shapes are done: in this process and its children, or on a cluster of Dask that is there."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .. import __version__
from ..errors import InputError
from .locking import is_abandoned, lock_of

if TYPE_CHECKING:
    from distributed import Client

CONNECT = 10  # seconds to find a scheduler


@dataclass(frozen=True)
class Needs:
    """folders : that every worker must see.   devices : of torch, that each must have."""

    folders: frozenset[Path]
    devices: frozenset[str] = frozenset()


@contextmanager
def connected(scheduler: str | None, workers: int, needs: Needs) -> Iterator[Client]:
    """A client: of a cluster of `workers` threads here, that no other process can reach, or of the scheduler at this address.

    Each thread here only watches a process of its own (`task`). Raises InputError where there is no scheduler, or it has no workers.
    """
    import distributed

    if scheduler is None:
        # inproc: no port is opened but the dashboard's, on this machine alone
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=False,
            memory_limit=0,
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        )
        with cluster, distributed.Client(cluster) as client:
            yield client
        return
    try:
        client = distributed.Client(scheduler, timeout=CONNECT)
    except (OSError, ValueError, TypeError, TimeoutError) as error:
        raise InputError(f"--scheduler must be the address of a Dask scheduler that runs, got {scheduler!r}: {error}") from error
    with client:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            raise InputError(f"the scheduler at {scheduler} must have workers, it has none: start `dask worker {scheduler}`")
        _check_workers(client, needs)
        yield client


def dashboard_of(client: Client, scheduler: str | None) -> str:
    """The address of the dashboard: Dask names this machine as others see it, also where only this machine is listened to."""
    link = urlsplit(str(client.dashboard_link))
    return link._replace(netloc=f"127.0.0.1:{link.port}").geturl() if scheduler is None else link.geturl()


def lock_seen(client: Client, scheduler: str | None, folder: Path) -> Path | None:
    """The lock of a folder, by which workers see whether who gave out the work is still there; None where one of them does not see that it
    is held, as on file systems whose locks are each machine's own: work then ends by itself alone.
    """
    lock = lock_of(folder)
    return lock if scheduler is None or not any(client.run(is_abandoned, lock).values()) else None


def _check_workers(client: Client, needs: Needs) -> None:
    """Raise InputError where a worker has another version, or lacks a folder or a device: before the first shape, not after all."""
    try:
        found = client.run(_what_a_worker_lacks, needs)
    except ImportError as error:
        raise InputError(f"every worker must have sdfshape {__version__} installed, one has not: {error}") from error
    for worker, (version, lacking) in found.items():
        if version != __version__ or lacking:
            law = "have the version, the devices and the folders of this machine"
            said = f"does not have {lacking[0]}" if lacking else f"has sdfshape {version}"
            raise InputError(f"every worker must {law}: {worker} {said}")


def _what_a_worker_lacks(needs: Needs) -> tuple[str, list[str]]:
    lacking = [str(folder) for folder in sorted(needs.folders) if not folder.is_dir()]
    if needs.devices - {"cpu"}:
        import torch

        lacking += [device for device in sorted(needs.devices) if device.startswith("cuda") and not torch.cuda.is_available()]
    return __version__, lacking
