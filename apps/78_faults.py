"""Many reconstructions in one process, and reconstructions and batches killed at random moments: what stays, what comes back.

    python apps/78_faults.py SCAN [--soak 200] [--kills 50] [--csv data/results/faults.csv]

soak: memory after the fifth and after the last reconstruction (resident), open files, whether all meshes are the same.
kills: of `sdfshape reconstruct` and of `sdfshape batch` (two shapes, two workers), at moments spread over the time that an undisturbed
run takes: files that are there and cannot be read, and whether the end has the same bytes as the undisturbed run.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

import sdfshape as s
from sdfshape.evaluate.results import write_results

OPTIONS = ["--preset", "fast", "--resolution", "64", "--threads", "1"]
SETTLED = 5  # reconstructions: libraries have loaded, pools are full


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scan", type=Path)
    parser.add_argument("--soak", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    rows = [soak(args.scan, args.soak)]
    with tempfile.TemporaryDirectory() as folder:
        rows += [kills(command, args.scan, args.kills, Path(folder) / command) for command in ("reconstruct", "batch")]
    print(*("  ".join(f"{name} {value}" for name, value in row.items()) for row in rows), sep="\n")
    if args.csv:
        write_results(args.csv, [{name: row.get(name, "") for every in rows for name in every} for row in rows])


def soak(scan: Path, count: int) -> dict[str, object]:
    process, cloud = psutil.Process(), s.read_points(scan)
    memory, files, meshes = [], [], set()
    for number in range(count):
        mesh = s.reconstruct(cloud, preset="fast", resolution=64, seed=0).mesh
        meshes.add((mesh.vertices.tobytes(), mesh.faces.tobytes()))
        memory.append(process.memory_info().rss / 2**20)
        files.append(process.num_fds())
        print(f"{number + 1} of {count}: {memory[-1]:.0f} MB, {files[-1]} files", flush=True)
    first = min(SETTLED, count) - 1
    facts = {"what": "soak", "runs": count, "mb": memory[first], "mb_last": memory[-1], "ratio": memory[-1] / memory[first]}
    return facts | {"files": files[first], "files_last": files[-1], "results": len(meshes)}


def kills(command: str, scan: Path, count: int, folder: Path) -> dict[str, object]:
    (source := folder / "in").mkdir(parents=True)
    for name in ("a", "b"):
        shutil.copy(scan, source / f"{name}{scan.suffix}")
    start = time.monotonic()
    subprocess.run(words(command, source, folder / "first"), check=True)
    whole, moments, bad = time.monotonic() - start, random.Random(0), 0
    for number in range(count):
        process = subprocess.Popen(words(command, source, folder / "killed"))
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=whole * (number + moments.random()) / count)
        process.kill()
        process.wait()
        bad += sum(not readable(path) for path in (folder / "killed").rglob("*") if path.is_file())
    time.sleep(8)  # the shapes of a killed batch end by themselves
    subprocess.run(words(command, source, folder / "killed"), check=True)
    ends = [
        {p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.suffix in (".ply", ".sdf")}
        for f in (folder / "first", folder / "killed")
    ]
    return {"what": f"kill {command}", "runs": count, "half_written": bad, "same_bytes": ends[0] == ends[1], "seconds": whole}


def words(command: str, source: Path, output: Path) -> list[str]:
    output.mkdir(exist_ok=True)
    given = [str(source), "-o", str(output), "--workers", "2"]
    if command == "reconstruct":
        given = [str(next(source.iterdir())), "-o", str(output / "mesh.ply"), "--model", str(output / "field.sdf"), "--overwrite"]
    return [sys.executable, "-m", "sdfshape", command, *given, *OPTIONS, "--quiet"]


def readable(path: Path) -> bool:
    if path.name.startswith(".") or path.suffix not in (".ply", ".sdf"):
        return True
    try:
        return len(s.read_mesh(path).faces) > 0 if path.suffix == ".ply" else bool(np.isfinite(s.load_field(path).frame.scale))
    except s.SdfShapeError:
        return False


if __name__ == "__main__":
    main()
