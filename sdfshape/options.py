"""What a reconstruction can be asked for; known before anything that takes long to load."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import InputError
from .limits import check_request, check_seed, check_threads
from .sample import SURFACES
from .train.config import preset

NORMALS = ("auto", "use", "ignore")


@dataclass(frozen=True, kw_only=True)
class Options:
    """preset : fast, default, quality or paper.   resolution : cells of the extraction grid along its longest side; parts that are wrapped
    are made thick enough for it.
    surface : auto, closed, open or wrap.   iso : level of the mesh, world units, 0 the surface itself.   seed, threads, device.
    keep_all : also keep pieces of the mesh that no point of the scan explains.
    normals : of the file: auto believes them if they agree with what is seen, use believes them, ignore does not look.
    sensor : (3,) where the scanner stood, world units; every point is then taken to have been seen from there.
    keep_outliers : also reconstruct from points that stand apart from every surface.
    max_memory : megabytes; a job that is predicted to take more is refused, with what would fit (`memory`).
    max_deviation : world units; the mesh gets as few faces as stay so near to the full one.   vertex_normals : of the field, on the mesh.
    """

    preset: str = "default"
    resolution: int = 200
    surface: str = "auto"
    iso: float = 0.0
    seed: int = 0
    threads: int | None = None
    device: str = "cpu"
    keep_all: bool = False
    keep_outliers: bool = False
    normals: str = "auto"
    sensor: tuple[float, float, float] | None = None
    max_deviation: float | None = None
    vertex_normals: bool = False
    max_memory: float | None = None

    def __post_init__(self) -> None:
        preset(self.preset)
        if self.surface not in SURFACES:
            raise InputError(f"surface must be one of {', '.join(SURFACES)}, got {self.surface!r}")
        check_request(self.resolution, self.iso)
        check_threads(self.threads)
        if self.normals not in NORMALS:
            raise InputError(f"normals must be one of {', '.join(NORMALS)}, got {self.normals!r}")
        if self.sensor is not None and not (len(self.sensor) == 3 and np.isfinite(self.sensor).all()):
            raise InputError(f"sensor must be three finite coordinates, got {self.sensor}")
        if self.max_deviation is not None and not (self.max_deviation > 0 and np.isfinite(self.max_deviation)):
            raise InputError(f"max_deviation must be a length above 0, got {self.max_deviation}")
        if self.preset == "paper" and self.device != "cpu":
            raise InputError(f"device must be cpu for the preset paper, got {self.device!r}")
        if self.preset == "paper" and self.surface != "auto":
            raise InputError(f"surface must be auto for the preset paper, which learns from the points alone, got {self.surface!r}")
        check_seed(self.seed)
