"""Real files: scans, solids, thin and broken meshes, as other programs wrote them."""

import numpy as np
import pytest

from sdfshape.errors import InputError
from sdfshape.io import READABLE, read_mesh, read_points, read_shape
from sdfshape.types import Mesh, PointCloud

FOLDERS = ("scans", "solids", "thin", "broken", "modelnet")


def _files(folder):
    files = sorted(path for path in folder.iterdir() if path.is_file())
    assert files, folder
    return files


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_read_or_refused_in_one_line(shared_data, folder):
    for path in _files(shared_data / folder):
        if path.suffix.lower() not in READABLE:
            with pytest.raises(InputError, match=f"^{path.name}: an input must end in one of"):
                read_shape(path)
            continue
        shape = read_shape(path)
        points = shape.points if isinstance(shape, PointCloud) else shape.vertices
        assert 19 <= len(points) <= 100_000 and np.isfinite(points).all(), path.name
        assert (np.ptp(points, axis=0) > 0).all(), path.name
        assert isinstance(shape, PointCloud if folder == "scans" and "zipper" not in path.name else Mesh), path.name
        assert len(read_points(path)) == len(points)


def test_counts_are_those_of_the_headers(shared_data):
    counts = {
        "scans/bun_zipper_res2.ply": (8171, 16301),
        "solids/abc_part.ply": (1428, 2872),
        "solids/spot.obj": (2930, 5856),
        "solids/armadillo.obj": (14587, 29170),
        "modelnet/bathtub_0002.off": (700, 664),
        "thin/cactus.off": (620, 1236),
        "broken/many_small_holes.ply": (2004, 3524),
        "thin/thin_chair.obj": (2830, 5660),
    }
    for name, (vertices, faces) in counts.items():
        mesh = read_mesh(shared_data / name)
        assert (len(mesh.vertices), len(mesh.faces)) == (vertices, faces), name


def _closed(mesh):
    """Each edge of the mesh is used once in each direction."""
    edges = mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    forward, backward = (set(map(tuple, e.tolist())) for e in (edges, edges[:, ::-1]))
    return len(forward) == len(edges) and forward == backward


@pytest.mark.parametrize("name", ["abc_part.ply", "rocker-arm.obj", "bunny.off", "3torus.off"])
def test_sound_solids_stay_closed(shared_data, name):
    mesh = read_mesh(shared_data / "solids" / name)
    assert _closed(mesh)
    corners = mesh.vertices[mesh.faces]
    assert np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() > 0, "inside out"


def test_strips_of_the_brain_share_edges_in_opposite_directions(shared_data):
    mesh = read_mesh(shared_data / "broken" / "brain.ply")
    edges = mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    assert len(mesh.faces) > 30_000 and len(np.unique(edges, axis=0)) > 0.99 * len(edges)


def test_compressed_scans_have_unit_normals_and_colors(shared_data):
    chef = read_points(shared_data / "scans" / "chef.pcd")
    assert len(chef) == 5092 and np.abs(np.linalg.norm(chef.normals, axis=1) - 1).max() < 1e-5
    milk = read_points(shared_data / "scans" / "milk_color.pcd")
    assert len(milk) == 13704 and np.ptp(milk.colors, axis=0).min() > 100


def test_columns_of_scans(shared_data):
    for name in ("kitten.xyz", "fin90_with_PCA_normals.xyz", "oni.pwn", "hippo1.ply", "bun0.pcd"):
        assert read_points(shared_data / "scans" / name).normals is not None, name
    for name in ("lion_takanawa_60k.ply", "Example_colors.ply", "milk_color.pcd"):
        assert read_points(shared_data / "scans" / name).colors is not None, name
    assert len(np.unique(read_points(shared_data / "scans" / "bunny_range_aligned_60k.ply", label_column="scan").labels)) == 10


def test_labelled_points_have_as_many_labels(shared_data):
    for points in sorted((shared_data / "labelled").rglob("pts-10000.txt")):
        assert len(read_points(points)) == 10000
        with pytest.raises(InputError, match=r"label-10000.txt: points must have 3 or more columns"):
            read_points(points.with_name("label-10000.txt"))
