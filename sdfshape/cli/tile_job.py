"""A reconstruction in tiles, from file to files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..batch.locking import lock_of, locked
from ..errors import OutputError, TrainingInterrupted
from ..io import read_mesh
from ..limits import cores
from ..streaming import ENOUGH, read_scan
from ..types import Mesh
from .job import as_cloud, check_cleaned, complete
from .outputs import Outputs, check_normals_kept

if TYPE_CHECKING:
    from ..options import Options


@dataclass(frozen=True, kw_only=True)
class TileRequest:
    """The parameters of `sdfshape tile` that are not of a plain reconstruction."""

    scan: Path
    tiles: int
    workers: int | None
    threads: int | None
    scheduler: str | None
    work: Path | None
    truth: Path | None
    device: str
    quiet: bool


def run_tile_job(request: TileRequest, outputs: Outputs, options: Options) -> None:
    """Read, reconstruct in tiles, write all outputs, summarise."""
    outputs.check(request.scan, request.truth)
    check_normals_kept(outputs.mesh, options.vertex_normals)
    from ..tiles import Workforce, reconstruct_tiles
    from ..tiles.reconstruction import check_tiled
    from ..train.config import preset
    from .console import progress_bar

    check_tiled(options, preset(options.preset), request.tiles)
    work = request.work or outputs.mesh.with_name(f".{outputs.mesh.name}.tiles")
    _check_place(work, request)
    options = replace(options, threads=None)  # those of a tile
    workers = request.workers if request.workers is not None else max(1, min(cores(), request.tiles))
    force = Workforce(workers=workers, threads=request.threads, scheduler=request.scheduler, device=request.device)
    most = request.tiles * preset(options.preset).points
    scan = read_scan(request.scan, max(ENOUGH, 2 * most))
    is_mesh = isinstance(scan.shape, Mesh)
    cloud = as_cloud(scan.shape, most if is_mesh else None, options.seed)
    if is_mesh:
        options = replace(options, keep_outliers=True)  # what was sampled from faces lies on them
    check_cleaned(outputs.cleaned, cloud, options.preset)
    truth = read_mesh(request.truth) if request.truth else None
    with _kept(work, is_ours=request.work is None), progress_bar(request.quiet) as show:
        result = reconstruct_tiles(cloud, options, tiles=request.tiles, workforce=force, work=work, progress=show)
        complete(result, None, cloud, outputs, scan, truth, request.quiet)
    if request.work is None:
        with suppress(OutputError), locked(work):  # unless another command has begun in it
            shutil.rmtree(work, ignore_errors=True)


def _check_place(work: Path, request: TileRequest) -> None:
    """Raise now what would be raised after hours: for a folder that cannot be used, a device or a scheduler that is not there."""
    from ..batch.cluster import Needs, connected
    from ..train.run import computing_with

    try:
        with computing_with(request.device, None), locked(work) as folder:
            if request.scheduler is not None:
                with connected(request.scheduler, 1, Needs(frozenset({folder}), frozenset({request.device}))):
                    pass
    finally:
        if request.work is None:
            _drop_if_unused(work)


@contextmanager
def _kept(work: Path, *, is_ours: bool) -> Iterator[None]:
    """Say what an interruption leaves in the folder of the tiles, and how to go on."""
    try:
        yield
    except KeyboardInterrupt as error:
        done = len(list(work.glob("tile-*.json")))
        if not done:
            raise
        tiles = "1 tile is" if done == 1 else f"{done} tiles are"
        raise TrainingInterrupted(f"interrupted: {tiles} kept in {work}, and the same command goes on with them", str(work)) from error
    finally:
        if is_ours:
            _drop_if_unused(work)


def _drop_if_unused(work: Path) -> None:
    """No folder where there are no tiles to go on with."""
    if work.is_dir() and {path.name for path in work.iterdir()} <= {lock_of(work).name}:
        with suppress(OutputError, OSError), locked(work):
            lock_of(work).unlink()
            work.rmdir()
