"""The panel of the window: the controls drawn as a picture, and what a press on a place of it means. Knows no toolkit."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..types import IntArray
from .controls import Control, grouped, keys_in_words
from .keys import FRONTS

if TYPE_CHECKING:
    from .session import Session

WIDTH = 320  # pixels
PAD, ROW, LINE, TEXT = 14, 27, 17, 13
PAPER, INK, PALE, ACCENT, FIELD = (250, 250, 249), (35, 35, 40), (120, 122, 128), (25, 103, 193), (228, 231, 236)


@dataclass(frozen=True)
class Spot:
    """A rectangle of the panel, (left, top, right, bottom), and what a press on it does with the share (0 to 1) of its width."""

    box: tuple[float, float, float, float]
    press: Callable[[float, bool], None]
    held: bool = False

    def has(self, x: float, y: float) -> bool:
        left, top, right, bottom = self.box
        return left <= x <= right and top <= y <= bottom


class Panel:
    """act(name) does what only a front can: files, help, the end of a reconstruction."""

    def __init__(self, session: Session, act: Callable[[str], None]) -> None:
        self.session, self.act = session, act
        self.opened: set[str] = set()
        self.unfolded, self.help, self.scroll, self.height = "", False, 0.0, 0.0
        self.spots: list[Spot] = []
        self.holding: Spot | None = None
        self.first_groups: object = None
        self.pen: Any = None
        self.y = 0.0

    # --- the mouse; x, y from the upper left corner

    def press(self, x: float, y: float) -> bool:
        """Whether the panel was meant."""
        if x >= WIDTH:
            return False
        spot = next((spot for spot in reversed(self.spots) if spot.has(x, y)), None)
        self.holding = spot if spot is not None and spot.held else None
        if spot is not None:
            spot.press(_share(spot, x), not spot.held)
        return True

    def drag(self, x: float) -> None:
        if self.holding is not None:
            self.holding.press(_share(self.holding, x), False)

    def release(self, x: float) -> bool:
        """Whether something was held."""
        held, self.holding = self.holding, None
        if held is not None:
            held.press(_share(held, x), True)
        return held is not None

    def wheel(self, x: float, steps: float, height: int) -> bool:
        if x >= WIDTH:
            return False
        self.scroll = float(np.clip(self.scroll + 60 * steps, 0, max(self.height - height, 0)))
        return True

    # --- the picture

    def draw(self, height: int) -> IntArray:
        """(height, WIDTH, 3) uint8."""
        from PIL import Image, ImageDraw

        if self.session.controls is not self.first_groups:
            self.first_groups, self.opened = self.session.controls, {control.group for control in self.session.controls[:4]}
        image = Image.new("RGB", (WIDTH, height), PAPER)
        self.pen = ImageDraw.Draw(image)
        self.spots, self.y = [], PAD - self.scroll
        self._heading(image)
        if self.help:
            self._keys()
        else:
            self._readings()
            self._groups()
        self.height = self.y + self.scroll + PAD
        self.pen.line([(WIDTH - 1, 0), (WIDTH - 1, height)], fill=FIELD)
        return np.asarray(image)

    def _words(self, text: str, x: float = PAD, *, color: tuple[int, int, int] = INK, size: int = TEXT, right: bool = False) -> None:
        font = small_font(size)
        room = WIDTH - PAD - x
        while font.getlength(text) > room and len(text) > 4 and not right:
            text = text[:-4] + "..."
        self.pen.text((WIDTH - PAD - font.getlength(text) if right else x, self.y), text, fill=color, font=font)

    def _wrapped(self, text: str, color: tuple[int, int, int] = INK) -> None:
        line = ""
        for word in [*text.split(), ""]:
            if not word or small_font(TEXT - 1).getlength(f"{line} {word}") > WIDTH - 2 * PAD:
                self._words(line, color=color, size=TEXT - 1)
                self.y += LINE
                line = word
            else:
                line = f"{line} {word}".strip()

    def _button(self, text: str, press: Callable[[float, bool], None], *, on: bool = False) -> None:
        box = (PAD, self.y, WIDTH - PAD, self.y + ROW - 5)
        self.pen.rounded_rectangle(box, 4, fill=ACCENT if on else FIELD)
        self.y += 3
        self._words(text, PAD + 10, color=PAPER if on else INK)
        self.y += ROW - 3
        self.spots.append(Spot(box, press))

    def _heading(self, image: Any) -> None:
        session = self.session
        self._words(session.heading, size=TEXT + 1)
        self.y += LINE + 6
        self._button("Back to the controls (?)" if self.help else "Keys and mouse (?)", lambda *_: self.act("help"))
        if session.progress:
            self._wrapped(session.progress)
        if session.chart:
            from PIL import Image

            chart = Image.open(io.BytesIO(session.chart)).convert("RGB")
            chart.thumbnail((WIDTH - 2 * PAD, 400))
            image.paste(chart, (PAD, int(self.y)))
            self.y += chart.height + 6
        for text, color in ((session.status, INK), (session.busy, (110, 90, 30))):
            if text:
                self._wrapped(text, color)

    def _keys(self) -> None:
        for key, what in [*keys_in_words(self.session.controls), ("q", "close the window")]:
            self._words(key, size=TEXT - 1)
            self._words(what, PAD + 92, size=TEXT - 1, color=PALE)
            self.y += LINE

    def _readings(self) -> None:
        if self.session.measured:
            self._words(self.session.measured, size=TEXT + 1, color=ACCENT)
            self.y += LINE + 4
        for one in self.session.readings:
            for what, value in one.lines:
                self._wrapped(f"{what}: {value}")
            self.y += 6

    def _groups(self) -> None:
        counts = {layer.name: layer.counted for layer in self.session.scene.layers}
        for name, controls in grouped(self.session.controls).items():
            self.y += 4
            top = self.y
            self._words(("v  " if name in self.opened else ">  ") + name, size=TEXT + 1)
            self.y += LINE + 6
            self.spots.append(Spot((0, top, WIDTH, self.y), lambda *_, name=name: self._fold(name)))
            if name in self.opened:
                if name in counts:
                    self._words(counts[name], color=PALE, size=TEXT - 1)
                    self.y += LINE + 2
                for control in controls:
                    getattr(self, f"_{control.kind}")(control)
            self.pen.line([(PAD, self.y), (WIDTH - PAD, self.y)], fill=FIELD)

    def _fold(self, name: str) -> None:
        self.opened ^= {name}
        self.session.changed = True

    # --- one method a kind of control

    def _toggle(self, control: Control) -> None:
        on, box = bool(self.session.values[control.name]), (PAD, self.y + 2, PAD + 30, self.y + 17)
        self.pen.rounded_rectangle(box, 8, fill=ACCENT if on else (180, 184, 190))
        middle = box[2] - 8 if on else box[0] + 8
        self.pen.ellipse((middle - 6, self.y + 4, middle + 6, self.y + 16), fill=PAPER)
        self._words(_named(control), PAD + 40)
        self.spots.append(Spot((PAD, self.y, WIDTH - PAD, self.y + ROW - 4), lambda *_: self.session.set(control.name, not on)))
        self.y += ROW

    def _choice(self, control: Control) -> None:
        open_now = self.unfolded == control.name
        self._words(_named(control), color=PALE, size=TEXT - 2)
        self.y += LINE - 1
        self._button(f"{self.session.values[control.name]}   {'^' if open_now else 'v'}", lambda *_: self._unfold(control.name))
        for name in control.choices if open_now else ():
            self._button(f"   {name}", lambda *_, name=name: self._choose(control, name), on=name == self.session.values[control.name])

    def _unfold(self, name: str) -> None:
        self.unfolded = "" if self.unfolded == name else name
        self.session.changed = True

    def _choose(self, control: Control, value: str) -> None:
        self.unfolded = ""
        self.session.set(control.name, value)

    def _slider(self, control: Control) -> None:
        value = float(self.session.values[control.name])
        self._track(control, [value], f"{value:.{control.decimals}f} {control.unit}".strip())

        def press(share: float, final: bool) -> None:
            self.session.set(control.name, control.lo + share * (control.hi - control.lo), final=final)

        self.spots.append(Spot(self._last_track(), press, held=True))

    def _range(self, control: Control) -> None:
        low, high = self.session.values[control.name]
        self._track(control, [low, high], f"{low:.{control.decimals}f} to {high:.{control.decimals}f} {control.unit}".strip())

        def press(share: float, final: bool) -> None:
            low, high = self.session.values[control.name]
            value = control.lo + share * (control.hi - control.lo)
            ends = (value, high) if abs(value - low) <= abs(value - high) else (low, value)
            self.session.set(control.name, ends, final=final)

        self.spots.append(Spot(self._last_track(), press, held=True))

    def _track(self, control: Control, ends: list[float], shown: str) -> None:
        self._words(control.label)
        self._words(shown, color=PALE, right=True)
        self.y += LINE + 8
        left, right = PAD + 6, WIDTH - PAD - 6
        self.pen.line([(left, self.y), (right, self.y)], fill=(180, 184, 190), width=4)
        places = [left + (right - left) * (end - control.lo) / (control.hi - control.lo or 1.0) for end in ends]
        self.pen.line([(places[0] if len(places) > 1 else left, self.y), (places[-1], self.y)], fill=ACCENT, width=4)
        for place in places:
            self.pen.ellipse((place - 7, self.y - 7, place + 7, self.y + 7), fill=ACCENT)
        self.y += 14

    def _last_track(self) -> tuple[float, float, float, float]:
        return (PAD + 6, self.y - 24, WIDTH - PAD - 6, self.y - 4)

    def _action(self, control: Control) -> None:
        front = control.group in FRONTS
        self._button(_named(control), lambda *_: self.act(control.name) if front else self.session.act(control.name))


def _named(control: Control) -> str:
    return control.label + (f"  ({control.key})" if control.key else "")


def _share(spot: Spot, x: float) -> float:
    return float(np.clip((x - spot.box[0]) / (spot.box[2] - spot.box[0]), 0, 1))


@cache
def small_font(size: int) -> Any:
    """DejaVu Sans, which comes with matplotlib."""
    from PIL import ImageFont

    found = find_spec("matplotlib")
    home = Path(found.origin).parent if found is not None and found.origin else Path()
    return ImageFont.truetype(str(home / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
