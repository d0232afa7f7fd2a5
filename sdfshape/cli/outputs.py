"""What a command writes, checked before it works: endings, names of their own, nothing that it reads, nothing that is there already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, OutputError
from ..io import WRITABLE_MESHES, WRITABLE_POINTS, check_writable
from ..limits import check_view

KINDS: dict[str, Sequence[str]] = {
    "mesh": WRITABLE_MESHES,
    "points": WRITABLE_POINTS,
    "field": (".sdf",),
    "report": (".json",),
    "picture": (".png",),
    "table": (".csv",),
    "page": (".html", ".htm"),
}


def require_ending(path: Path | None, kind: str) -> None:
    """Raise OutputError for a file whose ending is not of its kind, one of KINDS or "any"; none is none."""
    if path is not None and kind != "any" and path.suffix.lower() not in KINDS[kind]:
        endings, what = KINDS[kind], kind if kind == "points" else f"a {kind}"
        law = f"end in {endings[0]}" if len(endings) == 1 else f"end in one of {' '.join(endings)}"
        raise OutputError(f"{path.name or path}: {what} must {law}, got {path.suffix!r}: rename it")


def checkpoint_of(mesh: Path) -> Path:
    """Where the checkpoint of a mesh is kept unless told. Raises OutputError for a mesh without an ending, or a name."""
    require_ending(mesh, "mesh")
    return mesh.with_name(f".{mesh.name}.checkpoint")


def check_outputs(outputs: Iterable[tuple[str, Path | None]], inputs: Iterable[Path | None], *, overwrite: bool) -> None:
    """Raise OutputError now for what could not be written after the work, or would replace an input or another output.

    outputs : kind, one of KINDS or "any", and path. What is read is never replaced, with `overwrite` either.
    """
    outputs = list(outputs)
    for kind, wanted in outputs:
        require_ending(wanted, kind)
    asked, read = [path for _, path in outputs if path], [path for path in inputs if path]
    for k, path in enumerate(asked):
        if any(is_same_file(path, other) for other in asked[:k]):
            raise OutputError(f"every output must have a name of its own, got {', '.join(p.name for p in asked)}: rename one")
        if any(is_same_file(path, other) for other in read):
            raise OutputError(f"{path.name}: an output must not be an input: choose another name")
    for path in asked:
        check_writable(path, overwrite=overwrite)


def is_same_file(a: Path, b: Path) -> bool:
    """Whether two paths name one file: by links, or by a file system that does not tell capitals."""
    try:
        return a.resolve() == b.resolve() or a.samefile(b)
    except (OSError, ValueError, RuntimeError):  # at least one is not there, or cannot be looked at: reading or writing it says so
        return False


def check_normals_kept(mesh: Path, vertex_normals: bool) -> None:
    """Raise InputError for normals of vertices in a format that holds none."""
    if vertex_normals and mesh.suffix.lower() == ".stl":
        raise InputError(f"{mesh.name}: .stl holds no normals of vertices: leave --vertex-normals out, or write another format")


@dataclass(frozen=True)
class Outputs:
    """Where the results go; only the mesh must be asked for. view : of the picture: azimuth, elevation (degrees), upright axis."""

    mesh: Path
    field: Path | None = None
    report: Path | None = None
    picture: Path | None = None
    cleaned: Path | None = None
    checkpoint: Path | None = None
    overwrite: bool = False
    view: tuple[float, float, int] = (35.0, 20.0, 1)

    def check(self, *inputs: Path | None) -> None:
        """Raise OutputError now for what could not be written after the work, or would replace an input; InputError for the view."""
        asked = {"mesh": self.mesh, "field": self.field, "report": self.report, "picture": self.picture, "points": self.cleaned}
        check_view(*self.view[:2])
        check_outputs(asked.items(), inputs, overwrite=self.overwrite)
        if self.checkpoint:
            if any(path and is_same_file(self.checkpoint, path) for path in (*asked.values(), *inputs)):
                raise OutputError(f"{self.checkpoint.name}: a checkpoint must be a file of its own: choose another name")
            check_writable(self.checkpoint, overwrite=True)

    def named(self) -> dict[str, str]:
        """What was written, by kind."""
        asked = {"written": self.mesh, "field": self.field, "report": self.report, "picture": self.picture, "cleaned": self.cleaned}
        return {what: str(path) for what, path in asked.items() if path}
