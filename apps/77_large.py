"""A scan of many millions of points, made here, reconstructed in tiles by the command: time by stage, memory, accuracy.

    python apps/77_large.py [--points 50000000] [--tiles 16] [--workers 2] [--csv data/results/large.csv]

The scan is a ring with a relief, 200 long, at georeferenced coordinates, as LAS with colours, intensity and classes; memory is the largest
sum over all processes of the command, looked at ten times a second.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import sdfshape as s
from sdfshape.batch.process import resident_mb
from sdfshape.evaluate.results import write_results

PLACE = np.array([500_000.0, 4_000_000.0, 300.0])
RING, TUBE, PIECE = 70.0, 26.0, 2_000_000


def relief(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(n, 3) the place of two angles: a torus with waves of several lengths."""
    tube = TUBE + 1.5 * np.sin(7 * u) * np.cos(3 * v) + 0.5 * np.sin(23 * u + 5 * v) + 0.15 * np.sin(90 * u) * np.sin(40 * v)
    r = RING + tube * np.cos(v)
    return np.stack([r * np.cos(u), r * np.sin(u), tube * np.sin(v)], axis=-1) + PLACE


def write_scan(path: Path, count: int, noise: float) -> None:
    import laspy

    header, rng = laspy.LasHeader(point_format=2, version="1.2"), np.random.default_rng(0)
    header.offsets, header.scales = PLACE, [0.001] * 3
    with laspy.open(path, mode="w", header=header) as file:
        for start in range(0, count, PIECE):
            u, v = rng.uniform(0, 2 * np.pi, (2, min(PIECE, count - start)))
            points = laspy.ScaleAwarePointRecord.zeros(len(u), header=header)
            points.x, points.y, points.z = (relief(u, v) + noise * rng.normal(size=(len(u), 3))).T
            points.intensity, points.classification = 1000 * (1 + np.sin(u)), np.where(v < np.pi, 2, 6)
            points.red, points.green, points.blue = (65535 * (0.5 + 0.5 * np.sin(k * u + v)) for k in (1, 2, 3))
            file.write_points(points)


def truth(steps: int = 1500) -> s.Mesh:
    u, v = np.meshgrid(*2 * [np.linspace(0, 2 * np.pi, steps, endpoint=False)], indexing="ij")
    node = np.arange(steps**2).reshape(steps, steps)
    a, b, c, d = node, np.roll(node, -1, 0), np.roll(node, (-1, -1), (0, 1)), np.roll(node, -1, 1)
    faces = np.concatenate([np.stack(corners, -1).reshape(-1, 3) for corners in ((a, b, c), (a, c, d))])
    return s.Mesh(relief(u.ravel(), v.ravel()), faces)


def watched(words: list[str]) -> tuple[float, float]:
    """Seconds and the largest memory of a command and all its processes, megabytes."""
    start, most = time.monotonic(), 0.0
    with subprocess.Popen(words) as process:
        while process.poll() is None:
            most = max(most, resident_mb(process.pid))
            time.sleep(0.1)
    if process.returncode:
        sys.exit(process.returncode)
    return time.monotonic() - start, most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=50_000_000)
    parser.add_argument("--tiles", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--noise", type=float, default=0.02)
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scan, mesh, report = (Path(folder) / name for name in ("scan.las", "mesh.ply", "report.json"))
        write_scan(scan, args.points, args.noise)
        given = [str(scan), "-o", str(mesh), "--report", str(report), "--tiles", str(args.tiles), "--workers", str(args.workers)]
        seconds, most = watched([sys.executable, "-m", "sdfshape", "tile", *given])
        facts, found = json.loads(report.read_text()), s.compare(s.read_mesh(mesh), truth(), samples=1_000_000)
    row = {"points": args.points, "tiles": args.tiles, "workers": args.workers, "seconds": seconds, "memory_mb": most}
    row |= {f"seconds_{stage}": value for stage, value in facts["seconds"].items() if stage != "total"}
    row |= {name: facts["mesh"][name] for name in ("vertices", "components", "watertight")} | {"voxel": facts["input"]["averaged_over"]}
    row |= {"accuracy": found.accuracy, "completeness": found.completeness, "hausdorff": found.hausdorff, "size": float(2 * (RING + TUBE))}
    print(*(f"{name} {value}" for name, value in row.items()), sep="\n")
    if args.csv:
        write_results(args.csv, [row])


if __name__ == "__main__":
    main()
