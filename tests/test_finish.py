"""What is proven of a simplified mesh, walls, normals and small pieces."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree
from shapes import icosphere

from sdfshape import Box, Mesh, Sphere
from sdfshape.errors import EmptySurfaceError, InputError
from sdfshape.evaluate.report import mesh_facts
from sdfshape.extract import deviation, drop_small, extract_mesh, extract_shell, finish, simplify
from sdfshape.extract.components import is_watertight, vertex_components
from sdfshape.extract.deviation import deviation_within
from sdfshape.extract.finish import largest_gap
from sdfshape.io import read_mesh, write_mesh

FAR = np.array([4000.0, -700.0, 90.0])


def square(height: float, side: int, shift: float = 0.0) -> Mesh:
    """A flat square of 2 side^2 triangles."""
    x, y = np.meshgrid(*2 * [np.linspace(0, 1, side + 1)], indexing="ij")
    node = np.arange((side + 1) ** 2).reshape(side + 1, -1)
    a, b, c, d = (node[i : side + i, j : side + j].ravel() for i, j in ((0, 0), (1, 0), (1, 1), (0, 1)))
    faces = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)])
    return Mesh(np.stack([x.ravel() + shift, y.ravel(), np.full(x.size, height)], -1) + FAR, faces)


def sampled_hausdorff(a: Mesh, b: Mesh) -> float:
    """From below: places on one mesh to the other, both ways, by another library's search."""
    gaps = []
    for one, other in ((a, b), (b, a)):
        places, _ = trimesh.sample.sample_surface(trimesh.Trimesh(one.vertices, one.faces, process=False), 250, seed=0)
        target = trimesh.Trimesh(other.vertices - FAR, other.faces, process=False)
        gaps.append(trimesh.proximity.closest_point_naive(target, places - FAR)[1].max())
    return max(gaps)


@pytest.mark.parametrize(("coarse", "fine"), [(1, 7), (3, 5)])
def test_bounds_of_parallel_squares_are_their_distance(coarse, fine):
    first, second = square(0.0, coarse), square(0.25, fine)
    found = deviation_within(first, second, 0.2501)
    assert 0.25 - 1e-9 <= found.lower <= 0.25 <= found.upper <= 0.2501
    refused = deviation_within(first, second, 0.2499)
    assert refused.upper == np.inf and refused.lower == pytest.approx(0.25)


def test_what_sticks_out_is_seen_both_ways():
    first, second = square(0.0, 4), square(0.0, 4, shift=0.3)
    assert deviation_within(first, second, 0.301).upper >= 0.3 - 1e-9
    for one, other in ((first, second), (second, first)):
        assert deviation_within(one, other, 0.299).upper == np.inf
    small = Mesh(first.vertices, first.faces[:3])  # a part: near the whole, but the whole is not near it
    assert deviation_within(small, first, 0.1).upper == np.inf and deviation_within(first, small, 0.1).upper == np.inf


def test_the_bound_holds_for_spheres_and_is_near(monkeypatch):
    first, second = icosphere(0.7, tuple(FAR), 2), icosphere(0.7, tuple(FAR), 4)
    seen = sampled_hausdorff(first, second)
    found = deviation_within(first, second, 1.1 * seen)
    assert found.lower <= seen * 1.001 and seen <= found.upper <= 1.1 * seen
    monkeypatch.setattr(deviation, "MOST_PIECES", 100)
    assert deviation_within(first, second, 1.1 * seen).upper == np.inf  # given up is not proven


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e4])
def test_a_box_becomes_few_faces_that_are_proven_to_be_near(scale):
    box = Box((-scale, -0.7 * scale, -0.5 * scale), (scale, 0.7 * scale, 0.5 * scale)).offset(0.01 * scale)
    mesh = extract_mesh(box, resolution=32).mesh
    found = simplify(mesh, 0.01 * scale)
    assert is_watertight(found.mesh) and len(found.mesh.faces) < len(mesh.faces) / 20
    assert found.deviation.lower <= found.deviation.upper <= 0.01 * scale
    sizes = Mesh(found.mesh.vertices / scale + FAR, found.mesh.faces), Mesh(mesh.vertices / scale + FAR, mesh.faces)
    assert sampled_hausdorff(*sizes) <= found.deviation.upper / scale + 1e-9
    gap = largest_gap(box, found.mesh, 0.0, 0.001 * scale)
    places, _ = trimesh.sample.sample_surface(trimesh.Trimesh(found.mesh.vertices, found.mesh.faces), 5000, seed=1)
    assert np.abs(box(places)).max() <= gap <= 0.05 * scale  # the grid cuts edges off: a cell is 0.067, half its diagonal 0.047


def test_what_is_said_to_be_off_the_level_holds_and_is_near():
    box = Box((-1.0, -0.7, -0.5), (1.0, 0.7, 0.5)).offset(0.01)
    done = finish(extract_mesh(box, resolution=32).mesh, box, 0.0, max_deviation=0.04)
    places, _ = trimesh.sample.sample_surface(trimesh.Trimesh(done.mesh.vertices, done.mesh.faces), 20_000, seed=1)
    seen = np.abs(box(places)).max()
    assert seen <= done.off_level <= seen + 0.012


@pytest.mark.slow
def test_more_room_means_fewer_faces_and_none_leaves_the_mesh():
    mesh = extract_mesh(Sphere((0, 0, 0), 0.7), resolution=40).mesh
    counts = [len(simplify(mesh, limit).mesh.faces) for limit in (1e-9, 0.002, 0.01, 0.05)]
    assert counts[0] == len(mesh.faces) and counts == sorted(set(counts), reverse=True)
    for wrong in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="above 0"):
            simplify(mesh, wrong)


def test_a_wall_is_as_thick_as_told_and_looks_inward():
    ball = Sphere((1.0, 2.0, 3.0), 0.7)
    found = extract_shell(ball, 0.2, resolution=64)
    facts = mesh_facts(found.mesh)
    assert facts["watertight"] and facts["components"] == 2
    assert facts["volume"] == pytest.approx(4 / 3 * np.pi * (0.7**3 - 0.5**3), rel=5e-3)
    radius = np.linalg.norm(found.mesh.vertices - (1, 2, 3), axis=1)
    assert np.abs(np.where(radius > 0.6, radius - 0.7, radius - 0.5)).max() < 1e-3
    with pytest.raises(EmptySurfaceError, match="two walls"):
        extract_shell(ball, 0.71, resolution=32)
    with pytest.raises(InputError, match="thicker than 0"):
        extract_shell(ball, 0.0)


def test_small_pieces_are_dropped_on_request_only():
    both = extract_mesh(Sphere((0, 0, 0), 0.7) | Sphere((2, 0, 0), 0.1), resolution=96).mesh
    assert drop_small(both, 0.0)[1] == 0 and drop_small(both, 0.01)[1] == 0
    large, dropped = drop_small(both, 0.05)
    assert dropped == 1 and vertex_components(large)[0] == 1 and large.vertices[:, 0].max() < 1
    with pytest.raises(InputError, match="share"):
        drop_small(both, 1.0)


@pytest.mark.parametrize("ending", [".ply", ".obj", ".off", ".glb"])
@pytest.mark.parametrize("colored", [False, True])
def test_normals_are_those_of_the_field_and_come_back(tmp_path, ending, colored):
    ball = Sphere(tuple(FAR), 0.7)
    plain = extract_mesh(ball, resolution=16).mesh
    mesh = finish(plain, ball, 0.0, vertex_normals=True).mesh
    assert np.allclose(mesh.normals, (mesh.vertices - FAR) / np.linalg.norm(mesh.vertices - FAR, axis=1, keepdims=True), atol=1e-6)
    colors = np.random.default_rng(0).integers(0, 256, (len(mesh.vertices), 3), dtype=np.uint8)
    mesh = Mesh(mesh.vertices, mesh.faces, colors if colored else None, mesh.normals)
    write_mesh(mesh, tmp_path / f"a{ending}")
    back = read_mesh(tmp_path / f"a{ending}")
    same = cKDTree(back.vertices).query(mesh.vertices)[1]
    assert back.normals is not None and np.abs(back.normals[same] - mesh.normals).max() < 1e-4
    assert (back.colors is None) != colored and (not colored or np.array_equal(back.colors[same], colors))


def test_normals_that_are_not_numbers_are_left_in_the_file(tmp_path):
    mesh = Mesh(np.eye(3), [[0, 1, 2]], normals=np.eye(3))
    write_mesh(mesh, tmp_path / "a.ply")
    body = (tmp_path / "a.ply").read_bytes()
    place = body.index(b"end_header\n") + len(b"end_header\n") + 24
    (tmp_path / "b.ply").write_bytes(body[:place] + np.float32(np.nan).tobytes() + body[place + 4 :])
    assert read_mesh(tmp_path / "a.ply").normals is not None and read_mesh(tmp_path / "b.ply").normals is None
    with pytest.raises(InputError, match="normals"):
        Mesh(np.eye(3), [[0, 1, 2]], normals=np.full((3, 3), np.nan))
