"""Exported fields say what the field says; a grid is nowhere farther off than it states."""

from __future__ import annotations

import base64
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.interpolate import RegularGridInterpolator
from shapes import torus_points

from sdfshape.errors import InputError
from sdfshape.export import volume_grid, write_glsl, write_numpy_program, write_onnx
from sdfshape.field import Box, SignedDistanceField, Sphere
from sdfshape.field.signed_distance import measured_float32_error
from sdfshape.frame import Frame
from sdfshape.lipschitz import certify, split_boxes
from sdfshape.lipschitz.stack import StackParameters

FRAME = Frame((5e5, -4e6, 100.0), 12.5)
FIELD = Box((-1.0, -0.6, -0.4), (1.0, 0.6, 0.4)) - Sphere((0.8, 0.3, 0.5), 0.5)


@pytest.fixture(scope="module")
def field() -> SignedDistanceField:
    boxes = split_boxes(torus_points(2000), 4)
    layers = StackParameters.random(4, 5, 16, torch.Generator().manual_seed(0)).layers(3)
    layers = certify(layers.lowered(layers(torch.zeros(4, 1, 3))[:, 0]))
    return SignedDistanceField(layers, boxes, FRAME, measured_float32_error(layers, boxes))


def places(count: int = 3000) -> np.ndarray:
    return FRAME.to_world(np.random.default_rng(0).uniform(-1.1, 1.1, (count, 3)))


def mosaic(field: SignedDistanceField, x: np.ndarray) -> np.ndarray:
    return FRAME.scale * field.mosaic_unit(FRAME.to_unit(x), torch.float64)


def test_the_numpy_program_is_the_mosaic_and_imports_no_torch(field, tmp_path):
    write_numpy_program(field, tmp_path / "shape.py")
    scope: dict = {"__name__": "shape"}
    exec(compile((tmp_path / "shape.py").read_text(), "shape.py", "exec"), scope)
    x = places()
    assert np.abs(scope["distance"](x) - mosaic(field, x)).max() < 1e-12 * 4e6
    assert scope["distance"](np.zeros((0, 3))).shape == (0,)
    assert (scope["LO"] <= field.bounds[0] + 1e-6).all() and (scope["HI"] >= field.bounds[1] - 1e-6).all()
    code = "import sys, runpy; runpy.run_path('shape.py'); sys.exit('torch' in sys.modules or 'sdfshape' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == 0
    done = subprocess.run([sys.executable, "shape.py", *map(str, x[0])], cwd=tmp_path, capture_output=True, text=True)
    assert float(done.stdout) == pytest.approx(mosaic(field, x[:1])[0], abs=1e-6)


def test_the_onnx_model_is_the_mosaic_to_float32(field, tmp_path):
    pytest.importorskip("onnx", reason="the package onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    write_onnx(field, tmp_path / "shape.onnx")
    session = runtime.InferenceSession(str(tmp_path / "shape.onnx"), providers=["CPUExecutionProvider"])
    for count in (1, 3000):
        x = places(count)
        (found,) = session.run(["distance"], {"points": x})
        assert found.shape == (count,) and np.abs(found - mosaic(field, x)).max() < 1e-5 * FRAME.scale


@pytest.mark.parametrize("resolution", [12, 40])
def test_interpolation_on_a_grid_is_as_good_as_it_says(resolution):
    grid = volume_grid(FIELD, resolution)
    axes = [o + grid.spacing * np.arange(n) for o, n in zip(grid.origin, grid.values.shape, strict=True)]
    x = np.random.default_rng(1).uniform([a[0] for a in axes], [a[-1] for a in axes], (200_000, 3))
    off = np.abs(RegularGridInterpolator(axes, grid.values.astype(np.float64))(x) - FIELD(x))
    assert 0.2 * grid.error < off.max() <= grid.error == pytest.approx(0.866 * grid.spacing, rel=1e-3)
    lo, hi = FIELD.bounds
    assert (grid.origin < lo).all() and all(a[-1] > top for a, top in zip(axes, hi, strict=True))


def test_a_cone_needs_all_of_the_bound():
    """|x - c| with c in the middle of a cell of a grid is interpolated to sqrt(3)/2 h where it is 0."""
    corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), -1).reshape(-1, 3)
    assert np.linalg.norm(corners - 0.5, axis=1).mean() == pytest.approx(3**0.5 / 2)


def test_grids_come_back_from_their_files(tmp_path):
    import pyvista as pv

    grid = volume_grid(FIELD, 16)
    grid.save_npz(tmp_path / "grid.npz")
    grid.save_vti(tmp_path / "grid.vti")
    kept, image = np.load(tmp_path / "grid.npz", allow_pickle=False), pv.read(tmp_path / "grid.vti")
    assert np.array_equal(kept["values"], grid.values) and float(kept["error"]) == grid.error
    assert image.dimensions == grid.values.shape and np.allclose(image.origin, grid.origin)
    index = np.ravel_multi_index((3, 5, 2), grid.values.shape, order="F")
    assert image["distance"][index] == grid.values[3, 5, 2] and image.field_data["error"][0] == pytest.approx(grid.error)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["grid.npz", "grid.vti"]
    for resolution, margin, law in ((3, 0.1, "resolution"), (2000, 0.1, "resolution"), (16, -1.0, "margin")):
        with pytest.raises(InputError, match=law):
            volume_grid(FIELD, resolution, margin=margin)


def shader_values(path, x: np.ndarray, statement: str, width: int) -> np.ndarray:
    """The first components of `found` after a GLSL statement with `p` at places (m, 3), computed by a real driver without a window."""
    moderngl = pytest.importorskip("moderngl", reason="moderngl is not installed")
    try:
        context = moderngl.create_context(standalone=True, backend="egl")
    except Exception as error:
        pytest.skip(f"no OpenGL without a window here: {error}")
    text = path.read_text()
    centre = np.array([float(word) for word in re.search(r"// CENTRE (.*)", text)[1].split()])
    columns, rows = (int(word) for word in re.search(r"RGBA32F of (\d+) x (\d+) texels", text).groups())
    numbers = base64.b64decode(text.split("/* SDF_NUMBERS_BASE64")[1].split("*/")[0])
    side = int(np.ceil(np.sqrt(len(x))))
    asked = np.zeros((side * side, 4), "f4")
    asked[: len(x), :3] = x - centre
    here = "texelFetch(places, ivec2(gl_FragCoord.xy), 0).xyz"
    main = f"uniform sampler2D places; out vec4 found; void main() {{ vec3 p = {here}; {statement} }}"
    corner = "#version 330\nin vec2 corner; void main() { gl_Position = vec4(corner, 0.0, 1.0); }"
    program = context.program(vertex_shader=corner, fragment_shader=f"#version 330\n{text}\n{main}")
    for unit, (name, size, data) in enumerate((("sdf_numbers", (columns, rows), numbers), ("places", (side, side), asked.tobytes()))):
        texture = context.texture(size, 4, data, dtype="f4")
        texture.filter = moderngl.NEAREST, moderngl.NEAREST
        texture.use(unit)
        program[name].value = unit
    target = context.framebuffer([context.texture((side, side), 4, dtype="f4")])
    target.use()
    triangle = context.buffer(np.array([-1, -1, 3, -1, -1, 3], "f4").tobytes())
    context.vertex_array(program, [(triangle, "2f", "corner")]).render(moderngl.TRIANGLES)
    values = np.frombuffer(target.read(components=4, dtype="f4"), "f4").reshape(-1, 4)[: len(x), :width].astype(np.float64)
    context.release()
    return values


def test_the_shader_is_the_mosaic_to_float32_and_its_rays_end_on_the_surface(field, tmp_path):
    write_glsl(field, tmp_path / "shape.glsl")
    x = places(2000)
    values = shader_values(tmp_path / "shape.glsl", x, "found = vec4(sdf(p));", 1)[:, 0]
    assert np.abs(values - mosaic(field, x)).max() < 1e-4 * FRAME.scale
    far = x[values > 0.2 * FRAME.scale]
    way = shader_values(tmp_path / "shape.glsl", far, "found = vec4(sdf_trace(p, normalize(-p), 100.0));", 1)[:, 0]
    hit = way > 0
    ends = far[hit] + way[hit, None] * (FRAME.centre - far[hit]) / np.linalg.norm(FRAME.centre - far[hit], axis=1, keepdims=True)
    assert hit.sum() > 20 and np.abs(mosaic(field, ends)).max() < 4e-4 * FRAME.scale
    normals = shader_values(tmp_path / "shape.glsl", x, "found = vec4(sdf_normal(p), 0.0);", 3)
    step = 1e-3 * FRAME.scale * np.eye(3)
    slope = np.stack([mosaic(field, x + h) - mosaic(field, x - h) for h in step], -1)
    same = (normals * slope).sum(axis=1) / np.linalg.norm(slope, axis=1)
    assert np.median(same) > 0.999
