"""`sdfshape evaluate MESH TRUTH`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from . import words


def evaluate(
    mesh: Annotated[Path, typer.Argument(help="The mesh to judge.")],
    truth: Annotated[Path, typer.Argument(help="The true mesh, in the same units and pose.")],
    samples: Annotated[int, typer.Option(help="Points drawn on each surface.")] = 100_000,
    tau: Annotated[float | None, typer.Option(help="Threshold of the F-score; default 0.5% of the diagonal of the truth's box.")] = None,
    seed: words.Seed = 1,
    report: Annotated[Path | None, typer.Option(help="Also write the numbers, as JSON.")] = None,
    overwrite: words.Overwrite = False,
) -> None:
    """Compare a mesh with the truth, by samples of both: Chamfer, Hausdorff, F-score, normals, volume in common.

    Also what is true of the mesh alone: pieces, area, volume, whether it is watertight.
    """
    from ..evaluate import write_report
    from ..evaluate.report import mesh_facts, metric_facts
    from ..io import read_mesh
    from .outputs import check_outputs

    check_outputs([("report", report)], [mesh, truth], overwrite=overwrite)
    judged = read_mesh(mesh)
    facts = {"mesh": mesh_facts(judged), "metrics": metric_facts(judged, read_mesh(truth), samples=samples, tau=tau, seed=seed)}
    if report:
        write_report(facts, report, overwrite=overwrite)
    sys.stdout.write(json.dumps(facts, indent=2) + "\n")
