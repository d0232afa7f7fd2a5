"""What a shape leaves on the disk, and whether it is all there: OUTPUT/<name>/mesh.ply, field.sdf, report.json, picture.png, done.json.

done.json comes last, with the id of the job and the hashes of the files: without it, or with another id, the shape is done again.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..io import atomic_write
from ..io.atomic import TEMPORARY
from ..io.source import file_hash

LEFT = f"{TEMPORARY}*"  # what a killed process left


@dataclass(frozen=True)
class Artefacts:
    """folder : of one shape.   ending : of the mesh.   picture : whether there is to be one."""

    folder: Path
    ending: str
    picture: bool

    @property
    def mesh(self) -> Path:
        return self.folder / f"mesh{self.ending}"

    @property
    def report(self) -> Path:
        return self.folder / "report.json"

    @property
    def files(self) -> list[Path]:
        return [self.mesh, self.folder / "field.sdf", self.report, *([self.folder / "picture.png"] if self.picture else [])]

    @property
    def mark(self) -> Path:
        return self.folder / "done.json"

    def kept_facts(self, job: str) -> dict[str, Any] | None:
        """The facts of a shape that is done: all files as they were written, for the job of this id; None where it is not."""
        try:
            done = json.loads(self.mark.read_text())
            whole = done["id"] == job and all(file_hash(path) == done["sha256"][path.name] for path in self.files)
            return self.facts() if whole else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def finish(self, job: str) -> None:
        content = {"id": job, "sha256": {path.name: file_hash(path) for path in self.files}}
        with atomic_write(self.mark, overwrite=True) as temporary:
            Path(temporary).write_text(json.dumps(content))

    def begin(self) -> None:
        """Make room: nothing of an older job, which would stand beside the reason of a failure, and nothing half-written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.mark.unlink(missing_ok=True)
        for left in [*self.files, *self.folder.glob("mesh.*"), *self.folder.glob(LEFT)]:
            left.unlink(missing_ok=True)

    def clear(self) -> None:
        """Nothing half-written, and no folder where a shape left nothing. (Folders above may be those of shapes at work: `run`.)"""
        for left in self.folder.glob(LEFT):
            left.unlink(missing_ok=True)
        remove_if_empty(self.folder)

    def facts(self) -> dict[str, Any]:
        """What the table says of a shape that is done."""
        report = json.loads(self.report.read_text())
        mesh = report["mesh"]
        return {
            "seconds": report["seconds"]["total"],
            "points": report["input"]["points"],
            "surface": report["surface"]["kind"],
            "vertices": mesh["vertices"],
            "faces": mesh["faces"],
            "components": mesh["components"],
            "watertight": mesh["watertight"],
            "lipschitz_bound": report["field"]["lipschitz_bound"],
            "mean_abs_f": report["fit"]["mean_abs_f"],
            "peak_rss_mb": report["peak_rss_mb"],
            "warnings": len(report["warnings"]),
        }


def remove_if_empty(folder: Path) -> None:
    """A folder that holds nothing goes; any other stays."""
    with suppress(OSError):
        folder.rmdir()
