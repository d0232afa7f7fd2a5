"""Everything that can be set or done, once, in words: both fronts make their widgets and keys from this list."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import InputError
from ..limits import UPRIGHT
from .colorings import PLAIN, choices
from .layers import Layer, Scene, digits
from .slicing import DISTANCE, RESIDUAL

if TYPE_CHECKING:
    from ..field import CertifiedField

BACKGROUNDS = {
    "light": ((0.97, 0.97, 0.96), (0.82, 0.85, 0.88)),
    "white": ((1.0, 1.0, 1.0),) * 2,
    "dark": ((0.16, 0.17, 0.2), (0.05, 0.05, 0.07)),
}
EXPORTS = ("ply", "obj", "stl", "glb", "off")
LEVELS = 0.15  # how far the level goes either way, of the longest side
AXES = ("x", "y", "z")
OFF = "off"


@dataclass(frozen=True)
class Control:
    """name : of its value.   value : at first.   key : pressed in the picture.   lo, hi, unit : of sliders and ranges, (lo, hi) pairs."""

    name: str
    kind: Literal["toggle", "choice", "slider", "range", "action"]
    group: str
    label: str
    value: Any = None
    key: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()
    lo: float = 0.0
    hi: float = 1.0
    unit: str = ""

    @property
    def decimals(self) -> int:
        """Digits after the point that tell a hundredth of the range apart, or less."""
        return max(0, digits(self.hi - self.lo) - 4)


def layer_name(k: int, what: str) -> str:
    """Name of a value of layer k."""
    return f"layer{k}_{what}"


def controls_of(scene: Scene, *, several: bool, live: bool = False) -> tuple[Control, ...]:
    """In the order of the panel. several : files to go through.   live : a reconstruction is running."""
    made: list[Control] = []
    if live:
        made.append(
            Control(
                "stop",
                "action",
                "Reconstruction",
                "Finish now, keep the result",
                help="from a quarter of the steps on; cools down in a few seconds",
            )
        )
    if several:
        made += [
            Control("next", "action", "Files", "Next file", key="n"),
            Control("previous", "action", "Files", "Previous file", key="p"),
        ]
    for k, layer in enumerate(scene.layers):
        made += _of_layer(scene, k, layer)
    return (*made, *_of_field(scene), *_of_cuts(scene), *_of_picture(scene), *_of_files(scene))


def _of_layer(scene: Scene, k: int, layer: Layer) -> list[Control]:
    group, shown = layer.name, choices(scene, k)
    first = next((name for name in (layer.color_by, "colours of the file") if name in shown), PLAIN)
    made = [
        Control(layer_name(k, "shown"), "toggle", group, "Show", layer.shown, key=str(k + 1) if k < 9 else ""),
        Control(layer_name(k, "color"), "choice", group, "Colour by", first, choices=shown),
        Control(layer_name(k, "opacity"), "slider", group, "Opacity", 1.0, lo=0.05, hi=1.0),
    ]
    if not layer.is_surface:
        made.append(Control(layer_name(k, "size"), "slider", group, "Point size", 3.0, lo=1.0, hi=12.0, unit="pixels"))
    return made


def _of_field(scene: Scene) -> list[Control]:
    field = scene.level_field
    if field is None:
        return []
    lo, hi = field.bounds
    deepest, reach, group = float((hi - lo).min()) / 2, level_reach(field), "Field"
    return [
        Control("iso", "slider", group, "Surface at distance", _first_level(scene), lo=-min(reach, deepest), hi=reach, unit=scene.unit,
                help="0 is the surface, positive lies outside; keys [ and ]"),
        Control("slice", "choice", group, "Slice across", OFF, key="l", choices=(OFF, *AXES)),
        Control("slice_at", "slider", group, "Slice at", 0.5, lo=0.0, hi=1.0, help="from one end of the field to the other"),
        Control("slice_of", "choice", group, "Slice shows", DISTANCE, choices=(DISTANCE, RESIDUAL), help="lines stand at equal distances"),
    ]  # fmt: skip


def _first_level(scene: Scene) -> float:
    k = scene.level_layer
    return 0.0 if k is None else scene.layers[k].level or 0.0


def level_reach(field: CertifiedField) -> float:
    """How far outside the level may be moved, world units."""
    return LEVELS * float((field.bounds[1] - field.bounds[0]).max())


def _of_cuts(scene: Scene) -> list[Control]:
    lo, hi = scene.bounds
    if (field := scene.level_field) is not None:  # the surface may be moved outwards, and must not be cut then
        box = field.level_box(level_reach(field))
        lo, hi = np.minimum(lo, box[0]), np.maximum(hi, box[1])
    pad = 0.01 * scene.size
    made = [Control("clip", "toggle", "Clip box", "Clip", False, key="c", help="only what is inside of the box is drawn")]
    for k, axis in enumerate(AXES):
        ends = (float(lo[k] - pad), float(hi[k] + pad))
        made.append(Control(f"clip_{axis}", "range", "Clip box", f"Keep {axis}", ends, lo=ends[0], hi=ends[1], unit=scene.unit))
    names = tuple(layer.name for layer in scene.layers)
    if len(names) > 1:
        surfaces = [layer.name for layer in scene.layers if layer.is_surface]
        left, right = (*surfaces, *[name for name in names if name not in surfaces])[:2]
        made += [
            Control("wipe", "toggle", "Compare two", "Wipe", False, key="w", help="one on the left of a line, the other on the right"),
            Control("wipe_left", "choice", "Compare two", "Left", left, choices=names),
            Control("wipe_right", "choice", "Compare two", "Right", right, choices=names),
            Control("wipe_at", "slider", "Compare two", "Line at", 0.5, help="from the left edge to the right one; arrow keys move it"),
        ]
    return made


def _of_picture(scene: Scene) -> list[Control]:
    group = "View"
    views = [
        Control(f"view_{axis}", "action", group, f"Along {axis}", key=axis, help="capital letter: from the other side") for axis in AXES
    ]
    return [
        Control("home", "action", group, "Home", key="h", help="all of it, from the side"),
        *views,
        Control("measure", "toggle", group, "Measure: click two places", False, key="m"),
        Control("edges", "toggle", group, "Edges of triangles", False, key="e"),
        Control("smooth", "toggle", group, "Smooth shading", False, key="f"),
        Control("parallel", "toggle", group, "Without perspective", False, key="o"),
        Control("spin", "toggle", group, "Turn by itself", False, key="t"),
        Control("up", "choice", group, "Upright axis", UPRIGHT[scene.up], key="u", choices=UPRIGHT),
        Control("background", "choice", group, "Background", "light", key="b", choices=tuple(BACKGROUNDS)),
    ]


def _of_files(scene: Scene) -> list[Control]:
    group = "Save"
    made = [
        Control("screenshot", "action", group, "Picture (PNG)", key="s"),
        Control("turntable", "action", group, "Turn around (GIF)", help="36 pictures; takes some seconds"),
    ]
    if any(layer.is_surface for layer in scene.layers):
        made += [
            Control("export", "action", group, "Surface that is shown", help="the first surface that is visible, all of its triangles"),
            Control("export_as", "choice", group, "As", EXPORTS[0], choices=EXPORTS),
        ]
    return made


def allowed(by_name: Mapping[str, Control], name: str, value: Any) -> Any:
    """The value as a control keeps it, within its limits; raises InputError for a name or a kind of value that is none."""
    control = by_name.get(name)
    if control is None or control.kind == "action":
        raise InputError(f"a value must be one of {', '.join(by_name)}, got {name!r:.40}")
    if control.kind == "toggle":
        return bool(value)
    if control.kind == "choice":
        if value not in control.choices:
            raise InputError(f"{control.label} must be one of {', '.join(control.choices)}, got {value!r:.40}")
        return value
    try:
        ends = sorted(float(end) for end in (value if control.kind == "range" else [value]))
    except (TypeError, ValueError) as error:
        raise InputError(f"{control.label} must be numbers, got {value!r:.40}") from error
    if len(ends) != 1 + (control.kind == "range") or not all(math.isfinite(end) for end in ends):
        raise InputError(f"{control.label} must be finite numbers, got {value!r:.40}")
    ends = [min(max(end, control.lo), control.hi) for end in ends]
    return tuple(ends) if control.kind == "range" else ends[0]


def following(control: Control, value: Any) -> Any:
    """The value that a key gives: the other one of a toggle, the next of a choice."""
    if control.kind == "toggle":
        return not value
    return control.choices[(control.choices.index(value) + 1) % len(control.choices)]


def grouped(controls: Sequence[Control]) -> dict[str, list[Control]]:
    """Controls by the name of their group, in order."""
    groups: dict[str, list[Control]] = {}
    for control in controls:
        groups.setdefault(control.group, []).append(control)
    return groups


def keys_in_words(controls: Sequence[Control]) -> list[tuple[str, str]]:
    """(key, what it does), for the help that `?` shows; the mouse first."""
    mouse = [("drag", "turn"), ("shift + drag", "move"), ("wheel", "nearer, farther")]
    mouse.append(("click", "read a place: its distance"))
    named = []
    for control in controls:
        of_layer = control.name.startswith("layer")
        named += [(control.key, f"{control.label} {control.group}" if of_layer else control.label)] if control.key else []
    extra = [("[ ]", "surface inwards, outwards")] if any(c.name == "iso" for c in controls) else []
    extra += [("left right", "line of the wipe")] if any(c.name == "wipe" for c in controls) else []
    return [*mouse, *named, *extra, ("?", "this help")]
