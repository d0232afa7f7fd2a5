"""Checkpoints of a training run: safetensors, written beside and renamed; bound to the input, the configuration and the seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..io import atomic_write
from .config import TrainConfig


def fingerprint(data: Sequence[np.ndarray], config: TrainConfig, seed: int) -> str:
    """Hash of everything that decides the run (`data` the points and their evidence): a checkpoint of any other is refused."""
    digest = hashlib.sha256()
    for array in data:
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(json.dumps([config.as_dict(), seed, torch.get_num_threads()], sort_keys=True).encode())
    return digest.hexdigest()


def save_checkpoint(path: str | PathLike[str], state: dict[str, Tensor], mark: str) -> None:
    """Write (and replace) the checkpoint."""
    from safetensors.torch import save

    data = save({name: value.detach().clone().contiguous() for name, value in state.items()}, {"sdfshape_checkpoint": mark})
    with atomic_write(path, overwrite=True) as temporary:
        Path(temporary).write_bytes(data)


def is_of(path: str | PathLike[str] | None, mark: str) -> bool:
    """Whether a readable checkpoint of the run `mark` is at `path`."""
    try:
        return path is not None and Path(path).exists() and bool(load_checkpoint(path, mark))
    except InputError:
        return False


def load_checkpoint(path: str | PathLike[str], mark: str) -> dict[str, Tensor]:
    """The state saved at `path`; raises InputError for a damaged file or one of another run."""
    from safetensors import SafetensorError, safe_open

    name = Path(path).name
    try:
        with safe_open(str(path), framework="pt") as file:
            stated = (file.metadata() or {}).get("sdfshape_checkpoint")
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{name}: a checkpoint must be a safetensors file of this program: {str(error).splitlines()[0]}: delete it"
        ) from error
    if stated != mark:
        raise InputError(f"{name}: a checkpoint must be of the same input, options and program, this one is not: delete it")
    return state
