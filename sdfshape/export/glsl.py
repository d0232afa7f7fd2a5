"""The field's mosaic as a shader: GLSL functions, and their numbers for a texture at the end of the same file."""

from __future__ import annotations

import base64
from os import PathLike
from pathlib import Path

import numpy as np

from ..field import SignedDistanceField
from ..io import atomic_write
from ..types import FloatArray
from .numbers import field_numbers, require_absolute

ROW = 1024  # texels of four numbers in a row of the texture
LINE = 120
NUMBERS = "SDF_NUMBERS_BASE64"  # the comment at the end of the file begins with this word

SHADER = """// A signed distance field, written by sdfshape: negative inside, in the units of the scan. GLSL 3.30 and GLSL ES 3.00.
//
//   float sdf(vec3 p)                      p: place minus CENTRE (of the scan, below), so that float32 keeps its digits
//   vec3 sdf_normal(vec3 p)                away from the surface
//   float sdf_trace(vec3 p, vec3 way, float most)   how far along `way` (of length 1) the surface is, or -1: sphere tracing
//
// It is 1-Lipschitz up to rounding: no surface is nearer than |sdf(p)|, so steps of |sdf(p)| never pass one.
// sdf_numbers: a texture RGBA32F of {row} x {rows} texels, nearest, without mipmaps; its float32 numbers, little endian, row by row, are in
// base64 in the comment at the end of this file, behind the word {word}.
// CENTRE {centre}
precision highp float;
precision highp int;
uniform highp sampler2D sdf_numbers;
const float SDF_SCALE = {scale};
const float SDF_REACH = {reach};  // everything inside is within this distance of CENTRE

vec4 sdf_at(int texel) {{ return texelFetch(sdf_numbers, ivec2(texel % {row}, texel / {row}), 0); }}

float sdf_network(int k, vec3 place) {{
    vec4 h[{width4}], next[{width4}];
    int t = {networks_at} + k * {texels};
    h[0] = vec4(place, 0.0);
    int inputs = 1;
    for (int layer = 0; layer < {hidden}; layer++) {{
        for (int o = 0; o < {width4}; o++) {{
            vec4 sum = sdf_at(t++);
            for (int c = 0; c < inputs; c++) {{
                sum += vec4(dot(sdf_at(t), h[c]), dot(sdf_at(t + 1), h[c]), dot(sdf_at(t + 2), h[c]), dot(sdf_at(t + 3), h[c]));
                t += 4;
            }}
            next[o] = abs(sum);
        }}
        inputs = {width4};
        for (int o = 0; o < {width4}; o++) h[o] = next[o];
    }}
    float value = sdf_at(t++).x;
    for (int c = 0; c < {width4}; c++) value += dot(sdf_at(t++), h[c]);
    return value;
}}

float sdf(vec3 p) {{
    vec3 u = p / SDF_SCALE;
    float best = 1e30;
    for (int k = 0; k < {networks}; k++) {{
        vec4 low = sdf_at(3 * k), high = sdf_at(3 * k + 1), ramp = sdf_at(3 * k + 2);  // corners and size; share and width of the ramp
        vec3 beyond = max(low.xyz - u, u - high.xyz);
        float box = length(max(beyond, 0.0)) + min(max(beyond.x, max(beyond.y, beyond.z)), 0.0);
        if (box < best) {{
            float network = low.w * sdf_network(k, (u - (low.xyz + high.xyz) / 2.0) / low.w);
            best = min(best, max((1.0 - ramp.x) * network + ramp.x * max(box + ramp.y, 0.0), box));
        }}
    }}
    return SDF_SCALE * best;
}}

vec3 sdf_normal(vec3 p) {{
    vec2 e = vec2(1.0, -1.0) * 1e-3 * SDF_SCALE;
    return normalize(e.xyy * sdf(p + e.xyy) + e.yyx * sdf(p + e.yyx) + e.yxy * sdf(p + e.yxy) + e.xxx * sdf(p + e.xxx));
}}

float sdf_trace(vec3 p, vec3 way, float most) {{
    float t = 0.0;
    for (int i = 0; i < 256 && t < most; i++) {{
        float f = sdf(p + t * way);
        if (f < 1e-4 * SDF_SCALE) return t;
        t += f;
    }}
    return -1.0;
}}
/* {word}
{numbers}
*/
"""


def write_glsl(field: SignedDistanceField, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write the shader. Raises OutputError where it cannot, InputError for a field that is not made of absolute values."""
    require_absolute(field)
    numbers = field_numbers(field)
    hidden = len(field.layers.matrices) - 1
    networks = _network_texels(numbers, hidden)
    size, share, width = (numbers[name][:, None] for name in ("box_scale", "share", "width"))
    boxes = np.stack([np.c_[numbers["lo"], size], np.c_[numbers["hi"], size], np.c_[share, width, size, size]], axis=1)
    texels = np.concatenate([boxes.reshape(-1, 4), networks.reshape(-1, 4)]).astype("<f4")
    rows = -(-len(texels) // ROW)
    packed = np.zeros((rows * ROW, 4), "<f4")
    packed[: len(texels)] = texels
    text = base64.b64encode(packed.tobytes()).decode()
    lo, hi = numbers["lo"].min(axis=0), numbers["hi"].max(axis=0)
    shader = SHADER.format(
        row=ROW,
        rows=rows,
        word=NUMBERS,
        centre=" ".join(repr(float(c)) for c in numbers["centre"]),
        scale=_float(numbers["scale"]),
        reach=_float(numbers["scale"] * np.linalg.norm(np.maximum(np.abs(lo), np.abs(hi)))),
        width4=-(-numbers["matrix_0"].shape[1] // 4),
        networks=len(boxes),
        networks_at=3 * len(boxes),
        texels=networks.shape[1],
        hidden=hidden,
        numbers="\n".join(text[first : first + LINE] for first in range(0, len(text), LINE)),
    )
    with atomic_write(path, overwrite=overwrite) as temporary:
        Path(temporary).write_text(shader, encoding="ascii")


def _network_texels(numbers: dict[str, FloatArray], hidden: int) -> FloatArray:
    """(k, texels, 4): of each network, layer by layer, four outputs at a time, their biases and then the columns of four inputs each."""
    parts = []
    for j in range(hidden):
        matrix, bias = _padded(numbers[f"matrix_{j}"], (1, 2)), _padded(numbers[f"bias_{j}"], (2,))
        count, rows, columns = matrix.shape
        blocks = matrix.reshape(count, rows // 4, 4, columns // 4, 4).transpose(0, 1, 3, 2, 4)  # network, outputs, inputs, output, input
        blocks = blocks.reshape(count, rows // 4, columns, 4)
        parts.append(np.concatenate([bias.reshape(count, rows // 4, 1, 4), blocks], axis=2).reshape(count, -1, 4))
    last = _padded(numbers[f"matrix_{hidden}"], (2,))
    first = np.zeros((len(last), 1, 4))
    first[:, 0, 0] = numbers[f"bias_{hidden}"][:, 0, 0]
    return np.concatenate([*parts, first, last.reshape(len(last), -1, 4)], axis=1)


def _padded(array: FloatArray, axes: tuple[int, ...]) -> FloatArray:
    """With zeros up to multiples of four along the axes."""
    return np.pad(array, [(0, -n % 4 if axis in axes else 0) for axis, n in enumerate(array.shape)])


def _float(value: float | FloatArray) -> str:
    return f"{float(value):.9e}"
