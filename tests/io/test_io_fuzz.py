"""Whatever the bytes, a reader returns a shape or raises one line: no other error, no warning, no long wait."""

import time

import pytest
from corpus import sound_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdfshape.errors import FieldFileError, InputError
from sdfshape.field import load_field
from sdfshape.io import READABLE, read_mesh, read_points

FIELD = sound_files()["field.sdf"]
RELAXED = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def seeds():
    """Sound files of every format by their name."""
    return {name: data for name, data in sound_files().items() if not name.endswith(".sdf")}


def _survives(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    begin = time.perf_counter()
    for read in (read_points, read_mesh):
        try:
            read(path)
        except InputError as error:
            assert "\n" not in str(error) and str(error).startswith(name) and len(str(error)) < 600
    assert time.perf_counter() - begin < 5


def test_the_seeds_are_sound(tmp_path, seeds):
    assert {f".{name.split('.')[1]}" for name in seeds} == set(READABLE)
    for name, data in seeds.items():
        (tmp_path / name).write_bytes(data)
        assert len(read_points(tmp_path / name)) in (3, 4), name


@pytest.mark.parametrize("ending", READABLE)
@RELAXED
@given(data=st.one_of(st.binary(min_size=1, max_size=300), st.text("0123456789.-+eEnaif \n\t,;#/vfx", min_size=1).map(str.encode)))
def test_random_bytes(tmp_path, ending, data):
    _survives(tmp_path, f"a{ending}", data)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "insert", "copy", "number"]),
        st.integers(0, 10**6),
        st.binary(min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=4,
)
NUMBERS = (b"-1", b"0", b"1000000000000", b"99999999999999999999999", b"nan", b"1e999", b"0.5", b"1_0", b"")


def _edited(data, edits):
    for kind, place, piece in edits:
        at = place % (len(data) + 1)
        if kind == "set":
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "insert":
            data = data[:at] + piece + data[at:]
        elif kind == "copy":
            data = data[:at] + data[at // 2 :]
        else:  # replace a word of the text by a number of another kind
            begin = max(data.rfind(b" ", 0, at), data.rfind(b"\n", 0, at)) + 1
            ends = [end for end in (data.find(b" ", at), data.find(b"\n", at)) if end >= 0]
            data = data[:begin] + NUMBERS[place % len(NUMBERS)] + data[min(ends, default=len(data)) :]
    return data or b" "


SEEDS = [
    *("mesh.obj", "mesh.off", "mesh.stl", "ascii.stl", "mesh.ply", "ascii.ply", "cloud.ply", "mesh.glb"),
    *("cloud.xyz", "cloud.pts", "cloud.csv", "cloud.asc", "cloud.pwn", "cloud.npy", "cloud.npz"),
    *("ascii.pcd", "binary.pcd", "packed.pcd"),
]


@pytest.mark.parametrize("name", ["scan.las", "scan.laz", "scan.e57"])
@settings(RELAXED, max_examples=4)  # each is a process
@given(edits=EDITS)
def test_damaged_scans(tmp_path, seeds, name, edits):
    _survives(tmp_path, name, _edited(seeds[name], edits))


@pytest.mark.parametrize("name", SEEDS)
@RELAXED
@given(edits=EDITS)
def test_damaged_sound_files(tmp_path, seeds, name, edits):
    _survives(tmp_path, name, _edited(seeds[name], edits))


@settings(RELAXED, max_examples=80)
@given(edits=EDITS)
def test_damaged_fields(tmp_path, edits):
    """A field file that was changed is refused in one line, or is certified all the same."""
    path = tmp_path / "a.sdf"
    path.write_bytes(_edited(FIELD, edits))
    begin = time.perf_counter()
    try:
        assert load_field(path).network_bound <= 1
    except FieldFileError as error:
        assert "\n" not in str(error) and str(error).startswith("a.sdf") and len(str(error)) < 600
    assert time.perf_counter() - begin < 5


@RELAXED
@given(data=st.binary(min_size=1, max_size=300))
def test_random_bytes_are_no_field(tmp_path, data):
    (tmp_path / "a.sdf").write_bytes(data)
    with pytest.raises(FieldFileError):
        load_field(tmp_path / "a.sdf")
