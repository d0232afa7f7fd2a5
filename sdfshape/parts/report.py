"""What the report of a reconstruction says of its parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..account import counted
from ..evaluate.report import mesh_facts
from ..types import PointCloud
from .field import Parts
from .meshes import PartMesh
from .places import some_of_each

ASKED = 50_000  # points, at most, that are asked for their label and its radius


def tell_parts(report: dict[str, Any], parts: Parts, meshes: list[PartMesh], cloud: PointCloud, seconds: dict[str, float]) -> None:
    """Add the section `parts`, its seconds and its warnings. cloud : the labelled points that were believed."""
    labels = np.asarray(cloud.labels)
    rows = some_of_each(labels, ASKED, np.random.default_rng(0))
    right = parts.part_at(cloud.points[rows]) == labels[rows]
    apart = all(part.own_side for part in meshes)  # one that is not on its side may be in any other
    each = []
    for part in meshes:
        facts: dict[str, Any] = {"label": part.label, "points": int((labels == part.label).sum())}
        facts |= {"right": float(right[labels[rows] == part.label].mean()), "proven_apart": apart}
        shape = None if part.mesh is None else mesh_facts(part.mesh, part.phantoms) | {"max_deviation": part.deviation}
        each.append(facts | {"mesh": shape})
        report["warnings"] += _warnings(part)
    if not apart:
        report["warnings"].append(_not_apart(parts, meshes))
    report["parts"] = {
        "each": each,
        "right": float(right.mean()),
        "gap": parts.gap,
        "lipschitz_bound": parts.classifier.pair_bound,
        "parameters": parts.classifier.layers.parameters,
        "certified_radius_median": float(np.median(parts.certified_label_radius(cloud.points[rows]))),
    }
    total = report["seconds"].pop("total")
    report["seconds"] |= seconds | {"total": total + sum(seconds.values())}


def _warnings(part: PartMesh) -> list[str]:
    if part.mesh is None:
        return [f"part {part.label} has no inside and no mesh: too thin for its points or for the gap, or lost among its neighbours"]
    if part.phantoms:
        of = f"of part {part.label} that hardly any of its points explain"
        return [f"{counted(part.phantoms, f'piece {of} was', f'pieces {of} were')} left out (--keep-all keeps them)"]
    return []


def _not_apart(parts: Parts, meshes: list[PartMesh]) -> str:
    off = ", ".join(str(part.label) for part in meshes if not part.own_side)
    why = "there is no gap" if parts.gap == 0 else "a larger --part-gap, or a smaller --max-deviation, proves it"
    return f"meshes of parts are not proven to stay apart, part {off} may leave its side: {why}"
