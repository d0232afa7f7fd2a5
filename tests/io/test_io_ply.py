"""PLY: every encoding, every column, strips, and headers that lie."""

import io

import numpy as np
import plyfile
import pytest

from sdfshape.errors import InputError
from sdfshape.io import read_mesh, read_points, write_mesh
from sdfshape.io.ply import read_ply
from sdfshape.types import Mesh

FORMATS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}


def _ply(body, *lines, form="ascii"):
    header = "\n".join(["ply", f"format {form} 1.0", *lines, "end_header", ""]).encode()
    return header + (body.encode() if isinstance(body, str) else body)


XYZ = ("property float x", "property float y", "property float z")
FACE = "property list uchar int vertex_indices"
SQUARE = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


def _by_plyfile(form, sizes, *, length="u1", corner="i4"):
    """A file that plyfile wrote: rich vertices, polygons of the given sizes, an element of our time's invention."""
    rng = np.random.default_rng(0)
    floats = [(n, "f4") for n in ("x", "y", "z", "quality")] + [(n, "f8") for n in ("nx", "ny", "nz")]
    integers = [(n, "u1") for n in ("red", "green", "blue", "alpha")] + [("label", "i2")]
    vertex = np.zeros(9, floats + integers)
    for name in vertex.dtype.names:
        vertex[name] = rng.integers(0, 200, 9)
    vertex["x"] = rng.normal(size=9)
    face = np.zeros(len(sizes), [("flags", "i4"), ("vertex_indices", "O"), ("texcoord", "O")])
    for row, size in zip(face, sizes, strict=True):
        row["vertex_indices"] = rng.integers(0, 9, size).astype(corner)
        row["texcoord"] = rng.normal(size=2 * size).astype("f4")
    extra = np.zeros(3, [("ranges", "O"), ("weight", "f8")])
    for row in extra:
        row["ranges"] = np.arange(rng.integers(0, 5), dtype="i2")
    kinds = {"len_types": {"vertex_indices": length}, "val_types": {"vertex_indices": corner}}
    elements = [plyfile.PlyElement.describe(extra, "range_grid"), plyfile.PlyElement.describe(vertex, "vertex"),
                plyfile.PlyElement.describe(face, "face", **kinds)]  # fmt: skip
    stream = io.BytesIO()
    plyfile.PlyData(elements, text=form == "ascii", byte_order=FORMATS[form]).write(stream)
    return stream.getvalue(), vertex, face


@pytest.mark.parametrize("sizes", [(3, 3, 3), (3, 5, 4, 3), (), (4,)])
@pytest.mark.parametrize("length", ["u1", "i4", "u2"])
@pytest.mark.parametrize("form", FORMATS)
def test_we_read_what_plyfile_writes(form, sizes, length):
    data, vertex, face = _by_plyfile(form, sizes, length=length)
    content = read_ply(data)
    assert np.array_equal(content.points, np.stack([vertex[n] for n in "xyz"], 1).astype(float))
    assert np.array_equal(content.normals, np.stack([vertex[n] for n in ("nx", "ny", "nz")], 1))
    assert np.array_equal(content.colors, np.stack([vertex[n] for n in ("red", "green", "blue")], 1))
    assert np.array_equal(content.labels, vertex["label"])
    fans = [[c[0], c[i], c[i + 1]] for c in face["vertex_indices"] for i in range(1, len(c) - 1)]
    assert content.faces.tolist() == [[int(c) for c in fan] for fan in fans]


def test_plyfile_reads_what_we_write(tmp_path):
    mesh = Mesh(np.random.default_rng(0).normal(size=(5, 3)) + 5e6, [[0, 1, 2], [2, 3, 4]])
    write_mesh(mesh, tmp_path / "a.ply")
    data = plyfile.PlyData.read(tmp_path / "a.ply")
    assert np.array_equal(np.stack([data["vertex"][n] for n in "xyz"], 1), mesh.vertices)
    assert np.array_equal(np.stack(data["face"]["vertex_indices"]), mesh.faces)


def test_types_have_two_names_and_names_any_case():
    lines = ("element vertex 1", "property float64 X", "property double Y", "property float32 Z", "property int8 q")
    assert read_ply(_ply("1 2 3 -4", *lines)).points.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(("kind", "values"), [("float", "0 0.5 1"), ("uchar", "0 128 255"), ("ushort", "0 32896 65535")])
def test_colors_come_as_fractions_bytes_or_words(kind, values):
    lines = ("element vertex 1", *XYZ, *(f"property {kind} {c}" for c in ("red", "green", "blue")))
    assert read_ply(_ply("1 2 3 " + values, *lines)).colors.tolist() == [[0, 128, 255]]


def test_a_uchar_of_one_is_nearly_black_and_a_float_of_one_is_white():
    for kind, shade in (("uchar", 1), ("float", 255)):
        lines = ("element vertex 1", *XYZ, *(f"property {kind} {c}" for c in ("red", "green", "blue")))
        assert read_ply(_ply("1 2 3 1 1 1", *lines)).colors.tolist() == [[shade] * 3]


def test_strips_turn_every_second_triangle():
    lines = ("element vertex 6", *XYZ, "element tristrips 1", "property list int int vertex_indices")
    content = read_ply(_ply("0 0 0\n" * 6 + "10 0 1 2 3 3 4 -1 5 4 3\n", *lines))
    assert content.faces.tolist() == [[0, 1, 2], [2, 1, 3], [5, 4, 3]]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_of_all_systems(newline):
    text = _ply("1 2 3\n", "element vertex 1", *XYZ).replace(b"\n", newline.encode())
    assert read_ply(text).points.tolist() == [[1, 2, 3]]


def test_a_binary_body_may_begin_with_the_byte_of_a_line_feed():
    body = np.array([[10, 13]], "u1").tobytes() + np.zeros(1, "u1").tobytes()
    lines = ("element vertex 1", "property uchar x", "property uchar y", "property uchar z")
    assert read_ply(_ply(body, *lines, form="binary_little_endian")).points.tolist() == [[10, 13, 0]]


def test_labels_are_found_by_name_or_given(tmp_path):
    lines = ("element vertex 2", *XYZ, "property float scalar_Label", "property float part", "property float Class")
    (tmp_path / "a.ply").write_bytes(_ply("0 0 0 4 1 2.5\n0 0 1 7 2 1\n", *lines))
    assert read_points(tmp_path / "a.ply").labels.tolist() == [4, 7]
    assert read_points(tmp_path / "a.ply", label_column="Part").labels.tolist() == [1, 2]
    with pytest.raises(InputError, match="must be one of x, y, z, scalar_label, part, class, got 'piece'"):
        read_points(tmp_path / "a.ply", label_column="piece")
    with pytest.raises(InputError, match=r"labels .*must be whole numbers, got 2.5"):
        read_points(tmp_path / "a.ply", label_column="class")


def test_labels_that_are_not_whole_are_not_labels():
    lines = ("element vertex 1", *XYZ, "property float class")
    assert read_ply(_ply("0 0 0 0.5\n", *lines)).labels is None


V1, V4 = ("element vertex 1", *XYZ), ("element vertex 4", *XYZ)
LONG = FACE.replace("uchar", "int")
LITTLE = "binary_little_endian"
TRILLION = ("element vertex 1000000000000", *XYZ)


@pytest.mark.parametrize(
    ("data", "law"),
    [
        (b"OFF\n1 0 0\n", "must begin with the line 'ply'"),
        (b"ply\nformat ascii 1.0\nelement vertex 1\n", "must end with 'end_header'"),
        (b"ply\nelement vertex 0\nend_header\n", "must have a line 'format'"),
        (_ply("0 0 0", *V1, form="binary_middle_endian"), "header line must be known"),
        (_ply("0 0 0", "property float x"), "header line must be known"),
        (_ply("0 0 0", "element vertex -5", *XYZ), "counts must be whole numbers of 0 or more.*'-5'"),
        (_ply("0 0 0", "element vertex 1_0", *XYZ), "counts must be whole numbers of 0 or more.*'1_0'"),
        (_ply("0 0 0", "element vertex " + "9" * 5000, *XYZ), "counts must be whole numbers"),
        (_ply("0 0 0", *V1, *V1), "'vertex' comes twice"),
        (_ply("0 0 0", *V1, "property int x"), "'x' comes twice"),
        (_ply("0 0 0", *V1, "property float128 q"), "must have a known type"),
        (_ply("0 0 0", *V1, "property list float int q"), "length of a PLY list must be an integer"),
        (_ply("0 0 0", *V1, "element nothing 3"), "must have properties, 'nothing' has none"),
        (_ply("0 0", "element vertex 1", *XYZ[:2]), "columns x, y and z, the file names x, y"),
        (_ply("0 0 0", "element point 1", *XYZ), "must have the element 'vertex'"),
        (_ply("0 0 0", *V1, "element face 1", "property int q"), "more than the 5 bytes"),
        (_ply("0 0 0\n1\n", *V1, "element face 1", "property int q"), "'face' must have the list vertex_indices"),
        (_ply("0 0 0\n", *TRILLION), "promises 1000000000000 of element 'vertex', more than the 6 bytes"),
        (_ply(bytes(12), *TRILLION, form=LITTLE), "promises 1000000000000 of element 'vertex', more than the 12 bytes"),
        (_ply(bytes(36), "element vertex 10", *XYZ, form=LITTLE), "promises 10 of element 'vertex'"),
        (_ply("0.125 0 0\n" * 3, *V4), "promises 4 of element 'vertex', the file ends in row 4"),
        (_ply("0 0 0\n0 0\n0.5 0 0\n0 0 0\n", *V4), "row 2 of element 'vertex' must .* before or in 'z'"),
        (_ply("0 0 0 9\n", *V1), "row 1 of element 'vertex' .* 1 more"),
        (_ply("0 0 zero\n", *V1), "body line 1 holds 'zero'"),
        (_ply("0 0 0 300\n", *V1, "property uchar q"), "'q' must be 0 to 255, got 300"),
        (_ply("0 0 0 1.5\n", *V1, "property uchar q"), "whole numbers, got 1.5"),
        (_ply(SQUARE + "3 0 1 4\n", *V4, "element face 1", FACE), "names 4"),
        (_ply(SQUARE + "5 0 1 2\n", *V4, "element face 1", FACE), "row 1 of element 'face' .*in 'vertex_indices'"),
        (_ply(SQUARE + "-3 0 1 2\n", *V4, "element face 1", FACE), "row 1 of element 'face'"),
        (_ply(bytes(12) + b"\x03" + bytes(8), *V1, "element face 1", FACE, form=LITTLE), "'face', .* ends in row 1"),
        (
            _ply(bytes(12) + b"\xff\xff\xff\xff" + bytes(8), *V1, "element face 1", LONG, form=LITTLE),
            "'face', the file ends in row 1",
        ),
        (
            _ply(bytes(12) + b"\x01" + bytes(4) + b"\x09" + bytes(4), *V1, "element face 2", FACE, form=LITTLE),
            "'face', the file ends in row 2",
        ),
    ],
)  # fmt: skip
def test_damaged_files_are_refused_in_one_line(tmp_path, data, law):
    (tmp_path / "a.ply").write_bytes(data)
    with pytest.raises(InputError, match=f"^a.ply: .*({law})") as caught:
        read_points(tmp_path / "a.ply")
    assert "\n" not in str(caught.value)


def test_zero_vertices_are_no_shape(tmp_path):
    (tmp_path / "a.ply").write_bytes(_ply("", "element vertex 0", *XYZ, "element face 0", FACE))
    with pytest.raises(InputError, match="must have points"):
        read_mesh(tmp_path / "a.ply")
