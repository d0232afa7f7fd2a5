"""The window: the stage on the screen, the panel on its left."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .drawing import hush, picture_actor
from .keys import press
from .panel import WIDTH, Panel
from .saving import said_if_it_fails, save_beside
from .session import Due
from .stage import Stage

if TYPE_CHECKING:
    from .session import Session

TICK = 0.01  # seconds
KEYS = {"question": "?", "bracketleft": "[", "bracketright": "]", "Left": "Left", "Right": "Right"}
NO_DISPLAY = (
    "a window needs a display, none was found: use --web to see it in a browser, or --html page.html for a page that opens anywhere"
)


def require_display() -> None:
    """Raise InputError on a machine that has no screen."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise InputError(NO_DISPLAY)


def window_stage(size: tuple[int, int] = (1500, 900)) -> Stage:
    """A stage on the screen; raises InputError where there is none."""
    require_display()
    import pyvista

    hush()
    plotter: Any = pyvista.Plotter(window_size=list(size))
    plotter.camera_set = True  # or PyVista would move it at its first picture
    stage = Stage(plotter=plotter)
    if any(name in stage.window.GetClassName() for name in ("EGL", "OSOpenGL")):  # the display that was named does not answer
        stage.close()
        raise InputError(NO_DISPLAY)
    return stage


class DesktopFront:
    """session : on a stage of `window_stage`.   folder : where files are saved.   stop() ends a reconstruction that runs."""

    def __init__(self, session: Session, *, folder: Path | None = None, stop: Callable[[], None] | None = None) -> None:
        from vtkmodules.vtkRenderingCore import vtkRenderer

        self.session, self.stage, self.folder, self.stop = session, session.stage, folder or Path.cwd(), stop
        self.panel = Panel(session, self._act)
        self.size: tuple[int, ...] = (0, 0)
        self.side: Any = vtkRenderer()
        self.side.InteractiveOff()
        self.stage.side = self.side
        self.stage.window.AddRenderer(self.side)
        self.drawn: Any = None
        self.said = ""
        self.stage.panel = self
        self.stage.plotter.iren.clear_key_event_callbacks()
        self.stage.interactor.RemoveObservers("KeyPressEvent")  # PyVista's, of which q would close the window behind our back
        self.stage.interactor.AddObserver("KeyPressEvent", lambda *_: self._key())

    def run(self) -> None:
        """Show the window until it is closed."""
        interactor = self.stage.interactor
        self.stage.window.SetWindowName(f"sdfshape: {self.session.heading}")
        interactor.Initialize()
        try:
            while not interactor.GetDone():  # VTK's own loop would keep Python's lock, and nothing could be computed beside it
                interactor.ProcessEvents()
                said_if_it_fails(self.session, self.tick)
                time.sleep(TICK)
        finally:
            self.stage.close()

    def tick(self) -> None:
        """Draw what changed."""
        size = tuple(self.stage.window.GetSize())
        if size != self.size:
            self.size = size
            self.stage.leave_room(WIDTH)
            self.session.resized()
        if self.session.tick() is not Due.NOTHING or self.session.busy != self.said:
            self.said = self.session.busy
            self._draw_panel()
            self.stage.render()

    # --- the mouse, as the stage hands it on: pixels from the lower left

    def press(self, x: float, y: float) -> bool:
        self._do(lambda: self.panel.press(x, self.size[1] - 1 - y))
        return self._after(x < WIDTH)

    def drag(self, x: float) -> bool:
        if self.panel.holding is None:
            return False
        self._do(lambda: self.panel.drag(x))
        return self._after(True)

    def release(self, x: float) -> bool:
        held = self.panel.holding is not None
        self._do(lambda: self.panel.release(x))
        return self._after(held)

    def wheel(self, x: float, steps: float) -> bool:
        return self._after(self.panel.wheel(x, steps, self.size[1]))

    def _after(self, taken: bool) -> bool:
        self.session.changed = self.session.changed or taken
        return taken

    # --- what is asked

    def _key(self) -> None:
        symbol, code = self.stage.interactor.GetKeySym() or "", self.stage.interactor.GetKeyCode() or ""
        key = KEYS.get(symbol, code if len(code) == 1 and code.isprintable() else "")
        if key == "?":
            self._act("help")
        elif key == "q" or symbol == "Escape":
            self.stage.interactor.TerminateApp()
        elif key:
            asked: list[str | None] = []
            self._do(lambda: asked.append(press(self.session, key)))
            if asked and asked[0]:
                self._act(asked[0])

    def _act(self, name: str) -> None:
        self.session.changed = True
        if name == "help":
            self.panel.help, self.panel.scroll = not self.panel.help, 0.0
        elif name == "stop":
            if self.stop is not None:
                self.stop()
        else:
            self._do(lambda: self._save(name))

    def _save(self, what: str) -> None:
        self.session.status = f"saved {save_beside(self.session, what, self.folder)}"

    def _do(self, work: Callable[[], Any]) -> None:
        said_if_it_fails(self.session, work)

    def _draw_panel(self) -> None:
        if self.drawn is not None:
            self.side.RemoveViewProp(self.drawn)
        self.drawn = picture_actor(self.panel.draw(self.size[1]))
        self.side.AddViewProp(self.drawn)
