"""Which part of a layer is seen: what is switched off, clipped away, or on the other side of the wipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..types import FloatArray
from .controls import AXES, layer_name
from .eye import Eye
from .layers import Layer
from .picking import Kept

Planes = list[tuple[FloatArray, FloatArray]]


def wiped(values: Mapping[str, Any], layers: Sequence[Layer], k: int) -> str:
    """The side of the wipe that layer k is on, "left" or "right", or "" if it is on none or on both."""
    if not values.get("wipe"):
        return ""
    sides = [side for side in ("left", "right") if values[f"wipe_{side}"] == layers[k].name]
    return sides[0] if len(sides) == 1 else ""


def visible(values: Mapping[str, Any], layers: Sequence[Layer], k: int) -> bool:
    """Whether layer k is drawn: if it is switched on, or is one of the two that are wiped."""
    return bool(values[layer_name(k, "shown")]) or bool(wiped(values, layers, k))


def box_planes(values: Mapping[str, Any]) -> Planes:
    """(place, normal) of the sides of the clip box, if it is on: what is on the side of the normal stays."""
    if not values["clip"]:
        return []
    ends = [(j, end, way) for j, axis in enumerate(AXES) for end, way in zip(values[f"clip_{axis}"], (1.0, -1.0), strict=True)]
    return [(end * np.eye(3)[j], way * np.eye(3)[j]) for j, end, way in ends]


def kept_places(values: Mapping[str, Any], layers: Sequence[Layer], k: int, eye: Eye) -> Kept:
    """Which places of layer k are drawn, if it is."""
    planes = box_planes(values)
    if side := wiped(values, layers, k):
        place, normal = eye.wipe_plane(values["wipe_at"])
        planes.append((place, normal if side == "right" else -normal))

    def kept(places: FloatArray) -> np.ndarray:
        inside = np.ones(len(places), bool)
        for place, normal in planes:
            inside &= (places - place) @ normal >= 0
        return inside

    return kept
