"""GLB: the binary glTF 2.0 container, as far as triangles, normals and vertex colours go.

glTF is float32 and y-up in metres. Coordinates are neither scaled nor turned here; large offsets live in the node, in
float64.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ..errors import InputError
from .columns import as_colors
from .content import Content
from .glb_scene import Scene

MAGIC, JSON, BIN = 0x46546C67, 0x4E4F534A, 0x004E4942
_MAX_VERTICES = 50_000_000  # of all instances together: a small file can place one mesh a million times
_TRIANGLES = 4


def read_glb(data: bytes) -> Content:
    """All triangles of the scene in world coordinates, mesh after mesh; a mesh placed twice comes twice."""
    try:
        scene = Scene(*_chunks(data))
        parts = [part for mesh, transform in scene.placed_meshes() for part in _parts(scene, mesh, transform)]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        # the tree of a glTF file is free-form JSON: any entry may be missing or of another type
        reason = " ".join(ascii(str(error))[:100].split())
        raise InputError(
            f"a GLB file must follow glTF 2.0, its tree breaks it ({type(error).__name__}: {reason}): export it again"
        ) from error
    if not parts:
        raise InputError("a GLB file must have a mesh in its scene, it has none: export it again")
    return _joined(parts)


def _chunks(data: bytes) -> tuple[Any, bytes]:
    words = np.frombuffer(data[:20].ljust(20, b"\0"), "<u4").tolist()
    if words[0] != MAGIC or words[1] != 2:
        raise InputError("a GLB file must begin with 'glTF' and version 2, it does not: is it another format?")
    if words[2] > len(data) or 20 + words[3] > len(data) or words[4] != JSON:
        raise InputError(f"the header promises {words[2]} bytes, the file holds {len(data)}: it is truncated; copy it again")
    tree = json.loads(data[20 : 20 + words[3]])
    at = 20 + words[3]
    head = np.frombuffer(data[at : at + 8].ljust(8, b"\0"), "<u4").tolist()
    body = data[at + 8 : at + 8 + head[0]] if head[1] == BIN else b""
    if head[1] == BIN and len(body) < head[0]:
        raise InputError(f"the GLB header promises {head[0]} bytes of data, the file holds {len(body)}: it is truncated; copy it again")
    return tree, body


def _parts(scene: Scene, mesh: int, transform: np.ndarray) -> list[Content]:
    parts = []
    for primitive in scene.tree["meshes"][mesh]["primitives"]:
        if primitive.get("mode", _TRIANGLES) != _TRIANGLES:
            raise InputError(f"GLB primitives must be triangles (mode 4), got mode {str(primitive['mode'])[:9]!r}: triangulate first")
        attributes = primitive["attributes"]
        local = scene.array(attributes["POSITION"])
        if local.ndim != 2 or local.shape[1] != 3:
            raise InputError(f"GLB positions must be (n, 3), got {local.shape}: the file is damaged")
        scene.vertices += len(local)
        if scene.vertices > _MAX_VERTICES:
            raise InputError(f"a GLB scene must place at most {_MAX_VERTICES} vertices, this one places more: export one copy")
        indices = scene.array(primitive["indices"]) if "indices" in primitive else np.arange(len(local))
        if len(indices) % 3:
            raise InputError(f"GLB triangles must have 3 corners each, got {len(indices)} indices: the file is damaged")
        faces = indices.astype(np.int64).reshape(-1, 3)
        if np.linalg.det(transform[:3, :3]) < 0:
            faces = faces[:, ::-1]  # glTF: a mirrored node turns the winding over
        parts.append(
            Content(
                points=local @ transform[:3, :3].T + transform[:3, 3],
                faces=faces,
                normals=_normals(scene, attributes, transform, len(local)),
                colors=_colors(scene, attributes, len(local)),
            )
        )
    return parts


def _normals(scene: Scene, attributes: dict, transform: np.ndarray, n: int) -> np.ndarray | None:
    if "NORMAL" not in attributes:
        return None
    normals = scene.array(attributes["NORMAL"])
    if normals.shape != (n, 3):
        raise InputError(f"GLB normals must be ({n}, 3), got {normals.shape}: the file is damaged")
    cofactors = np.cross(transform[[1, 2, 0], :3], transform[[2, 0, 1], :3])  # turns normals rightly, and exists for any transform
    turned = normals @ cofactors.T
    length = np.linalg.norm(turned, axis=1, keepdims=True)
    return np.divide(turned, length, out=np.zeros_like(turned), where=length > 0)


def _colors(scene: Scene, attributes: dict, n: int) -> np.ndarray | None:
    if "COLOR_0" not in attributes:
        return None
    colors = scene.array(attributes["COLOR_0"])
    if colors.ndim != 2 or len(colors) != n or colors.shape[1] not in (3, 4):
        raise InputError(f"GLB colours must be ({n}, 3) or ({n}, 4), got {colors.shape}: the file is damaged")
    return as_colors(colors[:, :3])


def _joined(parts: list[Content]) -> Content:
    """One shape; a column that one part lacks is left out of all."""
    offsets = np.cumsum([0, *[len(part.points) for part in parts]])
    normals = [part.normals for part in parts if part.normals is not None]
    colors = [part.colors for part in parts if part.colors is not None]
    return Content(
        points=np.concatenate([part.points for part in parts]),
        faces=np.concatenate([part.faces + offset for part, offset in zip(parts, offsets, strict=False) if part.faces is not None]),
        normals=np.concatenate(normals) if len(normals) == len(parts) else None,
        colors=np.concatenate(colors) if len(colors) == len(parts) else None,
    )
