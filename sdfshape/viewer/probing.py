"""What is known of a place that was clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..types import FloatArray
from .layers import Scene, digits
from .picking import SLICE, Hit

if TYPE_CHECKING:
    from ..field import CertifiedField


@dataclass(frozen=True, eq=False)
class Reading:
    """place : (3,) world units.   lines : (what, value) in words."""

    place: FloatArray
    lines: tuple[tuple[str, str], ...]


def reading(hit: Hit, scene: Scene) -> Reading:
    """Coordinates, distance with its certified interval, normal."""
    lines = [("on", _thing(hit, scene)), ("place", _triple(hit.place, f".{digits(scene.size)}f") + f" {scene.unit}")]
    if hit.normal is not None:
        lines.append(("normal", _direction(hit.normal)))
    if (field := scene.level_field) is not None:
        lines += _of_field(hit.place[None], field, scene.unit)
    return Reading(hit.place, tuple(lines))


def _of_field(place: FloatArray, field: CertifiedField, unit: str) -> list[tuple[str, str]]:
    distance = field.certified(place)[0][0]
    (low,), (high,) = field.distance_interval(place)
    side = "inside" if distance < 0 else "outside"
    ends = f"{low:.5g} to {high:.5g} {unit}" if np.isfinite(high) else f"at least {low:.5g} {unit}"
    return [
        ("distance", f"{ends}, certified ({side})"),
        ("value", f"{distance:.5g} {unit} of the field: never more than the distance"),
        ("gradient", f"{_direction(field.normal(place)[0])}, where the distance grows"),
    ]


def _thing(hit: Hit, scene: Scene) -> str:
    if hit.layer == SLICE:
        return "the slice"
    layer = scene.layers[hit.layer]
    return f"{layer.name}, {'triangle' if layer.is_surface else 'point'} {layer.row_in_file(hit.row):,}"


def span(places: Sequence[FloatArray]) -> float:
    """Distance between the first two places."""
    return float(np.linalg.norm(np.asarray(places[0]) - np.asarray(places[1])))


def _direction(vector: FloatArray) -> str:
    return _triple(vector / max(float(np.linalg.norm(vector)), 1e-300), ".3f")


def _triple(vector: FloatArray, how: str) -> str:
    return ", ".join(format(float(value), how) for value in vector)
