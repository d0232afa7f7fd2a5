"""Whatever the bytes, a reader returns a shape or raises one line: no other error, no warning, no long wait."""

import time

import numpy as np
import pytest
from formats import scan_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdfshape.errors import InputError
from sdfshape.io import READABLE, read_mesh, read_points, write_mesh, write_points
from sdfshape.types import Mesh, PointCloud

RELAXED = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """Sound files of every format by their ending."""
    folder = tmp_path_factory.mktemp("seeds")
    rng = np.random.default_rng(0)
    colors = rng.integers(0, 255, (4, 3), dtype=np.uint8)
    mesh = Mesh(rng.normal(size=(4, 3)), [[0, 1, 2], [1, 2, 3]], colors=colors)
    cloud = PointCloud(mesh.vertices, mesh.vertices, colors, [0, 1, 2, 3])
    for ending in (".obj", ".off", ".stl", ".ply", ".glb"):
        write_mesh(mesh, folder / f"mesh{ending}")
    for ending in (".xyz", ".npz", ".ply"):
        write_points(cloud, folder / f"cloud{ending}")
    write_points(PointCloud(mesh.vertices, mesh.vertices), folder / "cloud.npy")
    xyz = (folder / "cloud.xyz").read_bytes()
    rows = b"\n".join(b" ".join(line.split()[:6]) for line in xyz.splitlines()[1:])
    header = b"VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 4\nHEIGHT 1\nPOINTS 4\nDATA "
    packed = b"\x1f" + bytes(range(32)) + b"\x0f" + bytes(range(16))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    files |= {"cloud.pwn": rows, "cloud.pts": b"4\n" + rows, "cloud.csv": xyz.replace(b" ", b","), "cloud.asc": rows}
    files |= {"ascii.pcd": header + b"ascii\n" + b"1 2 3\n" * 4, "binary.pcd": header + b"binary\n" + bytes(48)}
    files["packed.pcd"] = header + b"binary_compressed\n" + b"\x32\0\0\0\x30\0\0\0" + packed
    lines = b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    files["ascii.ply"] = lines + b"element face 1\nproperty list uchar int vertex_index\nend_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"
    corners = b"vertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\n"
    files |= scan_files()
    files["ascii.stl"] = b"solid a\nfacet normal 0 0 1\nouter loop\n" + corners + b"endloop\nendfacet\nendsolid\n"
    return files


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
    assert {f".{name.split('.')[1]}" for name in seeds} | {".txt"} == set(READABLE)
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
@settings(RELAXED, max_examples=10)  # each is a process
@given(edits=EDITS)
def test_damaged_scans(tmp_path, seeds, name, edits):
    _survives(tmp_path, name, _edited(seeds[name], edits))


@pytest.mark.parametrize("name", SEEDS)
@RELAXED
@given(edits=EDITS)
def test_damaged_sound_files(tmp_path, seeds, name, edits):
    _survives(tmp_path, name, _edited(seeds[name], edits))
