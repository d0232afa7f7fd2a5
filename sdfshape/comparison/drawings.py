"""Pictures for the page, as PNG bytes: slices through fields, heat maps and renders of meshes, histograms of errors.

Meshes are drawn by VTK without a window, in a process of its own: a driver that fails must not take the numbers with it.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..types import FloatArray, Mesh
from ..upright import stood, upright
from .worker import load_mesh, save_mesh

SIZE = 420  # pixels
FOOT = 0.15  # of the picture, at the bottom: room for the bar
ROOM = 1.1  # of the view, for what is larger than the first shape
LINES = 21  # iso-lines of a slice, one of them the surface
SECONDS = 120.0
SIDE, ABOVE = (1.0, 0.8), 0.45  # from where all meshes are seen, across and along the axis that points up
BAR = {
    "title": "",
    "vertical": False,
    "fmt": "%.2g",
    "color": "black",
    "width": 0.8,
    "position_x": 0.1,
    "position_y": 0.01,
    "height": 0.09,
    "n_labels": 3,
}  # of a heat map


def slices_png(slices: FloatArray, scale: float, *, unit: str) -> bytes:
    """Three slices (3, k, k): colours and equally spaced iso-lines of the values, the surface in black. Lines of a distance are
    parallel.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    middle = float(np.median(np.abs(slices))) * 2.5 or 1.0
    for k, axes in enumerate(figure.subplots(1, 3)):
        values, names = slices[k].T, "xyz"[(k + 1) % 3] + "xyz"[(k + 2) % 3]
        drawn = axes.contourf(values, np.linspace(-middle, middle, LINES), cmap="RdBu", extend="both")
        axes.contour(values, np.linspace(-middle, middle, LINES), colors="k", linewidths=0.3, linestyles="solid")
        if values.min() < 0 < values.max():
            axes.contour(values, [0.0], colors="k", linewidths=1.6)
        axes.set(xticks=[], yticks=[], aspect="equal", title=f"{names}, {2 * scale:.4g} wide")
    figure.colorbar(drawn, ax=figure.axes, label=unit, shrink=0.9)
    return _png(figure)


def histogram_png(errors: FloatArray, other: FloatArray, unit: str) -> bytes:
    """Distances mesh to truth and back, world units, on a logarithmic count."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 2.6), layout="constrained")
    axes = figure.subplots()
    most = float(max(np.quantile(errors, 0.999), np.quantile(other, 0.999)))
    for values, name in ((errors, f"mesh to {unit}"), (other, f"{unit} to mesh")):
        axes.hist(values, bins=60, range=(0, most or 1.0), histtype="step", label=name)
    axes.set(yscale="log", xlabel="distance, world units", ylabel="places")
    axes.legend(frameon=False)
    return _png(figure)


@dataclass(frozen=True, eq=False)
class Drawn:
    """shape : a mesh, or points (n, 3), world units.   heat : (v,) or (n,) numbers for a heat map, or None for a plain picture."""

    shape: Mesh | FloatArray
    heat: FloatArray | None = None


def shape_pngs(drawn: Sequence[Drawn], most: float, up: int) -> list[bytes]:
    """A picture of each, all from the camera of the first; heat from 0 to `most`.

    up : the axis that points up. Empty bytes where this machine cannot draw.
    """
    with tempfile.TemporaryDirectory(prefix="sdfshape-") as name:
        folder = Path(name)
        for k, one in enumerate(drawn):
            if isinstance(one.shape, Mesh):
                save_mesh(one.shape, folder / f"{k}.npz")
            else:
                np.save(folder / f"{k}_points.npy", one.shape)
            if one.heat is not None:
                np.save(folder / f"{k}_heat.npy", one.heat)
        command = [sys.executable, "-m", "sdfshape.comparison.drawings", str(folder), str(len(drawn)), repr(most), str(up)]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(command, check=False, capture_output=True, timeout=SECONDS)
        pictures = [folder / f"{k}.png" for k in range(len(drawn))]
        return [path.read_bytes() if path.exists() else b"" for path in pictures]


def _load(folder: Path, k: int) -> Drawn:
    heat = folder / f"{k}_heat.npy"
    shape = load_mesh(folder / f"{k}.npz") if (folder / f"{k}.npz").exists() else np.load(folder / f"{k}_points.npy", allow_pickle=False)
    return Drawn(shape, np.load(heat, allow_pickle=False) if heat.exists() else None)


def _draw(folder: Path, count: int, most: float, up: int) -> None:
    import pyvista

    first = _load(folder, 0).shape
    corners = first.vertices if isinstance(first, Mesh) else first
    box = np.stack([corners.min(axis=0), corners.max(axis=0)])
    middle, size = box.mean(axis=0), float(np.linalg.norm(np.ptp(box, axis=0)))
    way = stood(np.roll([*SIDE, ABOVE], up % 3 + 1), up)
    place = 2.1 * size * way / np.linalg.norm(way)
    angle = _angle(corners - middle, place, upright(up))
    for k in range(count):
        one = _load(folder, k)
        looks = (
            {"color": "#cfc8bb"}
            if one.heat is None
            else {"scalars": one.heat, "cmap": "viridis", "clim": (0.0, most), "scalar_bar_args": BAR}
        )
        plotter = pyvista.Plotter(off_screen=True, window_size=[SIZE, SIZE])
        plotter.set_background("white")
        if isinstance(one.shape, Mesh):
            surface = pyvista.PolyData.from_regular_faces(one.shape.vertices - middle, one.shape.faces)
            plotter.add_mesh(surface, smooth_shading=False, specular=0.2, **looks)
        else:
            looks = {"color": "#55606a"} if one.heat is None else looks
            plotter.add_points(pyvista.PolyData(one.shape - middle), point_size=3 if one.heat is not None else 2, **looks)
        plotter.camera_position = [tuple(place), (0.0, 0.0, 0.0), tuple(upright(up))]
        plotter.camera.view_angle = angle
        plotter.camera.SetWindowCenter(0.0, -FOOT)  # room for the bar below
        plotter.screenshot(folder / f"{k}.png")
        plotter.close()


def _angle(places: FloatArray, eye: FloatArray, up: FloatArray) -> float:
    """Degrees of the view from `eye` to the origin that hold places (n, 3), but for the foot, with a little room for other shapes."""
    ahead = -eye / np.linalg.norm(eye)
    right = np.cross(ahead, up) / np.linalg.norm(np.cross(ahead, up))
    seen, deep = np.abs(places @ np.stack([right, np.cross(right, ahead)]).T), (places - eye) @ ahead
    slope = (seen / (1, 1 - FOOT) / deep[:, None]).max()
    return float(2 * np.degrees(np.arctan(ROOM * slope)))


def _png(figure: object) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)  # type: ignore[attr-defined]
    return out.getvalue()


if __name__ == "__main__":
    _draw(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
