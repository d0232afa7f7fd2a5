"""The window on a virtual screen, with a real mouse and keyboard: the same walk as in the browser."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from programs import needs, screen, until
from shapes import sphere_points

from sdfshape import reconstruct
from sdfshape.io import read_mesh, write_points
from sdfshape.types import PointCloud

pytestmark = [pytest.mark.slow, needs("Xvfb", "xdotool")]

# a window of the program whose session is told on its standard output, a line a second of a second
TOLD = """
import json, sys, threading, time
from pathlib import Path
from sdfshape.viewer import DesktopFront, Session, open_show, window_stage

files = [Path(name) for name in sys.argv[2:]]
session = Session(open_show(files, unit="mm"), window_stage((1300, 820)))
front = DesktopFront(session, folder=Path(sys.argv[1]))
tick, last = front.tick, [0.0]

def told():
    tick()
    if time.monotonic() - last[0] > 0.1:
        last[0] = time.monotonic()
        panel = {"help": front.panel.help, "opened": sorted(front.panel.opened), "spots": [[*s.box, s.held] for s in front.panel.spots]}
        said = {"readings": [one.lines for one in session.readings], "measured": session.measured, "status": session.status}
        facts = panel | said | {"triangles": len(session.scene.layers[0].faces), "values": session.values, "busy": session.running}
        print(json.dumps(facts), flush=True)

front.tick = told
front.run()
print("closed", flush=True)
"""


class Window:
    """The window: what it says, and hands on the mouse and the keyboard."""

    def __init__(self, display: str, folder: Path, files: list[Path]) -> None:
        import json
        import os
        import threading

        self.env = os.environ | {"DISPLAY": display}
        command = [sys.executable, "-c", TOLD, str(folder), *map(str, files)]
        self.log = (folder / "window.log").open("w")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.env)
        self.facts: dict = {}
        self.closed = False

        def read() -> None:
            for line in self.process.stdout:
                if line.startswith("{"):
                    self.facts = json.loads(line)
                self.closed = self.closed or line.startswith("closed")

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.log.close()

    def does(self, *words: object) -> None:
        subprocess.run(["xdotool", *map(str, words)], env=self.env, check=True, timeout=20)
        time.sleep(0.4)

    def click(self, x: float, y: float) -> None:
        self.does("mousemove", int(x), int(y), "click", 1)

    def settled(self) -> dict:
        time.sleep(0.3)
        until(lambda: self.facts and not self.facts["busy"])
        return self.facts

    def picture(self, folder: Path) -> np.ndarray:
        """What key s saves."""
        from PIL import Image

        before = set(folder.glob("*.png"))
        self.does("key", "s")
        (saved,) = until(lambda: set(folder.glob("*.png")) - before)
        return np.asarray(Image.open(saved)).astype(int)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("window")
    cloud = PointCloud(sphere_points(3_000))
    reconstruct(cloud, preset="fast", surface="closed").field.save(folder / "ball.sdf")
    write_points(cloud, folder / "scan.ply")
    return folder


@pytest.fixture
def window(folder, tmp_path) -> Iterator[Window]:
    with screen(91) as display:
        made = Window(display, tmp_path, [folder / "ball.sdf", folder / "scan.ply"])
        try:
            until(lambda: made.facts.get("triangles", 0) > 30_000, 40)
            made.settled()
            yield made
        finally:
            made.close()


def test_the_walk_through_the_window(window, tmp_path):
    full = window.facts["triangles"]

    # the folded group of the field opens; its first slider is the level
    groups = len(window.facts["opened"])
    heading = [spot for spot in window.facts["spots"] if spot[0] == 0]
    x, y = 100, (heading[2][1] + heading[2][3]) / 2  # after the two layers
    window.click(x, y)
    until(lambda: len(window.facts["opened"]) == groups + 1)
    held = [spot for spot in window.facts["spots"] if spot[4] and spot[1] > y]
    left, top, right, bottom, _ = held[0]
    middle, seen = (top + bottom) / 2, set()
    window.does("mousemove", int((left + right) / 2), int(middle), "mousedown", 1)
    for k in range(12):
        window.does("mousemove", int((left + right) / 2 + 4 * k), int(middle))
        seen.add(window.facts["triangles"])
    window.does("mouseup", 1)
    assert len(seen) >= 5
    iso = window.settled()["values"]["iso"]
    assert iso > 0.01 and window.facts["triangles"] not in (*seen, full)

    # a click reads the distance in the unit that was told
    window.click(320 + 490, 410)
    lines = dict(until(lambda: window.facts["readings"])[0])
    assert float(lines["value"].split()[0]) == pytest.approx(iso, rel=0.05) and "mm, certified (outside)" in lines["distance"]
    low, high = (float(word) for word in lines["distance"].split(" mm")[0].split(" to "))
    assert low <= iso * 1.05 and high >= iso * 0.95

    # keys: layers, measure, wipe, clip, help, the picture
    window.does("key", "1")
    until(lambda: window.facts["values"]["layer0_shown"] is False)
    window.does("key", "1")
    window.does("key", "m")
    window.click(760, 410)
    window.settled()
    window.click(860, 410)
    assert until(lambda: window.facts["measured"]).endswith("mm apart")
    for key, name in (("w", "wipe"), ("c", "clip"), ("e", "edges")):
        window.does("key", key)
        until(lambda name=name: window.facts["values"][name] is True)
    window.does("key", "Right")
    until(lambda: window.facts["values"]["wipe_at"] > 0.5)
    window.does("key", "question")
    until(lambda: window.facts["help"])
    window.does("key", "question")
    before = window.picture(tmp_path)
    assert before.shape == (820, 1300, 3) and before[:, :300].std() < 40  # the panel is not in it

    # turning, and the wheel
    window.does("mousemove", 800, 400, "mousedown", 1)
    window.does("mousemove", 900, 450)
    window.does("mouseup", 1)
    window.does("click", 4)
    window.settled()
    assert np.abs(window.picture(tmp_path) - before).mean() > 0.5
    window.does("key", "q")
    until(lambda: window.closed)
    assert "Error" not in (tmp_path / "window.log").read_text()


def test_the_surface_is_saved_from_the_window(window, tmp_path):
    headings = [spot for spot in window.facts["spots"] if spot[0] == 0]
    window.click(100, (headings[-1][1] + headings[-1][3]) / 2)  # Save
    until(lambda: "Save" in window.facts["opened"])
    buttons = [spot for spot in window.facts["spots"] if spot[0] > 0 and not spot[4] and spot[1] > headings[-1][1]]
    window.click(100, (buttons[2][1] + buttons[2][3]) / 2)
    saved = until(lambda: list(tmp_path.glob("ball.ply")))
    assert len(read_mesh(saved[0]).faces) == window.facts["triangles"]
