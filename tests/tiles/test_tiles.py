"""Tiles: they fill the box of the scan, learn the sides of the whole, join without a seam, and are done once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree
from shapes import sphere_distance, sphere_points, torus_distance, torus_points

import sdfshape as s
from sdfshape.batch.locking import locked
from sdfshape.errors import EmptySurfaceError, FieldFileError, InputError, OutputError, SdfShapeError
from sdfshape.extract.components import is_watertight, vertex_components
from sdfshape.frame import Frame
from sdfshape.sample import SURFACES
from sdfshape.tiles import reconstruct_tiles
from sdfshape.tiles import run as tiles_run
from sdfshape.tiles.evidence import Coarse, tile_evidence
from sdfshape.tiles.folder import TileFolder
from sdfshape.tiles.plan import cut
from sdfshape.tiles.reconstruction import _prepared, whole_resolution
from sdfshape.tiles.run import Workforce, do_tile, make_tile
from sdfshape.train.config import PRESETS, NetworkConfig, OptimizerConfig, TrainConfig

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = TrainConfig(
    network=NetworkConfig(networks=4, width=16, depth=3), optimizer=OptimizerConfig(steps=120, batch=2048), points=4_000, labels=16_000
)


@pytest.fixture
def here(monkeypatch):
    """Tiles in this process, one after the other: no cluster, no processes."""

    def at_once(work, plan, indices, force, on_tile):
        for count, index in enumerate(indices, 1):
            make_tile(work.path, index, plan=plan, threads=1, device="cpu")
            on_tile(count, 0.0)

    monkeypatch.setattr("sdfshape.tiles.reconstruction.run_tiles", at_once)


@cache
def coarse_sphere(kind: str = "closed") -> Coarse:
    points = sphere_points(3_000, seed=1)
    return Coarse(points, points / 0.7, np.full(len(points), 4 * np.pi * 0.49 / len(points)), 0.06, kind, 0.05)


# --- the plan


def test_cells_fill_the_box_and_walls_overlap():
    points = torus_points(20_000)
    tiles = cut(points, 16)
    lo, hi = np.min([t.cell[0] for t in tiles], axis=0), np.max([t.cell[1] for t in tiles], axis=0)
    volume = sum(float(np.prod(tile.cell[1] - tile.cell[0])) for tile in tiles)
    assert volume == pytest.approx(float(np.prod(hi - lo)))
    places = np.random.default_rng(0).uniform(lo, hi, (10_000, 3))
    held = sum(((places >= t.walls[0]) & (places <= t.walls[1])).all(axis=1).astype(int) for t in tiles)
    assert held.min() >= 1 and (held > 1).mean() > 0.1
    counts = [int(((points >= t.cell[0]) & (points <= t.cell[1])).all(axis=1).sum()) for t in tiles]
    assert max(counts) < 2 * len(points) / 16
    for tile in tiles:
        assert (tile.walls[0] >= lo).all() and (tile.walls[1] <= hi).all()  # outer walls are the walls of the whole
        assert (np.abs(tile.frame.to_unit(tile.region)) < 1).all()


@pytest.mark.parametrize("count", [0, 3, 8192, -2, 2.0, "4"])
def test_tiles_must_be_a_power_of_two(count):
    with pytest.raises(InputError, match="tiles must be a power of two, at most 2048"):
        cut(torus_points(1_000), count)


def test_the_whole_grid_grows_with_the_root_of_the_tiles_and_ends():
    assert [whole_resolution(200, count) for count in (1, 4, 16, 2048)] == [200, 400, 800, 1024]
    assert whole_resolution(1500, 16) == 1500


# --- what a tile learns from


@pytest.mark.parametrize("index", [0, 3, 7])
def test_labels_of_a_tile_are_right_though_it_sees_a_part_of_the_surface(index):
    points = sphere_points(20_000)
    tile = cut(points, 8)[index]
    evidence = tile_evidence(tile, points[tile.holds(points)], coarse_sphere(), 8_000, np.random.default_rng(0))
    spacing = 0.7 * np.sqrt(4 * np.pi * 6 / 20_000 / np.pi)
    for rows, sign in ((evidence.inside, -1), (evidence.outside, 1)):
        x = tile.frame.to_world(rows[:, :3])
        f = sign * sphere_distance(x)
        assert len(rows) > 500 and (f < -0.3 * spacing).mean() < 0.002
        assert (tile.frame.length_to_world(rows[:, 3]) <= np.abs(f) + 0.5 * spacing).mean() > 0.995  # no place walks through a surface
        assert ((np.abs(tile.frame.to_unit(tile.region))).max() < 1) and (np.abs(rows[:, :3]) <= 1).all()


def test_normals_of_a_tile_vote_with_the_coarse_ones_in_their_plane():
    """Two walls nearer to each other than the coarse points are, of which one has three times as many: each takes the side of its own."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-0.7, 0.7, (12_000, 3)) * [1, 1, 0]
    walls = x + np.where(np.arange(12_000) < 6_000, 0.02, -0.02)[:, None] * [0, 0, 1.0]
    few = rng.uniform(-0.7, 0.7, (1_500, 3)) * [1, 1, 0]
    upper = np.arange(1_500) < 375
    up = np.where(upper, 1.0, -1.0)[:, None] * [0, 0, 1.0]
    coarse = Coarse(few + 0.02 * up, up, 1.96 / np.where(upper, 375, 1_125), 0.07, "closed", 0.05)
    tile = cut(walls, 1)[0]
    evidence = tile_evidence(tile, walls, coarse, 6_000, rng)
    z = tile.frame.to_world(evidence.inside[:, :3])[:, 2]
    assert len(z) > 1_500 and (np.abs(z) < 0.025).mean() > 0.98


def test_a_tile_without_points_knows_its_side_from_the_rest():
    whole, rng = sphere_points(20_000), np.random.default_rng(0)
    tiles = cut(np.concatenate([whole, 0.05 * rng.normal(size=(20_000, 3))]), 64)  # cells in the middle of the ball
    middle = min(tiles, key=lambda t: float(np.linalg.norm(t.cell.mean(axis=0))))
    inner = tile_evidence(middle, np.zeros((0, 3)), coarse_sphere(), 2_000, rng)
    assert len(inner.inside) == 2_000 and len(inner.outside) == 0
    sheet = tile_evidence(middle, np.zeros((0, 3)), coarse_sphere("open"), 2_000, rng)
    assert len(sheet.inside) == 0 and len(sheet.outside) == 2_000


# --- the whole


def torus(count: int = 16_000) -> s.PointCloud:
    return s.PointCloud(torus_points(count) * 10 + [500_000.0, 4_000_000.0, 100.0])


def test_tiles_join_as_one_watertight_mesh_and_one_certified_field(here, tmp_path):
    told = []
    result = reconstruct_tiles(torus(), tiles=4, config=SMALL, resolution=48, surface="closed", progress=told.append)
    mesh, field = result.mesh, result.field
    assert is_watertight(mesh) and vertex_components(mesh)[0] == 1 and len(field.boxes.lo) == 16
    off = torus_distance((mesh.vertices - [500_000.0, 4_000_000.0, 100.0]) / 10)
    assert np.abs(off).mean() < 0.006 and np.abs(off).max() < 0.05
    back = cKDTree(mesh.vertices).query(torus().points)[0]
    assert back.max() < 0.6  # of 10: no hole, not at the walls of the tiles either
    assert field.network_bound <= 1 and result.report["tiles"] == {"count": 4, "networks": 16}
    assert result.report["fit"]["mean_abs_f"] < 0.06 and result.report["mesh"]["watertight"]
    assert [p.step for p in told if p.stage == "tiles"] == [0, 1, 2, 3, 4]
    field.save(tmp_path / "field.sdf")
    x = torus().points[:500] + 0.1
    np.testing.assert_allclose(s.load_field(tmp_path / "field.sdf")(x), field(x), atol=2 * field.float32_error)


@pytest.mark.slow
def test_a_tile_is_that_of_the_same_seed_and_differs_from_its_neighbours(here, tmp_path):
    for name in ("a", "b"):
        reconstruct_tiles(torus(6_000), tiles=2, config=SMALL, resolution=32, surface="closed", work=tmp_path / name)
    tiles = {path.relative_to(tmp_path): path.read_bytes() for path in sorted(tmp_path.rglob("tile-*.sdf"))}
    first, second = (tiles[Path(f"a/tile-000{j}.sdf")] for j in range(2))
    assert first == tiles[Path("b/tile-0000.sdf")] and second == tiles[Path("b/tile-0001.sdf")] and first != second


@pytest.mark.slow
def test_sheets_become_slabs_of_one_thickness_in_all_tiles(here):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (24_000, 3))
    x[:, 2] = 0.2 * np.sin(2 * x[:, 0])
    result = reconstruct_tiles(s.PointCloud(x), tiles=4, config=SMALL, resolution=64, surface="wrap")
    assert any("nothing is filled" in text for text in result.report["warnings"])
    assert is_watertight(result.mesh) and result.report["surface"]["kind"] == "open"
    thick = result.report["surface"]["least_thickness"]
    off = np.abs(result.mesh.vertices[:, 2] - 0.2 * np.sin(2 * result.mesh.vertices[:, 0]))
    inner = (np.abs(result.mesh.vertices[:, :2]) < 0.9).all(axis=1)
    assert thick / 4 < off[inner].mean() < 0.75 * thick and vertex_components(result.mesh)[0] == 1


# --- done once


def plan_folder(tmp_path: Path, count: int = 6_000) -> tuple[TileFolder, str]:
    scan = _prepared(torus(count), s.Options(surface="closed"), 2, SMALL, lambda _: None)
    work = TileFolder(tmp_path)
    return work, work.write_plan(scan.plan, scan.points)


def test_a_plan_comes_back_as_it_was_and_each_tile_has_its_own_points(tmp_path):
    work, mark = plan_folder(tmp_path)
    scan = _prepared(torus(6_000), s.Options(surface="closed"), 2, SMALL, lambda _: None)
    plan, again = work.read_plan(), scan.plan
    np.testing.assert_array_equal(plan.coarse.normals, again.coarse.normals)
    assert plan.config == again.config == SMALL and plan.frame == again.frame and plan.seed == again.seed
    assert [t.index for t in plan.tiles] == [0, 1] and (plan.tiles[1].walls == again.tiles[1].walls).all()
    for tile in plan.tiles:
        np.testing.assert_array_equal(work.read_points(tile.index), scan.points[tile.holds(scan.points)])
    assert mark == work.id == plan_folder(tmp_path)[1] != plan_folder(tmp_path, 6_001)[1]


def test_what_is_done_is_not_done_again_unless_it_is_damaged_or_of_another_plan(tmp_path):
    work, mark = plan_folder(tmp_path)
    assert not work.is_done(0, mark)
    work.keep(0, Frame((0.0, 0.0, 0.0), 1.0), None, mark)
    make_tile(tmp_path, 1, plan=mark, threads=1, device="cpu")
    assert work.is_done(0, mark) and work.is_done(1, mark) and work.read_tile(0, mark) is None
    assert work.read_tile(1, mark) is not None
    tile = tmp_path / "tile-0001.sdf"
    data = bytearray(tile.read_bytes())
    data[-5] ^= 1
    tile.write_bytes(data)
    (tmp_path / ".sdfshape-left").write_text("of a kill")
    assert not work.is_done(1, mark)
    with pytest.raises(SdfShapeError, match=r"tile-0001\.sdf: a tile must be that of this scan, it was changed or lost"):
        work.read_tile(1, mark)
    other = plan_folder(tmp_path, 6_001)[1]
    assert not work.is_done(0, other) and not (tmp_path / ".sdfshape-left").exists()
    with pytest.raises(SdfShapeError, match="must be that of this scan"):
        work.read_tile(0, other)
    with pytest.raises(InputError, match="the plan must be the one that the tile was asked for, it is another"):
        make_tile(tmp_path, 1, plan=mark, threads=1, device="cpu")


def test_one_command_at_a_time_in_a_work_folder_and_the_plan_of_the_first_stays(tmp_path):
    mark = plan_folder(tmp_path)[1]
    with locked(tmp_path), pytest.raises(OutputError, match="another one does"):
        reconstruct_tiles(torus(600), tiles=2, work=tmp_path)
    assert TileFolder(tmp_path).id == mark


def test_a_damaged_plan_and_a_wrong_number_are_refused_in_one_line(tmp_path):
    work, mark = plan_folder(tmp_path)
    with pytest.raises(InputError, match="a tile must be 0 to 1, got 7"):
        make_tile(tmp_path, 7, plan=mark, threads=1, device="cpu")
    (tmp_path / "scan.plan").write_bytes(b"nothing")
    with pytest.raises(FieldFileError, match=r"scan\.plan: a tiles must be the plan|damaged"):
        make_tile(tmp_path, 0, plan=work.id, threads=1, device="cpu")


def test_a_tile_that_fails_is_named_and_the_others_are_kept(tmp_path, monkeypatch):
    work, mark = plan_folder(tmp_path)
    monkeypatch.setattr(tiles_run, "run_process", lambda words, limits: {"status": "done"} if words[-1] == "0" else {"reason": "it died"})
    told = []
    with pytest.raises(SdfShapeError, match="1 of 2 tiles failed, the first: tile 1: it died: the others are kept, run it again"):
        tiles_run.run_tiles(work, mark, [0, 1], Workforce(workers=2), lambda done, left: told.append(done))
    assert told == [1, 2] and not list(tmp_path.glob(".stop-*"))


def test_a_worker_outlives_whatever_a_tile_does(tmp_path, monkeypatch):
    def broken(words, limits):
        raise OSError("no processes left")

    monkeypatch.setattr(tiles_run, "run_process", broken)
    limits = tiles_run.Limits(1, None, None, tmp_path / "stop")
    assert do_tile(tmp_path, 3, "plan", "cpu", limits) == (3, "OSError: no processes left")


def test_bad_requests_are_refused(tmp_path):
    more = ({"tiles": 2, "config": PRESETS["paper"]}, "tells inside from outside"), ({"tiles": 2, "max_memory": 500}, "one mosaic")
    for asked, law in (({"tiles": 3}, "power of two"), ({"tiles": 2, "preset": "paper"}, "tells inside from outside"), *more):
        with pytest.raises(InputError, match=law):
            reconstruct_tiles(torus(600), **asked)
    with pytest.raises(EmptySurfaceError, match="iso must be within"):
        reconstruct_tiles(torus(600), tiles=2, iso=1e4)
    with pytest.raises(InputError, match="workers must be at least 1"):
        Workforce(workers=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="must be a folder that can be written"):
        reconstruct_tiles(torus(600), tiles=2, work=tmp_path / "file")
    assert "wrap" in SURFACES


@pytest.mark.slow
def test_tiles_of_two_processes_are_those_of_one(tmp_path):
    """The command itself: interrupted by a kill, it goes on, and gives the bytes of an undisturbed run."""
    import subprocess
    import sys
    import time

    s.write_points(torus(30_000), tmp_path / "scan.ply")
    words = [sys.executable, "-m", "sdfshape", "tile", str(tmp_path / "scan.ply"), "--tiles", "4", "--preset", "fast", "--resolution", "64"]
    words += ["--quiet", "--threads", "1", "--surface", "closed"]
    subprocess.run([*words, "-o", str(tmp_path / "a.ply"), "--workers", "1"], check=True)
    killed = subprocess.Popen([*words, "-o", str(tmp_path / "b.ply"), "--workers", "2", "--work", str(tmp_path / "work")])
    while len(list((tmp_path / "work").glob("tile-*.json"))) < 1 and killed.poll() is None:
        time.sleep(0.1)
    killed.kill()
    killed.wait()
    done = len(list((tmp_path / "work").glob("tile-*.json")))
    assert 1 <= done < 4 and not (tmp_path / "b.ply").exists()
    subprocess.run([*words, "-o", str(tmp_path / "b.ply"), "--workers", "2", "--work", str(tmp_path / "work")], check=True)
    assert (tmp_path / "a.ply").read_bytes() == (tmp_path / "b.ply").read_bytes()
    assert not list(tmp_path.glob(".a.ply.tiles"))  # its own work folder goes
