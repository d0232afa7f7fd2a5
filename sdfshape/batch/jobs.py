"""Which shapes, and how each: from a folder, a manifest or ModelNet10. All is checked before the first shape is begun."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import InputError
from ..io import READABLE, WRITABLE_MESHES
from ..io.modelnet import Split, iter_modelnet10
from ..io.source import file_hash
from ..limits import UPRIGHT
from ..options import Options

# what a shape may be asked for by itself: parameters of `sdfshape reconstruct`
KINDS: dict[str, type] = {
    "preset": str,
    "surface": str,
    "resolution": int,
    "iso": float,
    "points": int,
    "normals": str,
    "seed": int,
    "device": str,
    "keep_all": bool,
    "keep_outliers": bool,
    "max_deviation": float,
    "vertex_normals": bool,
    "up": str,
}
LARGEST_MANIFEST = 64 << 20  # bytes
LEAST_POINTS = 100
# files of the output folder, and of a shape's: no folder may have these names
RESERVED = {"batch.csv", "batch.html", "batch.jsonl", "field.sdf", "report.json", "picture.png", "done.json"}
RESERVED |= {f"mesh{ending}" for ending in WRITABLE_MESHES}
WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True)
class ShapeJob:
    """name : of its folder in the output, with / between parts.   options : of KINDS, those that are not as usual."""

    name: str
    source: Path
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        plain = self.name == path.as_posix() and not path.is_absolute() and self.name.isprintable() and "\\" not in self.name
        if not plain or any(part.startswith(".") or part in RESERVED for part in path.parts):  # surrogates are not printable either
            raise InputError(f"the name of a shape must be a plain path below the output folder, got {self.name!r}: rename it")
        check_options(self.options, self.name)


def check_options(options: Mapping[str, Any], where: str) -> None:
    """Raise InputError for options that no reconstruction could be asked for."""
    if unknown := sorted(set(options) - set(KINDS)):
        raise InputError(f"{where}: options must be among {', '.join(KINDS)}, got {', '.join(unknown)}")
    known = {f.name for f in fields(Options)}
    try:
        Options(**{name: value for name, value in options.items() if name in known})
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    if options.get("points", LEAST_POINTS) < LEAST_POINTS:
        raise InputError(f"{where}: points must be at least {LEAST_POINTS}, got {options['points']}")
    if options.get("up", "y") not in UPRIGHT:
        raise InputError(f"{where}: up must be one of {', '.join(UPRIGHT)}, got {options['up']!r}")


def check_kept(jobs: Sequence[ShapeJob], output: Path) -> None:
    """Raise InputError where what the batch writes would replace a shape."""
    root = output.resolve()
    for job in jobs:
        if job.source.resolve().parent == root / job.name and job.source.name in RESERVED:
            raise InputError(f"{job.name}: an output must not be an input, {job.source.name} is both: choose another output")


def check_apart(jobs: Sequence[ShapeJob]) -> None:
    """Raise InputError where two shapes have one name: they would share a folder."""
    if twice := [name for name, count in Counter(job.name for job in jobs).items() if count > 1]:
        raise InputError(f"every shape must have a name of its own, {twice[0]!r} comes twice: in a manifest give a column `name`")


def jobs_of_folder(folder: Path, options: Mapping[str, Any], *, output: Path | None = None) -> list[ShapeJob]:
    """Every readable file in the folder and below, in the order of their names; hidden ones, links to elsewhere and what is in `output`
    are left out.
    """
    root = folder.resolve()
    if output is not None and output.resolve() == root:
        raise InputError(f"{folder}: the output must be a folder of its own, it is that of the scans: choose another")
    if root.is_file():
        raise InputError(
            f"{folder}: a batch must be a folder or a manifest (.csv, .toml), this is one file: `sdfshape reconstruct` takes it"
        )
    if not root.is_dir():
        raise InputError(f"{folder}: a batch must be a folder or a manifest (.csv, .toml), there is none of this name")
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in READABLE and path.is_file() and _visible(path, root, output))
    if not found:
        raise InputError(f"{folder}: a folder must hold files that end in {' '.join(READABLE)}, it holds none")
    return [ShapeJob(name, path, dict(options)) for name, path in zip(_names(found, root), found, strict=True)]


def jobs_of_manifest(manifest: Path, options: Mapping[str, Any], *, output: Path | None = None) -> list[ShapeJob]:
    """CSV: a column `path`, and `name` or options where wanted, empty as usual. TOML: [defaults], [[shape]] with the same words.

    Paths are relative to the manifest. `options` are of all shapes that say nothing else.
    """
    if not manifest.is_file():
        raise InputError(f"{manifest}: there is no such manifest")
    if output is not None and manifest.resolve().parent == output.resolve() and manifest.name in RESERVED:
        raise InputError(f"{manifest.name}: an output must not be an input: rename the manifest, or choose another output")
    if manifest.stat().st_size > LARGEST_MANIFEST:
        raise InputError(f"{manifest.name}: a manifest must have at most {LARGEST_MANIFEST >> 20} MB: divide it")
    try:
        text = manifest.read_text(encoding="utf-8-sig")
        rows, usual = _toml_rows(text) if manifest.suffix.lower() == ".toml" else (list(_csv_rows(text)), {})
    except OSError as error:
        raise InputError(f"{manifest.name}: a manifest must be readable, it is not: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{manifest.name}: a manifest must be UTF-8 text in the form of its ending, it is not: {error}") from error
    jobs = [_job(row, j + 1, manifest, {**options, **usual}) for j, row in enumerate(rows)]
    if not jobs:
        raise InputError(f"{manifest.name}: a manifest must name at least one shape, it names none")
    check_apart(jobs)
    return jobs


def jobs_of_modelnet(root: Path, split: Split, options: Mapping[str, Any]) -> list[ShapeJob]:
    """A split of ModelNet10, in its own layout."""
    return [ShapeJob(f"{f.class_name}/{split}/{f.path.stem}", f.path.resolve(), dict(options)) for f in iter_modelnet10(root, split)]


def job_id(job: ShapeJob, ending: str, picture: bool) -> str:
    """By the bytes of the input, the options, the outputs and the version: equal ids, equal results. Raises OSError."""
    from .. import __version__

    asked = {
        "input": file_hash(job.source),
        "suffix": job.source.suffix.lower(),
        "options": dict(job.options),
        "output": ending,
        "picture": picture,
    }
    return hashlib.sha256(json.dumps(asked | {"version": __version__}, sort_keys=True).encode()).hexdigest()[:24]


def check_ending(ending: str) -> None:
    if ending not in WRITABLE_MESHES:
        raise InputError(f"--format must be one of {' '.join(s[1:] for s in WRITABLE_MESHES)}, got {ending[1:]!r}")


def _visible(path: Path, root: Path, output: Path | None) -> bool:
    inside = path.relative_to(root).parts
    if output is not None and path.is_relative_to(output.resolve()):
        return False
    return not any(part.startswith(".") for part in inside) and path.resolve().is_relative_to(root)


def _names(found: list[Path], root: Path) -> list[str]:
    """Paths without their endings; with them, as chair_obj, where two files would have one name."""
    short = [path.relative_to(root).with_suffix("").as_posix() for path in found]
    count = Counter(short)
    return [name if count[name] == 1 else f"{name}_{path.suffix[1:]}" for name, path in zip(short, found, strict=True)]


def _csv_rows(text: str) -> Iterator[Mapping[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    for row in reader:
        if None in row:
            raise InputError(f"line {reader.line_num} of a manifest must have as many fields as the first, it has more")
        yield {name.strip(): value.strip() for name, value in row.items() if name and value and value.strip()}


def _toml_rows(text: str) -> tuple[list[Mapping[str, Any]], Mapping[str, Any]]:
    content = tomllib.loads(text)
    rows, usual = content.get("shape", []), content.get("defaults", {})
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or not isinstance(usual, dict):
        raise InputError("a manifest in TOML must have [[shape]] tables, and [defaults] where wanted")
    return rows, {name: _value(name, value, "defaults") for name, value in usual.items()}


def _job(row: Mapping[str, Any], number: int, manifest: Path, usual: Mapping[str, Any]) -> ShapeJob:
    where = f"{manifest.name}, shape {number}"
    if not isinstance(row.get("path"), str):
        raise InputError(f"{where}: a shape must have a `path`, it has {', '.join(row) or 'nothing'}")
    source = (manifest.parent / row["path"]).resolve()
    options = {name: _value(name, value, where) for name, value in row.items() if name not in ("path", "name")}
    name = row.get("name", PurePosixPath(row["path"]).with_suffix("").name)
    return ShapeJob(str(name), source, {**usual, **options})


def _value(name: str, value: Any, where: str) -> Any:
    """A value as its option wants it; from CSV they are all text."""
    kind = KINDS.get(name)
    if kind is None:
        raise InputError(f"{where}: options must be among path, name, {', '.join(KINDS)}, got {name!r}")
    try:
        if kind is bool:
            return value if isinstance(value, bool) else WORDS[str(value).lower()]
        if isinstance(value, bool | list | dict) or (kind is int and float(value) != int(value)):
            raise ValueError(value)
        return kind(value)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise InputError(f"{where}: {name} must be {'true or false' if kind is bool else kind.__name__}, got {value!r}") from error
