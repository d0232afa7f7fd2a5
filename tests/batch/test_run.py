"""A batch: what fails is a row, what is done stays done, what is interrupted goes on; by a stand-in for the reconstruction."""

from __future__ import annotations

import csv
import itertools
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from sdfshape.batch import BatchRequest, ShapeJob, run_batch, task
from sdfshape.batch.cluster import Needs, _what_a_worker_lacks, connected
from sdfshape.batch.locking import is_abandoned, lock_of, locked
from sdfshape.batch.process import Limits
from sdfshape.errors import InputError, OutputError

# what a shape does, by its file: leave results, fail, die, hang, eat memory
STAND_IN = """
import json, os, pathlib, signal, sys, time
source, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
what = source.read_text()
if what == "fail": sys.exit("sdfshape: a shape must be good, it is not: mend it")
if what == "die": os.kill(os.getpid(), signal.SIGKILL)
if what == "crash": os.kill(os.getpid(), signal.SIGSEGV)
if what == "eat": kept = bytearray(300 << 20); time.sleep(60)
if what == "deaf": signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)
if what == "hang": time.sleep(60)
if what.startswith("wait"): time.sleep(float(what.split()[1]))
facts = {"input": {"points": 9}, "seconds": {"total": 7.0}}
facts |= {"surface": {"kind": "closed"}, "peak_rss_mb": 1.0, "warnings": [], "fit": {"mean_abs_f": 0.1}}
facts["mesh"] = {"vertices": 8, "faces": 12, "components": 1, "watertight": True}
facts["field"] = {"lipschitz_bound": 1.0, "threads": os.environ["OMP_NUM_THREADS"]}
(folder / ".sdfshape-half").write_text("half")
for name in ("mesh.ply", "field.sdf", "picture.png"): (folder / name).write_text(what + str(time.time_ns()))
(folder / "report.json").write_text(json.dumps(facts))
(folder / ".sdfshape-half").unlink()
"""


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    monkeypatch.setattr(task, "_command", lambda job, made, limits: [sys.executable, "-c", STAND_IN, str(job.source), str(made.folder)])


def jobs(folder: Path, **what: str) -> list[ShapeJob]:
    for name, text in what.items():
        (folder / f"{name}.xyz").write_text(text)
    return [ShapeJob(name, folder / f"{name}.xyz") for name in what]


def run(tmp_path: Path, shapes: list[ShapeJob], on_row: Any = lambda _: None, **asked: Any) -> list[dict[str, Any]]:
    return run_batch(shapes, BatchRequest(output=tmp_path / "out", **({"workers": 2} | asked)), on_row)


def statuses(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["name"]: row["status"] for row in rows}


def test_one_failure_never_stops_the_rest_and_is_a_row_with_its_reason(tmp_path):
    what = {"a": "good", "b": "fail", "c": "die", "d": "crash", "e": "hang", "f": "eat", "g": "good too"}
    shapes = [*jobs(tmp_path, **what), ShapeJob("gone", tmp_path / "gone.xyz")]
    rows = run(tmp_path, shapes, timeout=4, max_memory=200, workers=4)
    found = {row["name"]: row for row in rows}
    assert [row["name"] for row in rows] == [job.name for job in shapes]
    assert statuses(rows) == dict.fromkeys("ag", "done") | dict.fromkeys([*"bcdef", "gone"], "failed")
    assert found["b"]["reason"] == "a shape must be good, it is not: mend it"
    assert "SIGKILL" in found["c"]["reason"] and "memory" in found["c"]["reason"] and "SIGSEGV" in found["d"]["reason"]
    assert found["e"]["reason"].startswith("stopped after 4 s, its time") and 4 <= found["e"]["seconds"] < 8
    assert "its memory is 200" in found["f"]["reason"] and found["gone"]["reason"] == "gone.xyz: No such file or directory"
    assert sorted(p.name for p in (tmp_path / "out").iterdir() if not p.name.startswith(".")) == [
        *("a", "batch.csv", "batch.html", "batch.jsonl", "g")  # no folder where nothing was left
    ]
    assert found["a"]["faces"] == 12 and found["a"]["watertight"] is True


def test_what_is_done_is_not_done_again_unless_it_changed_or_is_damaged(tmp_path):
    shapes = jobs(tmp_path, a="one", b="two", c="three", d="fail")
    run(tmp_path, shapes)
    mesh = {name: (tmp_path / "out" / name / "mesh.ply").read_text() for name in "abc"}
    (tmp_path / "b.xyz").write_text("changed")
    (tmp_path / "d.xyz").write_text("mended")
    (tmp_path / "out/c/field.sdf").write_text("cut")
    (tmp_path / "out/c/.sdfshape-left.ply").write_text("of a killed process")
    again = run(tmp_path, shapes)
    assert statuses(again) == {"a": "kept", "b": "done", "c": "done", "d": "done"}
    assert again[0]["faces"] == 12 and again[0]["seconds"] == 7  # the table is whole
    assert (tmp_path / "out/a/mesh.ply").read_text() == mesh["a"] and (tmp_path / "out/b/mesh.ply").read_text() != mesh["b"]
    assert not list((tmp_path / "out/c").glob(".sdfshape-*"))
    assert statuses(run(tmp_path, shapes, again=True)) == dict.fromkeys("abcd", "done")
    assert statuses(run(tmp_path, shapes, ending=".obj", picture=False))["a"] == "failed"  # the stand-in writes no .obj: not believed


@pytest.mark.parametrize("last", ["hang", "deaf"])
def test_an_interrupted_batch_ends_soon_and_goes_on_later(tmp_path, last):
    shapes = jobs(tmp_path, a="good", b=last, c="good", d="good")
    began: list[float] = []

    def interrupt(_row: dict[str, Any]) -> None:
        began.append(time.monotonic())
        if len(began) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, shapes, interrupt)
    assert time.monotonic() - began[0] < 7
    with (tmp_path / "out/batch.csv").open() as file:
        table = {row["name"]: row["status"] for row in csv.DictReader(file)}
    assert table["a"] == "done" and table["b"] in ("failed", "stopped") and set(table.values()) <= {"done", "stopped", "failed"}
    assert not list((tmp_path / "out").glob(".stop-*"))
    (tmp_path / "b.xyz").write_text("good")
    assert set(statuses(run(tmp_path, shapes)).values()) <= {"done", "kept"}


def test_cores_are_used_once(tmp_path):
    cores = len(os.sched_getaffinity(0))
    assert BatchRequest(output=tmp_path, workers=1).threads_each == cores
    assert BatchRequest(output=tmp_path, workers=2 * cores).threads_each == 1
    run(tmp_path, jobs(tmp_path, a="good"), threads=3)
    assert json.loads((tmp_path / "out/a/report.json").read_text())["field"]["threads"] == "3"


def test_shapes_run_side_by_side_but_not_more_than_asked(tmp_path):
    shapes = jobs(tmp_path, **{f"s{j}": "wait 0.5" for j in range(4)})
    for workers, least, most in ((1, 2.0, 12), (4, 0.5, 2.0)):
        start = time.monotonic()
        run(tmp_path, shapes, workers=workers, again=True)
        assert least < time.monotonic() - start < most + 2


def test_one_batch_at_a_time_writes_to_a_folder(tmp_path):
    def second(_row: dict[str, Any]) -> None:
        with pytest.raises(OutputError, match="one command at a time must work in a folder"):
            run(tmp_path, [])

    run(tmp_path, jobs(tmp_path, a="good"), second)
    run(tmp_path, [])  # the lock went with the batch


def test_the_log_has_a_line_for_every_event_and_the_page_shows_what_was_made(tmp_path):
    (tmp_path / "x.xyz").write_text("good")
    shapes = [ShapeJob("<b>&/x y", tmp_path / "x.xyz"), *jobs(tmp_path, f="fail")]
    run(tmp_path, shapes)
    events = [json.loads(line) for line in (tmp_path / "out/batch.jsonl").read_text().splitlines()]
    assert [e["event"] for e in events][0::3] == ["begin", "end"] and {e["event"] for e in events[1:3]} == {"done", "failed"}
    assert all("time" in e and "clock" in e for e in events)
    page = (tmp_path / "out/batch.html").read_text()
    assert "<b>&/" not in page and "&lt;b&gt;&amp;/x y" in page and 'src="%3Cb%3E%26/x%20y/picture.png"' in page
    assert "2 shapes: 1 done, 1 failed" in page


@pytest.mark.parametrize("jump", [-1e6, 1e6])  # eleven days, between any two looks at it
def test_a_clock_that_jumps_changes_nothing(tmp_path, monkeypatch, jump: float):
    true, looks = time.time, itertools.count()

    def jumping() -> float:  # for us alone: Tornado and Dask read one clock by two names, and wait for each other when one of them jumps
        ours = sys._getframe(1).f_globals["__name__"].startswith("sdfshape")
        return true() + ours * jump * next(looks)

    monkeypatch.setattr(time, "time", jumping)
    rows = run(tmp_path, jobs(tmp_path, a="wait 0.6"), timeout=30)
    assert rows[0]["status"] == "done" and 0.6 < rows[0]["seconds"] < 10


@pytest.mark.parametrize(
    ("asked", "law"),
    [
        ({"workers": 0}, "--workers must be above 0"),
        ({"threads": -1}, "--threads must be at least 1"),
        ({"timeout": 0.0}, "--timeout must be above 0"),
        ({"timeout": float("nan")}, "--timeout must be above 0"),
        ({"max_memory": -5.0}, "--max-memory must be megabytes above 0"),
        ({"ending": ".doc"}, "--format must be one of"),
    ],
)
def test_what_cannot_be_asked_for_is_named(tmp_path, asked, law):
    with pytest.raises(InputError, match=law):
        run(tmp_path, [], **asked)
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="must be a folder that can be written"):
        run(tmp_path, [])
    assert (tmp_path / "out").read_text() == "mine"


def test_nobody_else_can_reach_the_cluster(tmp_path):
    with connected(None, 2, Needs(frozenset({tmp_path}))):
        listening = [c.laddr.ip for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN]
    assert set(listening) <= {"127.0.0.1"}


def test_a_scheduler_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("sdfshape.batch.cluster.CONNECT", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense"):
        with pytest.raises(InputError, match="--scheduler must be the address of a Dask scheduler"):
            run(tmp_path, [], scheduler=address)


def test_a_shape_ends_when_its_worker_has_gone():
    code = (
        "import os, sys, time; from sdfshape.cli.program import _end_with_parent; _end_with_parent(str(os.getppid())); print(os.getpid())"
    )
    code += "; sys.stdout.flush(); time.sleep(60)"
    starter = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {code!r}]); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    shape = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    shape.wait(timeout=10)


def test_a_worker_says_which_folders_and_devices_it_lacks(tmp_path):
    needs = Needs(frozenset({tmp_path, tmp_path / "gone"}), frozenset({"cpu", "cuda:0"}))
    assert _what_a_worker_lacks(needs)[1] == [str(tmp_path / "gone"), "cuda:0"]
    assert _what_a_worker_lacks(Needs(frozenset({tmp_path}), frozenset({"cpu"})))[1] == []


def test_work_is_abandoned_when_nobody_holds_the_lock_of_its_folder_any_more(tmp_path):
    assert not is_abandoned(None) and not is_abandoned(tmp_path / "gone")
    with locked(tmp_path) as folder:
        assert not is_abandoned(lock_of(folder))
        with pytest.raises(OutputError, match="another one does"), locked(tmp_path):
            pass
    assert is_abandoned(lock_of(tmp_path))


def test_a_shape_ends_when_who_asked_for_it_has_gone(tmp_path):
    (shape,) = jobs(tmp_path, a="hang")
    (tmp_path / "out").mkdir()
    lock_of(tmp_path / "out").touch()
    limits = Limits(1, None, None, tmp_path / "stop", lock_of(tmp_path / "out"))
    start = time.monotonic()
    assert task.do_shape(shape, tmp_path / "out/a", ".ply", True, limits)["status"] == "stopped"
    with locked(tmp_path / "out"):
        assert task.do_shape(shape, tmp_path / "out/a", ".ply", True, replace(limits, seconds=1.0))["reason"].startswith(
            "stopped after 1 s"
        )
    assert time.monotonic() - start < 10
