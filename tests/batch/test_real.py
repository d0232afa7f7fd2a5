"""Batches and reconstructions as users run them, and killed at any moment: every file is complete or absent, and the same in the end."""

from __future__ import annotations

import csv
import ctypes
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from shapes import torus_points

from sdfshape import load_field, read_mesh

pytestmark = pytest.mark.slow

QUICK = ["--preset", "fast", "--resolution", "48"]


def scan(path: Path, seed: int = 0) -> Path:
    np.savetxt(path, torus_points(2000, seed), fmt="%.5f")
    return path


def program(*words: object) -> list[str]:
    return [sys.executable, "-m", "sdfshape", *(str(w) for w in words)]


def run(*words: object, **given: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(program(*words), capture_output=True, text=True, timeout=600, **given)  # type: ignore[call-overload]


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "batch.csv").open() as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def meshes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("mesh.ply"))}


def assert_whole(folder: Path) -> None:
    """Every file that has its name can be read to its end."""
    for path in folder.rglob("*"):
        if path.suffix == ".ply" and not path.name.startswith("."):
            assert len(read_mesh(path).faces) > 100
        if path.suffix == ".sdf" and not path.name.startswith("."):
            load_field(path)


def test_the_modelnet_files_run_on_two_workers_with_a_poisoned_one_among_them(tmp_path, shared_data):
    given = shared_data / "modelnet"
    (tmp_path / "in").mkdir()
    for name in ("chair_0001", "lamp_0129", "toilet_0001"):
        shutil.copy(given / f"{name}.off", tmp_path / "in")
    (tmp_path / "in/poisoned.off").write_bytes((given / "bed_0001.off").read_bytes()[:3000])
    done = run("batch", tmp_path / "in", "-o", tmp_path / "out", "--workers", 2, "--points", 2048, *QUICK)
    rows = table(tmp_path / "out")
    assert done.returncode == 1 and "1 of 4 shapes failed, the first: poisoned: poisoned.off: the header promises" in done.stderr
    assert {name for name, row in rows.items() if row["status"] == "done"} == {"chair_0001", "lamp_0129", "toilet_0001"}
    assert all(row["watertight"] == "True" and float(row["lipschitz_bound"]) <= 1 for row in rows.values() if row["status"] == "done")
    assert_whole(tmp_path / "out")


@contextmanager
def dask_cluster(workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and workers in processes of their own, as on several machines."""
    with socket_port() as port:
        address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    made = [subprocess.Popen(dask, **quiet)]  # type: ignore[call-overload]
    one = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    made += [subprocess.Popen([*one, "--memory-limit", "0"], **quiet) for _ in range(workers)]  # type: ignore[call-overload]
    try:
        yield address, made[1:]
    finally:
        for process in reversed(made):
            process.kill()
            process.wait()


@contextmanager
def socket_port() -> Iterator[int]:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield free.getsockname()[1]


def wait_for(happens, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_worker_of_two_that_is_killed_in_the_middle_costs_no_shape(tmp_path):
    (tmp_path / "in").mkdir()
    for j in range(3):
        scan(tmp_path / f"in/s{j}.xyz", j)
    alone = run("batch", tmp_path / "in", "-o", tmp_path / "alone", "--workers", 2, "--threads", 1, *QUICK)
    assert alone.returncode == 0, alone.stderr
    with dask_cluster(2) as (address, workers):
        time.sleep(5)
        words = ("batch", tmp_path / "in", "-o", tmp_path / "out", "--scheduler", address, "--workers", 2, "--threads", 1, *QUICK)
        batch = subprocess.Popen(program(*words), stderr=subprocess.PIPE, text=True)
        wait_for(lambda: psutil.Process(workers[0].pid).children(), 60)
        orphans = psutil.Process(workers[0].pid).children()
        time.sleep(1)
        workers[0].kill()
        said = batch.communicate(timeout=300)[1]
        assert batch.returncode == 0, said
        assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in orphans)
    assert {row["status"] for row in table(tmp_path / "out").values()} == {"done"}
    assert meshes(tmp_path / "out") == meshes(tmp_path / "alone")


def test_a_batch_that_is_killed_leaves_nothing_at_work_on_the_cluster(tmp_path):
    (tmp_path / "in").mkdir()
    scan(tmp_path / "in/s.xyz")
    with dask_cluster(1) as (address, workers):
        time.sleep(5)
        batch = subprocess.Popen(program("batch", tmp_path / "in", "-o", tmp_path / "out", "--scheduler", address, "--preset", "quality"))
        wait_for(lambda: psutil.Process(workers[0].pid).children(), 60)
        shapes = psutil.Process(workers[0].pid).children()
        batch.kill()
        batch.wait()
        wait_for(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in shapes), 15)
        assert workers[0].poll() is None


def test_tiles_of_a_cluster_are_those_of_this_machine_also_when_a_worker_is_killed(tmp_path):
    source = scan(tmp_path / "s.xyz")
    words = ("tile", source, "--tiles", 4, "--workers", 2, "--threads", 1, "--surface", "closed", *QUICK)
    alone = run(*words, "-o", tmp_path / "alone.ply")
    assert alone.returncode == 0, alone.stderr
    with dask_cluster(2) as (address, workers):
        time.sleep(5)
        tiles = subprocess.Popen(program(*words, "-o", tmp_path / "out.ply", "--scheduler", address), stderr=subprocess.PIPE, text=True)
        wait_for(lambda: psutil.Process(workers[0].pid).children(), 60)
        workers[0].kill()
        said = tiles.communicate(timeout=300)[1]
        assert tiles.returncode == 0, said
    assert (tmp_path / "out.ply").read_bytes() == (tmp_path / "alone.ply").read_bytes()
    assert not list(tmp_path.glob(".*.tiles"))


def test_a_scheduler_without_workers_is_named(tmp_path):
    scan(tmp_path / "s.xyz")
    with dask_cluster(0) as (address, _):
        time.sleep(3)
        done = run("batch", tmp_path, "-o", tmp_path / "out", "--scheduler", address)
    assert done.returncode == 1 and "must have workers, it has none" in done.stderr


def test_a_reconstruction_killed_at_any_moment_leaves_whole_files_and_ends_the_same(tmp_path):
    source, first = scan(tmp_path / "s.xyz"), tmp_path / "first"
    first.mkdir()
    words = ("reconstruct", source, "--threads", 1, *QUICK)
    start = time.monotonic()
    assert run(*words, "-o", first / "mesh.ply", "--model", first / "field.sdf").returncode == 0
    whole = time.monotonic() - start
    moments = random.Random(0)
    folder = tmp_path / "killed"
    folder.mkdir()
    again = (*words, "-o", folder / "mesh.ply", "--model", folder / "field.sdf", "--overwrite", "--quiet")
    for _ in range(8):
        process = subprocess.Popen(program(*again))
        with_luck = moments.uniform(0, 1.1 * whole)
        try:
            process.wait(timeout=with_luck)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert_whole(folder)
    assert run(*again).returncode == 0
    for name in ("mesh.ply", "field.sdf"):
        assert (folder / name).read_bytes() == (first / name).read_bytes()


def test_a_batch_killed_at_any_moment_goes_on_and_ends_the_same(tmp_path):
    (tmp_path / "in").mkdir()
    for j in range(2):
        scan(tmp_path / f"in/s{j}.xyz", j)
    words = ("batch", tmp_path / "in", "--workers", 2, "--threads", 1, *QUICK)
    start = time.monotonic()
    assert run(*words, "-o", tmp_path / "first").returncode == 0
    whole = time.monotonic() - start
    moments = random.Random(1)
    for _ in range(5):
        process = subprocess.Popen(program(*words, "-o", tmp_path / "out", "--quiet"))
        try:
            process.wait(timeout=moments.uniform(0, whole))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if (tmp_path / "out").exists():
            assert_whole(tmp_path / "out")
    time.sleep(7)  # the shapes of a killed batch end by themselves
    assert run(*words, "-o", tmp_path / "out").returncode == 0
    assert meshes(tmp_path / "out") == meshes(tmp_path / "first")
    left = [p for p in (tmp_path / "out").rglob(".*") if p.name != ".batch.lock"]
    assert not left, left


def test_a_batch_that_is_asked_to_end_saves_and_ends_in_five_seconds(tmp_path):
    (tmp_path / "in").mkdir()
    for j in range(3):
        scan(tmp_path / f"in/s{j}.xyz", j)
    process = subprocess.Popen(program("batch", tmp_path / "in", "-o", tmp_path / "out", "--workers", 2, *QUICK), stderr=subprocess.PIPE)
    wait_for(lambda: len(psutil.Process(process.pid).children()) == 2, 60)
    time.sleep(2)
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[1].decode()
    assert time.monotonic() - start < 5 + 1 and process.returncode == 130 and "interrupted" in said
    assert {row["status"] for row in table(tmp_path / "out").values()} <= {"stopped", "done"}
    assert run("batch", tmp_path / "in", "-o", tmp_path / "out", "--workers", 2, *QUICK).returncode == 0


@pytest.mark.parametrize("command", ["reconstruct", "batch"])
def test_a_full_disk_is_said_in_one_line_and_nothing_is_half_written(tmp_path, command):
    source, out = scan(tmp_path / "s.xyz"), tmp_path / "out"
    out.mkdir()

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    words = (source, "-o", out / "mesh.ply") if command == "reconstruct" else (tmp_path, "-o", out)
    done = run(command, *words, *QUICK, "--quiet", preexec_fn=small_files)
    assert done.returncode == 1 and "cannot be written: File too large" in done.stderr and len(done.stderr.splitlines()) == 1
    assert not [p for p in out.rglob("*") if p.is_file() and not p.name.startswith("batch.") and p.name != ".batch.lock"]


@pytest.mark.parametrize("command", ["batch", "reconstruct", "tile"])
def test_a_folder_that_cannot_be_written_is_said_and_stays_as_it_was(tmp_path, command):
    """Root writes everywhere: it loses that right before the command begins."""

    def without_override() -> None:
        libc = ctypes.CDLL(None)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH; PR_CAPBSET_DROP is 24, and of no use to others
            libc.prctl(24, capability, 0, 0, 0)

    source, out = scan(tmp_path / "s.xyz"), tmp_path / "out"
    out.mkdir(mode=0o500)
    words = (tmp_path, "-o", out) if command == "batch" else (source, "-o", out / "mesh.ply")
    done = run(command, *words, preexec_fn=without_override)
    assert done.returncode == 1 and "Permission denied" in done.stderr and len(done.stderr.splitlines()) == 1
    assert list(out.iterdir()) == []
