"""The networks of detectors as tensors and header: plain chains as in fields, image networks by their plan."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from ..field.files import decode_layers, encode_layers, layers_fit
from ..lipschitz import DiscLayers, ImageLayers, Layers
from ..lipschitz.images import TURNS, ImagePlan

DISC_TENSORS = ("matrices", "biases", "radii", "offset")
MOST = 4096  # channels, pixels a side, convolutions: a file that asks for more is damaged


def encode_network(layers: Layers | ImageLayers | DiscLayers) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors by name, and what the header says of them."""
    if isinstance(layers, Layers):
        return encode_layers(layers), {"kind": "chain", "activation": layers.activation, "layers": len(layers.matrices)}
    if isinstance(layers, DiscLayers):
        return {name: getattr(layers, name) for name in DISC_TENSORS}, {"kind": "discs", "flat": layers.flat}
    tensors = {f"turns_{j}": t for j, t in enumerate(layers.turns)} | {f"bias_{j}": b for j, b in enumerate(layers.biases)}
    return tensors | {"last": layers.last, "offset": layers.offset}, asdict(layers.plan)


def decode_network(tensors: dict[str, Tensor], header: dict[str, Any]) -> Layers | ImageLayers | DiscLayers:
    """The network of these tensors, taken out of them. Raises KeyError, TypeError or ValueError where something is missing or wrong."""
    if header["kind"] == "chain":
        return decode_layers(tensors, header)
    if header["kind"] == "discs":
        return DiscLayers(**{name: tensors.pop(name) for name in DISC_TENSORS}, flat=int(header["flat"]))
    h, w, c = (int(n) for n in header["image"])
    sizes = {name: int(header[name]) for name in ("width", "depth", "stages")}
    if header["kind"] not in ("vgg", "gnp") or not all(1 <= n <= MOST for n in (h, w, c, *sizes.values())) or sizes["stages"] > 8:
        raise ValueError("a network of this plan")
    plan = ImagePlan(str(header["kind"]), (h, w, c), **sizes)
    count = range(len(plan.convolutions))
    turns, biases = (tuple(tensors.pop(f"{name}_{j}") for j in count) for name in ("turns", "bias"))
    return ImageLayers(plan, turns, biases, tensors.pop("last"), tensors.pop("offset"))


def network_fits(layers: Layers | ImageLayers | DiscLayers, inputs: int) -> bool:
    """Whether it maps `inputs` numbers to one, all tensors finite float32 of the right shapes."""
    if isinstance(layers, Layers):
        return layers_fit(layers, 1, outputs=1, inputs=inputs)
    if isinstance(layers, DiscLayers):
        return _discs_fit(layers, inputs)
    plan = layers.plan
    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        (t.shape, (TURNS, c, c)) for t, (c, _) in zip(layers.turns, plan.convolutions, strict=True)
    ]
    shapes += [(b.shape, (c,)) for b, (c, _) in zip(layers.biases, plan.convolutions, strict=True)]
    shapes += [(layers.last.shape, (1, plan.left)), (layers.offset.shape, (1,))]
    every = (*layers.turns, *layers.biases, layers.last, layers.offset)
    return _finite(every) and all(tuple(came) == law for came, law in shapes) and plan.image[0] * plan.image[1] * plan.image[2] == inputs


def _discs_fit(layers: DiscLayers, inputs: int) -> bool:
    every = (layers.matrices, layers.biases, layers.radii, layers.offset)
    k = len(layers.radii) if layers.radii.ndim == 1 else 0
    shapes = ((k, inputs, inputs), (k, 1, inputs), (k,), (1,))
    fits = k > 0 and 0 <= layers.flat < inputs and all(tuple(t.shape) == law for t, law in zip(every, shapes, strict=True))
    return fits and _finite(every) and bool((layers.radii >= 0).all())


def _finite(every: tuple[Tensor, ...]) -> bool:
    return all(t.dtype == torch.float32 and bool(torch.isfinite(t).all()) for t in every)
