"""Write GLB: meshes as nodes of one scene, each with its name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..types import Mesh
from .glb import BIN, JSON, MAGIC

_VERTEX_BUFFER, _INDEX_BUFFER = 34962, 34963
# The default material is polished metal, which shows shapes as black mirrors.
_MATT = {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.8}, "doubleSided": True}


def write_glb(mesh: Mesh, path: Path) -> None:
    """One node at the centre of the bounding box (float64), around it float32 coordinates; colours as COLOR_0, normals as NORMAL."""
    write_glb_scene({"": mesh}, path)


def write_glb_scene(meshes: Mapping[str, Mesh], path: Path) -> None:
    """A node for each mesh, with its name, as `write_glb` writes one."""
    scene = _Scene()
    for name, mesh in meshes.items():
        scene.add(name, mesh)
    scene.write(path)


@dataclass(eq=False)
class _Scene:
    """The tree of the file, and its buffer in blocks."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    meshes: list[dict[str, Any]] = field(default_factory=list)
    accessors: list[dict[str, Any]] = field(default_factory=list)
    views: list[dict[str, int]] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)

    def add(self, name: str, mesh: Mesh) -> None:
        center = mesh.bounds.mean(axis=0)
        local = (mesh.vertices - center).astype("<f4")
        reach = {"min": local.min(axis=0).tolist(), "max": local.max(axis=0).tolist()}
        attributes = {"POSITION": self._array(local, {"componentType": 5126, "type": "VEC3", **reach})}
        indices = self._array(mesh.faces.astype("<u4").ravel(), {"componentType": 5125, "type": "SCALAR"}, _INDEX_BUFFER)
        if mesh.normals is not None:
            attributes["NORMAL"] = self._array(_unit_length(mesh.normals).astype("<f4"), {"componentType": 5126, "type": "VEC3"})
        if mesh.colors is not None:
            # four bytes a vertex: rows of glTF attributes begin at multiples of four
            rows = np.column_stack([mesh.colors, np.full(len(mesh.colors), 255, np.uint8)])
            attributes["COLOR_0"] = self._array(rows, {"componentType": 5121, "normalized": True, "type": "VEC4"})
        primitive: dict[str, Any] = {"attributes": attributes, "indices": indices}
        if mesh.colors is None:  # else without a material: trimesh drops the colours of a mesh that has one
            primitive["material"] = 0
        named = {"name": name} if name else {}
        self.nodes.append({"mesh": len(self.meshes), "translation": center.tolist(), **named})
        self.meshes.append({"primitives": [primitive], **named})

    def _array(self, rows: np.ndarray, facts: dict[str, Any], target: int = _VERTEX_BUFFER) -> int:
        """The number of the accessor of what is put behind the buffer; every block is a multiple of four bytes."""
        offset = sum(map(len, self.blocks))
        self.blocks.append(rows.tobytes())
        self.views.append({"buffer": 0, "byteOffset": offset, "byteLength": len(self.blocks[-1]), "target": target})
        self.accessors.append({"bufferView": len(self.views) - 1, "count": len(rows), **facts})
        return len(self.accessors) - 1

    def write(self, path: Path) -> None:
        body = b"".join(self.blocks)
        plain = any("material" in mesh["primitives"][0] for mesh in self.meshes)
        tree = {
            "asset": {"version": "2.0", "generator": "sdfshape"},
            "scene": 0,
            "scenes": [{"nodes": list(range(len(self.nodes)))}],
            "nodes": self.nodes,
            **({"materials": [_MATT]} if plain else {}),
            "meshes": self.meshes,
            "buffers": [{"byteLength": len(body)}],
            "bufferViews": self.views,
            "accessors": self.accessors,
        }
        _write_chunks(path, json.dumps(tree, allow_nan=False).encode("ascii"), body)


def _unit_length(normals: np.ndarray) -> np.ndarray:
    """(v, 3) as glTF asks for; what has no direction points up."""
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 0, normals / np.maximum(length, 1e-300), [0.0, 0.0, 1.0])


def _write_chunks(path: Path, text: bytes, body: bytes) -> None:
    text += b" " * (-len(text) % 4)  # chunks end at multiples of four; the blocks of the body do by themselves
    head = np.array([MAGIC, 2, 28 + len(text) + len(body), len(text), JSON], "<u4")
    with path.open("wb") as file:
        file.write(head.tobytes() + text + np.array([len(body), BIN], "<u4").tobytes())
        file.write(body)
