"""OBJ: references of every form, and what is wrong with a file."""

import pytest

from sdfshape.errors import InputError
from sdfshape.io import read_mesh, read_points

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"


@pytest.fixture
def obj(tmp_path):
    def write(text):
        (tmp_path / "a.obj").write_text(text)
        return tmp_path / "a.obj"

    return write


@pytest.mark.parametrize("face", ["1 2 3", "1/7 2/8 3/9", "1//1 2//2 3//3", "1/7/1 2/8/2 3/9/3", "-3 -2 -1", "1 2\\\n 3", "1/ 2/ 3/"])
def test_every_form_of_a_face(obj, face):
    mesh = read_mesh(obj(f"mtllib none.mtl\no thing\n{TRIANGLE}usemtl red\ns 1\nf {face}\n"))
    assert mesh.faces.tolist() == [[0, 1, 2]] and len(mesh.vertices) == 3


def test_negative_numbers_count_back_from_their_line(obj):
    text = TRIANGLE + "f -3 -2 -1\nv 0 0 1\nv 1 0 1\nv 0 1 1\nf -3 -2 -1\nf 1 -1 2\n"
    assert read_mesh(obj(text)).faces.tolist() == [[0, 1, 2], [3, 4, 5], [0, 5, 1]]


def test_vertices_keep_number_and_order(obj):
    text = "v 5 5 5\nv 5 5 5\nv 9 9 9\n" + TRIANGLE + "f 6/1/1 4/2/1 5/3/1\nf 4/9/2 5 6\n"
    mesh = read_mesh(obj(text))
    assert len(mesh.vertices) == 6 and mesh.vertices[2].tolist() == [9, 9, 9]
    assert mesh.faces.tolist() == [[5, 3, 4], [3, 4, 5]]


def test_points_alone_are_a_cloud_with_colors(obj):
    cloud = read_points(obj("v 1 2 3 1 0 0.5 # red\n  v 4 5 6 0 0 1\np 1 2\n"))
    assert cloud.points.tolist() == [[1, 2, 3], [4, 5, 6]] and cloud.colors.tolist() == [[255, 0, 128], [0, 0, 255]]
    assert read_points(obj("v 1 2 3 1.0\n")).points.tolist() == [[1, 2, 3]]
    assert read_points(obj("v 1 2 3 200 0 17\n")).colors.tolist() == [[200, 0, 17]]


def test_normals_are_kept_only_where_they_belong_to_vertices(obj):
    normals = "vn 0 0 1\nvn 0 1 0\nvn 1 0 0\n"
    assert read_points(obj(TRIANGLE + normals + "f 1//1 2//2 3//3\n")).normals.tolist() == [
        [0, 0, 1],
        [0, 1, 0],
        [1, 0, 0],
    ]
    assert read_points(obj(TRIANGLE + normals + "f 1//1 2//3 3//2\n")).normals is None
    assert read_points(obj(TRIANGLE + "vn 0 0 1\nf 1//1 2//1 3//1\n")).normals is None
    assert read_points(obj(TRIANGLE + normals)).normals is not None


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("# nothing\nvt 0 0\n", "must have lines 'v x y z'"),
        (TRIANGLE + "f 1 2 4\n", "must name vertices 0 to 2 .*names 3"),
        (TRIANGLE + "f 1 2 -4\n", "must name vertices 0 to 2 .*names -1"),
        (TRIANGLE + "f 0 1 2\n", "count from 1, a face names vertex 0"),
        (TRIANGLE + "f 1 2 x\n", "every face must hold numbers, face 1 holds 'x'"),
        (TRIANGLE + "f 1 2 1.5\n", "whole numbers, got 1.5"),
        (TRIANGLE + "f \n", "an 'f' line is empty"),
        (TRIANGLE + "f //1 //2 //3\nf 1 2 3\n", "only slashes"),
        ("v 0 0 0\nv 1 0\n", "every vertex must have 3 numbers .* vertex 2 has 2"),
        ("v 0 0 zero\n", "vertex 1 holds 'zero'"),
        ("v 0 0\n", "3, 4, 6 or 7 numbers"),
        ("v 0 0 0 -1 0 0\n", "colours must be 0 to 255"),
        ("v 0 0 0\nvn 0 0\n", "normals must have 3 numbers"),
    ],
)
def test_damaged_files_are_refused_in_one_line(obj, text, law):
    with pytest.raises(InputError, match=f"^a.obj: .*{law}") as caught:
        read_points(obj(text))
    assert "\n" not in str(caught.value)
