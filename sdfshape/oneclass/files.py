"""DETECTOR.ocsdf: safetensors, as FIELD.sdf: numbers in tensors, the rest as JSON, the certificate proven again at loading."""

from __future__ import annotations

import math
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from ..errors import FieldFileError
from ..field.files import check_certificate, read_tensors, write_tensors
from ..sample import Domain
from .detector import OneClassSDF
from .field import RowField
from .network_files import decode_network, encode_network, network_fits
from .row_frame import RowFrame

FORMAT, FORMAT_VERSION = "sdfshape detector", 1


def save_detector(detector: OneClassSDF, path: str | PathLike[str], *, names: list[str] | None = None, overwrite: bool = False) -> None:
    """Write a fitted detector. names : of its columns; those it was fitted with, if any. Raises OutputError where it cannot."""
    check_is_fitted(detector)
    field, frame = detector.field_, detector.field_.frame
    known = getattr(detector, "feature_names_in_", None)
    tensors, network = encode_network(field.layers)
    tensors |= {"centre": frame.centre, "scale": frame.scale}
    if frame.basis is not None:
        tensors["basis"] = frame.basis
    header = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "network": network,
        "lipschitz_bound": field.network_bound,
        "reach": frame.reach,
        "domain": field.domain.shape,
        "slack": field.slack,
        "offset": detector.offset_,
        "margin": detector.margin_,
        "names": names if names is not None or known is None else list(known),
        "parameters": {
            k: plain for k, v in detector.get_params().items() if isinstance(plain := _plain(v), str | int | float | list | None)
        },
    }
    write_tensors(path, tensors, header, overwrite=overwrite)


def load_detector(path: str | PathLike[str]) -> OneClassSDF:
    """Read a detector and prove its certificate again. Columns' names, where it has them, are in `feature_names_in_`.

    Raises FieldFileError for a file that is missing, damaged, of another kind, or whose weights are not 1-Lipschitz.
    """
    name = Path(path)
    tensors, header = read_tensors(name, FORMAT, FORMAT_VERSION)
    try:
        layers, frame = decode_network(tensors, dict(header["network"])), _frame(tensors, header)
        field = RowField(layers, frame, Domain(str(header["domain"])), float(header["slack"]))
        stated, offset, margin = (float(header[key]) for key in ("lipschitz_bound", "offset", "margin"))
        detector = OneClassSDF(**dict(header["parameters"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FieldFileError(f"{name.name}: a detector must have all its parts, {error} is missing or wrong: write it again") from error
    if not (_frame_fits(frame) and network_fits(layers, frame.dimension) and math.isfinite(offset) and 0 <= field.slack < math.inf):
        raise FieldFileError(f"{name.name}: a detector must hold finite layers that fit each other: the file is damaged")
    check_certificate(name, field.network_bound, stated)
    detector.field_, detector.offset_, detector.margin_, detector.n_features_in_ = field, offset, margin, frame.columns
    _restore_names(detector, header.get("names"))
    return detector


def _plain(value: Any) -> Any:
    """A value of JSON: NumPy's numbers as Python's, tuples as lists."""
    if isinstance(value, np.generic):
        return value.item()
    return [_plain(v) for v in value] if isinstance(value, tuple | list) else value


def _frame(tensors: dict[str, torch.Tensor], header: dict[str, Any]) -> RowFrame:
    return RowFrame(tensors.pop("centre"), tensors.pop("scale"), float(header["reach"]), tensors.pop("basis", None))


def _frame_fits(frame: RowFrame) -> bool:
    given = [frame.centre, frame.scale, *([] if frame.basis is None else [frame.basis])]
    good = all(t.dtype == torch.float64 and bool(torch.isfinite(t).all()) for t in given) and 0 < frame.reach < math.inf
    good = good and frame.centre.ndim == 1 and frame.centre.shape == frame.scale.shape and len(frame.centre) > 0
    good = good and bool((frame.scale > 0).all())
    return good and (frame.basis is None or (frame.basis.ndim == 2 and frame.basis.shape[1] == len(frame.centre)))


def _restore_names(detector: OneClassSDF, names: Any) -> None:
    if isinstance(names, list) and len(names) == detector.n_features_in_ and all(isinstance(n, str) for n in names):
        detector.feature_names_in_ = np.array(names, dtype=object)
