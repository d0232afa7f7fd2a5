"""See it: one scene, in a window (PyVista), in a browser (trame), as a page that stands alone, as a picture.

    files -> opening -> Scene of Layers -> Session (values, readings, jobs) -> Stage (VTK) -> DesktopFront | WebFront

`controls` lists everything that can be set or done, once; both fronts make their widgets from it. The numbers come from the full data,
whatever is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .desktop import DesktopFront as DesktopFront
    from .desktop import window_stage as window_stage
    from .layers import Layer as Layer
    from .layers import Scene as Scene
    from .layers import Show as Show
    from .opening import open_show as open_show
    from .page import write_scene_page as write_scene_page
    from .pictures import scene_picture as scene_picture
    from .session import Session as Session
    from .stage import Stage as Stage
    from .web import WebFront as WebFront

_HOMES = {
    "DesktopFront": "desktop",
    "window_stage": "desktop",
    "Layer": "layers",
    "Scene": "layers",
    "Show": "layers",
    "open_show": "opening",
    "write_scene_page": "page",
    "scene_picture": "pictures",
    "Session": "session",
    "Stage": "stage",
    "WebFront": "web",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """The toolkits are loaded with the front that needs them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sdfshape.viewer' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"sdfshape.viewer.{_HOMES[name]}"), name)
