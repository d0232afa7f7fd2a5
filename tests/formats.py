"""Scans in the formats of surveyors, made by code: .las, .laz, .e57 as bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

GEOREFERENCED = np.array([500_000.0, 4_000_000.0, 100.0])


def las_bytes(
    points: np.ndarray, *, ending: str = ".las", point_format: int = 7, version: str = "1.4", scale: float = 0.001, **columns: Any
) -> bytes:
    """points (n, 3), world units; columns by laspy's names."""
    import laspy

    header = laspy.LasHeader(point_format=point_format, version=version)
    header.offsets, header.scales = np.floor(points.min(axis=0)), [scale] * 3
    las = laspy.LasData(header)
    las.x, las.y, las.z = points.T
    for name, values in columns.items():
        las[name] = values
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{ending}"
        las.write(str(path))
        return path.read_bytes()


def e57_bytes(scans: list[dict[str, np.ndarray]], poses: list[tuple[np.ndarray, np.ndarray]] | None = None) -> bytes:
    """scans : of columns by the names of E57 (cartesianX ...).   poses : rotation (w, x, y, z) and translation of each."""
    import pye57

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.e57"
        with pye57.E57(str(path), mode="w") as file:
            for index, scan in enumerate(scans):
                rotation, translation = poses[index] if poses else (np.array([1.0, 0, 0, 0]), np.zeros(3))
                file.write_scan_raw(scan, rotation=rotation, translation=translation)
        return path.read_bytes()


def e57_columns(points: np.ndarray, **columns: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(("cartesianX", "cartesianY", "cartesianZ"), points.T, strict=True)) | columns


def scan_files() -> dict[str, bytes]:
    """A small sound file of each format, four points."""
    points = np.random.default_rng(0).normal(size=(4, 3)) + GEOREFERENCED
    intensity, red = np.arange(4, dtype=np.uint16), np.full(4, 40_000, np.uint16)
    rich = {"intensity": intensity, "red": red, "green": red, "blue": red, "classification": np.array([2, 2, 6, 6], np.uint8)}
    files = {f"scan{ending}": las_bytes(points, ending=ending, **rich) for ending in (".las", ".laz")}
    return files | {"scan.e57": e57_bytes([e57_columns(points - GEOREFERENCED, intensity=intensity.astype(np.float32))])}
