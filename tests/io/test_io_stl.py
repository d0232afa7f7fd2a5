"""STL: binary or text whatever the first word says, equal corners merged, damage refused."""

import numpy as np
import pytest
import trimesh

from sdfshape.errors import InputError
from sdfshape.io import read_mesh
from sdfshape.io.stl import read_stl

TEXT = """solid cube
 facet normal 0 0 1
  outer loop
   vertex 0 0 0
   vertex 1e0 0 0
   vertex 0 1 0
  endloop
 endfacet
 facet normal 0 0 1
  outer loop
   vertex 1 0 0
   vertex 1 1 -0.0
   vertex 0 1 0
  endloop
 endfacet
endsolid cube
"""


def _binary(triangles, header=b""):
    records = np.zeros(len(triangles), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    records["corners"] = triangles
    return header.ljust(80) + len(triangles).to_bytes(4, "little") + records.tobytes()


def test_text_corners_are_merged_where_equal(tmp_path):
    (tmp_path / "a.stl").write_text(TEXT)
    mesh = read_mesh(tmp_path / "a.stl")
    assert mesh.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]
    assert mesh.faces.tolist() == [[0, 1, 2], [1, 3, 2]]


def test_a_binary_file_may_begin_with_solid():
    triangles = np.random.default_rng(0).normal(size=(5, 3, 3)).astype(np.float32)
    content = read_stl(_binary(triangles, b"solid facet normal endsolid"))
    assert np.array_equal(content.points[content.faces], triangles)


def test_merging_agrees_with_sets():
    box = trimesh.creation.icosphere(subdivisions=2)
    content = read_stl(_binary(box.triangles))
    assert len(content.points) == len(box.vertices)
    assert len(content.points) == len({tuple(p) for p in box.triangles.reshape(-1, 3).astype(np.float32).tolist()})
    assert np.array_equal(content.points[content.faces], box.triangles.astype(np.float32))
    firsts = np.unique(content.faces.ravel(), return_index=True)[1]
    assert (np.diff(firsts) > 0).all(), "vertices come in the order of their first use"


SOUND = _binary(np.arange(18.0).reshape(2, 3, 3))


@pytest.mark.parametrize(
    ("data", "law"),
    [
        (SOUND[:-20], "promises 2 triangles, the file holds 1: it is truncated"),
        (SOUND + b"12", "promises 2 triangles, the file holds 2: the count is wrong or bytes were added"),
        (SOUND[:80] + b"\xff\xff\xff\xff" + SOUND[84:], "promises 4294967295 triangles, the file holds 2"),
        (SOUND[:40], "the file has 40 bytes"),
        (SOUND[:80] + bytes(4), "must have triangles"),
        (TEXT.replace("endsolid cube", "").encode(), "end with 'endsolid'"),
        (TEXT[:-40].encode() + b"\nendsolid", "6 corners and 1 complete facets"),
        (TEXT[:-80].encode() + b"\nendsolid", "3 corners and 1 complete facets"),
        (TEXT.replace("1e0", "one").encode(), "corner 2 holds 'one'"),
        (TEXT.replace("vertex 1e0 0 0", "vertex 1e0 0").encode(), "corner 2 has 2"),
        (b"solid nothing\nendsolid nothing\n", "must have triangles"),
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path, data, law):
    (tmp_path / "a.stl").write_bytes(data)
    with pytest.raises(InputError, match=f"^a.stl: .*{law}") as caught:
        read_mesh(tmp_path / "a.stl")
    assert "\n" not in str(caught.value)


def test_a_corner_that_is_not_finite_is_counted(tmp_path):
    triangles = np.arange(18.0).reshape(2, 3, 3)
    triangles[0, 0, 0] = np.nan
    (tmp_path / "a.stl").write_bytes(_binary(triangles))
    with pytest.raises(InputError, match="finite vertices, 1 of 6"):
        read_mesh(tmp_path / "a.stl")
