"""What is written is what is read, near the origin and 5,000 km away from it."""

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sdfshape.errors import OutputError
from sdfshape.io import WRITABLE_MESHES, WRITABLE_POINTS, read_mesh, read_points, write_mesh, write_points
from sdfshape.types import Mesh, PointCloud

FAR = np.array([5e6, -3e6, 4e6])
EXACT = [".obj", ".off", ".ply"]
RICH = [".ply", ".xyz", ".pts", ".txt", ".npz"]


def _mesh(*, offset=0.0, colors=True):
    rng = np.random.default_rng(0)
    vertices = rng.normal(size=(40, 3)) + offset
    faces = np.array([rng.choice(40, 3, replace=False) for _ in range(60)])
    return Mesh(vertices, faces, colors=rng.integers(0, 256, (40, 3), dtype=np.uint8) if colors else None)


def _cloud(*, offset=0.0, rich=True):
    rng = np.random.default_rng(1)
    points = rng.normal(size=(50, 3)) + offset
    if not rich:
        return PointCloud(points)
    colors = rng.integers(0, 256, (50, 3), dtype=np.uint8)
    return PointCloud(points, rng.normal(size=(50, 3)), colors, rng.integers(-3, 9, 50), rng.normal(size=50))


def _same(a, b):
    return (a is None and b is None) or np.array_equal(a, b, equal_nan=True)


@pytest.mark.parametrize("offset", [0.0, FAR], ids=["near", "far"])
@pytest.mark.parametrize("colors", [False, True], ids=["plain", "colored"])
@pytest.mark.parametrize("ending", EXACT)
def test_mesh_text_and_ply_are_exact(tmp_path, ending, offset, colors):
    mesh = _mesh(offset=offset, colors=colors)
    write_mesh(mesh, tmp_path / f"a{ending}")
    back = read_mesh(tmp_path / f"a{ending}")
    assert _same(back.vertices, mesh.vertices) and _same(back.faces, mesh.faces) and _same(back.colors, mesh.colors)


@pytest.mark.parametrize("offset", [0.0, FAR], ids=["near", "far"])
@pytest.mark.parametrize("colors", [False, True], ids=["plain", "colored"])
def test_glb_keeps_float32_of_the_size_of_the_shape_wherever_it_is(tmp_path, offset, colors):
    mesh = _mesh(offset=offset, colors=colors)
    write_mesh(mesh, tmp_path / "a.glb")
    back = read_mesh(tmp_path / "a.glb")
    size = np.ptp(mesh.vertices, axis=0).max()
    assert np.abs(back.vertices - mesh.vertices).max() <= size * 2.0**-24 + np.spacing(5e6)
    assert _same(back.faces, mesh.faces) and _same(back.colors, mesh.colors)


def test_stl_keeps_the_triangles(tmp_path):
    mesh = _mesh()
    write_mesh(mesh, tmp_path / "a.stl")
    back = read_mesh(tmp_path / "a.stl")
    assert np.array_equal(back.vertices[back.faces], mesh.vertices.astype(np.float32)[mesh.faces])
    assert len(back.vertices) == len(np.unique(mesh.faces)) and back.colors is None


def test_stl_refuses_to_move_vertices(tmp_path):
    with pytest.raises(OutputError, match=r"a.stl: STL stores float32.*write .ply or .obj"):
        write_mesh(_mesh(offset=FAR), tmp_path / "a.stl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", WRITABLE_MESHES)
def test_other_programs_read_our_meshes(tmp_path, ending):
    mesh = _mesh()
    write_mesh(mesh, tmp_path / f"a{ending}")
    theirs = trimesh.load_mesh(tmp_path / f"a{ending}", process=False)
    ours = mesh.vertices[mesh.faces]
    assert np.abs(theirs.triangles - ours).max() < 1e-6


@pytest.mark.parametrize("ending", [".ply", ".glb", ".obj"])
def test_other_programs_read_our_colors(tmp_path, ending):
    mesh = _mesh()
    write_mesh(mesh, tmp_path / f"a{ending}")
    theirs = trimesh.load_mesh(tmp_path / f"a{ending}", process=False)
    assert np.array_equal(theirs.visual.vertex_colors[:, :3], mesh.colors)


@pytest.mark.parametrize("offset", [0.0, FAR], ids=["near", "far"])
@pytest.mark.parametrize("ending", WRITABLE_POINTS)
def test_points_are_exact(tmp_path, ending, offset):
    cloud = _cloud(offset=offset, rich=False)
    write_points(cloud, tmp_path / f"a{ending}")
    back = read_points(tmp_path / f"a{ending}")
    assert _same(back.points, cloud.points) and back.normals is None and back.colors is None and back.labels is None


@pytest.mark.parametrize("ending", RICH)
def test_every_column_of_a_cloud_is_exact(tmp_path, ending):
    cloud = _cloud()
    write_points(cloud, tmp_path / f"a{ending}")
    back = read_points(tmp_path / f"a{ending}")
    for column in ("points", "normals", "colors", "labels", "intensity"):
        assert _same(getattr(back, column), getattr(cloud, column)), column


def test_npy_keeps_unit_normals(tmp_path):
    cloud = _cloud()
    normals = cloud.normals / np.linalg.norm(cloud.normals, axis=1, keepdims=True)
    write_points(PointCloud(cloud.points, normals), tmp_path / "a.npy")
    assert _same(read_points(tmp_path / "a.npy").normals, normals)


@pytest.mark.parametrize("ending", [*RICH, ".npy"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(points=arrays(np.float64, st.tuples(st.integers(1, 5), st.just(3))))
def test_any_float64_survives_even_nan_and_infinity(tmp_path, ending, points):
    write_points(PointCloud(points), tmp_path / f"a{ending}", overwrite=True)
    assert _same(read_points(tmp_path / f"a{ending}").points, points)


def test_writers_refuse_what_they_would_lose(tmp_path):
    with pytest.raises(OutputError, match=r"a.npy: NPY holds points and normals only"):
        write_points(_cloud(), tmp_path / "a.npy")
    with pytest.raises(OutputError, match=r"a.ply: PLY labels are 32-bit"):
        write_points(PointCloud(np.zeros((1, 3)), labels=np.array([2**40])), tmp_path / "a.ply")


def test_writers_refuse_empty_shapes_and_unknown_endings(tmp_path):
    with pytest.raises(OutputError, match="must have faces"):
        write_mesh(Mesh(np.zeros((3, 3)), np.zeros((0, 3), int)), tmp_path / "a.ply")
    with pytest.raises(OutputError, match="must have points"):
        write_points(PointCloud(np.zeros((0, 3))), tmp_path / "a.ply")
    with pytest.raises(OutputError, match=r"a.3ds: this output must end in one of .glb"):
        write_mesh(_mesh(), tmp_path / "a.3ds")
    with pytest.raises(OutputError, match=r"a.csv: this output must end in one of"):
        write_points(_cloud(), tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", WRITABLE_MESHES)
def test_no_writer_replaces_a_file_unasked(tmp_path, ending):
    write_mesh(_mesh(), tmp_path / f"a{ending}")
    before = (tmp_path / f"a{ending}").read_bytes()
    with pytest.raises(OutputError, match="exists: pass --overwrite"):
        write_mesh(_mesh(offset=1.0), tmp_path / f"a{ending}")
    assert (tmp_path / f"a{ending}").read_bytes() == before
    write_mesh(_mesh(offset=1.0), tmp_path / f"a{ending}", overwrite=True)
    assert (tmp_path / f"a{ending}").read_bytes() != before


def test_the_same_mesh_gives_the_same_bytes(tmp_path):
    for ending in WRITABLE_MESHES:
        write_mesh(_mesh(), tmp_path / f"a{ending}")
        write_mesh(_mesh(), tmp_path / f"b{ending}")
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()
