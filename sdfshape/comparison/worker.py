"""One method on one cloud, in a process of its own: `python -m sdfshape.comparison.worker FOLDER`.

The folder holds job.json, cloud.npz, places.npy and, if there is one, truth.npz; mesh.npz, field.npz and facts.json come to it. A method
that fails leaves its reason in facts.json; one that takes the process with it leaves nothing, and the caller says so.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SdfShapeError
from ..frame import Frame
from ..types import FloatArray, Mesh, PointCloud
from ..waiting import wait_briefly_if_busy
from .methods import METHODS, Ask, Made

if TYPE_CHECKING:
    from ..baselines.score_field import ScoreField
    from ..field import CertifiedField

SLICE = 160  # places along a side of a slice
RESIDUAL_PLACES = 20_000
REACH = 1.0  # of the domain, unit frame


def save_mesh(mesh: Mesh, path: Path) -> None:
    np.savez(path, vertices=mesh.vertices, faces=mesh.faces)


def load_mesh(path: Path) -> Mesh:
    with np.load(path, allow_pickle=False) as data:
        return Mesh(data["vertices"], data["faces"])


def main(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text())
    with np.load(folder / "cloud.npz", allow_pickle=False) as data:
        cloud = PointCloud(data["points"])
    truth = load_mesh(folder / "truth.npz") if (folder / "truth.npz").exists() else None
    facts = run(folder, job, cloud, truth)
    (folder / "facts.json.part").write_text(json.dumps(facts))
    (folder / "facts.json.part").replace(folder / "facts.json")


def run(folder: Path, job: dict[str, Any], cloud: PointCloud, truth: Mesh | None) -> dict[str, Any]:
    """Facts of the run; the mesh and the samples of the field are written to the folder."""
    wait_briefly_if_busy()
    import torch

    from ..evaluate.report import peak_rss_mb

    if job["threads"]:
        torch.set_num_threads(job["threads"])
    ask, start = Ask(job["seconds"], job["resolution"], job["seed"], truth), time.perf_counter()
    try:
        made = METHODS[job["method"]].run(cloud, ask)
    except SdfShapeError as error:
        return {"error": str(error)}
    facts: dict[str, Any] = {
        "seconds": time.perf_counter() - start,
        "peak_rss_mb": peak_rss_mb(),
        "threads": torch.get_num_threads(),
        "parameters": made.parameters,
    }
    facts |= {"lipschitz": made.lipschitz, "told": made.told, "notes": dict(made.notes)}
    save_mesh(made.mesh, folder / "mesh.npz")
    return facts | (field_samples(folder, made, Frame.from_points(cloud.points)) if made.field is not None else {})


def field_samples(folder: Path, made: Made, frame: Frame) -> dict[str, Any]:
    """Values on three slices through the middle and at the places asked for, world units; the mean eikonal residual over the domain."""
    assert made.field is not None
    axis = np.linspace(-REACH, REACH, SLICE)
    slices = []
    for k in range(3):
        places = np.zeros((SLICE, SLICE, 3))
        places[..., (k + 1) % 3], places[..., (k + 2) % 3] = axis[:, None], axis[None, :]
        slices.append(made.field(frame.to_world(places.reshape(-1, 3))).reshape(SLICE, SLICE))
    asked = np.load(folder / "places.npy", allow_pickle=False)
    np.savez(folder / "field.npz", values=made.field(asked), slices=np.stack(slices))
    return {"residual": eikonal_residual(made.field, frame), "is_distance": getattr(made.field, "is_distance", True)}


def eikonal_residual(field: CertifiedField | ScoreField, frame: Frame) -> float | None:
    """Mean of ||grad f| - 1| at random places of the domain; nothing for scores."""
    from ..baselines.score_field import ScoreField

    places: FloatArray = np.random.default_rng(0).uniform(-REACH, REACH, (RESIDUAL_PLACES, 3))
    if isinstance(field, ScoreField):
        return float(np.abs(field.slopes_unit(places) - 1).mean()) if field.is_distance else None
    return float(np.abs(np.linalg.norm(field.gradient(frame.to_world(places)), axis=1) - 1).mean())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
