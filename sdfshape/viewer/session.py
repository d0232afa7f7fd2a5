"""`Session`: what is set, what was clicked, what is being computed. Both fronts only set values, act, click, and tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from ..errors import InputError, SdfShapeError
from ..limits import UPRIGHT
from ..types import Mesh
from .colorings import PLAIN, Coloring, colored
from .controls import AXES, BACKGROUNDS, OFF, Control, allowed, controls_of, layer_name
from .cutting import box_planes, kept_places, visible, wiped
from .jobs import Jobs
from .layers import Layer, Scene, Show
from .level import FULL_RESOLUTION, Level
from .picking import Hit, pick
from .probing import Reading, reading, span
from .results import take
from .slicing import Slice, cut

if TYPE_CHECKING:
    from .stage import Stage

NAMES = {"iso": "surface", "preview": "preview", "slice": "slice"}  # of jobs, in words
KEPT = ("background", "smooth", "edges", "parallel", "spin", "measure")  # values that stay when another file comes
TURN = 2.0  # degrees a tick


class Due(IntEnum):
    """What a front must do: nothing, tell the words and values again, or that and draw."""

    NOTHING, WORDS, PICTURE = 0, 1, 2


class Session:
    """values : by name of control.   readings : of the last clicks.   status : one line.   changed, moved : words and
    picture, since a front looked last.   failed : the last error of a job.
    """

    def __init__(self, show: Show, stage: Stage, *, resolution: int = FULL_RESOLUTION, live: bool = False) -> None:
        self.show, self.stage, self.level, self.live = show, stage, Level(resolution), live
        self.jobs, self.asks, self.clicks = Jobs(), Jobs(), 0  # a click does not wait for what takes long
        self.stage.on_click = self.click
        self.changed = self.moved = True
        self.opened = 0
        self.values: dict[str, Any] = {}
        self.feed: Callable[[], None] = lambda: None  # brings what a reconstruction made since the last tick
        self.grown: Callable[[Mesh | None], None] = lambda _: None
        self.chart, self.progress = b"", ""  # of a reconstruction that runs: a PNG picture, and words
        self._open_first()

    # --- scenes

    def _open_first(self) -> None:
        """The first scene that can be opened; raises the error of the first if none can."""
        errors: list[SdfShapeError] = []
        for index, opener in enumerate(self.show.openers):
            try:
                scene = opener()
            except SdfShapeError as error:
                errors.append(error)
                continue
            self.index = self.opened = index
            self.start(scene)
            self.status = "; ".join(str(error) for error in errors)
            return
        raise errors[0]

    def open(self, index: int) -> None:
        """Show scene number `index`; one that cannot be opened becomes a line of status, and what was there stays."""
        self.index = index
        try:
            scene = self.show.openers[index]()
        except SdfShapeError as error:
            self.status, self.changed = f"{error}; still showing {self.heading}", True
            return
        self.opened = index
        self.start(scene)

    @property
    def heading(self) -> str:
        """The name of what is shown."""
        name, count = self.show.names[self.opened], len(self.show)
        return name if count == 1 else f"{name} ({self.opened + 1} of {count})"

    def start(self, scene: Scene, *, stay: bool = False) -> None:
        """Show this scene, with every control where it belongs; what is computed for the one before is forgotten.

        stay : look from where it was looked from.
        """
        self.jobs.forget()
        self.asks.forget()
        kept, before = {name: self.values[name] for name in KEPT if name in self.values}, self.stage.origin
        self.scene: Scene = scene
        self.controls: tuple[Control, ...] = controls_of(scene, several=len(self.show) > 1, live=self.live)
        self.by_name = {control.name: control for control in self.controls}
        self.values = {control.name: control.value for control in self.controls if control.kind != "action"} | kept
        self.readings: list[Reading] = []
        self.paints: dict[int, Coloring] = {}
        self.slice: Slice | None = None
        self.status, self.failed = "", ""
        self.bar: Coloring | None = None
        self.stage.show(scene)
        for k in range(len(scene.layers)):
            self.look(k)
            self.paint(k)
        self._picture()
        if stay:
            self.stage.eye.shift(before - self.stage.origin)
        else:
            self.stage.eye.home()
        leveled = scene.level_layer
        if leveled is not None and scene.layers[leveled].level is None:
            self._level(self.values["iso"], final=True)
        self.changed = self.moved = True

    def replace_layer(self, k: int, layer: Layer) -> None:
        """Another shape in the place of layer k, as a reconstruction grows; what was set stays."""
        layers = self.scene.layers
        self.scene = replace(self.scene, layers=(*layers[:k], layer, *layers[k + 1 :]))
        self.stage.replace(k, layer)
        self.look(k)
        self.paint(k)
        for j in range(len(layers)):
            if self.values[layer_name(j, "color")] == f"distance to {layer.name}":
                self.paint(j)
        self.changed = self.moved = True

    # --- what a user does

    def set(self, name: str, value: Any, *, final: bool = True) -> None:
        """Set a control. final : False while a slider is dragged. Values out of range, or of another kind, raise InputError."""
        value = allowed(self.by_name, name, value)
        self.values[name], self.status = value, ""
        self.changed, self.moved = True, self.moved or not name.startswith(("iso", "slice"))  # the picture of these follows
        if name.startswith("layer"):
            number, what = name.removeprefix("layer").split("_")
            (self.paint if what == "color" else self.look)(int(number))
        elif name == "iso":
            self._level(value, final=final)
        elif name.startswith("slice"):
            self._slice()
        elif name.startswith(("clip", "wipe")):
            for k in range(len(self.scene.layers)):
                self.look(k)
            self.cut()
        elif name == "measure":
            self.read([])
        elif name == "up":
            self.stage.eye.up = UPRIGHT.index(value)
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

    def click(self, x: float, y: float) -> None:
        """Read the place under a pixel (from the lower left corner); what is hit is searched in the full data."""
        ray, layers, plane = self.stage.eye.ray(x, y), self.scene.layers, None if self.slice is None else self.slice.corners
        shown = [visible(self.values, layers, k) for k in range(len(layers))]
        kept = [kept_places(self.values, layers, k, self.stage.eye) for k in range(len(layers))]
        sizes = [self.values.get(layer_name(k, "size"), 1.0) for k in range(len(layers))]
        scene = self.scene

        def ask(_: Callable[[float], None]) -> Reading | None:
            hit: Hit | None = pick(layers, shown, ray, kept, sizes, plane)
            return None if hit is None else reading(hit, scene)

        self.clicks += 1
        self.asks.submit(f"click{self.clicks}", ask)

    # --- what comes by itself

    def tick(self) -> Due:
        """Take what was computed, turn if it is to turn; what a front must do then."""
        self.feed()
        for kind, result in (*self.asks.finished(), *self.jobs.finished()):
            take(self, kind, result)
            self.changed = self.moved = True
        if self.values["spin"]:
            self.stage.moving(True)
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
    def running(self) -> bool:
        """Whether anything that was asked for is still to come."""
        return bool(self.jobs.running or self.asks.running)

    @property
    def measured(self) -> str:
        """The distance between the two places that are measured, in words, or nothing."""
        ends = [one.place for one in self.readings]
        return f"{span(ends):.6g} {self.scene.unit} apart" if len(ends) == 2 else ""

    def resized(self) -> None:
        """The picture has another size; who has not looked around yet sees all of it again."""
        if self.stage.eye.at_home:
            self.stage.eye.home()
        self.moved = True

    def close(self) -> None:
        """End what is being computed."""
        self.jobs.close()
        self.asks.close()

    def surface(self) -> Mesh:
        """The first surface that is visible, in full; raises InputError if there is none, or it is not there yet."""
        for k, layer in enumerate(self.scene.layers):
            if isinstance(layer.shape, Mesh) and visible(self.values, self.scene.layers, k):
                if k == self.scene.level_layer and layer.level != self.values["iso"]:
                    raise InputError("the surface must be there in full to be saved, it is still being computed: wait for it")
                return layer.shape
        raise InputError("a surface must be visible to be saved, none is: show one")

    # --- how it is done

    def read(self, readings: list[Reading]) -> None:
        """Show these places; of two the distance."""
        self.readings = readings
        ends = [one.place for one in readings]
        self.stage.set_marks(ends, f"{span(ends):.5g} {self.scene.unit}" if len(ends) == 2 else "")

    def look(self, k: int) -> None:
        """Tell the stage how layer k is drawn."""
        size = self.values.get(layer_name(k, "size"), 1.0)
        self.stage.look(k, shown=visible(self.values, self.scene.layers, k), opacity=self.values[layer_name(k, "opacity")], size=size)

    def paint(self, k: int) -> None:
        """Have the colours of layer k computed."""
        name, scene = self.values[layer_name(k, "color")], self.scene
        if name == PLAIN:
            self.jobs.drop(f"paint{k}")
            take(self, f"paint{k}", None)
        else:
            self.jobs.submit(f"paint{k}", lambda told: colored(scene, k, name, told))

    def _level(self, iso: float, *, final: bool) -> None:
        if (field := self.scene.level_field) is not None:
            self.stage.moving(not final)
            self.jobs.submit("iso", self.level.full(field, iso) if final else self.level.preview(field, iso))

    def _slice(self) -> None:
        field, axis = self.scene.level_field, self.values["slice"]
        if field is None or axis == OFF:
            self.jobs.drop("slice")
            self.slice, self.moved = None, True
            self.stage.set_slice(None)
            self.stage.set_bar(self.bar)
            return
        k, what = AXES.index(axis), self.values["slice_of"]
        lo, hi = field.bounds[:, k]
        at = float(lo + self.values["slice_at"] * (hi - lo))
        self.jobs.submit("slice", lambda _: cut(field, k, at, what))

    def _picture(self) -> None:
        self.stage.eye.set_parallel(self.values["parallel"])
        self.stage.style(edges=self.values["edges"], smooth=self.values["smooth"], background=BACKGROUNDS[self.values["background"]])
        self.stage.moving(self.values["spin"])
        self.stage.set_bar(self.bar)
        self.read(self.readings)
        self.cut()

    def cut(self) -> None:
        """Tell the stage by which planes each layer is cut, and on which side of the wipe it is."""
        share = self.values.get("wipe_at", 0.5)
        for k in range(len(self.scene.layers)):
            self.stage.set_planes(k, box_planes(self.values))
            self.stage.set_side(k, wiped(self.values, self.scene.layers, k), share)
        self.stage.set_line(share if self.values.get("wipe") else None)
