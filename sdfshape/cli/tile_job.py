"""A reconstruction in tiles, from file to files."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OutputError
from ..io import read_mesh
from ..limits import cores
from ..streaming import ENOUGH, read_scan
from ..types import Mesh
from .job import Outputs, as_cloud, check_cleaned, complete

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
    from ..batch.cluster import Needs, connected
    from ..batch.locking import locked
    from ..tiles import Workforce, reconstruct_tiles
    from ..tiles.reconstruction import check_tiled
    from ..train.config import preset
    from ..train.run import computing_with
    from .console import progress_bar

    check_tiled(options, preset(options.preset), request.tiles)
    work = request.work or outputs.mesh.with_name(f".{outputs.mesh.name}.tiles")
    with computing_with(options.device, None), locked(work) as folder:  # what would be refused after hours is refused now
        if request.scheduler is not None:
            with connected(request.scheduler, 1, Needs(frozenset({folder}), frozenset({options.device}))):
                pass
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
    with progress_bar(request.quiet) as show:
        result = reconstruct_tiles(cloud, options, tiles=request.tiles, workforce=force, work=work, progress=show)
        complete(result, None, cloud, outputs, scan, truth, request.quiet)
    if request.work is None:
        with suppress(OutputError), locked(work):  # unless another command has begun in it
            shutil.rmtree(work, ignore_errors=True)
