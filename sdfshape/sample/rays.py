"""Where rays hit a mesh first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..types import FloatArray, Mesh

Caster = Callable[[FloatArray, FloatArray, float], tuple[FloatArray, FloatArray]]


def ray_caster(mesh: Mesh) -> Caster:
    """cast(starts (m, 3), ways (m, 3) of length 1, longest) -> (m,) distance to the first hit, infinite where none, and (m, 3) the normal
    of the face, zero where none. World units.
    """
    import pyvista as pv
    from vtkmodules.vtkCommonCore import mutable
    from vtkmodules.vtkFiltersFlowPaths import vtkModifiedBSPTree  # vtkStaticCellLocator lets rays through (a third of fandisk's)

    shape = pv.PolyData(np.array(mesh.vertices), np.c_[np.full(len(mesh.faces), 3), mesh.faces].ravel())
    corners = mesh.vertices[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    locator: Any = vtkModifiedBSPTree()
    locator.SetDataSet(shape)
    locator.BuildLocator()

    def cast(starts: FloatArray, ways: FloatArray, longest: float) -> tuple[FloatArray, FloatArray]:
        reach, normal = np.full(len(ways), np.inf), np.zeros((len(ways), 3))
        t: Any = mutable(0.0)
        sub, cell, hit, inside = mutable(0), mutable(0), [0.0] * 3, [0.0] * 3
        for row, (start, end) in enumerate(zip(starts, starts + longest * ways, strict=True)):
            if locator.IntersectWithLine(start, end, 0.0, t, hit, inside, sub, cell):
                reach[row], normal[row] = float(t) * longest, normals[int(cell)]
        return reach, normal

    return cast
