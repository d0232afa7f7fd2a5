"""FIELD.sdf: safetensors. Numbers in tensors, everything else as one JSON text in the header; nothing is ever unpickled.

One metadata key holds the whole header: safetensors keeps several in an order of its own, and equal fields must be equal bytes.
Loading recomputes the certificate from the weights, and refuses a file that breaks it.
"""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from ..errors import FieldFileError
from ..frame import Frame
from ..io import READABLE, atomic_write
from ..lipschitz import ACTIVATIONS, Boxes, Layers, lipschitz_bound
from .signed_distance import SignedDistanceField

FORMAT = "sdfshape field"
FORMAT_VERSION = 2  # 1: boxes without ramps
MADE_BY = {
    FORMAT: "a .sdf that `reconstruct --model` wrote",
    "sdfshape detector": "an .ocsdf that `oneclass fit` wrote",
    "sdfshape tiles": "the plan of a scan in tiles",
}
LARGEST_FILE = 2**32  # a plan, or a field of two thousand tiles
SAME_BOUND = 1e-9  # two LAPACKs agree far better; a changed weight does not


def save_field(field: SignedDistanceField, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write `field` to `path` (temporary file, then renamed). Raises OutputError where it cannot."""
    write_tensors(path, *encode_field(field), overwrite=overwrite)


def load_field(path: str | PathLike[str]) -> SignedDistanceField:
    """Read a field and prove its certificate again.

    Raises
    ------
    FieldFileError    the file is missing, damaged, of another kind or version, or its weights are not 1-Lipschitz
    """
    return decode_field(Path(path), *read_tensors(Path(path), FORMAT, FORMAT_VERSION))


def encode_field(field: SignedDistanceField) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tensors and the header of a field's file."""
    tensors = encode_layers(field.layers) | {"box_lo": field.boxes.lo, "box_hi": field.boxes.hi, "box_ramp": field.boxes.ramp}
    return tensors, {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "activation": field.layers.activation,
        "layers": len(field.layers.matrices),
        "centre": field.frame.centre,
        "scale": field.frame.scale,
        "lipschitz_bound": field.network_bound,
        "float32_error_estimate_unit": field.float32_error_unit,
        "info": field.info,
    }


def encode_layers(layers: Layers, prefix: str = "") -> dict[str, torch.Tensor]:
    """The tensors of a chain by name."""
    tensors = {f"{prefix}matrix_{j}": w for j, w in enumerate(layers.matrices)}
    return tensors | {f"{prefix}bias_{j}": b for j, b in enumerate(layers.biases)}


def decode_layers(tensors: dict[str, torch.Tensor], header: dict[str, Any], prefix: str = "") -> Layers:
    """The chain of these tensors, taken out of them; its header says how many layers and which activation."""
    count = int(header["layers"])
    matrices, biases = (tuple(tensors.pop(f"{prefix}{name}_{j}") for j in range(count)) for name in ("matrix", "bias"))
    return Layers(matrices, biases, str(header["activation"]))


def decode_field(path: Path, tensors: dict[str, torch.Tensor], header: dict[str, Any]) -> SignedDistanceField:
    """The field of a file's tensors and header, proven again; raises FieldFileError, which names `path`."""
    try:
        layers, boxes = decode_layers(tensors, header), _boxes(tensors, header)
        frame = Frame(tuple(float(c) for c in header["centre"]), float(header["scale"]))  # type: ignore[arg-type]
        stated = float(header["lipschitz_bound"])
        float32_error, info = float(header["float32_error_estimate_unit"]), dict(header["info"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FieldFileError(f"{path.name}: a field must have all its parts, {error} is missing or wrong: write it again") from error
    _check_shapes(path, layers, boxes, frame)
    if not 0 <= float32_error < float("inf"):
        raise FieldFileError(f"{path.name}: the float32 error must be finite and not negative, got {float32_error}: the file is damaged")
    check_certificate(path, lipschitz_bound(layers), stated)
    return SignedDistanceField(layers, boxes, frame, float32_error_unit=float32_error, info=info)


def _boxes(tensors: dict[str, torch.Tensor], header: dict[str, Any]) -> Boxes:
    """The boxes of these tensors, taken out of them."""
    ramp = () if header["version"] == 1 else (tensors.pop("box_ramp"),)
    return Boxes(tensors.pop("box_lo"), tensors.pop("box_hi"), *ramp)


def check_certificate(path: Path, bound: float, stated: float) -> None:
    """Raise FieldFileError for a computed constant above 1, or another than the file states."""
    if not bound <= 1:
        raise FieldFileError(
            f"{path.name}: weights must be 1-Lipschitz, theirs is {bound:.9f} and the file states {stated:.9f}: do not trust it"
        )
    if not abs(bound - stated) <= SAME_BOUND:
        raise FieldFileError(
            f"{path.name}: the certificate must fit the weights, {stated:.9f} is stated and {bound:.9f} computed: the file was changed"
        )


def write_tensors(path: str | PathLike[str], tensors: dict[str, torch.Tensor], header: dict[str, Any], *, overwrite: bool) -> None:
    """Write a field's file. Raises OutputError where it cannot."""
    from safetensors.torch import save

    data = save({k: t.contiguous().cpu() for k, t in tensors.items()}, {"sdfshape": json.dumps(header, sort_keys=True)})
    with atomic_write(path, overwrite=overwrite) as temporary:
        Path(temporary).write_bytes(data)


def read_tensors(path: Path, kind: str, version: int) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tensors and the header of a file of this kind, "sdfshape field" or a relative; raises FieldFileError for any other."""
    from safetensors import SafetensorError, safe_open

    noun, maker = kind.removeprefix("sdfshape "), MADE_BY[kind]
    if not path.is_file():
        raise FieldFileError(f"{path}: a {noun} must be a file, there is none of this name: check the path")
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise FieldFileError(f"{path.name}: a {noun} must be below {LARGEST_FILE >> 20} MB, got {size >> 20} MB: it is something else")
    try:
        with safe_open(str(path), framework="pt") as file:
            header = json.loads((file.metadata() or {})["sdfshape"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, KeyError, ValueError, RecursionError) as error:
        shape = path.suffix.lower() in READABLE
        hint = "`reconstruct` makes one of it with --model, `view` draws it" if shape else "make it again, or copy it again"
        raise FieldFileError(f"{path.name}: a {noun} must be {maker}, this is none, or damaged: {hint}") from error
    if not isinstance(header, dict) or header.get("format") != kind:
        said = header.get("format") if isinstance(header, dict) else None
        other = f"this is an {said}, for other commands" if said in MADE_BY else "it is another program's file"
        raise FieldFileError(f"{path.name}: a {noun} must say '{kind}' in its header: {other}")
    if header.get("version") not in range(1, version + 1):
        raise FieldFileError(f"{path.name}: version must be at most {version}, the file has {header.get('version')}: update sdfshape")
    return tensors, header


def _check_shapes(path: Path, layers: Layers, boxes: Boxes, frame: Frame) -> None:
    """Every tensor float32 and finite, every layer fitting the one before; raises FieldFileError."""
    k = len(boxes.lo) if boxes.lo.ndim else 0
    good = all(t.dtype == torch.float32 and bool(torch.isfinite(t).all()) for t in (boxes.lo, boxes.hi, boxes.ramp))
    good = good and k > 0 and boxes.lo.shape == boxes.hi.shape == (k, 3) and bool((boxes.hi > boxes.lo).all())
    good = good and boxes.ramp.shape == (k, 2) and bool((boxes.ramp >= 0).all() and (boxes.ramp[:, 0] < 1).all())
    good = good and abs(sum(frame.centre)) < float("inf") and len(frame.centre) == 3 and 0 < frame.scale < float("inf")
    if not (good and layers_fit(layers, k, outputs=1)):
        raise FieldFileError(f"{path.name}: a field must hold finite float32 layers that fit each other: the file is damaged")


def layers_fit(layers: Layers, networks: int, outputs: int, inputs: int = 3) -> bool:
    """Whether a chain is `networks` finite ones in float32 from `inputs` numbers to `outputs`, each layer fitting the one before."""
    good = layers.activation in ACTIVATIONS and len(layers.matrices) > 0
    for w, b in zip(layers.matrices, layers.biases, strict=True):
        good = good and all(t.dtype == torch.float32 and bool(torch.isfinite(t).all()) for t in (w, b))
        good = good and w.ndim == 3 and w.shape[0] == networks and w.shape[2] == inputs and b.shape == (networks, 1, w.shape[1])
        inputs = w.shape[1] if w.ndim == 3 else -1
    return good and inputs == outputs
