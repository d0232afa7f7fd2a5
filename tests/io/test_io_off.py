"""OFF: keywords, polygons, colours, and what is wrong with a file."""

import numpy as np
import pytest

from sdfshape.errors import InputError
from sdfshape.io import read_mesh, read_points

SQUARE = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


@pytest.fixture
def off(tmp_path):
    def write(text):
        (tmp_path / "a.off").write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / "a.off"

    return write


def test_the_count_may_stick_to_the_keyword(off):
    assert read_mesh(off("OFF4 1 0\n" + SQUARE + "4 0 1 2 3\n")).faces.tolist() == [[0, 1, 2], [0, 2, 3]]


@pytest.mark.parametrize("header", ["OFF\n4 1 0\n", "4 1 0\n", "OFF # made by\n\n# hand\n4 1\n", "\ufeffOFF 4 1 0\r\n"])
def test_headers_vary(off, header):
    assert len(read_mesh(off(header + SQUARE + "4 0 1 2 3")).faces) == 2


def test_polygons_of_any_size_are_fanned_in_order(off):
    text = "OFF\n5 4 0\n" + SQUARE + "2 2 2\n3 0 1 2\n5 0 1 2 3 4 255 0 0\n2 0 1\n4 0 1 2 3 0.5 0.5 0.5\n"
    expected = [[0, 1, 2], [0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 1, 2], [0, 2, 3]]
    assert read_mesh(off(text)).faces.tolist() == expected


def test_keywords_name_the_columns(off):
    assert read_points(off("COFF\n1 0 0\n1 2 3 10 20 30 255\n")).colors.tolist() == [[10, 20, 30]]
    assert read_points(off("COFF\n1 0 0\n1 2 3 0.0 0.5 1.0 1.0\n")).colors.tolist() == [[0, 128, 255]]
    assert read_points(off("NOFF\n1 0 0\n1 2 3 0 0 2\n")).normals.tolist() == [[0, 0, 2]]
    cloud = read_points(off("STCNOFF\n1 0 0\n1 2 3 0 0 2 10 20 30 255 0.1 0.2\n"))
    assert cloud.normals.tolist() == [[0, 0, 2]] and cloud.colors.tolist() == [[10, 20, 30]]


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("OFF\n4 1 0\n0 0 0\n1 0 0\n", "promises 4 vertices, the file holds 2: it is truncated"),
        ("OFF\n4 3 0\n" + SQUARE + "3 0 1 2\n", "promises 3 faces, the file holds 1: it is truncated"),
        ("OFF\n1000000000000 5 0\n" + SQUARE, "promises 1000000000000 vertices, the file holds 4"),
        ("OFF\n-4 1 0\n" + SQUARE, "counts must be 0 or more"),
        ("OFF\n4 1 0\n" + SQUARE + "3 0 1 4\n", "must name vertices 0 to 3 .*names 4"),
        ("OFF\n4 1 0\n" + SQUARE + "3 0 1 -1\n", "must name vertices 0 to 3 .*names -1"),
        ("OFF\n4 1 0\n" + SQUARE + "5 0 1 2\n", "face 1 must list as many vertices as it says, it says 5"),
        ("OFF\n4 1 0\n" + SQUARE + "3 0 1.5 2\n", "must be whole numbers, got 1.5"),
        ("OFF\n4 1 0\n0 0 0\n1 0\n1 1 0\n0 1 0\n3 0 1 2\n", "every vertex must have 3 numbers .* vertex 2 has 2"),
        ("OFF\n4 1 0\n0 0 0\n1 x 0\n1 1 0\n0 1 0\n3 0 1 2\n", "body line 2 holds 'x'"),
        ("OFF\n2 0 0\n0 0\n1 1\n", "a vertex must have 3 numbers, the rows have 2"),
        ("OFF\n1 0 0\n1_0 0 0\n", "holds '1_0'"),
        ("4OFF\n1 0 0\n0 0 0 1\n", "4OFF, nOFF or BINARY"),
        ("OFF BINARY\n1 0 0\n0 0 0\n", "4OFF, nOFF or BINARY"),
        ("OFF\nvertices 4\n", "must begin with OFF and the counts"),
        ("COFF\n1 0 0\n1 2 3 10 300 30 255\n", "colours must be 0 to 255"),
    ],
)
def test_damaged_files_are_refused_in_one_line(off, text, law):
    with pytest.raises(InputError, match=f"^a.off: .*{law}") as caught:
        read_points(off(text))
    assert "\n" not in str(caught.value)


def test_fans_of_many_polygons_equal_one_by_one():
    from sdfshape.io.polygons import fan_triangles

    rng = np.random.default_rng(0)
    sizes = rng.integers(0, 7, 200)
    corners = rng.integers(0, 99, sizes.sum())
    slow, at = [], 0
    for size in sizes:
        polygon = corners[at : at + size]
        slow += [[polygon[0], polygon[i], polygon[i + 1]] for i in range(1, size - 1)]
        at += size
    assert fan_triangles(corners, sizes).tolist() == [[int(c) for c in t] for t in slow]
