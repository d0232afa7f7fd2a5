"""Which shapes, and how each: from a folder, a manifest or ModelNet10. All is checked before the first shape is begun."""

from __future__ import annotations

import csv
import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import InputError
from ..io import READABLE, WRITABLE_MESHES
from ..io.modelnet import Split, iter_modelnet10
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
RESERVED = ("batch.csv", "batch.html", "batch.jsonl")  # files of the output folder
WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True)
class ShapeJob:
    """name : of its folder in the output, with / between parts.   options : of KINDS, those that are not as usual."""

    name: str
    source: Path
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.name).parts
        if not parts or parts[0] in ("/", *RESERVED) or ".." in parts or any(c in self.name for c in "\\\0\n\r"):
            raise InputError(f"the name of a shape must be a path below the output folder, got {self.name!r}: rename it")
        check_options(self.options, self.name)


def check_options(options: Mapping[str, Any], where: str) -> None:
    """Raise InputError for options that no reconstruction could be asked for."""
    if unknown := sorted(set(options) - set(KINDS)):
        raise InputError(f"{where}: options must be among {', '.join(KINDS)}, got {', '.join(unknown)}")
    known = {f.name for f in fields(Options)}
    Options(**{name: value for name, value in options.items() if name in known})
    if options.get("points", LEAST_POINTS) < LEAST_POINTS:
        raise InputError(f"{where}: points must be at least {LEAST_POINTS}, got {options['points']}")
    if options.get("up", "y") not in ("x", "y", "z"):
        raise InputError(f"{where}: up must be x, y or z, got {options['up']!r}")


def jobs_of_folder(folder: Path, options: Mapping[str, Any]) -> list[ShapeJob]:
    """Every readable file in the folder and below, in the order of their names; hidden ones and links to elsewhere are left out."""
    root = folder.resolve()
    if not root.is_dir():
        raise InputError(f"{folder}: a batch must be a folder or a manifest (.csv, .toml), there is none of this name")
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in READABLE and path.is_file() and _visible(path, root))
    if not found:
        raise InputError(f"{folder}: a folder must hold files that end in {' '.join(READABLE)}, it holds none")
    return [ShapeJob(name, path, dict(options)) for name, path in zip(_names(found, root), found, strict=True)]


def jobs_of_manifest(manifest: Path, options: Mapping[str, Any]) -> list[ShapeJob]:
    """CSV: a column `path`, and `name` or options where wanted, empty as usual. TOML: [defaults], [[shape]] with the same words.

    Paths are relative to the manifest. `options` are of all shapes that say nothing else.
    """
    if not manifest.is_file():
        raise InputError(f"{manifest}: there is no such manifest")
    if manifest.stat().st_size > LARGEST_MANIFEST:
        raise InputError(f"{manifest.name}: a manifest must have at most {LARGEST_MANIFEST >> 20} MB: divide it")
    try:
        text = manifest.read_text(encoding="utf-8-sig")
        rows, usual = _toml_rows(text) if manifest.suffix.lower() == ".toml" else (list(_csv_rows(text)), {})
    except (UnicodeDecodeError, csv.Error, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{manifest.name}: a manifest must be UTF-8 text in the form of its ending, it is not: {error}") from error
    jobs = [_job(row, j + 1, manifest, {**options, **usual}) for j, row in enumerate(rows)]
    if not jobs:
        raise InputError(f"{manifest.name}: a manifest must name at least one shape, it names none")
    if twice := [name for name, count in Counter(job.name for job in jobs).items() if count > 1]:
        raise InputError(f"{manifest.name}: every shape must have a name of its own, {twice[0]!r} comes twice: give a column `name`")
    return jobs


def jobs_of_modelnet(root: Path, split: Split, options: Mapping[str, Any]) -> list[ShapeJob]:
    """A split of ModelNet10, in its own layout."""
    return [ShapeJob(f"{f.class_name}/{split}/{f.path.stem}", f.path.resolve(), dict(options)) for f in iter_modelnet10(root, split)]


def job_id(job: ShapeJob, ending: str, picture: bool) -> str:
    """By the bytes of the input, the options, the outputs and the version: equal ids, equal results. Raises OSError."""
    from .. import __version__

    with job.source.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    asked = {"input": content, "suffix": job.source.suffix.lower(), "options": dict(job.options), "output": ending, "picture": picture}
    return hashlib.sha256(json.dumps(asked | {"version": __version__}, sort_keys=True).encode()).hexdigest()[:24]


def check_ending(ending: str) -> None:
    if ending not in WRITABLE_MESHES:
        raise InputError(f"--format must be one of {' '.join(s[1:] for s in WRITABLE_MESHES)}, got {ending[1:]!r}")


def _visible(path: Path, root: Path) -> bool:
    inside = path.relative_to(root).parts
    return not any(part.startswith(".") for part in inside) and path.resolve().is_relative_to(root)


def _names(found: list[Path], root: Path) -> list[str]:
    """Paths without their endings; with them where two files would have one name."""
    short = [path.relative_to(root).with_suffix("").as_posix() for path in found]
    count = Counter(short)
    return [name if count[name] == 1 else path.relative_to(root).as_posix() for name, path in zip(short, found, strict=True)]


def _csv_rows(text: str) -> Iterator[Mapping[str, Any]]:
    reader = csv.DictReader(text.splitlines(), strict=True)
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
