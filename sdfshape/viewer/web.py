"""The web page: one scene, drawn here and sent as pictures, with the controls of `controls` as widgets. Served by trame.

What a browser can ask for: the page and its scripts (packages of trame, one file of ours), and, with the token of the address, the scene.
No path of the disk is ever taken from it; what is saved, the browser saves.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .controls import Control, grouped, keys_in_words
from .keys import press
from .layout import build
from .saving import name_for, said_if_it_fails, saved
from .session import Due

if TYPE_CHECKING:
    from .session import Session

TICK = 0.03  # seconds
ENCODED = 0.04  # seconds after which a picture is there, or asked for again
MIME = {".png": "image/png", ".gif": "image/gif"}
SCRIPTS = Path(__file__).parent / "scripts"


class WebFront:
    """session : what is shown.   stop() is called when a user ends a reconstruction that runs."""

    def __init__(self, session: Session, *, stop: Callable[[], None] | None = None, title: str = "sdfshape") -> None:
        from trame.app import get_server

        self.session, self.stop, self.token = session, stop, secrets.token_urlsafe(16)
        self.server: Any = get_server(f"sdfshape-{secrets.token_hex(4)}", client_type="vue3")
        self.state = self.server.state
        self.sent: dict[str, Any] = {}
        self.size: tuple[int, ...] = (0, 0)
        self.delivery: Any = None  # what sends pictures, once there is a server
        self.scene: object = None
        self.state.trame__title = title
        self.server.enable_module({"serve": {"sdfshape": str(SCRIPTS)}, "scripts": ["sdfshape/keys.js"]})
        for name, function in (("set", self._set), ("act", self._act), ("key", self._key), ("save", self._save)):
            self.server.trigger(name)(function)
        self.server.controller.on_server_bind.add(_answer_launcher)
        self._tell()
        self.view = build(self.server, session.stage.window)

    def serve(self, host: str, port: int, ready: Callable[[str], None]) -> None:
        """Serve until interrupted. ready(address) is called when the page can be opened; raises InputError for a port that is taken."""
        self.server.controller.on_server_ready.add(lambda **_: self._ready(host, ready))
        try:
            with _no_arguments(self.token):
                asyncio.run(self._serve(host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(
                f"host and port must be free to be served on, {host}:{port} is not ({reason}): choose another --port"
            ) from error

    async def _serve(self, host: str, port: int) -> None:
        ticking = asyncio.get_running_loop().create_task(self._ticks())
        try:
            quiet = {"open_browser": False, "show_connection_info": False, "disable_logging": True}
            await self.server.start(
                port=port, host=host, exec_mode="coroutine", timeout=0, thread=True, **quiet
            )  # thread: our signals stay
        finally:
            ticking.cancel()

    def _ready(self, host: str, ready: Callable[[str], None]) -> None:
        for protocol in self.server.protocol.getLinkProtocols():  # half a second, else, before a picture that is still encoded is sent
            if hasattr(protocol, "delta_stale_time_before_render"):
                protocol.delta_stale_time_before_render, self.delivery = ENCODED, protocol
        shown = socket.gethostname() if host in ("0.0.0.0", "::") else host
        shown = f"[{shown}]" if ":" in shown else shown
        ready(f"http://{shown}:{self.server.port}/index.html?secret={self.token}")

    async def _ticks(self) -> None:
        asyncio.get_running_loop().set_exception_handler(_without_lost_connections)
        while True:
            await asyncio.sleep(TICK)
            self._do(self._tick)

    def _tick(self) -> None:
        size = tuple(self.session.stage.window.GetSize())
        if size != self.size:
            self.size = size
            self.session.resized()
        if due := self.session.tick():
            self._tell()
            if due is Due.PICTURE:
                self.view.update()
        elif self.state.busy != self.session.busy:
            with self.state:
                self.state.busy = self.session.busy
        if self.delivery is not None:
            _ask_again(self.delivery)

    # --- what the page is told

    def _tell(self) -> None:
        session = self.session
        with self.state:
            if session.controls is not self.scene:
                self.scene = session.controls
                self.state.groups = _groups(session)
                self.state.keys = keys_in_words(session.controls)
                self.sent = {}
            if session.values != self.sent:
                self.sent = dict(session.values)
                self.state.values = {name: list(value) if isinstance(value, tuple) else value for name, value in self.sent.items()}
            self.state.counts = {layer.name: layer.counted for layer in session.scene.layers}
            self.state.readings = [[list(line) for line in reading.lines] for reading in session.readings]
            self.state.measured = session.measured
            self.state.status, self.state.busy = session.status, session.busy
            self.state.file = session.heading
            self.state.chart = f"data:image/png;base64,{base64.b64encode(session.chart).decode()}" if session.chart else ""
            self.state.progress = session.progress

    # --- what the page asks

    def _set(self, name: str, value: Any, final: bool = True) -> None:
        self._do(lambda: self._set_told(name, value, final))

    def _set_told(self, name: str, value: Any, final: bool) -> None:
        self.session.set(name, value, final=final)
        self.sent[name] = self.session.values[name]  # the page knows: telling it again would pull the slider back

    def _act(self, name: str) -> None:
        if name == "stop" and self.stop is not None:
            self.stop()
        else:
            self._do(lambda: self.session.act(name))

    def _key(self, key: str) -> str | None:
        asked: list[str | None] = []
        self._do(lambda: asked.append(press(self.session, key)))
        name = asked[0] if asked else None
        if name == "stop":
            self._act(name)
            return None
        return name

    def _save(self, what: str) -> list[Any]:
        """[name, type, content] for the browser to save; nothing if it failed, and the status says why."""
        made: list[tuple[str, bytes]] = []
        self._do(lambda: made.append(saved(self.session, what)))
        if not made:
            return []
        ending, content = made[0]
        return [
            name_for(self.session, what) + ending,
            MIME.get(ending, "application/octet-stream"),
            self.server.protocol.addAttachment(content),
        ]

    def _do(self, work: Callable[[], Any]) -> None:
        """Do it; an error becomes a line on the page."""
        said_if_it_fails(self.session, work)


def _ask_again(delivery: Any) -> None:
    """Have pictures sent that trame has given up: one that is not encoded when it asks for the second time, it never asks for again."""
    for view, stale_since in list(delivery.last_stale_time.items()):
        if stale_since and not delivery.stale_handler_count.get(view):
            delivery.push_render(view)


def _without_lost_connections(loop: Any, context: dict[str, Any]) -> None:
    """A browser that is closed while a picture is on its way is no news."""
    if not isinstance(context.get("exception"), ConnectionError):
        loop.default_exception_handler(context)


def _answer_launcher(served: Any) -> None:
    """The page first asks for a launcher of sessions; there is one session, at the same address, for whoever has the token."""
    from aiohttp import web

    async def answer(request: Any) -> Any:
        body = await request.json()
        secret = body.get("secret", "") if isinstance(body, dict) else ""
        scheme = "wss" if request.secure else "ws"
        return web.json_response({"sessionURL": f"{scheme}://{request.host}/ws", "id": "scene", "secret": str(secret)})

    served.app.add_routes([web.post("/paraview/", answer)])


def _groups(session: Session) -> list[dict[str, Any]]:
    """Controls by group, in order, as JSON."""

    def facts(control: Control) -> dict[str, Any]:
        return asdict(control) | {"choices": list(control.choices), "value": None, "decimals": control.decimals}

    return [{"name": name, "controls": [facts(one) for one in controls]} for name, controls in grouped(session.controls).items()]


@contextmanager
def _no_arguments(token: str) -> Any:
    """trame reads the arguments of the program: let it read the token alone."""
    before = sys.argv
    sys.argv = [before[0], f"--authKey={token}"]  # one word: a token may begin with a dash
    try:
        yield
    finally:
        sys.argv = before
