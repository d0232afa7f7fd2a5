"""XYZ, CSV, PTS, PWN: delimiters, headers, what columns mean, and what is wrong with a file."""

import numpy as np
import pytest

from sdfshape.errors import InputError
from sdfshape.io import read_points
from sdfshape.io.number_table import number_rows, number_table
from sdfshape.io.text import read_text

POINTS = [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3\n4 5 6\n",
        "1\t2\t3\r\n4\t5\t6",
        "1,2,3\n4,5,6\n",
        "1, 2, 3,\n4, 5, 6,\n",
        "1;2;3\n4; 5 ;6\n",
        "  1 2 3\n\n\n  4 5 6  \n\n",
        "1 2 3\r4 5 6\r",
        "# a scan\n// of a cat\n1 2 3 # nose\n4 5 6 // tail\n",
        "X Y Z\n1 2 3\n4 5 6\n",
        '"x","y","z"\n1,2,3\n4,5,6\n',
        "easting northing height\nin metres\n1 2 3\n4 5 6\n",
        "2\n1 2 3\n4 5 6\n",
        "# count\n2\n\n1,2,3\n4,5,6\n",
        "\ufeff1e0 +2. .3e1\n4 5 6",
        "z,id,y,x\n3,7,2,1\n6,7,5,4\n",
    ],
)
def test_one_cloud_in_many_dialects(text):
    assert read_text(text.encode()).points.tolist() == POINTS


def test_six_columns_are_normals_if_all_are_unit():
    content = read_text(b"1 2 3 0 0 1\n4 5 6 0.6 -0.8 0\n")
    assert content.normals.tolist() == [[0, 0, 1], [0.6, -0.8, 0]] and content.colors is None


def test_six_columns_are_colors_if_all_are_bytes_and_some_exceed_one():
    content = read_text(b"1 2 3 0 0 1\n4 5 6 255 0 7\n")
    assert content.colors.tolist() == [[0, 0, 1], [255, 0, 7]] and content.normals is None


@pytest.mark.parametrize("row", ["0 0 0.5", "0 1 1", "-1 200 3", "0 0 256", "nan 0 1"])
def test_six_columns_of_anything_else_are_points_only(row):
    content = read_text(f"1 2 3 0 0 1\n4 5 6 {row}\n".encode())
    assert content.points.tolist() == POINTS and content.normals is None and content.colors is None


def test_seven_columns_are_intensity_and_color_or_normal_and_label(tmp_path):
    assert read_text(b"1 2 3 -900 0 128 255\n").colors.tolist() == [[0, 128, 255]]
    (tmp_path / "a.txt").write_text("1 2 3 0 0 1 12\n4 5 6 0 1 0 13\n")
    cloud = read_points(tmp_path / "a.txt", label_column="7")
    assert cloud.normals.tolist() == [[0, 0, 1], [0, 1, 0]] and cloud.labels.tolist() == [12, 13] and cloud.colors is None


def test_nine_columns_hold_colors_and_normals_in_either_order():
    for text in (b"1 2 3 9 8 7 0 0 1\n", b"1 2 3 0 0 1 9 8 7\n"):
        content = read_text(text)
        assert content.colors.tolist() == [[9, 8, 7]] and content.normals.tolist() == [[0, 0, 1]]


@pytest.mark.parametrize("header", ["x y z r g b class", "//X Y Z R G B Class", "# x y z red green blue label"])
def test_a_header_names_the_columns(header):
    content = read_text(f"{header}\n1 2 3 0 0 1 5\n".encode())
    assert content.colors.tolist() == [[0, 0, 255]] and content.labels.tolist() == [5]


def test_a_comment_that_does_not_fit_is_prose():
    assert read_text(b"# x y z of a cat\n1 2 3\n").points.tolist() == [[1, 2, 3]]


def test_labels_by_name_or_number(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,z,part\n1,2,3,8\n")
    assert read_points(tmp_path / "a.csv", label_column="part").labels.tolist() == [8]
    assert read_points(tmp_path / "a.csv").labels is None
    with pytest.raises(InputError, match="must be one of x, y, z, part, got 'piece'"):
        read_points(tmp_path / "a.csv", label_column="piece")
    (tmp_path / "a.xyz").write_text("1 2 3 8\n")
    for wrong in ("part", "0", "5", "-1", "٣"):
        with pytest.raises(InputError, match="must be a number of 1 to 4"):
            read_points(tmp_path / "a.xyz", label_column=wrong)


def test_nan_and_infinity_pass():
    assert np.isnan(read_text(b"nan NaN -nan\n").points).all()
    assert np.isinf(read_text(b"inf -inf 1e999\n").points).all()


def test_pwn_rows_are_points_and_normals_of_any_length(tmp_path):
    (tmp_path / "a.pwn").write_text("1 2 3 0 0 5\n")
    assert read_points(tmp_path / "a.pwn").normals.tolist() == [[0, 0, 5]]
    (tmp_path / "a.pwn").write_text("1\n1 2 3 0 0 5\n")
    assert read_points(tmp_path / "a.pwn").normals.tolist() == [[0, 0, 5]]
    (tmp_path / "a.pwn").write_text("1 2 3\n")
    with pytest.raises(InputError, match=r"a .pwn row must have 6 numbers .* have 3"):
        read_points(tmp_path / "a.pwn")
    (tmp_path / "a.pwn").write_text("2\n1 2 3 0 0 5\n")
    with pytest.raises(InputError, match="promises 2 points, the file holds 1"):
        read_points(tmp_path / "a.pwn")
    with pytest.raises(InputError, match="got the label column 'a'"):
        read_points(tmp_path / "a.pwn", label_column="a")


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("1 2 3\n4 5\n", "every row must have 3 numbers like the first, row 2 has 2"),
        ("1 2 3\n4 5 6 7\n", "row 2 has 4"),
        ("1 2 3\n4 five 6\n", "row 2 holds 'five'"),
        ("1 2 3\n4 5 6_0\n", "row 2 holds '6_0'"),
        ("1 2 3\n4 5 6\x00\x01\x02\n", r"row 2 holds '6\\x00\\x01\\x02'"),
        ("1\n2\n3\n", "3 or more columns .*list of labels"),
        ("1 2\n3 4\n", "3 or more columns"),
        ("3\n1 2 3\n4 5 6\n", "promises 3 points, the file holds 2: it is truncated"),
        ("1\n1 2 3\n4 5 6\n", "promises 1 points, the file holds 2: repair"),
        ("1000000000000\n1 2 3\n", "promises 1000000000000 points, the file holds 1"),
        ("-2\n1 2 3\n4 5 6\n", "count of points must be 0 or more .*'-2'"),
        ("9" * 30 + "\n1 2 3\n", "count of points must be 0 or more"),
        ("5\n", "promises 5 points, the file holds 0"),
        ("1,5;2,5;3,5\n", "decimal points"),
        ("1,,3\n4,,6\n", "empty column"),
        ("x,y,z,w\n1,2,3\n", "header names 4 columns, the rows have 3"),
        ("x,y,z,z\n1,2,3,4\n", "header repeats one"),
        ("no numbers\n" * 30, "none below a header of at most 10 lines"),
        ("# only a comment\n", "must have rows of numbers"),
        ("x y z label\n1 2 3 4\n5 6 7 nan\n", None),
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path, text, law):
    (tmp_path / "a.xyz").write_text(text)
    if law is None:
        assert read_points(tmp_path / "a.xyz").labels is None
        return
    with pytest.raises(InputError, match=f"^a.xyz: .*{law}") as caught:
        read_points(tmp_path / "a.xyz")
    assert "\n" not in str(caught.value)


def test_chunks_do_not_show(monkeypatch):
    text = b"".join(b"%d %d\n\n" % (i, i * i) if i % 3 else b"%d\n" % i for i in range(300))
    whole = number_rows(text)
    monkeypatch.setattr("sdfshape.io.number_table._CHUNK_BYTES", 7)
    parts = number_rows(text)
    assert np.array_equal(whole.values, parts.values) and np.array_equal(whole.sizes, parts.sizes)
    with pytest.raises(InputError, match="row 301 holds 'x'"):
        number_table(text + b"x\n")


def test_rows_agree_with_a_line_by_line_reader():
    rng = np.random.default_rng(0)
    alphabet = np.frombuffer(b"0123456789 \n\t\x0b\x0c", np.uint8)
    text = rng.choice(alphabet, 3000).tobytes()
    rows = number_rows(text)
    slow = [[float(word) for word in line.split()] for line in text.split(b"\n") if line.split()]
    assert rows.sizes.tolist() == [len(row) for row in slow]
    assert rows.values.tolist() == [number for row in slow for number in row]


def test_a_column_of_words_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,z,part,name\n1,2,3,4,seat\n5,6,7,8,leg\n")
    with pytest.raises(InputError, match=r"column 5 holds 'seat': remove it, or write whole numbers"):
        read_points(tmp_path / "a.csv", label_column="part")
    (tmp_path / "b.txt").write_text("1 2 3 seat\n5 6 7 leg\n")
    with pytest.raises(InputError, match="column 4 holds 'seat'"):
        read_points(tmp_path / "b.txt")
