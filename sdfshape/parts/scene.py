"""Colours that tell parts apart."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np

from ..types import IntArray, Mesh
from .field import Parts
from .meshes import PartMesh

GOLDEN = 0.6180339887  # of the colour circle from one part to the next: neighbours in number are far apart in hue


def part_colors(count: int) -> IntArray:
    """(count, 3) uint8, distinct, readable on white."""
    hues = [(0.58 + k * GOLDEN) % 1.0 for k in range(count)]
    rows = [colorsys.hsv_to_rgb(hue, 0.62, 0.78 + 0.16 * (k % 2)) for k, hue in enumerate(hues)]
    return np.rint(255 * np.array(rows)).astype(np.uint8)


def scene_meshes(parts: Parts, meshes: list[PartMesh]) -> dict[str, Mesh]:
    """The meshes by name (`part 7`), each in its colour."""
    colors = dict(zip(parts.labels, part_colors(len(parts.labels)), strict=True))
    return {f"part {p.label}": replace(p.mesh, colors=np.tile(colors[p.label], (len(p.mesh.vertices), 1))) for p in meshes if p.mesh}


def painted(mesh: Mesh, parts: Parts) -> Mesh:
    """A mesh of the whole with the colour of the part at every vertex."""
    index = np.searchsorted(parts.labels, parts.part_at(mesh.vertices))
    return replace(mesh, colors=part_colors(len(parts.labels))[index])
