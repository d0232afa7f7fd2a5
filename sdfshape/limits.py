"""What may be asked of an extraction; known before anything that takes long to load."""

from __future__ import annotations

import math
import os

from .errors import InputError

LEAST_RESOLUTION = 8
LARGEST_RESOLUTION = 2048  # measured: 7 GB at most while the triangles of 2048^3 cells are sewn together
LARGEST_DENSE = 512  # the node values of a whole grid are held in memory: 0.7 GB at 512^3
UPRIGHT = ("x", "y", "z", "-x", "-y", "-z")  # what may be up in pictures and views; a number counts from here
TILED_RESOLUTION = 1024  # what tiles lead to by themselves
MOST_THREADS = 256
MOST_ISO = 2.0  # unit frame: the domain is 2 wide, no grid over a farther level is worth its cells


def cores() -> int:
    """Of this machine, that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_threads(threads: int | None, name: str = "threads") -> None:
    """Raise InputError for a number of threads that no machine begins: the libraries under us end the process at some."""
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise InputError(f"{name} must be at least 1 and at most {MOST_THREADS}, got {threads}: this machine has {cores()} cores")


def check_request(resolution: int, iso: float, *, dense: bool = False) -> None:
    """Raise InputError for a resolution or a level that no field could be extracted at."""
    most = LARGEST_DENSE if dense else LARGEST_RESOLUTION
    if not LEAST_RESOLUTION <= resolution <= most:
        raise InputError(f"resolution must be {LEAST_RESOLUTION} to {most} cells, got {resolution}")
    if not math.isfinite(iso):
        raise InputError(f"iso must be a finite length in the units of the scan, got {iso}")


def check_seed(seed: int) -> None:
    """Raise InputError for a seed that no generator takes."""
    if not 0 <= seed < 2**63:
        raise InputError(f"seed must be 0 to 2^63 - 1, got {seed}")


def check_view(azimuth_deg: float, elevation_deg: float) -> None:
    """Raise InputError for angles that no camera stands at."""
    for name, angle in (("azimuth", azimuth_deg), ("elevation", elevation_deg)):
        if not math.isfinite(angle):
            raise InputError(f"{name} must be a finite number of degrees, got {angle}")
