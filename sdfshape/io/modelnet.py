"""The layout of ModelNet10: ROOT/<class>/<train|test>/<class>_<number>.off.

Numbers have four digits and count over both splits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import InputError
from .source import shown_name

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
MODELNET10_CLASSES = ("bathtub", "bed", "chair", "desk", "dresser", "monitor", "night_stand", "sofa", "table", "toilet")


class ModelNetFile(NamedTuple):
    """One shape of ModelNet10."""

    class_name: str
    number: int
    path: Path


def modelnet10_file(root: str | os.PathLike[str], class_name: str, number: int, split: Split) -> Path:
    """The path of one shape; raises InputError where the class, the split or the file does not exist."""
    folder = _folder(root, class_name, split)
    path = folder / f"{class_name}_{number:04d}.off"
    if not path.is_file():
        raise InputError(f"{path.name}: there is no such file in {folder}: numbers count over train and test, try the other split")
    return path


def iter_modelnet10(root: str | os.PathLike[str], split: Split) -> Iterator[ModelNetFile]:
    """Every shape of one split, class after class, by number.

    Raises
    ------
    InputError
        `root` lacks one of the ten classes, a class lacks the split, or a split has no shapes; checked before the
        first shape.
    """
    shapes = [shape for class_name in MODELNET10_CLASSES for shape in _shapes(_folder(root, class_name, split), class_name)]
    return iter(shapes)


def _folder(root: str | os.PathLike[str], class_name: str, split: str) -> Path:
    if class_name not in MODELNET10_CLASSES:
        raise InputError(f"a class of ModelNet10 must be one of {' '.join(MODELNET10_CLASSES)}, got {class_name!r}")
    if split not in SPLITS:
        raise InputError(f"a split of ModelNet10 must be train or test, got {split!r}")
    folder = Path(root) / class_name / split
    if not folder.is_dir():
        raise InputError(
            f"{shown_name(root)}: a ModelNet10 folder must hold <class>/<train|test>/<class>_0001.off, "
            f"{class_name}/{split} is "
            "missing: unpack ModelNet10.zip and name the folder that holds bathtub"
        )
    return folder


def _shapes(folder: Path, class_name: str) -> list[ModelNetFile]:
    pattern = re.compile(rf"{class_name}_(\d{{4,8}})\.off")
    matches = [(path, pattern.fullmatch(path.name)) for path in folder.iterdir()]
    shapes = sorted(ModelNetFile(class_name, int(match[1]), path) for path, match in matches if match)
    if not shapes:
        raise InputError(f"{shown_name(folder)}: a split must hold files {class_name}_0001.off, {folder} holds none: unpack it again")
    return shapes
