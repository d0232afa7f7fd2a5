"""How fast the viewer is on this machine: the first picture, the level while it is dragged, large data.

    python apps/86_viewer.py MESH FIELD [--large]

MESH, FIELD: of one reconstruction (`reconstruct SCAN -o MESH --model FIELD`). first picture: seconds from the start of Python until MESH is
drawn, median of three; address of its page: until a browser can open it. levels a second: coarse surfaces of FIELD while its slider is
dragged, each drawn. --large: a torus of five million vertices and a cloud of 20 million points: opened, turned (drawn with less), still, a
click (in the full data). 1,200 x 800 pixels, software graphics where there is no card.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import sdfshape as s
from sdfshape.viewer import Layer, Scene, Session, Show, Stage, open_show
from sdfshape.viewer.pictures import settle

DRAW = """import sys, pathlib, sdfshape.viewer as v
v.Session(v.open_show([pathlib.Path(sys.argv[1])]), v.Stage()).stage.picture()
print("drawn", flush=True)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mesh", type=Path)
    parser.add_argument("field", type=Path)
    parser.add_argument("--large", action="store_true")
    args = parser.parse_args()
    faces, shown = len(s.read_mesh(args.mesh).faces), str(args.mesh)
    drawn, page = [sys.executable, "-c", DRAW, shown], [sys.executable, "-m", "sdfshape", "view", shown, "--web"]
    print(f"first picture of {args.mesh.name}, {faces:,} triangles: {seconds_to('drawn', drawn):.2f} s")
    print(f"address of its page: {seconds_to('http', page):.2f} s")
    print(f"levels a second, dragged: {levels(args.field):.1f}")
    if args.large:
        large("torus of 5,000,000 vertices", torus(2236))
        points = np.random.default_rng(0).normal(size=(20_000_000, 3))
        large("cloud of 20,000,000 points", Layer("cloud", s.PointCloud(points / np.linalg.norm(points, axis=1, keepdims=True)), "scan"))


def seconds_to(word: str, command: list[str]) -> float:
    """Until a program prints a line that begins with this word: median of three."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None and process.stdout.readline().startswith(word)
            seconds.append(time.perf_counter() - start)
            process.kill()
    return statistics.median(seconds)


def levels(field: Path, seconds: float = 5.0) -> float:
    session = Session(open_show([field]), Stage())
    settle(session)
    reach, start, count = session.by_name["iso"].hi, time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        session.set("iso", reach * (count % 40) / 40, final=False)
        settle(session)
        session.stage.render()
        count += 1
    session.close()
    return count / seconds


def torus(side: int) -> Layer:
    u, v = np.meshgrid(*2 * [np.linspace(0, 2 * np.pi, side, endpoint=False)], indexing="ij")
    places = np.stack([(1 + 0.3 * np.cos(v)) * np.cos(u), (1 + 0.3 * np.cos(v)) * np.sin(u), 0.3 * np.sin(v)], axis=-1).reshape(-1, 3)
    a = np.arange(side * side).reshape(side, side)
    b, c, d = np.roll(a, -1, 0), np.roll(a, (-1, -1), (0, 1)), np.roll(a, -1, 1)
    return Layer("torus", s.Mesh(places, np.concatenate([np.stack(k, -1).reshape(-1, 3) for k in ((a, b, c), (a, c, d))])))


def large(name: str, layer: Layer) -> None:
    marks = [time.perf_counter()]
    session = Session(Show.of(Scene((layer,), name, 2)), Stage())
    for moving in (False, True, *9 * [True], False):
        session.stage.moving(moving)
        session.stage.eye.turn(3)
        session.stage.render()
        marks.append(time.perf_counter())
    session.click(700, 300)
    settle(session)
    marks.append(time.perf_counter())
    first, *turned, still, click = np.diff(marks)
    print(f"{name}: opened and drawn {first:.1f} s, turning {np.median(turned):.3f} a picture, still {still:.2f}, click {click:.2f}")
    session.close()


if __name__ == "__main__":
    main()
