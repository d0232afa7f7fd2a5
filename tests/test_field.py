"""The field's guarantees: 1-Lipschitz, certified values and distances, and files that cannot lie."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
import trimesh
from safetensors import safe_open
from safetensors.torch import save_file
from scipy.spatial import cKDTree
from shapes import box_distance, box_points, torus_points

from sdfshape.errors import EmptySurfaceError, FieldFileError, InputError, OutputError
from sdfshape.extract import extract_mesh
from sdfshape.extract.mesh import field_grid
from sdfshape.field import SignedDistanceField, load_field
from sdfshape.field.signed_distance import CHUNK, measured_float32_error
from sdfshape.frame import Frame
from sdfshape.lipschitz import Boxes, Layers, certify, split_boxes
from sdfshape.lipschitz.stack import StackParameters

SCALE, CENTRE = 12.5, (100.0, -40.0, 7.0)


pytestmark = pytest.mark.usefixtures("one_thread")


@cache
def random_field(k: int = 1, seed: int = 0) -> SignedDistanceField:
    """Untrained, certified; its zero set runs through the middle of every box. World lengths are 12.5 unit ones."""
    boxes = split_boxes(torus_points(2000), k)
    layers = StackParameters.random(k, 5, 16, torch.Generator().manual_seed(seed)).layers(3)
    layers = certify(layers.lowered(layers(torch.zeros(k, 1, 3))[:, 0]))
    return SignedDistanceField(layers, boxes, Frame(CENTRE, SCALE), measured_float32_error(layers, boxes), {"made": "here", "seed": seed})


@cache
def box_field(half: float = 0.5) -> SignedDistanceField:
    """A network that says -9 everywhere: f is the distance to its box, known in closed form."""
    layers = Layers((torch.zeros(1, 4, 3), torch.zeros(1, 1, 4)), (torch.zeros(1, 1, 4), torch.full((1, 1, 1), -9.0)), "absolute")
    corner = torch.tensor([[half, 0.375, 0.25]])
    return SignedDistanceField(layers, Boxes(-corner, corner), Frame(CENTRE, SCALE), 1e-6)


def places(count: int, seed: int = 0, reach: float = 1.2, frame: Frame | None = None) -> np.ndarray:
    """World units, in and around the domain."""
    return (frame or random_field().frame).to_world(np.random.default_rng(seed).uniform(-reach, reach, (count, 3)))


def far_and_near_pairs(count: int, seed: int, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    x, y = places(count, seed, frame=frame), places(count, seed + 1, frame=frame)
    return x, x + (y - x) * np.random.default_rng(seed).permutation(np.logspace(-5, 0, count))[:, None]


def excess(field: SignedDistanceField, count: int, seed: int = 0) -> float:
    """Largest |f(x) - f(y)| - |x - y|, world units."""
    x, y = far_and_near_pairs(count, seed, field.frame)
    return float((np.abs(field(x) - field(y)) - np.linalg.norm(x - y, axis=1)).max())


# --- Lipschitz


@pytest.mark.parametrize("k", [1, 4])
def test_field_is_1_lipschitz_beyond_float32(k):
    field = random_field(k)
    assert field.network_bound <= 1 and field.lipschitz_bound == 1
    assert excess(field, 100_000) <= 2 * field.float32_error
    assert field.float32_error < 1e-4 * SCALE


@pytest.mark.slow
def test_field_is_1_lipschitz_on_ten_million_pairs():
    field = random_field(4)
    assert max(excess(field, 1_000_000, seed) for seed in range(10)) <= 2 * field.float32_error


def test_stated_float32_error_holds_at_other_places():
    for k in (1, 4):
        field = random_field(k)
        x = np.random.default_rng(77).uniform(-1, 1, (50_000, 3))
        seen = np.abs(field.evaluate_unit(x) - field.evaluate_unit(x, torch.float64)).max()
        assert 0 < seen < field.float32_error_unit < 20 * seen


def test_a_field_with_a_shouting_network_says_so():
    first, last = torch.eye(4)[None, :, :3].contiguous(), torch.tensor([[[1.5, 0, 0, 0]]])
    layers = Layers((first, last), (torch.zeros(1, 1, 4), torch.full((1, 1, 1), -0.3)), "absolute")  # 1.5 |u_1| - 0.3
    field = SignedDistanceField(layers, random_field().boxes, random_field().frame, 1e-6)
    assert field.lipschitz_bound == field.network_bound == pytest.approx(1.5, rel=1e-9)
    assert excess(field, 20_000) > 0.01 * SCALE  # so the test above can fail


# --- values


def in_longdouble(field: SignedDistanceField, x: np.ndarray) -> np.ndarray:
    """f with 64-bit mantissas, network by network, point by point."""
    big = np.longdouble
    lo, hi = (c.numpy().astype(big) for c in (field.boxes.lo, field.boxes.hi))
    centre, scale = (lo + hi) / 2, (hi - lo).max(axis=1) / big("1.6")
    unit = (x.astype(big) - np.array(field.frame.centre, big)) / big(field.frame.scale)
    parts = []
    for k in range(len(lo)):
        h, last = (unit - centre[k]) / scale[k], len(field.layers.matrices) - 1
        for j, (w, b) in enumerate(zip(field.layers.matrices, field.layers.biases, strict=True)):
            h = h @ w[k].numpy().astype(big).T + b[k].numpy().astype(big)
            h = np.abs(h) if j < last else h
        q = np.maximum(lo[k] - unit, unit - hi[k])
        box = np.sqrt((np.maximum(q, 0) ** 2).sum(axis=1)) + np.minimum(q.max(axis=1), 0)
        share, width = field.boxes.ramp[k].numpy().astype(big)
        parts.append(np.maximum((1 - share) * h[:, 0] * scale[k] + share * np.maximum(box + width, 0), box))
    values = np.min(parts, axis=0)
    centres = field.far.centres.data.astype(big)
    far = np.array([np.sqrt(((centres - place) ** 2).sum(axis=1)).min() for place in unit]) - big(field.far.radius)
    return np.copysign(np.maximum(np.abs(values), far), values) * big(field.frame.scale)


@pytest.mark.parametrize("k", [1, 4])
def test_certified_error_holds_against_longer_numbers(k):
    assert np.finfo(np.longdouble).nmant > 60, "this test needs 80-bit numbers"
    field, x = random_field(k), places(50)
    values, error = field.certified(x)
    off = np.abs(values - in_longdouble(field, x)).max()
    assert 0 < off <= error < 1e-8 * SCALE


def test_certified_error_grows_with_far_points_and_none_have_none():
    field = random_field()
    near, far = field.certified(places(10))[1], field.certified(places(10) + 1e6)[1]
    assert near < far < 1e-3
    values, error = field.certified(np.zeros((0, 3)))
    assert values.shape == (0,) and error == 0


def test_plain_values_are_certified_values_up_to_float32():
    field, x = random_field(4), places(2000, reach=1)
    assert np.abs(field(x) - field.certified(x)[0]).max() < field.float32_error


def test_a_network_that_is_inside_everywhere_leaves_the_box():
    field, x = box_field(), places(2000)
    truth = SCALE * box_distance((x - CENTRE) / SCALE, (0.5, 0.375, 0.25))
    assert np.abs(field.certified(x)[0] - truth).max() < 1e-12 * 100
    assert np.abs(field(x) - truth).max() < 1e-5 * SCALE


def test_values_scale_with_the_frame_and_gradients_do_not():
    field = random_field(4)
    larger = SignedDistanceField(field.layers, field.boxes, Frame((0.0, 0.0, 0.0), 3 * SCALE), field.float32_error_unit)
    unit = np.random.default_rng(0).uniform(-1, 1, (1000, 3))
    x, y = field.frame.to_world(unit), larger.frame.to_world(unit)
    assert np.allclose(larger.certified(y)[0], 3 * field.certified(x)[0], atol=1e-9)
    assert (np.linalg.norm(larger.gradient(y) - field.gradient(x), axis=1) < 1e-4).mean() > 0.995


@pytest.mark.parametrize("k", [1, 4])
def test_gradients_are_finite_differences_and_at_most_1(k):
    field, x, h = random_field(k), places(1000, reach=1), 1e-5 * SCALE
    truth = np.stack([(field.certified(x + h * e)[0] - field.certified(x - h * e)[0]) / (2 * h) for e in np.eye(3)], -1)
    gradient = field.gradient(x)
    off = np.linalg.norm(gradient - truth, axis=1)
    assert (off < 1e-3).mean() > 0.98  # elsewhere a fold lies within h
    assert np.linalg.norm(gradient, axis=1).max() <= 1 + 1e-5
    values, unit_gradient = field.value_and_gradient_unit(field.frame.to_unit(x))
    assert np.allclose(values, field.evaluate_unit(field.frame.to_unit(x)), atol=1e-6) and np.array_equal(unit_gradient, gradient)


def test_values_do_not_depend_on_the_chunks():
    field, x = random_field(), places(CHUNK + 1000)
    assert np.allclose(field(x)[CHUNK - 50 : CHUNK + 50], field(x[CHUNK - 50 : CHUNK + 50]), atol=field.float32_error)
    assert field(np.zeros((0, 3))).shape == (0,)


def test_queries_must_be_points():
    with pytest.raises(InputError, match=r"points must be \(n, 3\), got shape \(3,\)"):
        random_field()(np.zeros(3))
    for query in (random_field(), random_field().gradient, random_field().certified, random_field().distance_interval):
        with pytest.raises(InputError, match="points must be finite"):
            query(np.array([[np.nan, 0, 0]]))
    with pytest.raises(InputError, match="hi must be finite"):
        random_field().clearance_box(np.zeros(3), np.full(3, np.inf))


def test_places_beyond_all_digits_are_refused():
    with pytest.raises(InputError, match="to be certified"):
        random_field().certified(np.array([[1e200, 0, 0]]))


# --- certified queries


@pytest.mark.parametrize("k", [1, 4])
def test_lower_distance_is_below_the_distance_to_the_surface(k):
    field, x = random_field(k), places(500)
    mesh = extract_mesh(field, resolution=40, dense=True).mesh
    lower, upper = field.distance_interval(x)
    cell = SCALE * field_grid(field, 40).spacing  # every vertex is on an edge that the surface cuts
    assert (lower <= cKDTree(mesh.vertices).query(x)[0] + cell).all()
    assert (lower <= upper).all() and np.isfinite(upper).mean() > 0.7


def test_distance_interval_holds_the_known_distance_of_a_box():
    field, x = box_field(), places(2000)
    truth = np.abs(SCALE * box_distance((x - CENTRE) / SCALE, (0.5, 0.375, 0.25)))
    lower, upper = field.distance_interval(x)
    assert (lower <= truth).all() and (truth <= upper).all()
    outside = field(x) > 0
    assert np.allclose(lower, truth, rtol=1e-9, atol=1e-9)
    assert (upper[outside] - truth[outside] < 0.01 * SCALE).all()


def test_upper_distance_is_infinite_where_no_other_sign_was_found():
    field = box_field()
    solid = SignedDistanceField(field.layers.lowered(torch.tensor([-20.0])), field.boxes, field.frame, 1e-6)  # +11 everywhere
    lower, upper = solid.distance_interval(places(20))
    assert np.isinf(upper).all() and (lower > 0).all()


@pytest.mark.parametrize("k", [1, 4])
def test_clearance_holds_all_over_its_box(k):
    field, rng = random_field(k), np.random.default_rng(0)
    lo = places(100)
    hi = lo + rng.uniform(0, 0.5 * SCALE, (100, 3))
    bound = field.clearance_box(lo, hi)
    inside = lo + rng.uniform(0, 1, (200, 100, 3)) * (hi - lo)
    f, error = field.certified(inside.reshape(-1, 3))
    assert (f.reshape(200, 100) >= bound - error).all()
    assert field.clearance_box(lo[3], hi[3]) == pytest.approx(bound[3]) and isinstance(field.clearance_box(lo[3], hi[3]), float)
    point = field.clearance_box(lo, lo)
    assert np.allclose(point, field.certified(lo)[0], atol=1e-6)  # a box of no size loses nothing


def test_distance_to_the_scan_is_a_bound_and_needs_a_scan():
    field, scan = random_field(4), places(300, seed=9, reach=0.5)
    with pytest.raises(InputError, match="must know its scan"):
        field.scan_distance_lower(scan)
    highest, error = field.certified(scan)
    known = replace(field, info=field.info | {"scan_highest": float(highest.max()) + error})
    x = places(5000)
    lower, truth = known.scan_distance_lower(x), cKDTree(scan).query(x)[0]
    assert (lower <= truth).all() and lower.max() > 0.1 * SCALE
    lying = replace(field, info=field.info | {"scan_highest": float(highest.min())})
    assert (lying.scan_distance_lower(scan) > 0).any()  # so the test above can fail


# --- extraction of fields


def test_a_level_of_a_box_has_the_volume_of_steiner():
    field = box_field()
    a, b, c = 2 * SCALE * np.array([0.5, 0.375, 0.25])
    for r in (0.0, 0.1 * SCALE):
        mesh = extract_mesh(field, resolution=90, iso=r).mesh
        shape = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        steiner = a * b * c + 2 * (a * b + b * c + c * a) * r + np.pi * (a + b + c) * r**2 + 4 / 3 * np.pi * r**3
        assert shape.is_watertight and shape.volume == pytest.approx(steiner, rel=5e-3)
        assert np.allclose(mesh.bounds.mean(axis=0), CENTRE, atol=1e-6 * SCALE)


@pytest.mark.parametrize("k", [1, 4])
def test_pruned_extraction_of_a_network_is_the_dense_one(k):
    field = random_field(k)
    pruned, dense = extract_mesh(field, resolution=37), extract_mesh(field, resolution=37, dense=True)
    assert pruned.evaluations != dense.evaluations and pruned.dense_evaluations == dense.evaluations == dense.dense_evaluations
    assert len(pruned.mesh.faces) == len(dense.mesh.faces)
    assert np.abs(pruned.mesh.vertices - dense.mesh.vertices).max() < 1e-3 * SCALE  # batches of other sizes round otherwise
    shape = trimesh.Trimesh(pruned.mesh.vertices, pruned.mesh.faces, process=False)
    assert shape.is_watertight and shape.volume > 0


def test_extraction_refuses_what_it_cannot_do():
    field = box_field()
    with pytest.raises(EmptySurfaceError, match=r"iso must be within the field's range, -.* to .* around the scan, got -5"):
        extract_mesh(field, resolution=20, iso=-5.0)
    with pytest.raises(EmptySurfaceError, match="got 1000"):
        extract_mesh(field, resolution=20, iso=1000.0)
    for resolution, dense, most in ((7, False, 2048), (2049, False, 2048), (513, True, 512)):
        with pytest.raises(InputError, match=f"resolution must be 8 to {most} cells, got {resolution}"):
            extract_mesh(field, resolution=resolution, dense=dense)
    with pytest.raises(InputError, match="iso must be a finite length"):
        extract_mesh(field, resolution=20, iso=float("nan"))


# --- files


def rewrite(path, target, *, header=None, tensors=None):
    """A copy of a field file with some header entries or tensors changed (None: left out)."""
    with safe_open(str(path), framework="pt") as file:
        old_header, old = json.loads(file.metadata()["sdfshape"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    new = {k: v for k, v in {**old, **(tensors or {})}.items() if v is not None}
    head = {k: v for k, v in {**old_header, **(header or {})}.items() if v is not None}
    save_file({k: v.contiguous() for k, v in new.items()}, str(target), {"sdfshape": json.dumps(head, sort_keys=True)})
    return target


@pytest.fixture
def saved(tmp_path):
    random_field(2).save(tmp_path / "field.sdf")
    return tmp_path / "field.sdf"


def test_round_trip_keeps_values_header_and_bytes(saved, tmp_path):
    field, loaded, x = random_field(2), load_field(saved), places(1000)
    assert np.array_equal(loaded(x), field(x)) and np.array_equal(loaded.certified(x)[0], field.certified(x)[0])
    assert (loaded.frame, loaded.float32_error_unit, loaded.info) == (field.frame, field.float32_error_unit, field.info)
    assert loaded.network_bound == field.network_bound
    field.save(tmp_path / "again.sdf")
    loaded.save(tmp_path / "loaded.sdf")
    assert saved.read_bytes() == (tmp_path / "again.sdf").read_bytes() == (tmp_path / "loaded.sdf").read_bytes()


def test_a_field_is_not_overwritten_by_accident(saved):
    before = saved.read_bytes()
    with pytest.raises(OutputError):
        random_field(1).save(saved)
    assert saved.read_bytes() == before
    random_field(1).save(saved, overwrite=True)
    assert load_field(saved).parameters == random_field(1).parameters


def refused(path, law):
    with pytest.raises(FieldFileError, match=law) as caught:
        load_field(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("name", ["matrix_1", "matrix_5"])
def test_louder_weights_are_refused(saved, tmp_path, name):
    w = dict(zip([f"matrix_{j}" for j in range(6)], random_field(2).layers.matrices, strict=True))[name]
    refused(rewrite(saved, tmp_path / "loud.sdf", tensors={name: 1.01 * w}), "weights must be 1-Lipschitz")


def test_quieter_weights_are_refused_because_they_are_not_the_stated_ones(saved, tmp_path):
    w = random_field(2).layers.matrices[1]
    refused(rewrite(saved, tmp_path / "quiet.sdf", tensors={"matrix_1": 0.99 * w}), "the certificate must fit the weights")


def test_a_file_that_stops_early_is_refused(saved, tmp_path):
    data, cut = saved.read_bytes(), tmp_path / "cut.sdf"
    for length in (0, 1, 7, 8, 100, len(data) // 2, len(data) - 1):
        cut.write_bytes(data[:length])
        refused(cut, "must be a .sdf that `reconstruct --model` wrote")


def test_garbage_foreign_and_missing_files_are_refused(tmp_path):
    garbage, foreign, other = tmp_path / "garbage.sdf", tmp_path / "foreign.sdf", tmp_path / "other.sdf"
    garbage.write_bytes(np.random.default_rng(0).bytes(5000))
    refused(garbage, "must be a .sdf that `reconstruct --model` wrote")
    save_file({"weight": torch.ones(3)}, str(foreign))
    refused(foreign, "must be a .sdf that `reconstruct --model` wrote")
    save_file({"weight": torch.ones(3)}, str(other), {"sdfshape": json.dumps({"format": "another"})})
    refused(other, "must say 'sdfshape field'")
    save_file({"weight": torch.ones(3)}, str(other), {"sdfshape": "[" * 100_000})
    refused(other, "must be a .sdf that `reconstruct --model` wrote")
    refused(tmp_path / "none.sdf", "there is none of this name")
    refused(tmp_path, "there is none of this name")


NAN = float("nan")


@pytest.mark.parametrize(
    ("change", "law"),
    [
        ({"header": {"version": 3}}, "version must be at most 2, the file has 3"),
        ({"header": {"layers": None}}, "must have all its parts"),
        ({"header": {"layers": "many"}}, "must have all its parts"),
        ({"header": {"layers": 5}}, "damaged"),
        ({"header": {"layers": 7}}, "must have all its parts"),
        ({"header": {"layers": float("inf")}}, "must|damaged"),
        ({"header": {"activation": "relu"}}, "damaged"),
        ({"header": {"scale": 0.0}}, "damaged"),
        ({"header": {"scale": -1.0}}, "damaged"),
        ({"header": {"scale": NAN}}, "damaged"),
        ({"header": {"scale": 10**400}}, "must|damaged"),
        ({"header": {"centre": [0.0, NAN, 0.0]}}, "damaged"),
        ({"header": {"centre": [0.0, 1.0]}}, "must|damaged"),
        ({"header": {"centre": 3}}, "must have all its parts"),
        ({"header": {"lipschitz_bound": 0.5}}, "the certificate must fit"),
        ({"header": {"lipschitz_bound": NAN}}, "certificate"),
        ({"header": {"float32_error_estimate_unit": NAN}}, "must|damaged"),
        ({"header": {"float32_error_estimate_unit": -1.0}}, "must|damaged"),
        ({"header": {"info": [1]}}, "must have all its parts"),
        ({"tensors": {"matrix_2": torch.full((2, 16, 16), NAN)}}, "damaged"),
        ({"tensors": {"bias_2": torch.full((2, 1, 16), float("inf"))}}, "damaged"),
        ({"tensors": {"bias_2": torch.zeros(2, 1, 15)}}, "damaged"),
        ({"tensors": {"matrix_2": torch.zeros(2, 16, 15)}}, "damaged"),
        ({"tensors": {"matrix_2": torch.zeros(1, 16, 16)}}, "damaged"),
        ({"tensors": {"matrix_2": torch.zeros(2, 16, 16, dtype=torch.float64)}}, "damaged"),
        ({"tensors": {"matrix_2": torch.tensor(1.0)}}, "damaged"),
        ({"tensors": {"matrix_2": None}}, "must have all its parts"),
        ({"tensors": {"box_lo": torch.ones(2, 3)}}, "damaged"),
        ({"tensors": {"box_lo": torch.zeros(0, 3), "box_hi": torch.zeros(0, 3)}}, "damaged"),
        ({"tensors": {"box_lo": torch.tensor(0.0)}}, "damaged"),
        ({"tensors": {"box_ramp": None}}, "must have all its parts"),
        ({"tensors": {"box_ramp": torch.zeros(1, 2)}}, "damaged"),
        ({"tensors": {"box_ramp": torch.tensor([[0.1, -0.1], [0.1, 0.1]])}}, "damaged"),
        ({"tensors": {"box_ramp": torch.tensor([[1.0, 0.1], [0.1, 0.1]])}}, "damaged"),
        ({"tensors": {"box_ramp": torch.full((2, 2), NAN)}}, "damaged"),
    ],
)
def test_a_damaged_part_is_refused_in_one_line(saved, tmp_path, change, law):
    refused(rewrite(saved, tmp_path / "changed.sdf", **change), law)


def test_a_file_of_the_first_version_has_no_ramps(saved, tmp_path):
    old = load_field(rewrite(saved, tmp_path / "old.sdf", header={"version": 1}, tensors={"box_ramp": None}))
    new = random_field(2)
    assert (old.boxes.ramp == 0).all() and (new.boxes.ramp > 0).all() and not np.array_equal(old(places(100)), new(places(100)))
    old.save(tmp_path / "again.sdf")
    assert np.array_equal(load_field(tmp_path / "again.sdf")(places(100)), old(places(100)))


def test_an_unchanged_rewrite_is_accepted(saved, tmp_path):
    assert load_field(rewrite(saved, tmp_path / "same.sdf")).network_bound <= 1  # so what is refused above is the change


def test_boxes_of_the_field_hold_its_inside():
    field = random_field(4)
    x = field.frame.to_world(box_points(5000) * 1.3)
    inside = field(x) < 0
    local = torch.as_tensor(field.frame.to_unit(x))
    assert (field.boxes.distance(local).amin(dim=0).numpy()[inside] < 0).all()
