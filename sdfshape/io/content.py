"""What a file holds, before it is a `PointCloud` or a `Mesh`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError
from ..types import Mesh, PointCloud

NO_FACES = np.zeros((0, 3), dtype=np.int64)
NO_FACES.setflags(write=False)


@dataclass(frozen=True, eq=False, kw_only=True)
class Content:
    """The arrays of one file, world units, in the order of the file.

    points : (n, 3) float64
    faces : (t, 3) int64             polygons are already triangles; none where the file has none
    normals, colors, labels, intensity          as in PointCloud
    """

    points: np.ndarray
    faces: np.ndarray = field(default_factory=lambda: NO_FACES)
    normals: np.ndarray | None = None
    colors: np.ndarray | None = None
    labels: np.ndarray | None = None
    intensity: np.ndarray | None = None

    def __post_init__(self) -> None:
        n = len(self.points)
        if n == 0:
            raise InputError("a shape must have points, the file holds none: export it again")
        if not self.has_faces:
            return
        outside = (self.faces < 0) | (self.faces >= n)
        if outside.any():
            row, corner = np.argwhere(outside)[0]
            raise InputError(
                f"a face must name vertices 0 to {n - 1} (counted from 0), triangle {row} names "
                f"{self.faces[row, corner]}: the file is damaged or truncated"
            )

    @property
    def has_faces(self) -> bool:
        return len(self.faces) > 0

    def cloud(self) -> PointCloud:
        """The points with all their columns; the faces are left out."""
        return PointCloud(self.points, normals=self.normals, colors=self.colors, labels=self.labels, intensity=self.intensity)

    def mesh(self) -> Mesh:
        """The triangles; raises InputError where there are none or where a vertex is not finite."""
        if not self.has_faces:
            raise InputError(f"a mesh must have faces, the file holds {len(self.points)} points and none: `reconstruct` makes a mesh of it")
        bad = int((~np.isfinite(self.points).all(axis=1)).sum())
        if bad:
            raise InputError(f"a mesh must have finite vertices, {bad} of {len(self.points)} have NaN or infinity: repair the file")
        normals = self.normals if self.normals is not None and np.isfinite(self.normals).all() else None
        return Mesh(self.points, self.faces, self.colors, normals, self.labels, self.intensity)
