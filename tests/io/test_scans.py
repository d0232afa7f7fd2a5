"""LAS, LAZ and E57: every column, exact coordinates, one line for whatever is wrong, and never the caller's process."""

from __future__ import annotations

import io
import os
import re
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from corpus import broken_files
from formats import GEOREFERENCED, e57_bytes, e57_columns, las_bytes, scan_files

from sdfshape import PointCloud
from sdfshape.errors import InputError
from sdfshape.io import read_points, scan_child, streams
from sdfshape.io.las import las_pieces
from sdfshape.io.las_header import MOST_RECORDS, check_las
from sdfshape.io.pieces import PIECE, Piece, received_head
from sdfshape.io.streams import stream_pieces

RNG = np.random.default_rng(0)
POINTS = np.round(RNG.uniform(-50, 50, (500, 3)), 3) + GEOREFERENCED
COLORS = RNG.integers(0, 65536, (500, 3)).astype(np.uint16)


def written(tmp_path: Path, name: str, data: bytes) -> Path:
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def rich_las(**more) -> bytes:
    named = dict(zip(("red", "green", "blue"), COLORS.T, strict=True))
    asked = {"intensity": np.arange(500, dtype=np.uint16), "classification": (np.arange(500) % 6).astype(np.uint8)} | named | more
    return las_bytes(POINTS, **asked)


# --- what comes back


@pytest.mark.parametrize("ending", [".las", ".laz", ".copc.laz", ".LAS"])
def test_every_column_and_georeferenced_places_to_the_millimetre(tmp_path, ending):
    data = rich_las(ending="." + ending.rsplit(".", 1)[1].lower())
    cloud = read_points(written(tmp_path, f"a{ending}", data))
    assert np.abs(cloud.points - POINTS).max() < 1e-6  # of numbers with three digits behind the point
    assert np.array_equal(cloud.colors, COLORS // 257)
    assert np.array_equal(cloud.labels, np.arange(500) % 6) and np.array_equal(cloud.intensity, np.arange(500))


@pytest.mark.parametrize(("point_format", "version"), [(0, "1.2"), (1, "1.2"), (2, "1.2"), (3, "1.2"), (6, "1.4"), (8, "1.4"), (4, "1.3")])
def test_all_kinds_of_points(tmp_path, point_format, version):
    cloud = read_points(written(tmp_path, "a.las", las_bytes(POINTS, point_format=point_format, version=version)))
    assert np.abs(cloud.points - POINTS).max() < 1e-6 and (cloud.colors is not None) == (point_format in (2, 3, 8))


def test_colours_of_eight_bits_are_known_by_their_range(tmp_path):
    small = dict(zip(("red", "green", "blue"), (COLORS % 256).T, strict=True))
    cloud = read_points(written(tmp_path, "a.las", rich_las(**small)))
    assert np.array_equal(cloud.colors, COLORS % 256)


def test_what_the_file_calls_noise_or_withheld_is_left_out_and_counted(tmp_path):
    classes = np.full(500, 2, np.uint8)
    classes[:7], classes[7:9] = 7, 18
    withheld = np.zeros(500, np.uint8)
    withheld[8:12] = 1
    path = written(tmp_path, "a.las", rich_las(classification=classes, withheld=withheld))
    assert sum(piece.set_aside for piece in stream_pieces(path)) == 12
    assert np.abs(read_points(path).points - POINTS[12:]).max() < 1e-6


def test_another_column_may_be_the_labels(tmp_path):
    path = written(tmp_path, "a.las", rich_las(user_data=(np.arange(500) % 3).astype(np.uint8)))
    assert np.array_equal(read_points(path, label_column="USER_DATA").labels, np.arange(500) % 3)
    with pytest.raises(InputError, match=r"a\.las: the label column must be one of x, y, z.*got 'parts'"):
        read_points(path, label_column="parts")


def test_scans_of_an_e57_stand_where_their_poses_put_them(tmp_path):
    half = np.sqrt(0.5)
    poses = [(np.array([half, 0, 0, half]), GEOREFERENCED), (np.array([1.0, 0, 0, 0]), np.zeros(3))]  # a quarter turn about z
    local = RNG.uniform(-5, 5, (300, 3)).astype(np.float32).astype(np.float64)
    color = {f"color{name}": np.full(300, value, np.uint8) for name, value in (("Red", 10), ("Green", 20), ("Blue", 30))}
    invalid = {"cartesianInvalidState": (np.arange(300) < 10).astype(np.int8)}
    first = e57_columns(local, intensity=np.linspace(0, 1, 300).astype(np.float32), **color, **invalid)
    second = e57_columns(local, intensity=np.linspace(0, 1, 300).astype(np.float32), **color)
    cloud = read_points(written(tmp_path, "a.e57", e57_bytes([first, second], poses)))
    turned = np.stack([-local[:, 1], local[:, 0], local[:, 2]], axis=1) + GEOREFERENCED
    assert np.abs(cloud.points - np.concatenate([turned[10:], local])).max() < 1e-6
    assert (cloud.colors == [10, 20, 30]).all() and np.allclose(cloud.intensity[-300:], np.linspace(0, 1, 300), atol=1e-6)


def test_columns_that_one_scan_of_a_file_lacks_are_left_out(tmp_path):
    rich = e57_columns(POINTS - GEOREFERENCED, intensity=np.ones(500, np.float32))
    cloud = read_points(written(tmp_path, "a.e57", e57_bytes([rich, e57_columns(POINTS - GEOREFERENCED)])))
    assert len(cloud) == 1000 and cloud.intensity is None


def test_a_name_that_looks_like_an_option(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "-c.las", rich_las())
    assert len(read_points("-c.las")) == 500


# --- what is refused


def patched(data: bytes, at: int, code: str, *values: float) -> bytes:
    return data[:at] + struct.pack(code, *values) + data[at + struct.calcsize(code) :]


BAD_LAS = {
    "is it another format": lambda d: b"LAZF" + d[4:],
    "227 bytes at least": lambda d: d[:100],
    "version 1.0 to 1.4, this is 3.4": lambda d: patched(d, 24, "<B", 3),
    "points must lie behind the header": lambda d: patched(d, 96, "<I", 100),
    "said to be at 4294967295": lambda d: patched(d, 96, "<I", 2**32 - 1),
    f"at most {MOST_RECORDS} records": lambda d: patched(d, 100, "<I", 2**32 - 1),
    "does not: the file is damaged|records must end": lambda d: patched(d, 100, "<I", 9),
    "format 0 to 10": lambda d: patched(d, 104, "<B", 37),
    "long enough": lambda d: patched(d, 105, "<H", 12),
    "promises 1000000000000 points": lambda d: patched(d, 247, "<Q", 10**12),
    "scales and offsets": lambda d: patched(d, 131, "<d", np.nan),
    "the scales not 0": lambda d: patched(d, 131, "<d", 0.0),
    "extended records must lie": lambda d: patched(d, 235, "<QI", 2**63, 3),
    "records of a LAS file": lambda d: patched(d, 235, "<QI", len(d) - 3, 1),
    "end in it, one does not": lambda d: patched(d, 235, "<QI", struct.unpack_from("<I", d, 96)[0] + 40, 1),
    "it is truncated": lambda d: d[: len(d) // 2],
    "the file holds none": lambda d: patched(patched(d, 247, "<Q", 0), 107, "<I", 0),
}


@pytest.mark.parametrize("law", BAD_LAS)
def test_a_damaged_las_is_refused_in_one_line_before_a_library_sees_it(tmp_path, law, monkeypatch):
    monkeypatch.setattr(streams, "_reader", None)  # no process is begun
    with pytest.raises(InputError, match=f"^a.las: .*({law})") as error:
        read_points(written(tmp_path, "a.las", BAD_LAS[law](rich_las())))
    assert "\n" not in str(error.value)


def test_e57_headers_are_checked_too(tmp_path):
    data = scan_files()["scan.e57"]
    for law, bad in (("is it another format", b"nothing" + data[7:]), ("truncated or damaged", data[:-100]), ("48 bytes", data[:20])):
        with pytest.raises(InputError, match=law):
            read_points(written(tmp_path, "a.e57", bad))
    broken = bytearray(data)
    broken[1200] ^= 255  # in a page: its checksum tells
    with pytest.raises(InputError, match=r"a\.e57: the points must be readable, they are not"):
        read_points(written(tmp_path, "a.e57", bytes(broken)))
    with pytest.raises(InputError, match="have no labels here"):
        read_points(written(tmp_path, "b.e57", data), label_column="class")


def test_a_folder_a_device_and_a_missing_file(tmp_path):
    (tmp_path / "a.las").mkdir()
    os.mkfifo(tmp_path / "b.laz")
    for name, law in (("a.las", "this is a folder"), ("b.laz", "a device or a pipe"), ("c.e57", "no such file")):
        with pytest.raises(InputError, match=law):
            read_points(tmp_path / name)


def test_the_header_says_how_many_points_and_whether_they_are_packed(tmp_path):
    for ending, packed in ((".las", False), (".laz", True)):
        header = check_las(written(tmp_path, f"a{ending}", rich_las(ending=ending)))
        assert header.points == 500 and header.compressed == packed


def test_points_of_sixteen_kilobytes_come_in_small_pieces(tmp_path):
    path = written(tmp_path, "a.laz", broken_files()["fat-points.laz"])
    assert check_las(path).points == 100_000
    tracemalloc.start()
    with suppress(Exception):  # whatever laspy says of it
        list(las_pieces(path, None))
    assert tracemalloc.get_traced_memory()[1] < 400e6
    tracemalloc.stop()


# --- the reader's process


def stand_in(monkeypatch, code: str) -> None:
    """The child is another program."""
    real = streams.subprocess.Popen

    def begun(words, **asked):
        return real([words[0], "-c", code], **asked)

    monkeypatch.setattr(streams.subprocess, "Popen", begun)


@pytest.mark.parametrize(
    ("code", "law"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", f"ended without a word .code -{int(signal.SIGSEGV)}"),
        ("import time; time.sleep(60)", "read within 1 s, this one was not"),
        ("import sys; sys.stdout.buffer.write(b'\\xff' * 100)", "the reader is damaged"),
        ("import sys; sys.stdout.buffer.write(b'\\x02\\0\\0\\0{}')", "the reader is damaged"),
        ("pass", "ended without a word"),
    ],
)
def test_whatever_becomes_of_the_reader_is_one_line(tmp_path, monkeypatch, code, law):
    stand_in(monkeypatch, code)
    monkeypatch.setattr(streams, "STALLED", 1.0)
    start = time.monotonic()
    with pytest.raises(InputError, match=law):
        read_points(written(tmp_path, "a.las", rich_las()))
    assert time.monotonic() - start < 5


def test_the_reader_says_what_it_lacks_and_may_not_take_all_memory(tmp_path, monkeypatch):
    path = written(tmp_path, "a.las", rich_las())
    monkeypatch.setattr(scan_child.resource, "setrlimit", lambda *_: None)  # of the tests' own process
    for error, said in (
        (ModuleNotFoundError("x", name="laspy"), r"pip install 'sdfshape\[scans\]'"),
        (MemoryError(), "must fit into 2 GiB"),
    ):

        def fails(path, label, error=error):
            raise error

        monkeypatch.setitem(scan_child.READERS, ".las", fails)
        assert re.search(said, said_by_child(".las", path)["error"])


def said_by_child(ending: str, path: Path) -> dict:
    out = io.BytesIO()
    scan_child._say(ending, str(path), None, out)
    out.seek(0)
    return received_head(out.read)


def test_a_reader_ends_with_who_asked_for_it(tmp_path):
    path = written(tmp_path, "a.las", las_bytes(RNG.uniform(0, 100, (2 * PIECE, 3)), point_format=0, version="1.2"))
    code = f"from sdfshape.io.streams import stream_pieces; import time; p = stream_pieces({str(path)!r}); next(p); print(1, flush=True)"
    parent = subprocess.Popen([sys.executable, "-c", f"{code}; time.sleep(60)"], stdout=subprocess.PIPE)
    assert parent.stdout is not None and parent.stdout.readline() == b"1\n"
    (reader,) = psutil.Process(parent.pid).children()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    reader.wait(timeout=10)


def test_more_points_than_memory_should_hold_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sdfshape.io.reading.MAX_FILE_BYTES", 20_000)
    with pytest.raises(InputError, match=r"a\.las: all points must fit into .* `sdfshape tile` takes scans of any size"):
        read_points(written(tmp_path, "a.las", rich_las()))


@pytest.mark.parametrize("head", [b"[]", b"{}", b'{"points": 3, "columns": [[]]}', b'{"points": -1, "columns": ["points"]}', b"nonsense"])
def test_a_head_that_is_none_is_refused(head):
    stream = io.BytesIO(struct.pack("<I", len(head)) + head)
    with pytest.raises(InputError, match="the reader is damaged"):
        Piece.received(received_head(stream.read), stream.read)


def test_a_reader_that_is_not_needed_any_more_ends(tmp_path):
    points = np.random.default_rng(0).uniform(0, 100, (2 * PIECE + 5, 3))
    pieces = stream_pieces(written(tmp_path, "a.las", las_bytes(points, point_format=0, version="1.2")))
    assert len(next(pieces).points) == PIECE
    pieces.close()
    assert not [p for p in children() if "scan_child" in p]


def children() -> list[str]:
    return [" ".join(p.cmdline()) for p in psutil.Process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]


def test_a_piece_comes_as_it_was_sent():
    piece = Piece(POINTS, COLORS, np.arange(500), np.linspace(0, 1, 500), 3)
    stream = io.BytesIO()
    piece.send(stream)
    stream.seek(0)
    again = Piece.received(received_head(stream.read), stream.read)
    for name in ("points", "colors", "labels", "intensity", "set_aside"):
        assert np.array_equal(getattr(again, name), getattr(piece, name))
    assert PointCloud(again.points).points.shape == (500, 3)
