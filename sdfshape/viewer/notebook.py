"""`result.show()`: in a notebook a page inside of it, elsewhere a window."""

from __future__ import annotations

import sys
from html import escape
from typing import TYPE_CHECKING, Any

from ..types import Mesh, PointCloud
from .layers import Layer, Scene, Show
from .opening import scan_layer, truth_layer

if TYPE_CHECKING:
    from ..reconstruction import Reconstruction

HEIGHT = 560  # pixels


class PageView:
    """A page of a scene; a notebook draws it. Needs no server, and stays in the notebook's file."""

    def __init__(self, page: str) -> None:
        self.page = page

    def _repr_html_(self) -> str:
        return f'<iframe srcdoc="{escape(self.page)}" width="100%" height="{HEIGHT}" style="border: 1px solid #ddd"></iframe>'


def show_reconstruction(result: Reconstruction, cloud: PointCloud | None, *, truth: Mesh | None, unit: str, up: int) -> PageView | None:
    """See `Reconstruction.show`."""
    layers = [Layer("surface", result.mesh, field=result.field, level=float(result.report["extraction"]["iso"]))]
    layers += [scan_layer("scan", cloud)] if cloud is not None else []
    layers += [truth_layer("truth", truth)] if truth is not None else []
    return show_scene(Scene(tuple(layers), "reconstruction", up, unit))


def show_scene(scene: Scene) -> PageView | None:
    """A page in a notebook, else a window until it is closed; raises InputError where there is neither."""
    if in_notebook():
        from .page import scene_page

        return PageView(scene_page(scene))
    from .desktop import DesktopFront, window_stage
    from .session import Session

    session = Session(Show.of(scene), window_stage())
    try:
        DesktopFront(session).run()
    finally:
        session.close()
    return None


def in_notebook() -> bool:
    """Whether this runs in Jupyter's kernel."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
