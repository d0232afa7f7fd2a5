"""Coverage-guided fuzzing of every reader and of the field loader (atheris, libFuzzer).

    pip install atheris
    python tests/fuzz.py [--runs 1000000] [--only ply,sdf] [--csv data/results/fuzz.csv]

A run fails that raises anything but our own errors, takes longer than 5 seconds, or more than 2 GB. One ending stands for all that a reader
takes (xyz for txt, csv, pts, asc). The native readers of .las and .e57 run in this process here, without the one of their own that they
have in earnest; of .laz the checks alone.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

SECONDS, MEGABYTES, LONGEST = 5, 2048, 4096
TARGETS = ("ply", "sdf", "glb", "pcd", "npz", "obj", "las", "e57", "stl", "xyz", "off", "npy", "pwn", "laz")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--only", default=",".join(TARGETS))
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--keep", type=Path, help="folder for what was found")
    args = parser.parse_args()
    rows = []
    for target in args.only.split(","):
        rows.append(row := fuzzed(target, args.runs, args.keep))
        sys.stdout.write("  ".join(f"{name} {value}" for name, value in row.items()) + "\n")
        sys.stdout.flush()
        if args.csv:
            from sdfshape.evaluate.results import write_results

            write_results(args.csv, rows, ("numpy", "atheris"))
    sys.exit(any(row["found"] for row in rows))


def fuzzed(target: str, runs: int, keep: Path | None) -> dict[str, object]:
    """How a target did, in a process of its own."""
    from corpus import broken_files, sound_files

    with tempfile.TemporaryDirectory() as place:
        folder, found = Path(place) / "corpus", (keep or Path(place) / "found") / target
        folder.mkdir()
        found.mkdir(parents=True, exist_ok=True)
        for name, data in (sound_files() | broken_files()).items():
            if name.endswith(f".{target}") and len(data) <= LONGEST:
                (folder / name).write_bytes(data)
        limits = [f"-runs={runs}", f"-timeout={SECONDS}", f"-rss_limit_mb={MEGABYTES}", f"-max_len={LONGEST}", f"-artifact_prefix={found}/"]
        start = time.monotonic()
        words = [sys.executable, __file__, f"--child={target}", *limits, "-print_final_stats=1", str(folder)]
        said = subprocess.run(words, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True, errors="replace", check=False)
        done = re.search(r"number_of_executed_units: (\d+)", said.stdout)
        row = {"target": target, "runs": int(done[1]) if done else 0, "seconds": round(time.monotonic() - start)}
        memory = re.search(r"peak_rss_mb: +(\d+)", said.stdout)
        left = sorted(path.name for path in found.iterdir())
        if said.returncode:
            sys.stderr.write(said.stdout[-3000:])
        return row | {"peak_mb": int(memory[1]) if memory else 0, "found": " ".join(left) or ("died" if said.returncode else "")}


def child(target: str) -> None:
    """Fuzz one target in this process; does not return."""
    import atheris

    with atheris.instrument_imports(include=["sdfshape.io", "sdfshape.field.files"]):
        import sdfshape.io.reading as reading
        from sdfshape.errors import SdfShapeError
        from sdfshape.field.files import load_field
        from sdfshape.io.scan_child import READERS
        from sdfshape.io.streams import CHECKS
    if f".{target}" in READERS:

        def pieces(path: Path, label: str | None = None):  # type: ignore[no-untyped-def]
            if getattr(CHECKS[Path(path).suffix](Path(path)), "compressed", False):
                return  # lazrs asks for whatever its data claim: found here, ended in its own process
            try:
                yield from READERS[Path(path).suffix](Path(path), label)
            except (SdfShapeError, MemoryError):
                raise
            except Exception as error:  # as `scan_child` says it
                raise SdfShapeError(str(error)) from error

        reading.stream_pieces = pieces
    path = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)) / f"a.{target}"
    read = load_field if target == "sdf" else reading.read_shape
    warnings.simplefilter("error")

    def one(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(SdfShapeError):
            read(path)

    atheris.Setup([sys.argv[0], *(word for word in sys.argv[1:] if not word.startswith("--child"))], one)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].startswith("--child="):
        child(sys.argv[1].removeprefix("--child="))
    else:
        main()
