"""Parts in a FIELD.sdf: the solid as ever, beside it the classifier. What reads fields reads the solid of it."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
import torch

from ..classifier import SignedDistanceClassifier
from ..errors import FieldFileError, InputError
from ..field import SignedDistanceField
from ..field.files import (
    FORMAT,
    FORMAT_VERSION,
    check_certificate,
    decode_field,
    decode_layers,
    encode_field,
    encode_layers,
    layers_fit,
    read_tensors,
    write_tensors,
)
from .field import Parts

PREFIX = "part_"


def save_parts(parts: Parts, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write solid and classifier to `path` (temporary file, then renamed). Raises OutputError where it cannot."""
    tensors, header = encode_field(parts.solid)
    layers = parts.classifier.layers
    tensors |= encode_layers(layers, PREFIX) | {"classes": torch.as_tensor(parts.classifier.classes)}
    bound = parts.classifier.pair_bound
    header["parts"] = {"activation": layers.activation, "layers": len(layers.matrices), "gap": parts.gap, "lipschitz_bound": bound}
    write_tensors(path, tensors, header, overwrite=overwrite)


def load_parts(path: str | PathLike[str]) -> Parts:
    """Read the parts of a field and prove both certificates again. Raises FieldFileError as `load_field`, and for a field without parts."""
    parts = load_solid_and_parts(path)[1]
    if parts is None:
        raise FieldFileError(f"{Path(path).name}: the field must have parts, this one was made without: reconstruct with --labels COLUMN")
    return parts


def load_solid_and_parts(path: str | PathLike[str]) -> tuple[SignedDistanceField, Parts | None]:
    """A field, and its parts if it has some; raises FieldFileError."""
    path = Path(path)
    tensors, header = read_tensors(path, FORMAT, FORMAT_VERSION)
    solid = decode_field(path, tensors, header)
    if "parts" not in header:
        return solid, None
    try:
        facts = dict(header["parts"])
        layers, classes = decode_layers(tensors, facts, PREFIX), tensors.pop("classes")
        gap, stated = float(facts["gap"]), float(facts["lipschitz_bound"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FieldFileError(f"{path.name}: a field must have all its parts, {error} is missing or wrong: write it again") from error
    rising = classes.dtype == torch.int64 and classes.ndim == 1 and len(classes) > 1 and bool((classes.diff() > 0).all())
    if not (rising and layers_fit(layers, 1, outputs=len(classes))):
        raise FieldFileError(f"{path.name}: parts must be finite float32 layers and rising labels that fit each other: the file is damaged")
    classifier = SignedDistanceClassifier(layers, classes.numpy().astype(np.int64))
    check_certificate(path, classifier.pair_bound, stated)
    try:
        return solid, Parts(solid, classifier, gap)
    except InputError as error:
        raise FieldFileError(f"{path.name}: {error}") from error
