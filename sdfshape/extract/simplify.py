"""Fewer triangles, no farther than asked from where they were: quadric edge collapse, and a proof of what it moved.

Edges are collapsed by libigl (Garland and Heckbert, "Surface simplification using quadric error metrics", SIGGRAPH 1997), which keeps
watertight meshes watertight. It aims at a number of faces; which number stays within the deviation is searched, and proven by
`deviation_within`: its bound is that of the Hausdorff distance, both ways, to the mesh that came.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..frame import Frame
from ..types import Mesh
from .components import is_watertight
from .deviation import Deviation, deviation_seen, deviation_within

FEWEST = 16  # faces
OCTAVE_STEPS = 3  # of the search between the last number of faces that was good and half of it


@dataclass(frozen=True, eq=False)
class Simplified:
    """mesh : world units.   deviation : certified bounds of the Hausdorff distance to the mesh that came."""

    mesh: Mesh
    deviation: Deviation


def simplify(mesh: Mesh, max_deviation: float) -> Simplified:
    """The mesh with as few faces as are found to be within `max_deviation`, world units, of it, both ways; colours and normals are dropped.

    A closed mesh stays closed. Raises InputError unless the deviation is above 0 and finite.
    """
    if not (max_deviation > 0 and np.isfinite(max_deviation)):
        raise InputError(f"the largest deviation must be a length above 0, got {max_deviation:g}")
    bare = Mesh(mesh.vertices, mesh.faces)
    closed = is_watertight(bare)
    candidates = [bare]
    while found := _collapsed(candidates[-1], len(candidates[-1].faces) // 2, closed=closed):
        if deviation_seen(found, bare) > max_deviation:
            break
        candidates.append(found)
    low, high = len(candidates[-1].faces) // 2, len(candidates[-1].faces)
    for _ in range(OCTAVE_STEPS if high > 2 * FEWEST else 0):
        middle = int(np.sqrt(low * high))
        found = _collapsed(candidates[-1], middle, closed=closed)
        if found and deviation_seen(found, bare) <= max_deviation:
            candidates.append(found)
            high = middle
        else:
            low = middle
    for candidate in candidates[:0:-1]:  # what is seen is an estimate from below: proven is the largest of those that hold
        deviation = deviation_within(candidate, bare, max_deviation)
        if deviation.upper <= max_deviation:
            return Simplified(candidate, deviation)
    return Simplified(bare, Deviation(0.0, 0.0))


def _collapsed(mesh: Mesh, count: int, *, closed: bool) -> Mesh | None:
    """The mesh with about `count` faces, if it can be had."""
    import igl

    if count < FEWEST:
        return None
    frame = Frame.from_points(mesh.bounds)  # libigl has tolerances without units
    vertices, faces = np.asfortranarray(frame.to_unit(mesh.vertices)), np.asfortranarray(mesh.faces.astype(np.int32))
    vertices, faces, _, _ = igl.qslim(vertices, faces, count)
    if not len(faces) or len(faces) >= len(mesh.faces) or not np.isfinite(vertices).all():
        return None
    found = Mesh(frame.to_world(vertices), faces)
    return found if is_watertight(found) or not closed else None
