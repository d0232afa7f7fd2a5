"""What a reconstruction with --labels writes beside its mesh: a mesh of each part, and one scene of all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import OutputError
from ..io import write_scene
from .outputs import Outputs, check_outputs

if TYPE_CHECKING:
    from ..parts import PartsReconstruction
    from ..types import PointCloud


def part_path(mesh: Path, label: int) -> Path:
    """MESH-part-LABEL, with its ending."""
    return mesh.with_name(f"{mesh.stem}-part-{label}{mesh.suffix}")


def scene_path(mesh: Path) -> Path:
    """MESH-parts.glb."""
    return mesh.with_name(f"{mesh.stem}-parts.glb")


def check_parts(cloud: PointCloud, outputs: Outputs, source: Path, truth: Path | None) -> None:
    """Raise InputError or OutputError now for labels that cannot be cut by, and files that could not be written after the work."""
    from ..parts.labelled import labelled_rows

    labelled_rows(cloud)
    paths = [part_path(outputs.mesh, int(label)) for label in np.unique(np.asarray(cloud.labels)) if label >= 0]
    check_outputs([("any", path) for path in (*paths, scene_path(outputs.mesh))], (source, truth), overwrite=outputs.overwrite)


def painted_whole(made: PartsReconstruction, cloud: PointCloud) -> PartsReconstruction:
    """With the whole mesh in the colours of its parts, if the scan has none of its own."""
    from ..parts.scene import painted

    if cloud.colors is not None:
        return made
    return replace(made, whole=replace(made.whole, mesh=painted(made.whole.mesh, made.parts)))


def write_part_files(made: PartsReconstruction, outputs: Outputs) -> dict[str, str]:
    """Write them; returns what was written, by kind."""
    from ..parts import scene_meshes

    meshes = {part.label: part.mesh for part in made.meshes if part.mesh is not None}
    failed: list[OutputError] = []
    for part in made.meshes:
        path = part_path(outputs.mesh, part.label)
        if part.mesh is None:
            path.unlink(missing_ok=True)  # of an earlier run: only with --overwrite it can be there
            continue
        try:
            part.mesh.write(path, overwrite=outputs.overwrite)
        except OutputError as error:  # the others are written all the same
            failed.append(error)
    if not meshes:
        return {}
    write_scene(scene_meshes(made.parts, made.meshes), scene_path(outputs.mesh), overwrite=outputs.overwrite)
    many = f"{outputs.mesh.stem}-part-LABEL{outputs.mesh.suffix}"
    if failed:
        raise OutputError(f"{failed[0]} ({len(failed)} of {len(meshes)} parts; everything else is written)")
    return {"parts": f"{outputs.mesh.with_name(many)} ({len(meshes)} files)", "scene": str(scene_path(outputs.mesh))}
