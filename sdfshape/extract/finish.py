"""What is asked of a mesh after it was extracted: fewer faces, the scan's colours, the field's normals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..field import CertifiedField
from ..field.clearance import Triangles, least_over
from ..types import FloatArray, Mesh, PointCloud
from .colors import transfer_columns
from .deviation import Deviation
from .simplify import simplify

GAP_SHARES = (1.0, 0.25)  # of the deviation: how near to the largest gap its bound is looked for


@dataclass(frozen=True, eq=False)
class Finished:
    """mesh : world units.   deviation : certified bounds of the Hausdorff distance to the mesh that came.
    off_level : certified bound of |f - iso| all over the simplified mesh; nan if it was not simplified.
    """

    mesh: Mesh
    deviation: Deviation
    off_level: float


def finish(
    mesh: Mesh,
    field: CertifiedField,
    iso: float,
    *,
    scan: PointCloud | None = None,
    max_deviation: float | None = None,
    vertex_normals: bool = False,
) -> Finished:
    """The mesh of {f = iso}, world units, with as few faces as stay within `max_deviation` of it, the colours of a scan that has some, and
    normals along the gradient of the field. Raises InputError for a deviation that is no length.
    """
    deviation, off_level = Deviation(0.0, 0.0), float("nan")
    if max_deviation is not None:
        simplified = simplify(mesh, max_deviation)
        mesh, deviation = simplified.mesh, simplified.deviation
        # both hold; the nearer one may need more boxes than are allowed, and then is the farther one
        off_level = min(largest_gap(field, mesh, iso, share * max_deviation) for share in GAP_SHARES)
    carries = scan is not None and bool(scan.scan_columns)
    normals = field.normal(mesh.vertices) if vertex_normals or carries else None
    if scan is not None and carries:
        # in a slab the points lie in the middle, where the field rises either way
        sided = getattr(field, "info", {}).get("surface") == "closed"
        mesh = transfer_columns(mesh, scan, normals, field.normal(scan.points) if sided else None)
    return Finished(replace(mesh, normals=normals) if vertex_normals else mesh, deviation, off_level)


def largest_gap(field: CertifiedField, mesh: Mesh, iso: float, tolerance: float) -> float:
    """Certified bound of the largest |f - iso| over all places of a mesh, near `tolerance` of it, world units."""
    gap = least_over(_MinusGap(field, iso), Triangles.of(mesh), tolerance=tolerance)
    return -float(gap.lower[0])


@dataclass(frozen=True, eq=False)
class _MinusGap:
    """-|f - iso|, as Lipschitz as f: where it is least, f is farthest from the level."""

    field: CertifiedField
    iso: float

    @property
    def lipschitz_bound(self) -> float:
        return self.field.lipschitz_bound

    @property
    def bounds(self) -> FloatArray:
        return self.field.bounds

    def certified(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        values, error = self.field.offset(self.iso).certified(points_world)
        return -np.abs(values), error
