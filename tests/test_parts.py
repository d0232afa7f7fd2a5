"""Parts never overlap, their meshes never touch, and their distances are proven."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from shapes import box_points, directions, sphere_points
from test_field import CENTRE, SCALE, box_field

from sdfshape import Mesh, PointCloud, read_mesh, read_points
from sdfshape.classifier import ClassifierConfig, SignedDistanceClassifier, fit_classifier
from sdfshape.errors import FieldFileError, InputError
from sdfshape.evaluate.metrics import signed_distances_to_mesh
from sdfshape.extract import extract_mesh
from sdfshape.extract.components import is_watertight
from sdfshape.field import load_field
from sdfshape.lipschitz import Layers
from sdfshape.parts import Parts, load_parts, reconstruct_parts
from sdfshape.parts.meshes import PartMesh, on_own_side
from sdfshape.parts.places import labelled_places, some_of_each
from sdfshape.parts.report import tell_parts
from sdfshape.parts.scene import part_colors

pytestmark = pytest.mark.usefixtures("one_thread")
TINY = ClassifierConfig(width=16, depth=2, steps=120, batch=512, margin=0.03)


def thirds(x: np.ndarray) -> np.ndarray:
    """Labels 3, 5 and 8, by the angle around z, in unit coordinates."""
    angle = np.mod(np.arctan2(x[:, 1], x[:, 0]), 2 * np.pi)
    return np.array([3, 5, 8])[np.floor(3 * angle / (2 * np.pi) - 1e-12).astype(int).clip(0)]


@pytest.fixture(scope="module")
def parts() -> Parts:
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 3))
    return Parts(box_field(), fit_classifier(x, thirds(x), config=TINY), gap=0.02 * SCALE)


def halves(offset: float = 0.0) -> SignedDistanceClassifier:
    """g_1 - g_0 = x - offset: known in closed form."""
    first, last = torch.eye(4)[None, :, :3].contiguous(), torch.tensor([[[-0.5, 0, 0, 0], [0.5, 0, 0, 0]]])
    shift = torch.tensor([[[9.0, 9, 9, 9]]])  # so that |.| does nothing
    return SignedDistanceClassifier(
        Layers((first, last), (shift, torch.tensor([[[0, -9.0 - offset]]]) + 4.5), "absolute"), np.array([0, 1])
    )


def everywhere(count: int, reach: float = 0.7, seed: int = 0) -> np.ndarray:
    return np.array(CENTRE) + SCALE * np.random.default_rng(seed).uniform(-reach, reach, (count, 3))


# --- fields


def test_parts_of_a_box_cut_in_halves_are_boxes():
    """The distance to each half, in closed form, up to the edges where a maximum of distances is less than the distance."""
    parts = Parts(box_field(), replace_bias(halves(), 0.0), gap=0.1 * SCALE)
    x = everywhere(4000)
    u = (x - np.array(CENTRE)) / SCALE
    solid = box_field()(x) / SCALE
    for k, side in ((0, u[:, 0]), (1, -u[:, 0])):
        want = np.maximum(solid, side + 0.05)
        for values in (parts[k](x), parts[k].certified(x)[0], parts[k].value_and_gradient(x)[0]):
            assert np.abs(values / SCALE - want).max() < 1e-5
        gradient = parts[k].gradient(x)
        cut = want > solid
        assert np.allclose(gradient[cut], [1 - 2 * k, 0, 0], atol=1e-6)


def replace_bias(classifier: SignedDistanceClassifier, at: float) -> SignedDistanceClassifier:
    """The same with g_1 - g_0 = 0 at x = at."""
    layers = classifier.layers
    scores = classifier.scores(np.array([[at, 0.0, 0.0]]))[0]
    bias = layers.biases[-1] - torch.as_tensor(scores)[None, None]
    return SignedDistanceClassifier(Layers(layers.matrices, (*layers.biases[:-1], bias), layers.activation), classifier.classes)


def test_no_place_is_in_two_parts(parts):
    x = everywhere(60_000)
    values = np.stack([parts[label].certified(x)[0] for label in parts.labels], axis=1)
    solid = parts.solid.certified(x)[0]
    assert ((values < 0).sum(axis=1) <= 1).all() and (values >= solid[:, None]).all()
    assert ((values < 0).sum(axis=1) == 0)[solid < 0].any()  # the gap
    shut = replace(parts, gap=0.0)
    inside = np.stack([shut[label].certified(x)[0] < 0 for label in shut.labels], axis=1).sum(axis=1)
    assert (inside[solid < 0] == 1).mean() > 0.999 and inside.max() == 1


def test_part_fields_are_lipschitz_and_their_float32_error_holds(parts):
    rng = np.random.default_rng(1)
    for label in parts.labels:
        field, x = parts[label], everywhere(20_000, seed=label)
        y = x + SCALE * rng.normal(size=x.shape) * np.geomspace(1e-4, 1, len(x))[:, None]
        (a, error), (b, _) = field.certified(x), field.certified(y)
        assert ((np.abs(a - b) - 2 * error) <= field.lipschitz_bound * np.linalg.norm(x - y, axis=1)).all()
        assert np.abs(field(x) - a).max() <= field.float32_error < 1e-3 * SCALE
        assert np.abs(field.evaluate_unit(field.frame.to_unit(x)) * field.frame.scale - field(x)).max() <= 2 * field.float32_error
        lower, upper = field.distance_interval(x[:50])
        assert (lower <= upper).all() and (lower > 0).any()


def test_the_gap_keeps_parts_that_far_apart(parts):
    """Places of {p_j <= 0} and {p_k <= 0} are nowhere nearer to each other than gap / L; the mesh is off by a part of a cell."""
    wide = replace(parts, gap=0.12 * SCALE)
    meshes = {label: extract_mesh(wide[label], resolution=64).mesh for label in wide.labels}
    cell = np.ptp(wide.solid.bounds, axis=0).max() / 62
    assert wide.gap > 6 * cell
    for a, b in ((3, 5), (5, 8), (3, 8)):
        apart = min(np.abs(signed_distances_to_mesh(meshes[p].vertices, meshes[q])).min() for p, q in ((a, b), (b, a)))
        assert wide.gap - cell < apart < 1.5 * wide.gap


def test_labels_are_proven_around_a_place(parts):
    x = everywhere(300)
    x = np.concatenate([x, on_the_boundary(parts, x)])
    label, radius = parts.part_at(x), parts.certified_label_radius(x)
    for step in 0.999 * radius[:, None] * directions(20 * len(x)).reshape(20, -1, 3):
        assert (parts.part_at(x + step) == label).all()
    assert np.median(radius[:300]) > 0.05 * SCALE and radius[300:].max() < 1e-6 * SCALE
    with pytest.raises(InputError, match="must be within"):
        parts.part_at(np.full((1, 3), 1e30))


def on_the_boundary(parts: Parts, x: np.ndarray) -> np.ndarray:
    """Places between two labels, to the last digits, by bisection between neighbours of another label."""
    a, b = x, np.roll(x, 1, axis=0)
    differ = parts.part_at(a) != parts.part_at(b)
    a, b = a[differ], b[differ]
    own = parts.part_at(a)
    for _ in range(60):
        middle = (a + b) / 2
        same = (parts.part_at(middle) == own)[:, None]
        a, b = np.where(same, middle, a), np.where(same, b, middle)
    return np.concatenate([a, b])


@pytest.mark.parametrize("share", [1.0, 0.2])
def test_a_mesh_on_its_own_side_is_known_however_small_the_gap(parts, share):
    """Also where the gap is less than a thousandth of the size, as at fine resolutions."""
    narrow = replace(parts, gap=0.002 * SCALE * share)
    corner = extract_mesh(replace(parts, gap=0.05 * SCALE)[5], resolution=32).mesh
    assert on_own_side(narrow[5], corner) and is_watertight(corner)
    assert not on_own_side(narrow[3], corner) and not on_own_side(replace(parts, gap=0.0)[5], corner)
    moved = replace(corner, vertices=corner.vertices + 0.3 * SCALE * np.array([1.0, 0, 0]))
    assert not all(on_own_side(narrow[5], m) for m in (moved, replace(corner, vertices=2 * corner.vertices - moved.vertices)))


def flat(x: float) -> Mesh:
    """A triangle parallel to the cut of the box in halves, at x in unit coordinates."""
    return Mesh(np.array(CENTRE) + SCALE * np.array([[x, -0.01, -0.01], [x, 0.01, -0.01], [x, 0.0, 0.01]]), [[0, 1, 2]])


def test_the_proof_follows_the_gap_and_what_is_not_proven_is_not_said():
    cut = replace_bias(halves(), 0.0)
    for gap in (0.1, 4e-4):  # the second is less than a thousandth of the size
        part = Parts(box_field(), cut, gap=gap * SCALE)[0]
        assert on_own_side(part, flat(-gap / 2)) and not on_own_side(part, flat(gap / 2))
        assert not on_own_side(part, flat(-0.002 * gap))  # true, but nearer to the cut than the proof looks


def test_no_mesh_is_said_to_stay_apart_beside_one_that_may_be_anywhere(parts):
    cloud = PointCloud(everywhere(200), labels=np.resize([3, 5, 8], 200))
    mesh = extract_mesh(parts[3], resolution=24).mesh
    for sides, apart in (((True, True, True), True), ((True, False, True), False)):
        report: dict = {"warnings": [], "seconds": {"total": 1.0}}
        tell_parts(
            report, parts, [PartMesh(k, mesh, side, 0) for k, side in zip((3, 5, 8), sides, strict=True)], cloud, {"train_parts": 2.0}
        )
        assert [each["proven_apart"] for each in report["parts"]["each"]] == [apart] * 3 and report["seconds"]["total"] == 3.0
        assert len(report["warnings"]) == (not apart) and all("part 5 may leave its side" in text for text in report["warnings"])


def test_the_report_names_parts_without_mesh_and_pieces_left_out(parts):
    cloud = PointCloud(everywhere(200), labels=np.resize([3, 5, 8], 200))
    mesh = extract_mesh(parts[3], resolution=24).mesh
    report: dict = {"warnings": [], "seconds": {"total": 1.0}}
    tell_parts(report, parts, [PartMesh(3, mesh, True, 2), PartMesh(5, None, True, 0), PartMesh(8, mesh, True, 0)], cloud, {})
    assert "2 pieces of part 3" in report["warnings"][0] and "part 5 has no inside" in report["warnings"][1]
    assert report["parts"]["each"][1]["mesh"] is None and report["parts"]["each"][0]["mesh"]["dropped_components"] == 2


# --- files


def test_a_file_keeps_the_parts_and_opens_as_the_solid(parts, tmp_path):
    path = tmp_path / "a.sdf"
    parts.save(path)
    loaded, x = load_parts(path), everywhere(500)
    assert loaded.labels == parts.labels == [3, 5, 8] and loaded.gap == parts.gap
    assert all(np.array_equal(loaded[k].certified(x)[0], parts[k].certified(x)[0]) for k in loaded.labels)
    assert np.array_equal(load_field(path)(x), parts.solid(x))
    loaded.save(tmp_path / "b.sdf")
    assert (tmp_path / "b.sdf").read_bytes() == path.read_bytes()


def test_damaged_parts_are_refused(parts, tmp_path):
    from safetensors.torch import load, save

    path = tmp_path / "a.sdf"
    parts.save(path)
    tensors = load(path.read_bytes())
    size = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + size])["__metadata__"]["sdfshape"]

    def rewritten(change: dict, **facts) -> str:
        told = json.loads(header)
        told["parts"] |= facts
        path.write_bytes(save(tensors | change, {"sdfshape": json.dumps(told)}))
        with pytest.raises(FieldFileError) as error:
            load_parts(path)
        return str(error.value)

    head = f"part_matrix_{TINY.depth}"
    assert "1-Lipschitz" in rewritten({head: 1.01 * tensors[head]})
    assert "certificate must fit" in rewritten({head: 0.9 * tensors[head]})
    assert "rising labels" in rewritten({"classes": tensors["classes"].flip(0)})
    assert "rising labels" in rewritten({"classes": tensors["classes"][:2].clone()})
    assert "rising labels" in rewritten({head: torch.nan * tensors[head]})
    assert "gap between parts" in rewritten({}, gap=-1.0)
    assert "missing or wrong" in rewritten({}, layers=99)
    parts.solid.save(path, overwrite=True)
    with pytest.raises(FieldFileError, match="--labels COLUMN"):
        load_parts(path)


# --- places to learn from


def test_room_is_never_more_than_the_distance_to_another_label():
    x = sphere_points(500)
    y = thirds(x)
    given = labelled_places(x, y, 0.05, np.random.default_rng(0), count=3000)
    for step in (0.999 * given.room[:, None] * directions(10 * len(given.room)).reshape(10, -1, 3)).copy():
        there = given.places + step
        nearest = y[np.linalg.norm(there[:, None] - x, axis=2).argmin(axis=1)]
        assert (nearest == given.labels).all()
    assert given.room.min() >= 0 and np.isin(given.labels, y).all()


def test_points_listed_under_two_labels_teach_both():
    x = np.tile(sphere_points(30), (2, 1))
    given = labelled_places(x, np.repeat([4, 2], 30), 0.05, np.random.default_rng(0), count=100)
    assert set(given.labels[-60:]) == {2, 4} and (given.labels[-60:] == np.repeat([4, 2], 30)).all()


def test_some_of_each_keeps_small_parts():
    labels = np.repeat([0, 1, 2], [90_000, 9_970, 30])
    rows = some_of_each(labels, 3000, np.random.default_rng(0))
    counts = np.bincount(labels[rows])
    assert 2900 < counts.sum() < 3200 and counts[2] == 30 and (np.diff(rows) > 0).all()
    assert np.array_equal(some_of_each(labels, 10**6, np.random.default_rng(0)), np.arange(100_000))


def test_small_parts_are_heard():
    x = sphere_points(4000)
    few = labelled_places(x, (x[:, 2] > 0.686).astype(int), 0.05, np.random.default_rng(0), count=20_000)
    assert 0.05 < few.labels.mean() < 0.5  # .01 of the points


def test_colors_are_distinct():
    colors = part_colors(16).astype(int)
    assert np.abs(colors[:, None] - colors[None]).sum(axis=2)[~np.eye(16, dtype=bool)].min() > 20


# --- the whole way


@pytest.mark.parametrize(
    ("labels", "law"),
    [
        (None, "must have labels"),
        (np.zeros(400, int), "2 parts at least"),
        ((np.arange(400) < 5).astype(int), "20 points at least, label 1 has 5"),
        (np.arange(400) // 4, "64 parts at most, the labels name 100"),
    ],
)
def test_clouds_that_cannot_be_cut_are_refused(labels, law):
    with pytest.raises(InputError, match=law):
        reconstruct_parts(PointCloud(sphere_points(400), labels=labels))


@pytest.mark.parametrize("gap", [-1.0, np.inf, np.nan])
def test_a_gap_that_is_no_length_is_refused_before_the_work(gap):
    with pytest.raises(InputError, match="gap between parts"):
        reconstruct_parts(PointCloud(sphere_points(400), labels=np.arange(400) % 2), gap=gap)


def test_parts_at_another_level_are_refused():
    with pytest.raises(InputError, match="iso must be 0"):
        reconstruct_parts(PointCloud(sphere_points(400), labels=np.arange(400) % 2), iso=0.1)


def run(*words: object) -> int:
    return subprocess.run([sys.executable, "-m", "sdfshape", *map(str, words)], capture_output=True).returncode


@pytest.mark.slow
def test_a_labelled_box_becomes_watertight_parts(tmp_path):
    x = box_points(4000)
    table = tmp_path / "box.csv"
    np.savetxt(table, np.column_stack([10 * x + 5, thirds(x)]), delimiter=",", header="x,y,z,which", comments="", fmt="%.6f,%.6f,%.6f,%d")
    mesh, field = tmp_path / "box.obj", tmp_path / "box.sdf"
    command = ["reconstruct", str(table), "-o", str(mesh), "--labels", "which", "--model", str(field), "--preset", "fast", "-q"]
    assert run(*command, "--resolution", "100", "--report", str(tmp_path / "r.json")) == 0
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["parts"]["right"] > 0.98 and report["parts"]["lipschitz_bound"] <= 1
    volume = 0.0
    for part in report["parts"]["each"]:
        one = read_mesh(tmp_path / f"box-part-{part['label']}.obj")
        assert is_watertight(one) and part["proven_apart"] and part["mesh"]["components"] == 1
        volume += part["mesh"]["volume"]
    assert 0.9 * report["mesh"]["volume"] < volume < report["mesh"]["volume"]
    assert len(read_mesh(tmp_path / "box-parts.glb").colors) > 0 and read_points(mesh).points.min() > -4
    assert run("extract", str(field), "-o", str(tmp_path / "five.ply"), "--part", "5", "--resolution", "60", "-q") == 0
    assert is_watertight(read_mesh(tmp_path / "five.ply"))
    assert run("query", str(field), str(table), "-o", str(tmp_path / "q.csv"), "--part", "5", "-q", "--tightness", "0") == 0
    assert run(*command, "--overwrite", "--part-gap", "-1") == 1


@pytest.mark.slow
def test_the_parts_of_a_real_scan(shared_data):
    folder = shared_data / "labelled" / "partnet_7179_microwave"
    cloud = PointCloud(np.loadtxt(folder / "pts-10000.txt"), labels=np.loadtxt(folder / "label-10000.txt", dtype=int))
    made = reconstruct_parts(cloud, preset="fast", resolution=150)
    assert len(made.meshes) == 11 and all(p.mesh and is_watertight(p.mesh) and p.own_side for p in made.meshes)
    assert made.whole.report["parts"]["right"] > 0.97
    assert made.whole.report["surface"]["kind"] == "open"  # its trays are inside: as a solid they would be swallowed


def test_negative_labels_are_of_no_part():
    from sdfshape.parts.labelled import labelled_rows

    labels = np.resize([-1, 3, 4], 300)
    assert np.array_equal(labelled_rows(PointCloud(sphere_points(300), labels=labels)), labels >= 0)
    with pytest.raises(InputError, match="the only label is 3"):
        labelled_rows(PointCloud(sphere_points(300), labels=np.minimum(labels, 3) * (labels != 4) - (labels == 4)))


def test_parts_say_what_they_are(parts):
    assert repr(parts).startswith("Parts(3, 5, 8; gap") and list(parts) == [3, 5, 8] and len(parts) == 3
    with pytest.raises(InputError, match="must be one of 3, 5, 8, got 4"):
        parts[4]
