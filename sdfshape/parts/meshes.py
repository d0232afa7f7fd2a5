"""The mesh of a part, and the proof that it touches no other."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import EmptySurfaceError
from ..extract import drop_unexplained, extract_mesh, finish
from ..extract.components import EXPLAINED_BY
from ..field.clearance import Triangles, least_over
from ..options import Options
from ..types import FloatArray, Mesh, PointCloud
from .field import PartField

EXPLAINED = 10  # a piece of a part needs a tenth of its points to explain it, or EXPLAINED_BY of them if that is fewer
PROOF, LEAST_ROOM = 0.01, 0.02  # of the gap: how sharp the proof is that a mesh stays on its side, and by how much it must


@dataclass(frozen=True, eq=False)
class PartMesh:
    """mesh : world units, None for a part that has no inside.   own_side : whether all of it is proven to lie where only this part can be;
    two meshes that both are do not touch.   phantoms : pieces that too few points of the part explain, left out.
    deviation : certified, by which a simplified mesh was moved.
    """

    label: int
    mesh: Mesh | None
    own_side: bool
    phantoms: int
    deviation: float = 0.0


def part_mesh(part: PartField, scan: PointCloud, options: Options) -> PartMesh:
    """Extracted, cleaned of pieces that no point of its own scan explains, simplified if asked, and judged."""
    label = part.parts.labels[part.index]
    try:
        found = extract_mesh(part, resolution=options.resolution).mesh
    except EmptySurfaceError:
        return PartMesh(label, None, True, 0)
    minimum = min(EXPLAINED_BY, max(1, len(scan) // EXPLAINED))
    mesh, phantoms = (found, 0) if options.keep_all else drop_unexplained(found, scan.points, minimum)
    done = finish(mesh, part, 0.0, scan=scan, max_deviation=options.max_deviation, vertex_normals=options.vertex_normals)
    return PartMesh(label, done.mesh, on_own_side(part, done.mesh), phantoms, done.deviation.upper)


def on_own_side(part: PartField, mesh: Mesh) -> bool:
    """Whether all faces of a mesh are proven to lie where only this part can be: side_k < 0. Two meshes, each on its own side, do not
    touch.

    Without a gap the faces of the cut lie on side_k = 0: nothing can be proven.
    """
    if not part.parts.gap > 0:
        return False
    found = least_over(_MinusSide(part), Triangles.of(mesh), tolerance=PROOF * part.parts.gap, enough=LEAST_ROOM * part.parts.gap)
    return bool((found.lower > 0).all())


@dataclass(frozen=True, eq=False)
class _MinusSide:
    """-side_k: above 0 where only part k can be."""

    part: PartField

    @property
    def lipschitz_bound(self) -> float:
        return self.part.parts.classifier.pair_bound

    @property
    def bounds(self) -> FloatArray:
        return self.part.bounds

    def certified(self, points_world: FloatArray) -> tuple[FloatArray, float]:
        side, error = self.part.certified_side(points_world)
        return -side, error
