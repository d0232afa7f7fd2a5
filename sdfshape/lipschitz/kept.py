"""Tensors that are computed once and kept: `cached_property` for those who ask in inference mode, and for those who want gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import torch

T = TypeVar("T")


def kept(make: Callable[[Any], T]) -> cached_property[T]:
    """A property that is computed when it is first asked for, out of inference mode: a tensor made in it can never have a gradient."""
    return cached_property(torch.inference_mode(False)(make))
