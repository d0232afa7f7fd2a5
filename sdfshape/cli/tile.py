"""`sdfshape tile SCAN -o MESH --tiles N`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..limits import UPRIGHT
from . import words

Tiles = Annotated[int, typer.Option(help="How many: a power of two. Each is a mosaic of its own, with as many points as one.")]
Workers = Annotated[int | None, typer.Option(help="Tiles at a time; default: one a core. (With --scheduler: as many as it has workers.)")]
EachThreads = Annotated[int | None, typer.Option(help="Of each tile; default: the cores divided by the workers.")]
Work = Annotated[
    Path | None, typer.Option(help="The folder of the tiles that are done; default: hidden beside the mesh, gone when all is done.")
]
TileResolution = Annotated[
    int,
    typer.Option(help="Cells of the grid along the longest side of a tile; the whole has sqrt(TILES) times as many, up to 1024."),
]


def tile(
    scan: words.Scan,
    output: Annotated[Path, typer.Option("--output", "-o", help="The mesh: .obj .ply .stl .off .glb.")],
    tiles: Tiles = 8,
    workers: Workers = None,
    threads: EachThreads = None,
    scheduler: words.Scheduler = None,
    work: Work = None,
    model: words.Model = None,
    report: words.Report = None,
    cleaned: words.Cleaned = None,
    picture: words.Picture = None,
    azimuth: words.Azimuth = 35.0,
    elevation: words.Elevation = 20.0,
    up: words.Up = "y",
    preset: words.Preset = "default",
    surface: words.Surface = "auto",
    resolution: TileResolution = 200,
    iso: words.Iso = 0.0,
    truth: words.Truth = None,
    normals: words.Normals = "auto",
    sensor: words.Sensor = None,
    seed: words.Seed = 0,
    device: words.Device = "cpu",
    keep_all: words.KeepAll = False,
    keep_outliers: words.KeepOutliers = False,
    max_deviation: words.MaxDeviation = None,
    vertex_normals: words.VertexNormals = False,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Reconstruct a scan with more detail than one mosaic shows: cut into boxes, joined as one certified field and one watertight mesh.

    The scan may be of any size (.las, .laz and .e57 are read in pieces): about 60,000 averages of it go into each tile. The same command
    goes on where it was interrupted.
    """
    asked = locals()
    from .tile_job import TileRequest, run_tile_job

    same = ("scan", "tiles", "workers", "threads", "scheduler", "work", "truth", "device", "quiet")
    from .job import chosen_options
    from .outputs import Outputs

    outputs = Outputs(output, model, report, picture, cleaned, None, overwrite, (azimuth, elevation, UPRIGHT.index(up)))
    run_tile_job(TileRequest(**{name: asked[name] for name in same}), outputs, chosen_options(asked))


def make_tile(folder: Path, index: int, plan: str = "", threads: int = 1, device: str = "cpu") -> None:
    """One tile of a plan, for `tile`."""
    from ..tiles.run import make_tile

    make_tile(folder, index, plan=plan, threads=threads, device=device)
