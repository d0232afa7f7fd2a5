"""Images with a class each, in the layouts that data sets come in: idx (MNIST, Fashion-MNIST) and the binary version of CIFAR-10.

idx (LeCun, Cortes, Burges): two zero bytes, a type (8: unsigned bytes), the number of axes, their lengths as big-endian 32 bit, the bytes.
CIFAR-10 (Krizhevsky 2009): records of a label and 3 x 32 x 32 bytes, channel by channel, row by row.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..types import IntArray

UNSIGNED_BYTES, MOST_AXES = 8, 4
LARGEST = 1 << 31  # bytes of a file, unpacked
IDX_NAMES = {"train": ("train-images", "train-labels"), "test": ("t10k-images", "t10k-labels")}
CIFAR_SIDE, CIFAR_CLASSES = 32, 10
CIFAR_RECORD = 1 + 3 * CIFAR_SIDE**2
CIFAR_NAMES = {"train": tuple(f"data_batch_{j}.bin" for j in range(1, 6)), "test": ("test_batch.bin",)}


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """pixels : (n, height, width, channels) uint8.   labels : (n,) int64."""

    pixels: np.ndarray
    labels: IntArray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        h, w, c = self.pixels.shape[1:]
        return h, w, c

    def rows(self, wanted: IntArray | slice | None = None) -> np.ndarray:
        """(n, height width channels) float64 in [0, 1]: those of these indices, or all."""
        some = self.pixels if wanted is None else self.pixels[wanted]
        return some.reshape(len(some), -1) / 255.0


def read_idx(path: str | Path) -> np.ndarray:
    """The array of unsigned bytes of an idx file, plain or .gz. Raises InputError for anything else."""
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: an idx file must be there, there is none of this name: check the folder")
    data = _unpacked(file) if file.suffix == ".gz" else file.read_bytes()
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != UNSIGNED_BYTES or not 1 <= data[3] <= MOST_AXES:
        raise InputError(f"{file.name}: an idx file must begin with 0, 0, 8 and 1 to {MOST_AXES} axes, it does not: it is another file")
    axes = data[3]
    shape = tuple(int.from_bytes(data[4 + 4 * j : 8 + 4 * j], "big") for j in range(axes))
    promised = 4 + 4 * axes + math.prod(shape)
    if len(data) != promised:
        raise InputError(f"{file.name}: an idx file of {shape} must have {promised} bytes, it has {len(data)}: copy it again")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_mnist(folder: str | Path, part: str) -> LabelledImages:
    """`part` train or test of MNIST, or of a set in its layout (Fashion-MNIST), from the four idx files of a folder, plain or .gz."""
    images, labels = (read_idx(_found(Path(folder), name)) for name in _names(IDX_NAMES, part))
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels) or not len(labels):
        raise InputError(f"{folder}: images must be (n, h, w) with (n,) labels, got {images.shape} and {labels.shape}")
    return LabelledImages(images[..., None], labels.astype(np.int64))


def read_cifar10(folder: str | Path, part: str) -> LabelledImages:
    """`part` train or test of CIFAR-10 from the files of its binary version."""
    parts = []
    for name in _names(CIFAR_NAMES, part):
        file = Path(folder) / name
        if not file.is_file():
            raise InputError(f"{file}: CIFAR-10 must have this file (the binary version), it is not there: check the folder")
        data = np.frombuffer(file.read_bytes(), np.uint8)
        if not len(data) or len(data) % CIFAR_RECORD:
            raise InputError(f"{name}: records must be {CIFAR_RECORD} bytes each, the file has {len(data)}: copy it again")
        parts.append(data.reshape(-1, CIFAR_RECORD))
    every = np.concatenate(parts)
    if every[:, 0].max() >= CIFAR_CLASSES:
        raise InputError(f"{folder}: labels must be below {CIFAR_CLASSES}, got {every[:, 0].max()}: these are other files")
    pixels = every[:, 1:].reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE).transpose(0, 2, 3, 1)
    return LabelledImages(np.ascontiguousarray(pixels), every[:, 0].astype(np.int64))


def _names(names: Mapping[str, tuple[str, ...]], part: str) -> tuple[str, ...]:
    if part not in names:
        raise InputError(f"part must be train or test, got {part!r}")
    return names[part]


def _found(folder: Path, name: str) -> Path:
    """The idx file of this name: with - or . before idx, with or without .gz."""
    axes = 3 if name.endswith("images") else 1
    spelled = [f"{name}{dot}idx{axes}-ubyte{packed}" for dot in "-." for packed in ("", ".gz")]
    return next((folder / s for s in spelled if (folder / s).is_file()), folder / spelled[0])


def _unpacked(file: Path) -> bytes:
    try:
        with gzip.open(file) as stream:
            data = stream.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{file.name}: a .gz must be sound, {str(error).splitlines()[0]}: copy it again") from error
    if len(data) > LARGEST:
        raise InputError(f"{file.name}: an idx file must be below 2 GB unpacked: it is something else")
    return data
