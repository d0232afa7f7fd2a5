"""`Stage`: one scene drawn by VTK, for the window and for the browser alike. It draws what it is told, no more.

Graphics count in float32: all is drawn relative to the scene's origin, and what comes back is in world units again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..types import FloatArray, IntArray
from .colorings import Coloring
from .drawing import ball, hush, plain_actor, plane_of, poly_data, scalar_bar, text_actor, texture_quad, upright_line, window_picture
from .drawn import Drawn
from .eye import Eye
from .layers import Layer, Scene

if TYPE_CHECKING:
    from .slicing import Slice

CLICK_PIXELS = 4  # a press that moves no farther is a click
LINE = (0.9, 0.4, 0.1)
MARK = 0.006  # radius of a mark, of the scene's size
STILL_SAMPLES = 4  # a pixel, for smooth edges; none while it moves: they cost two thirds of the time without a graphics card


class Stage:
    """on_click(x, y) is called with the pixel that was clicked, counted from the lower left."""

    def __init__(self, *, size: tuple[int, int] = (1200, 800), plotter: Any = None) -> None:
        """plotter : a PyVista plotter whose window is drawn to; without one, off the screen, for which VTK alone starts faster."""
        self.plotter = plotter
        self.window = _hidden_window(size) if plotter is None else plotter.render_window
        self.renderer: Any = self.window.GetRenderers().GetFirstRenderer() if plotter is None else plotter.renderer
        self.on_click: Callable[[float, float], None] = lambda x, y: None
        self.drawn: list[Drawn] = []
        self.extras: dict[str, list[Any]] = {}
        self.origin, self.size = np.zeros(3), 1.0
        self.pressed, self.share = (0, 0), 0.5
        self.panel: Any = None  # of the window: it takes what is pressed on it
        self.side: Any = None  # the renderer that it is drawn by, `beside` pixels wide
        self.beside = 0
        self.eye = Eye(self.renderer)
        self.above = self._second_renderer()
        self._add_style()

    # --- what is drawn

    def show(self, scene: Scene) -> None:
        """Draw this scene and nothing else."""
        for drawn in self.drawn:
            self.renderer.RemoveActor(drawn.actor)
        for name in list(self.extras):
            self._replace_extra(name, [])
        self.origin, self.size = scene.origin, scene.size
        self.eye.at(scene)
        self.drawn = [Drawn(layer, self.origin) for layer in scene.layers]
        for drawn in self.drawn:
            self.renderer.AddActor(drawn.actor)

    def replace(self, k: int, layer: Layer) -> None:
        """Layer k with another shape; its looks stay."""
        self.drawn[k].take(layer, self.origin)

    def look(self, k: int, *, shown: bool, opacity: float, size: float) -> None:
        actor = self.drawn[k].actor
        actor.SetVisibility(shown)
        actor.GetProperty().SetOpacity(opacity)
        actor.GetProperty().SetPointSize(size)

    def paint(self, k: int, rgb: IntArray | None) -> None:
        """Colours (n, 3) of all rows of layer k, or its own plain one."""
        self.drawn[k].paint(rgb)

    def style(self, *, edges: bool, smooth: bool, background: Sequence[tuple[float, float, float]]) -> None:
        for drawn in self.drawn:
            drawn.shade(edges=edges, smooth=smooth)
        self.renderer.SetBackground(*background[1])
        self.renderer.SetBackground2(*background[0])
        self.renderer.SetGradientBackground(background[0] != background[1])
        self.ink = (0.1, 0.1, 0.12) if sum(background[1]) > 1.5 else (0.92, 0.92, 0.95)

    def set_planes(self, k: int, planes: Sequence[tuple[FloatArray, FloatArray]]) -> None:
        """Cut layer k by (place, normal): what is on the side of the normal stays. At most six."""
        mapper = self.drawn[k].actor.GetMapper()
        for one in self.drawn[k].mappers:
            one.RemoveAllClippingPlanes()
            for place, normal in planes:
                one.AddClippingPlane(plane_of(place - self.origin, normal))
        mapper.Modified()

    def set_side(self, k: int, side: str, share: float) -> None:
        """Draw layer k on one side of an upright line only: "left", "right" or "" for everywhere."""
        self.drawn[k].wipe(side)
        self.share = share

    def set_line(self, share: float | None) -> None:
        """The line of the wipe, a share of the width from the left."""
        self._replace_extra("line", [] if share is None else [upright_line(share, LINE)])

    def set_slice(self, cut: Slice | None) -> None:
        self._replace_extra("slice", [] if cut is None else [
            texture_quad(cut.corners - self.origin, cut.rgb),
            self._curves(cut.lines, (0.25, 0.25, 0.3), 1.0), self._curves(cut.zero, (0.0, 0.0, 0.0), 3.5)])  # fmt: skip

    def set_marks(self, places: Sequence[FloatArray], text: str) -> None:
        """Small balls at the places, a line through them and its length in words."""
        actors = []
        for place in places:
            drawn = plain_actor(ball(place - self.origin, MARK * self.size), LINE)
            actors.append(drawn)
        if len(places) > 1:
            actors.append(self._curves([np.stack(list(places))], LINE, 3.0))
            actors.append(text_actor(text, np.mean(places, axis=0) - self.origin, self.ink))
        self._replace_extra("marks", actors)

    def set_bar(self, coloring: Coloring | None) -> None:
        """The colour bar of numbers, in world units."""
        self._replace_extra("bar", [] if coloring is None else [scalar_bar(coloring, self.ink)])

    def _curves(self, curves: Sequence[FloatArray], color: tuple[float, float, float], width: float) -> Any:
        actor = plain_actor(poly_data(np.zeros((0, 3)), lines=[curve - self.origin for curve in curves]), color)
        actor.GetProperty().SetLineWidth(width)
        actor.GetProperty().SetLighting(False)
        actor.GetMapper().SetResolveCoincidentTopologyToPolygonOffset()  # lines of a slice lie in it, and are drawn in front of it
        actor.GetMapper().SetRelativeCoincidentTopologyLineOffsetParameters(-2.0, -12.0)
        return actor

    def _replace_extra(self, name: str, actors: list[Any]) -> None:
        for actor in self.extras.get(name, []):
            self._home_of(name).RemoveViewProp(actor)
        self.extras[name] = actors
        for actor in actors:
            self._home_of(name).AddViewProp(actor)

    def _home_of(self, name: str) -> Any:
        return self.renderer if name == "slice" else self.above

    def _second_renderer(self) -> Any:
        """Marks, the bar and the line of the wipe: drawn over everything, through the same camera."""
        from vtkmodules.vtkRenderingCore import vtkRenderer

        above = vtkRenderer()
        above.SetLayer(1)
        above.InteractiveOff()
        above.SetActiveCamera(self.eye.camera)
        self.window.SetNumberOfLayers(2)
        self.window.AddRenderer(above)
        return above

    # --- pictures

    def render(self) -> None:
        self.renderer.ResetCameraClippingRange()
        self.window.Render()

    def picture(self) -> IntArray:
        """(h, w, 3) uint8 of what stands there, without the panel of a window."""
        room, self.beside = self.beside, 0
        self._make_room()
        try:
            self.render()
            return window_picture(self.window)
        finally:
            self.beside = room
            self._make_room()

    def resize(self, width: int, height: int) -> None:
        self.window.SetSize(width, height)

    def leave_room(self, pixels: int) -> None:
        """Draw the scene beside a panel on the left."""
        self.beside = pixels
        self._make_room()

    def _make_room(self) -> None:
        share = min(self.beside / self.window.GetSize()[0], 0.9)
        for renderer in (self.renderer, self.above):
            renderer.SetViewport(share, 0, 1, 1)
        if self.side is not None:
            self.side.SetViewport(0, 0, max(share, 1e-6), 1)
            self.side.SetDraw(self.beside > 0)

    def close(self) -> None:
        """Give the graphics back."""
        if self.plotter is not None:
            self.plotter.close()
        else:
            self.window.Finalize()

    # --- the mouse

    def _add_style(self) -> None:
        from vtkmodules.vtkInteractionStyle import vtkInteractorStyleTrackballCamera

        self.interactor = self.window.GetInteractor()
        self.mouse: Any = vtkInteractorStyleTrackballCamera()
        self.interactor.SetInteractorStyle(self.mouse)
        for event, answer in (
            ("LeftButtonPressEvent", self._press),
            ("LeftButtonReleaseEvent", self._release),
            ("MouseMoveEvent", self._move),
            ("MouseWheelForwardEvent", lambda *_: self._wheel(-1.0)),
            ("MouseWheelBackwardEvent", lambda *_: self._wheel(1.0)),
            ("StartInteractionEvent", lambda *_: self.moving(True)),
            ("EndInteractionEvent", lambda *_: self.moving(False)),
            ("CharEvent", lambda *_: None),  # VTK's own keys are not ours
        ):
            self.mouse.AddObserver(event, answer)
        self.renderer.AddObserver("StartEvent", lambda *_: self._place_wipe())

    def _place_wipe(self) -> None:
        """The pixel of the line, whatever size the picture has now."""
        for drawn in self.drawn:
            drawn.place_wipe(self.renderer.GetOrigin()[0] + self.share * self.renderer.GetSize()[0])

    def _press(self, *_: object) -> None:
        self.pressed = self.interactor.GetEventPosition()
        if self.panel is None or not self.panel.press(*self.pressed):
            self.mouse.OnLeftButtonDown()

    def _move(self, *_: object) -> None:
        if self.panel is None or not self.panel.drag(self.interactor.GetEventPosition()[0]):
            self.mouse.OnMouseMove()

    def _release(self, *_: object) -> None:
        x, y = self.interactor.GetEventPosition()
        if self.panel is not None and self.panel.release(x):
            return
        self.mouse.OnLeftButtonUp()
        inside = x >= self.renderer.GetOrigin()[0]
        if inside and abs(x - self.pressed[0]) <= CLICK_PIXELS and abs(y - self.pressed[1]) <= CLICK_PIXELS:
            self.on_click(x, y)

    def _wheel(self, steps: float) -> None:
        if self.panel is None or not self.panel.wheel(self.interactor.GetEventPosition()[0], steps):
            (self.mouse.OnMouseWheelForward if steps < 0 else self.mouse.OnMouseWheelBackward)()

    def moving(self, moving: bool) -> None:
        """Draw less while it turns."""
        self.window.SetMultiSamples(0 if moving else STILL_SAMPLES)
        for drawn in self.drawn:
            drawn.draw(moving=moving)


def _hidden_window(size: tuple[int, int]) -> Any:
    """A window with a renderer and an interactor, off the screen: needs no X server and no graphics card."""
    import vtkmodules.vtkRenderingFreeType
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  (these register how VTK draws)
    from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow
    from vtkmodules.vtkRenderingUI import vtkGenericRenderWindowInteractor

    hush()
    window, interactor = vtkRenderWindow(), vtkGenericRenderWindowInteractor()
    window.SetOffScreenRendering(True)
    window.SetSize(*size)
    window.AddRenderer(vtkRenderer())
    window.SetInteractor(interactor)
    return window
