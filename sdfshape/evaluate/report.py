"""REPORT.json: what came, what was done with it, how long it took, and what came out. One schema, versioned."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ..errors import InputError
from ..extract.components import enclosed_volumes, is_watertight, vertex_components
from ..field import SignedDistanceField
from ..io import atomic_write
from ..types import FloatArray, Mesh
from .metrics import compare
from .occupancy import intersection_over_union

REPORT_VERSION = 1
BRIDGED = 4.0  # spacings


def mesh_facts(mesh: Mesh, dropped_components: int = 0) -> dict[str, Any]:
    """vertices, faces, watertight, components, bodies (those that are no wall of a cavity), dropped_components, and volume and area in
    world units (volume null if it is open).
    """
    count, piece = vertex_components(mesh) if len(mesh.vertices) else (0, np.zeros(0, np.int64))
    volumes = enclosed_volumes(mesh, piece)
    watertight = is_watertight(mesh)
    corners = mesh.vertices[mesh.faces]  # the largest arrays last
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return {
        "vertices": len(mesh.vertices),
        "faces": len(mesh.faces),
        "watertight": watertight,
        "components": int(count),
        "bodies": int((volumes > 0).sum()),
        "dropped_components": dropped_components,
        "volume": float(volumes.sum()) if watertight else None,
        "area": float(np.linalg.norm(np.cross(a, b), axis=1).sum() / 2),
    }


def field_facts(field: SignedDistanceField, samples: int = 4000, seed: int = 0) -> dict[str, Any]:
    """parameters, certified constants, float32 error (estimate), the cells that hold the surface and what they cost to find, and the mean
    | |grad f| - 1 | over `samples` points of the domain.
    """
    places = np.random.default_rng(seed).uniform(-1, 1, (samples, 3))
    _, gradient = field.value_and_gradient_unit(places)
    return {
        "parameters": field.parameters,
        "lipschitz_bound": field.network_bound,
        "float32_error_estimate": field.float32_error,
        "cells": len(field.far.centres.data) if field.far is not None else 0,
        "cells_evaluations": field.far.evaluations if field.far is not None else 0,
        "eikonal_residual": float(np.abs(np.linalg.norm(gradient, axis=1) - 1).mean()),
    }


def fit_facts(field: SignedDistanceField, mesh: Mesh, points: FloatArray, spacing: float, iso: float = 0.0) -> dict[str, Any]:
    """How far the points (n, 3) are from the surface, by the field, and which share of the mesh's vertices bridges holes: nearer than
    BRIDGED of their spacings, and |iso| more, no point is. World units; `bridged` is null where the spacing is not known.
    """
    at_points = np.abs(field(points))
    bridged = float("nan")
    if spacing > 0 and len(mesh.vertices):
        nearest = cKDTree(points).query(mesh.vertices, distance_upper_bound=BRIDGED * spacing + abs(iso), workers=-1)[0]
        bridged = float((nearest == np.inf).mean())
    return {"mean_abs_f": float(at_points.mean()), "max_abs_f": float(at_points.max()), "bridged": bridged}


def metric_facts(mesh: Mesh, truth: Mesh, *, samples: int = 100_000, tau: float | None = None, seed: int = 1) -> dict[str, Any]:
    """The `metrics` part: `compare`, lengths in world units, and `volume_iou` of the two solids, null where one of them is open or flat."""
    found: dict[str, Any] = asdict(compare(mesh, truth, samples=samples, tau=tau, seed=seed)) | {"volume_iou": None}
    if is_watertight(mesh) and is_watertight(truth):
        with suppress(InputError):  # no place is in either
            found["volume_iou"] = intersection_over_union(mesh, truth, samples=samples, seed=seed)
    return found


def peak_rss_mb() -> float:
    """Largest resident memory of this process so far, in MB; nan where the system does not tell (Windows).

    Linux's getrusage also counts what the process that began this one held at that moment: its own status does not.
    """
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 2**10
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def write_report(report: dict[str, Any], path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write the report as JSON; numbers that are not finite become null. Raises OutputError where it cannot."""
    text = json.dumps(_plain(report), indent=2, allow_nan=False) + "\n"
    with atomic_write(path, overwrite=overwrite) as temporary:
        Path(temporary).write_text(text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
