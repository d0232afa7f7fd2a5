"""The other methods do what their papers say, on shapes of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from shapes import icosphere, sphere_distance, sphere_points

from sdfshape import PointCloud, extract_mesh
from sdfshape.baselines import (
    AutoDecoder,
    Budget,
    DeepSDFConfig,
    ScoreField,
    alpha_shape,
    ball_pivoting,
    extract_level,
    fit_deep_sdf,
    fit_igr,
    fit_isolation_forest,
    fit_one_class_svm,
    fit_siren,
    fit_sll,
    supervision_of_cloud,
    supervision_of_mesh,
)
from sdfshape.baselines.deep_sdf import clamped_l1
from sdfshape.baselines.implicit import _sign
from sdfshape.baselines.networks import DeepSDFNet, SirenNet, SLLNet, SoftplusNet
from sdfshape.errors import EmptySurfaceError, InputError
from sdfshape.extract.components import is_watertight
from sdfshape.frame import Frame
from sdfshape.render import camera_for
from sdfshape.types import Mesh

UNIT = Frame((0.0, 0.0, 0.0), 1.0)
FAR = np.array([4e5, 5e6, 100.0])
SMALL = DeepSDFConfig(width=32, depth=4, batch=512, rate=5e-3, latent=4, code_rate=1e-2)
BALL = icosphere(0.5, subdivisions=4)


def ball_field(radius: float = 0.5) -> ScoreField:
    return ScoreField(lambda x: sphere_distance(x, radius), Frame((1.0, 2.0, 3.0), 10.0), True, 0)


# --- fields of which nothing is proven


@pytest.mark.parametrize("dense", [True, False])
def test_a_level_is_extracted_in_world_units(dense):
    mesh = extract_level(ball_field(), resolution=48, level=0.1, dense=dense)
    assert is_watertight(mesh)
    assert np.abs(np.linalg.norm(mesh.vertices - (1, 2, 3), axis=1) - 6.0).max() < 0.02


def test_refined_extraction_gives_the_triangles_of_the_dense_one_for_less():
    asked = {True: 0, False: 0}

    def counted(dense: bool):
        def values(x):
            asked[dense] += len(x)
            return sphere_distance(x, 0.5)

        return extract_level(ScoreField(values, UNIT, True, 0), resolution=64, dense=dense)

    dense, refined = counted(True), counted(False)
    assert np.array_equal(dense.vertices, refined.vertices) and np.array_equal(dense.faces, refined.faces)
    assert asked[False] < asked[True] / 2


def test_what_cannot_be_extracted_is_refused():
    with pytest.raises(EmptySurfaceError, match="the level 9 must be taken"):
        extract_level(ball_field(), resolution=16, level=9.0)
    with pytest.raises(InputError, match="multiple of 4"):
        extract_level(ball_field(), resolution=30, dense=False)


def test_pruning_and_sphere_tracing_refuse_a_field_without_a_bound():
    with pytest.raises(InputError, match=r"extraction with pruning needs a proven Lipschitz bound, ScoreField has none: take its mesh"):
        extract_mesh(ball_field())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="sphere tracing needs a proven"):
        camera_for(ball_field())  # type: ignore[arg-type]


def test_slopes_are_lengths_of_gradients():
    field = ScoreField(lambda x: 3 * sphere_distance(x), UNIT, True, 0)
    x = np.random.default_rng(0).uniform(-1, 1, (200, 3))
    assert np.allclose(field.slopes_unit(x[np.linalg.norm(x, axis=1) > 0.1]), 3, atol=1e-3)


# --- networks


def steepest(net: torch.nn.Module) -> float:
    x = torch.as_tensor(np.random.default_rng(0).uniform(-1, 1, (4000, 3)))
    y = x + 1e-3 * torch.as_tensor(np.random.default_rng(1).normal(size=(4000, 3)))
    with torch.no_grad():
        return float(((net(x) - net(y)).abs() / (x - y).norm(dim=1)).max())


def test_sll_layers_are_1_lipschitz_and_a_longer_step_is_not(monkeypatch):
    torch.manual_seed(0)
    net = SLLNet(width=24, depth=6).double()
    assert steepest(net) <= 1 + 1e-9
    with torch.no_grad():
        for scale, weight in zip(net.scales, net.weights, strict=True):
            scale.copy_(torch.randn(24))
            weight.mul_(7)
        assert steepest(net) <= 1 + 1e-9
        for scale, weight in zip(net.scales, net.weights, strict=True):
            scale.zero_()
            weight.copy_(torch.eye(24))  # the bound is met: every layer is -|h|
        net.last.copy_(torch.eye(24)[0])
        assert steepest(net) == pytest.approx(1, abs=1e-4)
        monkeypatch.setattr(SLLNet, "STEP", 2.2)
        assert steepest(net) > 1.1


def test_the_geometric_start_is_about_a_ball():
    torch.manual_seed(0)
    x = torch.as_tensor(np.random.default_rng(0).uniform(-1, 1, (2000, 3)), dtype=torch.float32)
    off = SoftplusNet(256, 8)(x).detach() - (x.norm(dim=1) - SoftplusNet.RADIUS)
    assert float(off.abs().mean()) < 0.12


def test_networks_have_the_sizes_of_their_papers():
    torch.manual_seed(0)
    sizes = {type(net).__name__: sum(p.numel() for p in net.parameters()) for net in (DeepSDFNet(latent=256), SirenNet(), SLLNet())}
    assert 1.8e6 < sizes["DeepSDFNet"] < 1.9e6 and 1.9e5 < sizes["SirenNet"] < 2.1e5 and 3.2e5 < sizes["SLLNet"] < 3.4e5


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_walls_of_the_domain_are_outside(sign):
    class Ball(torch.nn.Module):
        def forward(self, x):
            return sign * (x.norm(dim=-1) - 0.5)

    assert _sign(Ball()) == sign


# --- supervision


def test_supervision_of_a_mesh_is_its_distance():
    frame = Frame((1.0, 2.0, 3.0), 10.0)
    mesh = Mesh(frame.to_world(BALL.vertices), BALL.faces)
    told = supervision_of_mesh(mesh, frame, 5000, 0)
    assert told.source == "mesh" and len(told.places) == 5000
    assert np.abs(told.distances - sphere_distance(told.places, 0.5)).max() < 0.005
    with pytest.raises(InputError, match="watertight"):
        supervision_of_mesh(Mesh(mesh.vertices, mesh.faces[1:]), frame, 100, 0)


def test_supervision_of_a_cloud_has_its_sides_from_evidence():
    told = supervision_of_cloud(sphere_points(4000), 20_000, 0)
    truth = sphere_distance(told.places)
    clear = np.abs(truth) > 0.02
    assert told.source == "cloud and evidence" and (np.sign(told.distances) == np.sign(truth))[clear].mean() > 0.999
    assert np.abs(told.distances - truth)[clear].max() < 0.05 and (told.distances == 0).sum() == 4000


# --- DeepSDF


def test_clamped_l1_is_the_papers():
    f, d = torch.tensor([0.5, 0.02, -0.3]), torch.tensor([0.3, 0.05, 0.04])
    assert torch.allclose(clamped_l1(f, d, 0.1), torch.tensor([0.0, 0.03, 0.14]))


@pytest.mark.slow
def test_deep_sdf_learns_a_ball_and_repeats_itself():
    told = supervision_of_mesh(BALL, UNIT, 20_000, 0)
    field, again = (fit_deep_sdf(told, UNIT, budget=Budget(steps=400), config=SMALL) for _ in range(2))
    radius = np.linalg.norm(extract_level(field, resolution=40).vertices, axis=1)
    assert abs(radius.mean() - 0.5) < 0.01 and radius.std() < 0.02
    x = np.random.default_rng(0).uniform(-1, 1, (100, 3))
    assert np.array_equal(field(x), again(x)) and field.info["supervision"] == "mesh" and field.info["steps"] == 400


@pytest.mark.slow
def test_an_auto_decoder_infers_shapes_and_goes_between_them():
    radii = (0.3, 0.4, 0.6, 0.7)
    told = {r: supervision_of_mesh(icosphere(r, subdivisions=3), UNIT, 8000, 0) for r in (*radii, 0.5)}
    many = AutoDecoder(SMALL).fit([told[r] for r in radii], Budget(steps=800))

    def radius(code):
        return np.linalg.norm(extract_level(many.decode(code, UNIT), resolution=32).vertices, axis=1).mean()

    for k, r in enumerate(radii):
        assert abs(radius(many.codes_[k]) - r) < 0.03
    between = radius((many.codes_[1] + many.codes_[2]) / 2)
    assert 0.43 < between < 0.57
    half = told[0.5].places[:, 2] > 0  # of an unseen ball
    part = type(told[0.5])(told[0.5].places[half], told[0.5].distances[half], "mesh")
    assert abs(radius(many.infer(part, Budget(steps=300))) - 0.5) < 0.05
    with pytest.raises(InputError, match="at least 2 shapes"):
        AutoDecoder(SMALL).fit([told[0.5]], Budget(steps=1))


# --- points alone


@pytest.mark.slow
@pytest.mark.parametrize(("fit", "steps", "most"), [(fit_siren, 150, 0.06), (fit_igr, 120, 0.06), (fit_sll, 150, 0.06)])
def test_peers_find_the_points(fit, steps, most):
    points = sphere_points(3000)
    field = fit(points, UNIT, budget=Budget(steps=steps), width=32, depth=4)
    assert np.abs(field(points)).mean() < most and field.info["steps"] == steps and field.parameters > 1000
    assert field(np.array([[0.95, 0.95, 0.95]]))[0] > 0


@pytest.mark.parametrize("fit", [fit_one_class_svm, fit_isolation_forest])
def test_novelty_detectors_keep_99_percent_of_the_points(fit):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    points = sphere_points(2000)
    field = fit(points, UNIT)
    assert (field(points) <= 0).mean() == pytest.approx(0.99, abs=0.002) and not field.is_distance
    assert (field(np.array([[0.98, 0.98, 0.98], [-0.98, 0.98, -0.98]])) > 0).all()


@pytest.mark.parametrize("method", [ball_pivoting, alpha_shape])
def test_classical_meshes_join_the_points(method):
    pytest.importorskip("open3d", reason="Open3D is not installed")
    rng = np.random.default_rng(0)  # points on one sphere have no Delaunay tetrahedra
    cloud = sphere_points(1500) + 0.005 * rng.normal(size=(1500, 3)) + FAR
    mesh = method(PointCloud(cloud))
    gap = np.linalg.norm(mesh.vertices[:, None] - cloud[None, :500], axis=2).min(axis=0)
    assert np.median(gap) < 1e-6 and len(mesh.faces) > 1500
    with pytest.raises(InputError, match="radius of an alpha shape"):
        alpha_shape(PointCloud(cloud), radius=-1.0)


def test_a_budget_ends_by_steps_or_by_the_clock():
    assert len(list(Budget(steps=7).progress())) == 7
    used = list(Budget(seconds=0.02).progress())
    assert used == sorted(used) and used[0] < 0.5 and used[-1] < 1
    with pytest.raises(InputError, match="budget"):
        Budget(seconds=0)
