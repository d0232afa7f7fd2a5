"""What is known of a place that was clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..types import FloatArray
from .layers import Layer
from .picking import Hit

if TYPE_CHECKING:
    from ..field import CertifiedField


@dataclass(frozen=True, eq=False)
class Reading:
    """place : (3,) world units.   lines : (what, value) in words."""

    place: FloatArray
    lines: tuple[tuple[str, str], ...]


def reading(hit: Hit, layers: Sequence[Layer], field: CertifiedField | None, unit: str) -> Reading:
    """Coordinates, distance with its certified interval, normal."""
    layer = layers[hit.layer]
    lines = [("on", f"{layer.name}, {'triangle' if layer.is_surface else 'point'} {hit.row:,}")]
    lines.append(("place", _triple(hit.place) + f" {unit}"))
    normal = hit.normal
    if field is not None:
        place = hit.place[None]
        distance, error = field.certified(place)
        low, high = field.distance_interval(place)
        side = "inside" if distance[0] < 0 else "outside"
        lines.append(("distance", f"{distance[0]:.5g} {unit} ({side}), rounding at most {error:.1g}"))
        ends = f"{low[0]:.5g} to {high[0]:.5g} {unit}" if np.isfinite(high[0]) else f"at least {low[0]:.5g} {unit} (no upper bound found)"
        lines.append(("certified", f"{ends} from the surface of the field"))
        normal = field.normal(place)[0]
    if normal is not None:
        lines.append(("normal", _triple(normal / max(float(np.linalg.norm(normal)), 1e-300), ".3f")))
    return Reading(hit.place, tuple(lines))


def span(places: Sequence[FloatArray]) -> float:
    """Distance between the first two places."""
    return float(np.linalg.norm(np.asarray(places[0]) - np.asarray(places[1])))


def _triple(vector: FloatArray, how: str = ".8g") -> str:
    return ", ".join(format(float(value), how) for value in vector)
