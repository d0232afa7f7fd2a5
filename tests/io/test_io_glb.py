"""GLB: node transforms, instances, and trees that break the rules."""

import json

import numpy as np
import pytest
import trimesh

from sdfshape.errors import InputError, OutputError
from sdfshape.io import read_mesh, read_points, write_mesh, write_scene
from sdfshape.types import Mesh


def _glb(tree, body=b""):
    text = (json.dumps(tree) if not isinstance(tree, bytes) else tree.decode()).encode()
    text += b" " * (-len(text) % 4)
    chunks = len(text).to_bytes(4, "little") + b"JSON" + text
    if body:
        chunks += len(body).to_bytes(4, "little") + b"BIN\0" + body
    return b"glTF" + (2).to_bytes(4, "little") + (12 + len(chunks)).to_bytes(4, "little") + chunks


def _tree(**changes):
    tree = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "buffers": [{"byteLength": 36}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
    }
    return tree | changes


BODY = np.eye(3, dtype="<f4").tobytes()


def test_we_read_what_trimesh_writes(tmp_path):
    scene = trimesh.Scene()
    box, ball = trimesh.creation.box(), trimesh.creation.icosphere(subdivisions=1)
    turn = trimesh.transformations.rotation_matrix(0.7, [1, 2, 3], [4, 5, 6])
    scene.add_geometry(box, node_name="a", geom_name="box", transform=turn)
    scene.add_geometry(ball, node_name="b", geom_name="ball", transform=np.diag([2.0, 2.0, 2.0, 1.0]))
    scene.graph.update("c", matrix=trimesh.transformations.translation_matrix([9, 0, 0]), geometry="box")
    (tmp_path / "a.glb").write_bytes(scene.export(file_type="glb"))
    ours, theirs = read_mesh(tmp_path / "a.glb"), scene.to_mesh()
    assert len(ours.faces) == len(theirs.faces) == 2 * len(box.faces) + len(ball.faces)
    ours_sorted = np.sort(ours.vertices[ours.faces].mean(axis=1), axis=0)
    assert np.abs(ours_sorted - np.sort(theirs.triangles_center, axis=0)).max() < 1e-5


def test_large_offsets_live_in_the_node(tmp_path):
    mesh = Mesh(np.array([[5e6, 5e6, 100]]) + np.array([[0, 0, 0], [1e-4, 0, 0], [0, 1e-4, 0]]), [[0, 1, 2]])
    write_mesh(mesh, tmp_path / "a.glb")
    assert np.abs(read_mesh(tmp_path / "a.glb").vertices - mesh.vertices).max() <= 2 * np.spacing(5e6)


def test_transforms_compose_and_mirrors_turn_faces_over(tmp_path):
    half = np.sqrt(0.5)
    nodes = [
        {"children": [1], "translation": [10, 0, 0], "scale": [-1, 1, 1]},
        {"mesh": 0, "rotation": [0, 0, half, half]},
    ]
    (tmp_path / "a.glb").write_bytes(_glb(_tree(nodes=nodes), BODY))
    mesh = read_mesh(tmp_path / "a.glb")
    # x -> y, y -> -x, then mirrored in x: (1,0,0) -> (0,1,0) -> (10,1,0); (0,1,0) -> (-1,0,0) -> (11,0,0)
    assert np.abs(mesh.vertices - [[10, 1, 0], [11, 0, 0], [10, 0, 1]]).max() < 1e-12
    assert mesh.faces.tolist() == [[2, 1, 0]]
    shift = np.eye(4)
    shift[:3, 3] = [1, 2, 3]
    (tmp_path / "b.glb").write_bytes(_glb(_tree(nodes=[{"mesh": 0, "matrix": shift.T.ravel().tolist()}]), BODY))
    assert read_mesh(tmp_path / "b.glb").vertices.tolist() == (np.eye(3) + np.array([1, 2, 3])).tolist()


def test_normals_turn_with_the_node(tmp_path):
    normals = np.tile([0.6, 0.8, 0], (3, 1)).astype("<f4").tobytes()
    tree = _tree(
        nodes=[{"mesh": 0, "scale": [2, 1, 1]}],
        meshes=[{"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1}}]}],
        bufferViews=[{"buffer": 0}, {"buffer": 0, "byteOffset": 36}],
        accessors=[{"bufferView": i, "componentType": 5126, "count": 3, "type": "VEC3"} for i in (0, 1)],
    )
    (tmp_path / "a.glb").write_bytes(_glb(tree, BODY + normals))
    expected = np.array([0.3, 0.8, 0]) / np.hypot(0.3, 0.8)
    assert np.abs(read_points(tmp_path / "a.glb").normals - expected).max() < 1e-6


def _accessor(**changes):
    return [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"} | changes]


@pytest.mark.parametrize(
    ("data", "law"),
    [
        (b"glTF\x01\0\0\0" + bytes(20), "must begin with 'glTF' and version 2"),
        (_glb(_tree(), BODY)[:-1], "it is truncated"),
        (_glb(_tree()), "one promises 3 rows and the data has 0 bytes"),
        (_glb(_tree(accessors=_accessor(count=10**12)), BODY), "promises 1000000000000 rows"),
        (_glb(_tree(accessors=_accessor(count=-1)), BODY), "promises -1 rows"),
        (_glb(_tree(accessors=_accessor(byteOffset=-4)), BODY), "must lie in the data"),
        (_glb(_tree(accessors=_accessor(count=2**70)), BODY), "must lie in the data"),
        (_glb(_tree(accessors=_accessor(componentType=1)), BODY), "its tree breaks it .KeyError"),
        (_glb(_tree(accessors=_accessor(count=2)), BODY), "3 corners each, got 2"),
        (_glb(_tree(accessors=_accessor(sparse={})), BODY), "sparse"),
        (_glb(_tree(accessors=_accessor(type="SCALAR")), BODY), r"positions must be \(n, 3\), got \(3,\)"),
        (_glb(_tree(buffers=[{"uri": "/etc/passwd"}]), BODY), "this one points to another"),
        (_glb(_tree(nodes=[{"children": [0], "mesh": 0}]), BODY), "must have one parent"),
        (_glb(_tree(nodes=[]), BODY), "tree breaks it .IndexError"),
        (_glb(_tree(nodes=[{}]), BODY), "must have a mesh in its scene"),
        (_glb(_tree(meshes=[{"primitives": [{"attributes": {"POSITION": 0}, "mode": 1}]}]), BODY), "mode 4.*'1'"),
        (_glb(_tree(extensionsRequired=["KHR_draco_mesh_compression"]), BODY), "KHR_draco_mesh_compression"),
        (_glb(b"[" * 100_000), "tree breaks it .RecursionError"),
        (_glb(b"[1, 2]"), "tree breaks it .AttributeError"),
        (_glb(b"{'a': 1}"), "tree breaks it .JSONDecodeError"),
        (_glb(_tree(nodes=[{"mesh": 0, "matrix": [1, 2]}]), BODY), "tree breaks it .ValueError"),
        (_glb(_tree(nodes=[{"mesh": 0, "translation": [1, 2, 3, 4]}]), BODY), "tree breaks it .ValueError"),
        (_glb(_tree(nodes=[{"mesh": 0, "translation": "far"}]), BODY), "tree breaks it .ValueError"),
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path, data, law):
    (tmp_path / "a.glb").write_bytes(data)
    with pytest.raises(InputError, match=f"^a.glb: .*{law}") as caught:
        read_mesh(tmp_path / "a.glb")
    assert "\n" not in str(caught.value)


def test_many_copies_of_a_large_mesh_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sdfshape.io.glb._MAX_VERTICES", 100)
    tree = _tree(nodes=[{"mesh": 0}] * 50, scenes=[{"nodes": list(range(50))}])
    (tmp_path / "a.glb").write_bytes(_glb(tree, BODY))
    with pytest.raises(InputError, match="must place at most 100 vertices"):
        read_mesh(tmp_path / "a.glb")


def test_a_scene_keeps_names_places_and_colours(tmp_path):
    red, blue = np.tile(np.array([200, 10, 10], np.uint8), (4, 1)), np.tile(np.array([10, 10, 200], np.uint8), (4, 1))
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    meshes = {
        "part 3": Mesh(corners + 1e6, faces, colors=red),
        "part 7": Mesh(corners - 5, faces, colors=blue),
        "plain": Mesh(corners, faces),
    }
    write_scene(meshes, tmp_path / "a.glb")
    back = trimesh.load(tmp_path / "a.glb")
    assert list(back.geometry) == list(meshes)
    assert (back.geometry["part 7"].visual.vertex_colors[:, :3] == blue).all()
    joined = read_mesh(tmp_path / "a.glb")
    assert np.allclose(joined.vertices[:4], corners + 1e6, atol=1e-6) and len(joined.faces) == 12


def test_a_scene_without_faces_is_refused(tmp_path):
    for meshes in ({}, {"a": Mesh(np.zeros((3, 3)), np.zeros((0, 3), int))}):
        with pytest.raises(OutputError, match="must have meshes with faces"):
            write_scene(meshes, tmp_path / "a.glb")
    assert not list(tmp_path.iterdir())
