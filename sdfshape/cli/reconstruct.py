"""`sdfshape reconstruct SCAN -o MESH`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..limits import UPRIGHT
from . import words


def reconstruct(
    scan: words.Scan,
    output: Annotated[Path, typer.Option("--output", "-o", help="The mesh: .obj .ply .stl .off .glb.")],
    model: words.Model = None,
    report: words.Report = None,
    cleaned: words.Cleaned = None,
    picture: words.Picture = None,
    azimuth: words.Azimuth = 35.0,
    elevation: words.Elevation = 20.0,
    up: words.Up = "y",
    preset: words.Preset = "default",
    surface: words.Surface = "auto",
    resolution: words.ScanResolution = 200,
    iso: words.Iso = 0.0,
    points: words.Points = None,
    truth: words.Truth = None,
    normals: words.Normals = "auto",
    sensor: words.Sensor = None,
    seed: words.Seed = 0,
    labels: words.Labels = None,
    part_gap: words.PartGap = None,
    threads: words.Threads = None,
    device: words.Device = "cpu",
    keep_all: words.KeepAll = False,
    keep_outliers: words.KeepOutliers = False,
    max_deviation: words.MaxDeviation = None,
    vertex_normals: words.VertexNormals = False,
    max_memory: words.MaxMemory = None,
    checkpoint: words.Checkpoint = None,
    view: words.View = False,
    web: words.Web = False,
    overwrite: words.Overwrite = False,
    quiet: words.Quiet = False,
) -> None:
    """Reconstruct a watertight mesh and a certified signed distance field from points alone.

    The mesh comes back in the units, position and pose of the input. No normals are needed. Ctrl-C while it trains keeps a
    checkpoint, and the same command continues from it. With --labels, beside MESH there is a mesh of each part, MESH-part-LABEL, that
    touches no other, and MESH-parts.glb with all of them in colours.
    """
    from .job import Outputs, checkpoint_of, chosen_options, front_for, run_job

    options = chosen_options(locals())
    kept, seen = checkpoint or checkpoint_of(output), (azimuth, elevation, UPRIGHT.index(up))
    outputs, front = Outputs(output, model, report, picture, cleaned, kept, overwrite, seen), front_for(view, web, seen[2], labels)
    run_job(scan, outputs, options, points=points, truth=truth, labels=labels, part_gap=part_gap, quiet=quiet, front=front)
