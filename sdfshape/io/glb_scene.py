"""The node tree and the arrays of a glTF file."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import InputError

_COMPONENTS = {5120: "i1", 5121: "u1", 5122: "i2", 5123: "u2", 5125: "u4", 5126: "f4"}
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}
_UNREADABLE = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_mesh_quantization")


class Scene:
    """The tree of a GLB file and its one buffer; `vertices` counts what was placed so far.

    Entries of the tree may be missing or of any type; the caller turns what Python raises then into an InputError.
    """

    def __init__(self, tree: Any, body: bytes) -> None:
        self.tree, self.body, self.vertices = tree, body, 0
        for name in tree.get("extensionsRequired", []):
            if name in _UNREADABLE:
                raise InputError(f"GLB data must be plain, this file needs {name}: export it without compression")

    def placed_meshes(self) -> list[tuple[int, np.ndarray]]:
        """(mesh, (4, 4) float64 transform to the world) of every node of the scene."""
        nodes = self.tree.get("nodes", [])
        scenes = self.tree.get("scenes")
        roots = scenes[self.tree.get("scene", 0)].get("nodes", []) if scenes else list(range(len(nodes)))
        placed, seen = [], set()
        stack = [(root, np.eye(4)) for root in reversed(roots)]
        while stack:
            index, above = stack.pop()
            if index in seen:
                raise InputError(f"a GLB node must have one parent, node {str(index)[:9]} has more: the file is damaged")
            seen.add(index)
            node = nodes[index]
            transform = above @ _transform(node)
            if "mesh" in node:
                placed.append((node["mesh"], transform))
            stack += [(child, transform) for child in reversed(node.get("children", []))]
        return placed

    def array(self, index: int) -> np.ndarray:
        """The (count,) integers or (count, width) numbers of an accessor; normalised integers become fractions."""
        accessor = self.tree["accessors"][index]
        if "sparse" in accessor:
            raise InputError("GLB arrays must be plain, this file has a sparse one: export it without morph targets")
        view = self.tree["bufferViews"][accessor["bufferView"]]
        if view.get("buffer", 0) != 0 or "uri" in self.tree["buffers"][0]:
            raise InputError("GLB data must be inside the file, this one points to another: export it as one file")
        dtype, width = np.dtype("<" + _COMPONENTS[accessor["componentType"]]), _WIDTHS[accessor["type"]]
        count, row = int(accessor["count"]), dtype.itemsize * width
        stride = int(view.get("byteStride", row))
        offset = int(view.get("byteOffset", 0)) + int(accessor.get("byteOffset", 0))
        if count < 0 or offset < 0 or stride < row or offset + stride * (count - 1) + row > len(self.body):
            raise InputError(
                f"a GLB array must lie in the data of the file, one promises {str(count)[:20]} rows and the data has "
                f"{len(self.body)} bytes: the file is truncated or damaged"
            )
        if count == 0:
            return np.zeros((0, width)[: 1 + (width > 1)])
        array = np.ndarray((count, width), dtype, self.body, offset, (stride, dtype.itemsize))
        array = array[:, 0] if width == 1 else array
        if dtype.kind == "f":
            return array.astype(np.float64)
        return array / np.iinfo(dtype).max if accessor.get("normalized") else array.copy()


def _transform(node: dict) -> np.ndarray:
    """(4, 4) matrix of a node: its own, or translation after rotation after scale."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T  # glTF counts down the columns
    x, y, z, w = np.array(node.get("rotation", [0, 0, 0, 1]), dtype=np.float64)
    length = math.sqrt(x * x + y * y + z * z + w * w)
    x, y, z, w = (x / length, y / length, z / length, w / length) if length > 0 else (0.0, 0.0, 0.0, 1.0)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.array(node.get("scale", [1, 1, 1]), dtype=np.float64)
    matrix[:3, 3] = np.array(node.get("translation", [0, 0, 0]), dtype=np.float64)
    return matrix
