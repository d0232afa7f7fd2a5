"""Marching cubes: pruned equals dense, second order, outward, watertight; phantoms and colours."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree
from shapes import box_distance, directions, icosphere, slope_of, sphere_distance, sphere_points, torus_distance, two_spheres_distance

from sdfshape import Mesh, PointCloud
from sdfshape.clean import Dropped
from sdfshape.errors import EmptySurfaceError
from sdfshape.extract import blocks, drop_unexplained, least_explained, marching, transfer_columns
from sdfshape.extract.components import enclosed_volumes, vertex_components
from sdfshape.extract.marching import extract_surface
from sdfshape.field.grid import Grid
from sdfshape.field.prune import active_cells, octants_held

LO, HI = np.array([-1.0, -1, -1]), np.array([1.0, 1, 1])
SHAPES = {"sphere": sphere_distance, "torus": torus_distance, "two spheres": two_spheres_distance}


class Counted:
    """A field that knows how often it was asked."""

    def __init__(self, field) -> None:
        self.field, self.count = field, 0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.count += len(x)
        return self.field(x)


def as_trimesh(surface) -> trimesh.Trimesh:
    return trimesh.Trimesh(surface.vertices, surface.faces, process=False)


@pytest.mark.parametrize("resolution", [11, 33, 47, 90])
@pytest.mark.parametrize("name", list(SHAPES))
def test_pruned_equals_dense_bit_for_bit(name, resolution):
    grid = Grid.over(LO * (1, 0.9, 0.8), HI * (1, 0.95, 0.7), resolution)
    for iso in (0.0, 0.07):
        pruned = extract_surface(SHAPES[name], grid, iso=iso)
        dense = extract_surface(SHAPES[name], grid, iso=iso, lipschitz=None)
        assert np.array_equal(pruned.vertices, dense.vertices) and np.array_equal(pruned.faces, dense.faces)
        assert dense.evaluations == dense.dense_evaluations == pruned.dense_evaluations == np.prod(grid.nodes)


@pytest.mark.parametrize("name", ["sphere", "torus"])
def test_pruning_saves_19_of_20_evaluations_at_256(name):
    field, grid = Counted(SHAPES[name]), Grid.over(LO, HI, 256)
    surface = extract_surface(field, grid)
    assert surface.evaluations == field.count <= 4 * surface.crossed
    assert 20 * field.count <= grid.dense_evaluations == 257**3


@pytest.mark.parametrize("name", list(SHAPES))
def test_blocks_of_any_size_are_sewn_to_the_same_triangles(name, monkeypatch):
    grid = Grid.over(LO * (1, 0.9, 0.8), HI * (1, 0.95, 0.7), 53)
    whole = extract_surface(SHAPES[name], grid)
    for side in (8, 22):
        for module in (blocks, marching):
            monkeypatch.setattr(module, "BLOCK", side)
        field = Counted(SHAPES[name])
        parts = extract_surface(field, grid)
        assert as_trimesh(parts).is_watertight and parts.crossed == whole.crossed
        distance, same = cKDTree(whole.vertices).query(parts.vertices)
        assert distance.max() < 1e-6 and triangles_of(same[parts.faces]) == triangles_of(whole.faces)
        assert parts.evaluations == field.count and len(parts.vertices) == len(whole.vertices)


def triangles_of(faces: np.ndarray) -> set[tuple[int, ...]]:
    """Each from its lowest corner on, in the order of its corners."""
    return {tuple(np.roll(face, -face.argmin()).tolist()) for face in faces}


def test_a_wall_that_is_not_sewn_is_open(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 8)  # marching believes in blocks of 128: it takes no vertex for shared but those at 0
    assert not as_trimesh(extract_surface(sphere_distance, Grid.over(LO, HI, 53))).is_watertight


def test_nodes_are_asked_once_and_share_their_values(monkeypatch):
    """A field that gives another answer whenever it is asked again, smaller than the slack: only one answer a node leaves no crack."""
    asked: set[bytes] = set()
    rng = np.random.default_rng(0)

    def moody(x: np.ndarray) -> np.ndarray:
        keys = {row.tobytes() for row in np.rint(x * 1e6).astype(np.int64)}
        assert not keys & asked and len(keys) == len(x)
        asked.update(keys)
        return torus_distance(x) + rng.uniform(-0.01, 0.01, len(x))

    for module in (blocks, marching):
        monkeypatch.setattr(module, "BLOCK", 16)
    grid = Grid.over(LO, HI, 48)
    pairs = active_cells(moody, grid, slack=0.02, finest=1)
    asked.clear()
    asked.update(row.tobytes() for row in np.rint(grid.node_position(2 * pairs.cells + 1) * 1e6).astype(np.int64))
    crossed = blocks.CrossedBlocks(moody, grid, pairs, iso=0.0, lipschitz=1.0, slack=0.02)
    assert sum(len(block.cells) for block in crossed) > 1000


@pytest.mark.parametrize("seed", range(3))
def test_an_octant_that_is_freed_is_free(seed):
    """Cones are the steepest fields there are: a zero as near to a place as its value allows."""
    rng = np.random.default_rng(seed)
    corner = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), -1).reshape(-1, 3)
    zero = rng.uniform(-0.2, 2.2, (20_000, 3))  # f = |x - zero|, in a cell [0, 2]^3
    centre = np.linalg.norm(zero - 1, axis=1)
    corners = np.linalg.norm(zero[:, None] - 2 * corner, axis=2)
    inside = np.stack([((zero >= c) & (zero <= c + 1)).all(axis=1) for c in corner], axis=1)
    held = octants_held(centre, corners, 1.0, 1.0, 0.0)
    assert held[inside].all() and held.mean() < 0.8
    assert not octants_held(centre, corners, 1.0, 0.9, 0.0)[inside].all()  # a constant that is too small loses zeros
    half_known = np.where(rng.uniform(size=corners.shape) < 0.5, np.nan, corners)
    assert (octants_held(centre, half_known, 1.0, 1.0, 0.0) >= held).all()


def test_evaluations_grow_with_the_surface_not_the_volume():
    resolutions = [32, 64, 128, 256]
    spent = []
    for resolution in resolutions:
        field = Counted(torus_distance)
        active_cells(field, Grid.over(LO, HI, resolution))
        spent.append(field.count)
    assert slope_of(resolutions, spent) == pytest.approx(2.0, abs=0.25)


def test_no_dropped_cell_has_a_corner_of_the_other_sign():
    grid = Grid.over(LO, HI, 45)
    active = active_cells(torus_distance, grid).cells
    sign = torus_distance(grid.node_position(np.indices(grid.nodes).reshape(3, -1).T)).reshape(grid.nodes) < 0
    corners = np.stack([sign[a : a + 45, b : b + 45, c : c + 45] for a in (0, 1) for b in (0, 1) for c in (0, 1)])
    crossed = np.argwhere(corners.any(axis=0) & ~corners.all(axis=0))
    assert {*map(tuple, crossed)} <= {*map(tuple, active)}
    assert len(active) < 4 * len(crossed)


def test_marching_cubes_error_is_second_order():
    steps, errors = [], []
    for nodes in (17, 33, 65, 129):
        surface = extract_surface(torus_distance, Grid.over(LO, HI, nodes - 1))
        steps.append(2 / (nodes - 1))
        errors.append(np.abs(torus_distance(surface.vertices)).max())
    assert slope_of(steps, errors) > 1.8


def test_a_sphere_of_triangles_lies_inside_and_its_area_comes_from_below():
    deficit = []
    for resolution in (24, 48, 96):
        ball = as_trimesh(extract_surface(sphere_distance, Grid.over(LO, HI, resolution)))
        deficit.append(4 * np.pi * 0.49 - ball.area)
        assert ball.volume < 4 / 3 * np.pi * 0.343
        assert np.linalg.norm(ball.vertices, axis=1).max() <= 0.7 + 1e-6
    assert deficit[0] > deficit[1] > deficit[2] > 0


@pytest.mark.parametrize("name", list(SHAPES))
def test_surfaces_are_watertight_and_outward(name):
    surface = extract_surface(SHAPES[name], Grid.over(LO, HI, 60))
    shape = as_trimesh(surface)
    assert shape.is_watertight and shape.is_winding_consistent and shape.volume > 0
    real = shape.area_faces > 0  # a node exactly on the surface leaves triangles of area 0
    assert (SHAPES[name](shape.triangles_center + 0.05 * shape.face_normals)[real] > 0).all() and real.mean() > 0.8


@pytest.mark.parametrize("name", ["sphere", "box"])
def test_nodes_exactly_on_the_surface_leave_no_holes_and_no_triangles_without_area(name):
    field, resolution = {"sphere": (sphere_distance, 60), "box": (lambda x: box_distance(x, (0.5, 0.5, 0.25)), 32)}[name]
    grid = Grid.over(LO, HI, resolution)
    assert (field(grid.node_position(np.indices(grid.nodes).reshape(3, -1).T)) == 0).any()  # the test's own assumption
    shape = as_trimesh(extract_surface(field, grid))
    assert shape.is_watertight and (shape.area_faces > 0).all()


@pytest.mark.parametrize(("name", "pieces", "euler"), [("sphere", 1, 2), ("torus", 1, 0), ("two spheres", 2, 4)])
def test_topology_is_the_shapes(name, pieces, euler):
    surface = extract_surface(SHAPES[name], Grid.over(LO, HI, 50))
    assert vertex_components(Mesh(surface.vertices, surface.faces))[0] == pieces
    assert as_trimesh(surface).euler_number == euler


def test_a_steep_field_keeps_its_surface_if_its_constant_is_said():
    def steep(x: np.ndarray) -> np.ndarray:
        return 1.5 * torus_distance(x)

    grid = Grid.over(LO, HI, 70)
    dense = extract_surface(steep, grid, lipschitz=None)
    honest, lying = extract_surface(steep, grid, lipschitz=1.5), extract_surface(steep, grid, lipschitz=0.95)
    assert np.array_equal(honest.vertices, dense.vertices) and np.array_equal(honest.faces, dense.faces)
    assert len(lying.faces) < len(dense.faces)  # the constant matters: the test can fail


def test_slack_keeps_the_surface_of_a_noisy_field():
    def noisy(x: np.ndarray) -> np.ndarray:  # off by at most 0.03, equally for equal places
        return torus_distance(x) + 0.03 * np.sin(1e5 * x.sum(axis=1))

    grid = Grid.over(LO, HI, 70)
    dense = extract_surface(noisy, grid, lipschitz=None)
    safe = extract_surface(noisy, grid, slack=0.06)  # the centre and the corners may each be off
    assert len(safe.faces) == len(dense.faces)
    assert len(extract_surface(noisy, grid).faces) < len(dense.faces)


@pytest.mark.parametrize("lipschitz", [1.0, None])
@pytest.mark.parametrize("iso", [-0.8, 1.2])
def test_a_level_out_of_range_is_refused(iso, lipschitz):
    with pytest.raises(EmptySurfaceError, match="iso must be within the range of the field"):
        extract_surface(sphere_distance, Grid.over(LO, HI, 32), iso=iso, lipschitz=lipschitz)


@pytest.mark.parametrize("resolution", [8, 30, 511])
def test_a_grid_covers_its_box_with_cubes(resolution):
    lo, hi = np.array([-1.0, 0.3, 2]), np.array([0.5, 0.7, 4.7])
    grid = Grid.over(lo, hi, resolution)
    end = grid.node_position(np.array(grid.cells))
    assert max(grid.cells) == resolution and grid.dense_evaluations == np.prod(np.array(grid.cells) + 1)
    assert np.array_equal(grid.node_position(np.zeros(3)), lo)
    assert (end >= hi - 1e-9).all() and (end < hi + grid.spacing).all()


# --- pieces and colours


def united(*meshes: Mesh) -> Mesh:
    shift = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    return Mesh(np.vstack([m.vertices for m in meshes]), np.vstack([m.faces + s for m, s in zip(meshes, shift, strict=False)]))


BIG, SMALL = icosphere(1.0, subdivisions=3), icosphere(0.1, (1.5, 0, 0), subdivisions=2)
PHANTOM = icosphere(0.2, (-2.0, 0, 0), subdivisions=2)


def test_a_phantom_is_dropped_and_a_small_real_piece_stays():
    points = np.vstack([sphere_points(2000, radius=1.0), 0.1 * directions(30, 1) + (1.5, 0, 0)])
    kept, dropped = drop_unexplained(united(PHANTOM, BIG, SMALL), points)
    assert dropped == 1
    assert np.array_equal(kept.vertices, united(BIG, SMALL).vertices) and np.array_equal(kept.faces, united(BIG, SMALL).faces)
    same, none = drop_unexplained(united(BIG, SMALL), points)
    assert none == 0 and len(same.faces) == len(BIG.faces) + len(SMALL.faces)


def test_a_bubble_just_below_the_surface_is_dropped_though_points_are_nearer_to_it():
    points = sphere_points(20_000, radius=0.982)  # between the surface at 1 and the bubble below it
    bubble = icosphere(0.1, (0.88, 0, 0), 2)
    nearest = cKDTree(united(BIG, bubble).vertices).query(points)[1]
    assert (nearest >= len(BIG.vertices)).sum() >= 10  # the test's own assumption
    kept, dropped = drop_unexplained(united(BIG, bubble), points)
    assert dropped == 1 and np.array_equal(kept.vertices, BIG.vertices)


def test_colours_follow_the_pieces_that_stay():
    both = united(PHANTOM, BIG)
    colors = np.repeat(np.array([[255, 0, 0], [0, 255, 0]], np.uint8), [len(PHANTOM.vertices), len(BIG.vertices)], axis=0)
    kept, _ = drop_unexplained(Mesh(both.vertices, both.faces, colors), sphere_points(500, radius=1.0))
    assert (kept.colors == [0, 255, 0]).all() and len(kept.colors) == len(kept.vertices)


def test_the_best_explained_piece_stays_however_few_its_points():
    kept, dropped = drop_unexplained(united(BIG, PHANTOM), sphere_points(5, radius=1.0))
    assert dropped == 1 and np.array_equal(kept.vertices, BIG.vertices)


def test_ten_points_explain_a_piece_and_nine_do_not():
    big = sphere_points(500, radius=1.0)
    for count, phantoms in ((9, 1), (10, 0)):
        assert drop_unexplained(united(BIG, SMALL), np.vstack([big, 0.1 * directions(count) + (1.5, 0, 0)]))[1] == phantoms


def test_where_many_strays_were_found_a_clump_of_them_is_no_piece():
    few, many = Dropped(looked_at=3000, outliers=149), Dropped(looked_at=9000, non_finite=5000, duplicates=1000, outliers=150)
    assert [least_explained(few, 2900), least_explained(many, 2900), least_explained(many, 20_000)] == [10, 29, 30]
    assert least_explained(many, 120) == 10  # of so few, ten are many


def test_colours_are_exact_at_points_and_between_them_elsewhere():
    rng = np.random.default_rng(0)
    cloud = PointCloud(BIG.vertices[::2], colors=rng.integers(0, 256, (len(BIG.vertices[::2]), 3), dtype=np.uint8))
    painted = transfer_columns(BIG, cloud, None)
    assert np.array_equal(painted.colors[::2], cloud.colors)
    assert np.array_equal(painted.vertices, BIG.vertices) and BIG.colors is None
    one = transfer_columns(BIG, PointCloud(sphere_points(300), colors=np.tile(np.array([7, 100, 255], np.uint8), (300, 1))), None)
    assert (one.colors == [7, 100, 255]).all()


def test_nearer_points_colour_more():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [50, 0, 0], [51, 0, 0]])
    cloud = PointCloud(points, colors=np.array([[0, 0, 0], [200, 0, 0], [0, 0, 0], [0, 0, 0]], np.uint8))
    red = transfer_columns(Mesh([[x, 0, 0] for x in (0.1, 0.5, 0.9)], []), cloud, None).colors[:, 0].astype(int)
    assert red[0] < 20 < red[1] < 180 < red[2] and red[1] == 100


def test_a_cloud_without_colours_paints_nothing():
    assert transfer_columns(BIG, PointCloud(sphere_points(300)), None) is BIG


def two_sheets(apart: float) -> tuple[Mesh, PointCloud, np.ndarray]:
    """Two squares `apart`, red and blue, with 900 points each, farther from each other than the sheets are; a mesh of both."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (1800, 3)) * [1, 1, 0]
    upper = np.arange(1800) < 900
    cloud = PointCloud(
        x + np.where(upper, apart, 0)[:, None] * [0, 0, 1],
        colors=np.where(upper[:, None], [255, 0, 0], [0, 0, 255]).astype(np.uint8),
        labels=np.where(upper, 6, 2),
        intensity=np.where(upper, 10.0, -10.0),
    )
    places = rng.uniform(0.1, 0.9, (400, 3)) * [1, 1, 0]
    vertices = np.concatenate([places + apart * np.eye(3)[2], places])
    normals = np.repeat([[0.0, 0, 1], [0, 0, -1]], 400, axis=0)
    return Mesh(vertices, []), cloud, normals


@pytest.mark.parametrize("apart", [0.01, 0.0005])
def test_nothing_bleeds_from_one_sheet_to_another_that_is_nearer_than_the_points_are(apart):
    mesh, cloud, normals = two_sheets(apart)
    up = np.where(np.arange(1800) < 900, 1.0, -1.0)[:, None] * [0, 0, 1.0]
    painted = transfer_columns(mesh, cloud, normals, up)
    assert (painted.colors == np.repeat([[255, 0, 0], [0, 0, 255]], 400, axis=0)).all()
    assert (painted.labels == np.repeat([6, 2], 400)).all() and np.allclose(painted.intensity, np.repeat([10.0, -10.0], 400))


def test_labels_on_a_mesh_are_those_of_most_weight_and_unknown_intensity_is_left_out():
    points = np.array([[0.0, 0, 0], [0.2, 0, 0], [1, 0, 0], [50, 0, 0], [51, 0, 0]])
    cloud = PointCloud(points, labels=[1, 1, 2, 3, 3], intensity=[1.0, np.nan, 3.0, np.nan, np.nan])
    found = transfer_columns(Mesh([[0.1, 0, 0], [0.95, 0, 0], [50.5, 0, 0]], []), cloud, None)
    assert found.labels.tolist() == [1, 2, 3] and 1 <= found.intensity[0] < 1.5 and found.intensity[1] > 2.9


@pytest.mark.parametrize("centre", [(0.0, 0.0, 0.0), (5e5, -4e6, 120.0)])
def test_volumes_are_those_of_the_balls_and_a_cavity_counts_below_0(centre):
    outer, inner, other = icosphere(2.0, centre), icosphere(1.0, centre), icosphere(0.5, tuple(np.add(centre, (4, 0, 0))))
    faces = [outer.faces, inner.faces[:, ::-1] + len(outer.vertices), other.faces + len(outer.vertices) + len(inner.vertices)]
    mesh = Mesh(np.concatenate([outer.vertices, inner.vertices, other.vertices]), np.concatenate(faces))
    volumes = enclosed_volumes(mesh, vertex_components(mesh)[1])
    np.testing.assert_allclose(np.sort(volumes), np.sort(4 / 3 * np.pi * np.array([8, -1, 0.125])), rtol=0.01)
