"""Small files of every kind that is read, sound and broken, made by code: seeds of the fuzzers, and bad input that must be one line.

The broken ones are those that users of other programs met (their threads are named where there is one), and our own.
"""

from __future__ import annotations

import io
import json
import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from formats import scan_files

from sdfshape import Mesh, PointCloud, write_mesh, write_points
from sdfshape.field import SignedDistanceField
from sdfshape.frame import Frame
from sdfshape.lipschitz import certify, split_boxes
from sdfshape.lipschitz.stack import StackParameters

XYZ = "property float x\nproperty float y\nproperty float z\n"


def sound_files() -> dict[str, bytes]:
    """Four points or two triangles in each format, and a field."""
    rng = np.random.default_rng(0)
    colors = rng.integers(0, 255, (4, 3), dtype=np.uint8)
    mesh = Mesh(rng.normal(size=(4, 3)), [[0, 1, 2], [1, 2, 3]], colors=colors)
    cloud = PointCloud(mesh.vertices, mesh.vertices, colors, [0, 1, 2, 3], [0.5, 1.5, 2.5, 3.5])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for ending in (".obj", ".off", ".stl", ".ply", ".glb"):
            write_mesh(mesh, folder / f"mesh{ending}")
        for ending in (".xyz", ".npz", ".ply"):
            write_points(cloud, folder / f"cloud{ending}")
        write_points(PointCloud(mesh.vertices, mesh.vertices), folder / "cloud.npy")
        small_field().save(folder / "field.sdf")
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    xyz = files["cloud.xyz"]
    rows = b"\n".join(b" ".join(line.split()[:6]) for line in xyz.splitlines()[1:])
    files |= {"cloud.pwn": rows, "cloud.pts": b"4\n" + rows, "cloud.csv": xyz.replace(b" ", b","), "cloud.asc": rows, "cloud.txt": rows}
    header = b"VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 4\nHEIGHT 1\nPOINTS 4\nDATA "
    files |= {"ascii.pcd": header + b"ascii\n" + b"1 2 3\n" * 4, "binary.pcd": header + b"binary\n" + bytes(48)}
    packed = b"\x1f" + bytes(range(32)) + b"\x0f" + bytes(range(16))
    files["packed.pcd"] = header + b"binary_compressed\n" + b"\x32\0\0\0\x30\0\0\0" + packed
    files["ascii.ply"] = _ply("ascii", 3, b"0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n", faces="element face 1\nproperty list uchar int vertex_index\n")
    corners = b"vertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\n"
    files["ascii.stl"] = b"solid a\nfacet normal 0 0 1\nouter loop\n" + corners + b"endloop\nendfacet\nendsolid\n"
    return files | scan_files()


def small_field() -> SignedDistanceField:
    """Untrained, certified, of two networks."""
    layers = StackParameters.random(2, 2, 4, torch.Generator().manual_seed(0)).layers(3)
    boxes = split_boxes(np.random.default_rng(0).uniform(-0.8, 0.8, (50, 3)), 2)
    layers = certify(layers.lowered(layers(torch.zeros(2, 1, 3))[:, 0]))
    return SignedDistanceField(layers, boxes, Frame((0.0, 0.0, 0.0), 1.0), 1e-6)


def broken_files() -> dict[str, bytes]:
    """Files that must be refused in one line, by a name that says what is wrong with them."""
    three = struct.pack("<9f", *range(9))
    nan = struct.pack("<9f", *[float("nan")] * 9)
    files = {
        "binary-count-1e12.ply": _ply("binary_little_endian", 10**12, three),
        "binary-count-3e8-of-3.ply": _ply("binary_little_endian", 3 * 10**8, three),
        "ascii-count-1e12.ply": _ply("ascii", 10**12, b"0 0 0\n"),
        "empty.ply": b"",
        "no-vertices.ply": _ply("ascii", 0, b""),
        "negative-count.ply": _ply("ascii", -5, b"0 0 0\n"),
        "truncated-3-of-10.ply": _ply("binary_little_endian", 10, three),
        "two-vertex-elements.ply": _ply("ascii", 1, b"0 0 0\n0 0 0\n", faces=f"element vertex 1\n{XYZ}"),  # assimp#5743
        "list-count-of-float.ply": _ply("ascii", 3, b"0 0 0\n" * 3, faces="element face 1\nproperty list float int vertex_index\n"),
        "huge-faces.stl": bytes(80) + struct.pack("<I", 2**32 - 1) + bytes(50),  # meshlab#281
        "truncated.stl": bytes(80) + struct.pack("<I", 3) + bytes(100),
        "index-out-of-range.off": b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n",
        "index-negative.obj": b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 -9\n",
        "index-zero.obj": b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 0 1 2\n",
        "words.xyz": b"one two three\n",
        "two-columns.xyz": b"1 2\n3 4\n",
        "points-promised.pcd": b"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 999999999\nHEIGHT 1\nPOINTS 999999999\nDATA binary\n" + three,
        "pickle.npy": _npy_head("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }") + b"\x80\x04.",
        "pickle.sdf": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00.",
        "bomb.npz": _bomb(),
        "header-1e18.sdf": struct.pack("<Q", 10**18) + b"{}",
        "fat-points.laz": _fat_points(),
        "length-lies.glb": b"glTF" + struct.pack("<II", 2, 2**32 - 1) + b"{}",
        "deep-json.glb": _glb(b"[" * 5000 + b"]" * 5000),
        "buffer-outside.glb": _glb(
            json.dumps({"asset": {"version": "2.0"}, "buffers": [{"byteLength": 9, "uri": "../../etc/passwd"}]}).encode()
        ),
    }
    only_nan = {"all-nan.ply": _ply("binary_little_endian", 3, nan)}  # is read as it is, and refused by `clean`
    return files | only_nan


def _ply(form: str, count: int, body: bytes, faces: str = "") -> bytes:
    return f"ply\nformat {form} 1.0\nelement vertex {count}\n{XYZ}{faces}end_header\n".encode() + body


def _npy_head(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00v\x00" + text.encode().ljust(117) + b"\n"


def _bomb() -> bytes:
    """A gigabyte of zeros in a megabyte."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("points.npy", "w", force_zip64=True) as entry:
        entry.write(_npy_head("{'descr': '<f8', 'fortran_order': False, 'shape': (44739242, 3), }"))
        for _ in range(64):
            entry.write(bytes(1 << 24))
    return stream.getvalue()


def _fat_points() -> bytes:
    """A hundred thousand packed points of 16 kB each, in six hundred bytes: found by fuzzing, it took laspy 2 GB a piece."""
    data = bytearray(scan_files()["scan.laz"])
    struct.pack_into("<H", data, 105, 16_472)
    struct.pack_into("<Q", data, 247, 100_000)
    return bytes(data)


def _glb(text: bytes) -> bytes:
    text += b" " * (-len(text) % 4)
    return b"glTF" + struct.pack("<II", 2, 20 + len(text)) + struct.pack("<I4s", len(text), b"JSON") + text
