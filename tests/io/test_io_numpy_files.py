"""NPY and NPZ: plain numbers only, and no header is believed."""

import io
import zipfile

import numpy as np
import pytest

from sdfshape.errors import InputError
from sdfshape.io import read_points


def _npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def _with_header(text, body=b"", major=1):
    header = text.encode() + b"\n"
    length = len(header).to_bytes(2 if major == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([major, 0]) + length + header + body


def _claim(descr="'<f8'", shape="(3, 3)", order="False"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8", ">i2", "<u8", "i1", "<i8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_plain_array_is_read(tmp_path, dtype, order):
    array = np.arange(12).reshape(4, 3).astype(dtype, order=order)
    np.save(tmp_path / "a.npy", array)
    assert read_points(tmp_path / "a.npy").points.tolist() == np.arange(12).reshape(4, 3).tolist()


def test_later_versions_and_old_writers(tmp_path):
    body = np.zeros((1, 3)).tobytes()
    for data in (_with_header(_claim(shape="(1, 3)"), body, 2), _with_header(_claim(shape="(1L, 3L)"), body)):
        (tmp_path / "a.npy").write_bytes(data)
        assert read_points(tmp_path / "a.npy").points.tolist() == [[0, 0, 0]]


class _Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


@pytest.mark.parametrize(
    ("data", "law"),
    [
        (_npy(np.array([_Bomb()], dtype=object), allow_pickle=True), "plain numbers, this one holds .*O"),
        (_npy(np.zeros((2, 3), complex)), "plain numbers, this one holds .*c16"),
        (_npy(np.full((2, 3), "1")), "plain numbers, this one holds .*U1"),
        (_npy(np.zeros(3, [("x", "f8"), ("y", "f8")])), "plain numbers"),
        (_npy(np.zeros((2, 3), "M8[s]")), "plain numbers"),
        (_npy(np.zeros((2, 3), np.longdouble)), "plain numbers"),
        (_npy(np.zeros(3)), r"must be \(n, 3\) or wider, got \(3,\)"),
        (_npy(np.zeros((3, 2))), r"must be \(n, 3\) or wider, got \(3, 2\)"),
        (_npy(np.zeros((2, 3, 3))), "must be .n, 3. or wider"),
        (_npy(np.zeros((0, 3))), "must have points"),
        (_npy(np.zeros((5, 3)))[:-8], "promises 120 bytes of numbers, the file holds 112: it is truncated"),
        (_npy(np.zeros((5, 3))) + b"1", "the file holds 121: save it again"),
        (_npy(np.zeros((5, 3)))[:20], "the NPY header must have 118 bytes"),
        (_npy(np.zeros((5, 3)))[:9], "must begin with"),
        (b"\x93NUMPY\x09\x00" + bytes(40), "version of 1 to 3"),
        (
            _with_header(_claim(shape="(1000000000000, 3)")),
            "promises 24000000000000 bytes of numbers, the file holds 0",
        ),
        (_with_header(_claim(shape="(99999999999999999999, 99999999999999999999)")), "more bytes than any disk has"),
        (_with_header(_claim(shape="(-3, 3)")), "plain numbers"),
        (_with_header(_claim(shape="(0, 99999999999999999999)")), "the NPY header promises 0 bytes"),
        (_with_header("__import__('os').system('false')"), "plain numbers"),
    ],
)
def test_damaged_and_dangerous_arrays_are_refused_in_one_line(tmp_path, data, law):
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(InputError, match=f"^a.npy: .*{law}") as caught:
        read_points(tmp_path / "a.npy")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["points", "xyz", "vertices", "pos"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives_name_their_columns(tmp_path, key, save):
    columns = {
        key: np.eye(3),
        "normals": np.ones((3, 3)),
        "colors": np.full((3, 3), 7, np.uint8),
        "labels": np.arange(3.0),
    }
    save(tmp_path / "a.npz", **columns, other=np.array(["text"]))
    cloud = read_points(tmp_path / "a.npz")
    assert cloud.points.tolist() == np.eye(3).tolist() and cloud.normals.tolist() == np.ones((3, 3)).tolist()
    assert cloud.colors.tolist() == [[7] * 3] * 3 and cloud.labels.tolist() == [0, 1, 2]
    assert read_points(tmp_path / "a.npz", label_column="labels").labels.tolist() == [0, 1, 2]
    with pytest.raises(InputError, match=r"label column must be one of .*, got 'parts'"):
        read_points(tmp_path / "a.npz", label_column="parts")


def _bomb():
    """Zeros of 100 MB in an archive of 100 kB."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("points.npy", "w") as entry:
        entry.write(_with_header(_claim(shape="(4166666, 3)")))
        for _ in range(100):
            entry.write(bytes(1000000))
    return stream.getvalue()


def _archive(**entries):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name + ".npy", data)
    return stream.getvalue()


GOOD = _npy(np.eye(3))


@pytest.mark.parametrize(
    ("data", "law"),
    [
        (_archive(X=GOOD, y=GOOD), "must have an array points, xyz, vertices or pos, it has X, y"),
        (_archive(points=GOOD)[:-30], "must be a sound zip archive"),
        (_archive(points=GOOD).replace(b"\x00\xf0\x3f", b"\x00\xf0\x40", 1), "must be a sound zip archive, Bad CRC-32"),
        (_bomb(), "must unpack to at most 200 times its size, 'points.npy' claims 100000"),
        (_archive(points=_with_header(_claim(shape="(1000000000000, 3)"))), "promises 24000000000000 bytes"),
        (_archive(points=_npy(np.array([_Bomb()], dtype=object), allow_pickle=True)), "plain numbers"),
        (_archive(points=GOOD, labels=_npy(np.zeros(2))), r"labels must be \(3,\) like the points, got \(2,\)"),
        (_archive(points=GOOD, normals=_npy(np.zeros((3, 2)))), r"normals must be \(3, 3\)"),
        (_archive(points=GOOD, colors=_npy(np.full((3, 3), 256))), "colours must be 0 to 255"),
        (_archive(points=GOOD, labels=_npy(np.array([0.5, 1, 2]))), "labels must be whole numbers, got 0.5"),
        (_archive(points=_npy(np.zeros((3, 4)))), r"points must be \(n, 3\), got \(3, 4\)"),
    ],
)
def test_damaged_archives_are_refused_in_one_line(tmp_path, data, law):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(InputError, match=f"^a.npz: .*{law}") as caught:
        read_points(tmp_path / "a.npz")
    assert "\n" not in str(caught.value)


def test_archives_of_other_packers_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("points.npy", GOOD)
    with pytest.raises(InputError, match="must be stored or deflated"):
        read_points(tmp_path / "a.npz")
