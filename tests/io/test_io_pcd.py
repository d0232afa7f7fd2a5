"""PCD: three encodings, packed colours, and a decoder that trusts no byte."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdfshape.errors import InputError
from sdfshape.io import read_points
from sdfshape.io.lzf import lzf_decode
from sdfshape.io.pcd import read_pcd


def _lzf(plain):
    """A small greedy encoder, the other half of the decoder under test."""
    out, seen, literals, at = bytearray(), {}, bytearray(), 0

    def flush():
        for i in range(0, len(literals), 32):
            out.extend(bytes([len(literals[i : i + 32]) - 1]) + literals[i : i + 32])
        literals.clear()

    while at < len(plain):
        back = seen.get(plain[at : at + 3], -1)
        seen[plain[at : at + 3]] = at
        if back < 0 or at - back > 8192 or at + 3 > len(plain):
            literals.append(plain[at])
            at += 1
            continue
        flush()
        length = 3
        while length < 264 and at + length < len(plain) and plain[back + length] == plain[at + length]:
            length += 1
        offset, short = at - back - 1, length - 2
        out.extend([min(short, 7) << 5 | offset >> 8] + ([short - 7] if short >= 7 else []) + [offset & 255])
        at += length
    flush()
    return bytes(out)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=8), max_size=30).map(lambda parts: b"".join(parts * 3)))
def test_decoding_undoes_encoding(plain):
    assert lzf_decode(_lzf(plain), len(plain)) == plain


def test_long_runs_shrink_and_come_back():
    plain = bytes(100_000) + b"end"
    packed = _lzf(plain)
    assert len(packed) < 1300 and lzf_decode(packed, len(plain)) == plain


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 400))
def test_any_bytes_decode_or_are_refused(packed, size):
    try:
        assert len(lzf_decode(packed, size)) == size
    except InputError as error:
        assert "compressed data must be sound" in str(error)


@pytest.mark.parametrize(
    ("packed", "size", "law"),
    [
        (b"\x05ab", 6, "ends 4 bytes behind"),
        (b"\x20", 3, "middle of a copy"),
        (b"\x00a\xe0\x01", 10, "middle of a copy"),
        (b"\x20\x00", 3, "before the data"),
        (b"\x00a\x20\x01", 4, "before the data"),
        (b"\x00a", 2, "should give 2 bytes, it gives 1"),
        (b"\x00a\xe0\xff\x00", 5, "should give 5 bytes, it gives more"),
    ],
)
def test_the_decoder_stays_in_its_buffers(packed, size, law):
    with pytest.raises(InputError, match=law):
        lzf_decode(packed, size)


FIELDS = [
    *((name, "f4") for name in ("x", "y", "z", "rgb")),
    *((f"normal_{axis}", "f8") for axis in "xyz"),
    ("label", "u4"),
    ("hist", "u1", 5),
]


def _cloud():
    rng = np.random.default_rng(0)
    table = np.zeros(20, FIELDS)
    for name in ("x", "y", "z", "normal_x", "normal_y", "normal_z"):
        table[name] = rng.normal(size=20)
    colors = rng.integers(0, 256, (20, 3))
    table["rgb"] = (255 << 24 | colors[:, 0] << 16 | colors[:, 1] << 8 | colors[:, 2]).astype(np.uint32).view(np.float32)
    table["label"] = np.arange(20)
    return table, colors


def _pcd(table, encoding, **changes):
    kinds = {"f": "F", "u": "U", "i": "I"}
    bases = [table.dtype[n].subdtype[0] if table.dtype[n].subdtype else table.dtype[n] for n in table.dtype.names]
    counts = [int(np.prod(table.dtype[n].shape, dtype=int)) for n in table.dtype.names]
    lines = {
        "VERSION": "0.7", "FIELDS": " ".join(table.dtype.names), "SIZE": " ".join(str(b.itemsize) for b in bases),
        "TYPE": " ".join(kinds[b.kind] for b in bases), "COUNT": " ".join(map(str, counts)),
        "WIDTH": len(table), "HEIGHT": 1,
        "VIEWPOINT": "0 0 0 1 0 0 0", "POINTS": len(table), "DATA": encoding,
    } | changes  # fmt: skip
    header = "# .PCD v0.7\n" + "".join(f"{k} {v}\n" for k, v in lines.items() if v is not None)
    if encoding == "ascii":
        rows = [" ".join(repr(float(v)) for n in table.dtype.names for v in np.atleast_1d(row[n])) for row in table]
        return header.encode() + "\n".join(rows).encode()
    if encoding == "binary":
        return header.encode() + table.tobytes()
    plain = b"".join(np.ascontiguousarray(table[n]).tobytes() for n in table.dtype.names)
    packed = _lzf(plain)
    return header.encode() + len(packed).to_bytes(4, "little") + len(plain).to_bytes(4, "little") + packed


@pytest.mark.parametrize("encoding", ["binary", "binary_compressed", "ascii"])
def test_every_encoding_gives_the_same_cloud(encoding):
    table, colors = _cloud()
    if encoding == "ascii":
        table["rgb"] = (table["rgb"].view(np.uint32) & 0xFFFFFF).view(np.float32)  # text has no NaN bits
    content = read_pcd(_pcd(table, encoding))
    assert np.array_equal(content.points, np.stack([table[n] for n in "xyz"], 1).astype(float))
    assert np.array_equal(content.normals, np.stack([table[f"normal_{n}"] for n in "xyz"], 1))
    assert np.array_equal(content.colors, colors)
    assert np.array_equal(content.labels, table["label"])


def test_packed_colors_come_as_integers_too():
    table = np.zeros(1, [("x", "f4"), ("y", "f4"), ("z", "f4"), ("rgba", "u4")])
    table["rgba"] = 0xFF0A141E
    for encoding in ("ascii", "binary"):
        assert read_pcd(_pcd(table, encoding)).colors.tolist() == [[10, 20, 30]]


def test_organised_clouds_keep_their_invalid_points():
    table = np.full(6, np.nan, [("x", "f4"), ("y", "f4"), ("z", "f4"), ("rgb", "f4")])
    for encoding in ("ascii", "binary"):
        content = read_pcd(_pcd(table, encoding, WIDTH=3, HEIGHT=2, POINTS=None))
        assert content.points.shape == (6, 3) and np.isnan(content.points).all()


SMALL = np.zeros(2, [("x", "f4"), ("y", "f4"), ("z", "f4")])


def _claims(points):
    return (10**9).to_bytes(4, "little") + (points * 12 % 2**32).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("data", "law"),
    [
        (b"hello", "must have a header that ends with DATA"),
        (_pcd(SMALL, "ascii", DATA="binary_zip"), "must be ascii, binary or binary_compressed"),
        (_pcd(SMALL, "ascii", POINTS=10**12), "promises 1000000000000 points, the file holds 2"),
        (_pcd(SMALL, "binary", POINTS=10**12), "promises 1000000000000 points, the file holds 2"),
        (_pcd(SMALL, "binary_compressed", POINTS=10**12), "promises 1000000000000 points"),
        (_pcd(SMALL, "binary")[:-1], "promises 2 points, the file holds 1: it is truncated"),
        (_pcd(SMALL, "binary_compressed")[:-1], "must hold .* bytes of compressed data"),
        (_pcd(SMALL, "binary_compressed")[:-12], "must hold .* bytes of compressed data"),
        (_pcd(SMALL, "binary", POINTS=-2), "count of points must be a whole number .*'-2'"),
        (_pcd(SMALL, "binary", POINTS=None, WIDTH=None), "count of points must be a whole number"),
        (_pcd(SMALL, "binary", COUNT="1 1"), "SIZE, TYPE and COUNT for each"),
        (_pcd(SMALL, "binary", SIZE="4 4 3"), "a type of F, I or U"),
        (_pcd(SMALL, "binary", TYPE="F F X"), "a type of F, I or U"),
        (_pcd(SMALL, "binary", COUNT="1 1 -1"), "a type of F, I or U"),
        (_pcd(SMALL, "binary", COUNT="1 1 99999", POINTS=0), "at most 65536 bytes"),
        (_pcd(SMALL, "binary", FIELDS="x y q"), "columns x, y and z, the file names x, y, q"),
        (
            _pcd(SMALL, "ascii", FIELDS="x y z w", SIZE="4 4 4 4", TYPE="F F F F", COUNT="1 1 1 1"),
            "4 numbers .* have 3",
        ),
        (_pcd(SMALL, "ascii") + b"\n1 2", "row 3 has 2"),
        (_pcd(SMALL, "ascii") + b"\n1 2 x", "row 3 holds 'x'"),
        (_pcd(SMALL[:0], "binary"), "must have points"),
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path, data, law):
    (tmp_path / "a.pcd").write_bytes(data)
    with pytest.raises(InputError, match=f"^a.pcd: .*{law}") as caught:
        read_points(tmp_path / "a.pcd")
    assert "\n" not in str(caught.value)


def test_a_compressed_header_cannot_ask_for_more_than_its_data_can_give(tmp_path):
    data = _pcd(SMALL, "binary_compressed", POINTS=10**8)
    body = data.index(b"binary_compressed\n") + len(b"binary_compressed\n")
    (tmp_path / "a.pcd").write_bytes(data[: body + 4] + (12 * 10**8).to_bytes(4, "little") + data[body + 8 :])
    with pytest.raises(InputError, match=r"promises 100000000 points .1200000000 bytes., the compressed data stands for 1200000000"):
        read_points(tmp_path / "a.pcd")
