"""`Session`: what is set, what was clicked, what is being computed. Both fronts only set values, act, click, and tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from ..errors import InputError, SdfShapeError
from ..types import Mesh
from .colorings import PLAIN, Coloring, colored
from .controls import AXES, BACKGROUNDS, OFF, Control, allowed, controls_of, layer_name
from .cutting import box_planes, kept_places, visible, wiped
from .jobs import Jobs
from .layers import Layer, Scene, Show
from .level import FULL_RESOLUTION, Level, Leveled
from .picking import Hit, pick
from .probing import Reading, reading, span
from .slicing import Slice, cut

if TYPE_CHECKING:
    from .stage import Stage

NAMES = {"iso": "surface", "preview": "preview", "slice": "slice", "click": "place"}  # of jobs, in words
TURN = 2.0  # degrees a tick


class Due(IntEnum):
    """What a front must do: nothing, tell the words and values again, or that and draw."""

    NOTHING, WORDS, PICTURE = 0, 1, 2


class Session:
    """values : by name of control.   readings : of the last clicks.   status : one line.   changed, moved : words and
    picture, since a front looked last.
    """

    def __init__(self, show: Show, stage: Stage, *, resolution: int = FULL_RESOLUTION, live: bool = False) -> None:
        self.show, self.stage, self.level, self.live = show, stage, Level(resolution), live
        self.jobs, self.index = Jobs(), 0
        self.stage.on_click = self.click
        self.changed = self.moved = True
        self.feed: Callable[[], None] = lambda: None  # brings what a reconstruction made since the last tick
        self.grown: Callable[[Mesh | None], None] = lambda _: None
        self.chart, self.progress = b"", ""  # of a reconstruction that runs: a PNG picture, and words
        self.open(0)

    # --- scenes

    def open(self, index: int) -> None:
        """Show scene number `index`; one that cannot be opened becomes a line of status, and what was there stays."""
        try:
            scene = self.show.openers[index]()
        except SdfShapeError as error:
            if not hasattr(self, "scene"):
                raise
            self.index, self.status, self.changed = index, str(error), True
            return
        self.index = index
        self.start(scene)

    def start(self, scene: Scene, *, stay: bool = False, extract: bool = True) -> None:
        """Show this scene from the start, with every control where it belongs.

        stay : look from where it was looked from.   extract : the surface of a field, which is not the full one yet.
        """
        self.scene: Scene = scene
        self.controls: tuple[Control, ...] = controls_of(scene, several=len(self.show) > 1, live=self.live)
        self.by_name = {control.name: control for control in self.controls}
        self.values: dict[str, Any] = {control.name: control.value for control in self.controls if control.kind != "action"}
        self.readings: list[Reading] = []
        self.paints: dict[int, Coloring] = {}
        self.status, self.updates = "", 0
        self.bar: Coloring | None = None
        self.stage.show(scene)
        for k in range(len(scene.layers)):
            self._look(k)
            self._paint(k)
        self._picture()
        self._cut()
        if not stay:
            self.stage.eye.home()
        if scene.level_field is not None and extract:
            self._level(0.0, final=True)
        self.changed = self.moved = True

    def replace_layers(self, layers: tuple[Layer, ...]) -> None:
        """The same scene with other shapes in the same places, as a reconstruction grows; what was set stays."""
        before, self.scene = self.scene.layers, replace(self.scene, layers=layers)
        for k, layer in enumerate(layers):
            if layer is before[k]:
                continue
            self.stage.replace(k, layer)
            self._look(k)
            self._paint(k)
        self._cut()
        self.changed = self.moved = True

    # --- what a user does

    def set(self, name: str, value: Any, *, final: bool = True) -> None:
        """Set a control. final : False while a slider is dragged. Values out of range, or of another kind, raise InputError."""
        value = allowed(self.by_name, name, value)
        self.values[name] = value
        self.changed, self.moved = True, self.moved or not name.startswith(("iso", "slice"))  # the picture of these follows
        if name.startswith("layer"):
            number, what = name.removeprefix("layer").split("_")
            (self._paint if what == "color" else self._look)(int(number))
            self._cut()
        elif name == "iso":
            self._level(value, final=final)
        elif name.startswith("slice"):
            self._slice()
        elif name.startswith(("clip", "wipe")):
            if name.startswith("wipe"):
                for k in range(len(self.scene.layers)):
                    self._look(k)
            self._cut()
        elif name == "measure":
            self._read([])
        elif name == "up":
            self.stage.eye.up = AXES.index(value)
            self.stage.eye.home()
        else:
            self._picture()

    def act(self, name: str) -> None:
        """Do what an action that changes only the picture says; files are made by `saving`."""
        self.changed = self.moved = True
        if name in ("next", "previous"):
            self.open((self.index + (1 if name == "next" else -1)) % len(self.show))
        elif name == "home":
            self.stage.eye.home()
        elif name.startswith("view_"):
            self.stage.eye.view(AXES.index(name[-1].lower()), opposite=name[-1].isupper())
        self._cut()

    def click(self, x: float, y: float) -> None:
        """Read the place under a pixel (from the lower left corner); what is hit is searched in the full data."""
        ray, layers = self.stage.eye.ray(x, y), self.scene.layers
        shown = [visible(self.values, layers, k) for k in range(len(layers))]
        kept = [kept_places(self.values, layers, k, self.stage.eye) for k in range(len(layers))]
        field, unit = self.scene.level_field, self.scene.unit

        def look(_: Callable[[float], None]) -> Reading | None:
            hit: Hit | None = pick(layers, shown, ray, kept)
            return None if hit is None else reading(hit, layers, field, unit)

        self.jobs.submit("click", look)

    # --- what comes by itself

    def tick(self) -> Due:
        """Take what was computed, turn if it is to turn; what a front must do then."""
        self.feed()
        for kind, result in self.jobs.finished():
            self._take(kind, result)
            self.changed = self.moved = True
        if self.values["spin"]:
            self.stage.eye.turn(TURN)
            self.changed = self.moved = True
        due = Due.PICTURE if self.moved else Due.WORDS if self.changed else Due.NOTHING
        self.changed = self.moved = False
        return due

    @property
    def busy(self) -> str:
        """What is being computed, in words, or nothing."""
        words = []
        for kind, share in self.jobs.running.items():
            what = NAMES.get(kind, "colours")
            words.append(f"{what} {share:.0%}" if share else f"{what} ...")
        return ", ".join(words)

    @property
    def measured(self) -> str:
        """The distance between the two places that are measured, in words, or nothing."""
        ends = [one.place for one in self.readings]
        return f"{span(ends):.6g} {self.scene.unit} apart" if len(ends) == 2 else ""

    def resized(self) -> None:
        """The picture has another size: the line of the wipe stands elsewhere."""
        self._cut()

    def close(self) -> None:
        self.jobs.close()

    def surface(self) -> Mesh:
        """The first surface that is visible, in full; raises InputError if there is none."""
        for k, layer in enumerate(self.scene.layers):
            if isinstance(layer.shape, Mesh) and visible(self.values, self.scene.layers, k):
                return layer.shape
        raise InputError("a surface must be visible to be saved, none is: show one")

    # --- how it is done

    def _take(self, kind: str, result: Any) -> None:
        if isinstance(result, SdfShapeError):
            self.status = str(result)
            return
        if kind == "iso":
            self._take_level(result)
        elif kind == "slice":
            cut_plane: Slice = result
            self.stage.set_slice(cut_plane)
            self.status = f"iso-lines every {cut_plane.step:g} {self.scene.unit}, the surface in black"
        elif kind == "click":
            self._take_reading(result)
        elif kind == "growth":
            self.grown(result)
        elif kind.startswith("paint"):
            self._take_paint(int(kind.removeprefix("paint")), result)

    def _take_reading(self, found: Reading | None) -> None:
        if found is None:
            self.status = "nothing there: click on a surface or a point"
            return
        self.status = ""
        self._read([*self.readings[-1:], found] if self.values["measure"] and len(self.readings) < 2 else [found])

    def _read(self, readings: list[Reading]) -> None:
        self.readings = readings
        ends = [one.place for one in readings]
        self.stage.set_marks(ends, f"{span(ends):.5g} {self.scene.unit}" if len(ends) == 2 else "")

    def _look(self, k: int) -> None:
        size = self.values.get(layer_name(k, "size"), 1.0)
        self.stage.look(k, shown=visible(self.values, self.scene.layers, k), opacity=self.values[layer_name(k, "opacity")], size=size)

    def _paint(self, k: int) -> None:
        name, scene = self.values[layer_name(k, "color")], self.scene
        if name == PLAIN:
            self.jobs.drop(f"paint{k}")
            self._take_paint(k, None)
        else:
            self.jobs.submit(f"paint{k}", lambda told: colored(scene, k, name, told))

    def _take_paint(self, k: int, paint: Coloring | None) -> None:
        stale = paint is not None and paint.name != self.values[layer_name(k, "color")]
        if paint is not None and (stale or len(paint.rgb) != len(self.scene.layers[k].places)):
            return  # of a surface that has moved since, or not what is wanted now
        self.paints.pop(k, None)
        if paint is not None:
            self.paints[k] = paint
        self.stage.paint(k, None if paint is None else paint.rgb)
        barred = [one for one in (paint, *self.paints.values()) if one is not None and one.values is not None]
        self.bar = barred[0] if barred else None
        self.stage.set_bar(self.bar)
        if paint is not None:
            self.status = f"{self.scene.layers[k].name}: {paint.name}, {paint.about} {paint.unit}".rstrip() if paint.about else ""

    def _level(self, iso: float, *, final: bool) -> None:
        if (field := self.scene.level_field) is not None:
            self.stage.moving(not final)
            self.jobs.submit("iso", self.level.full(field, iso) if final else self.level.preview(field, iso))

    def _take_level(self, made: Leveled) -> None:
        k = self.scene.level_layer
        if k is None:
            return
        layer = self.scene.layers[k].with_mesh(made.mesh)
        self.scene = replace(self.scene, layers=(*self.scene.layers[:k], layer, *self.scene.layers[k + 1 :]))
        self.stage.replace(k, layer)
        self._look(k)
        self.updates += 1
        self.status = ""
        if made.final:
            self._paint(k)
            if (field := self.scene.level_field) is not None:
                self.jobs.submit("preview", self.level.prepare(field))
        else:
            self.paints.pop(k, None)
        self._cut()

    def _slice(self) -> None:
        field, axis = self.scene.level_field, self.values["slice"]
        if field is None or axis == OFF:
            self.jobs.drop("slice")
            self.stage.set_slice(None)
            return
        k, what = AXES.index(axis), self.values["slice_of"]
        lo, hi = field.bounds[:, k]
        at = float(lo + self.values["slice_at"] * (hi - lo))
        self.jobs.submit("slice", lambda _: cut(field, k, at, what))

    def _picture(self) -> None:
        self.stage.style(edges=self.values["edges"], smooth=self.values["smooth"], parallel=self.values["parallel"],
                         background=BACKGROUNDS[self.values["background"]])  # fmt: skip
        self._cut()

    def _cut(self) -> None:
        """Tell the stage by which planes each layer is cut, and on which side of the wipe it is."""
        share = self.values.get("wipe_at", 0.5)
        for k in range(len(self.scene.layers)):
            self.stage.set_planes(k, box_planes(self.values))
            self.stage.set_side(k, wiped(self.values, self.scene.layers, k), share)
        self.stage.set_line(share if self.values.get("wipe") else None)
