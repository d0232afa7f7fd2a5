"""The field's mosaic as an ONNX model: input `points` (m, 3) float64, world units; output `distance` (m,) float64."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..field import SignedDistanceField
from ..io import atomic_write
from .numbers import field_numbers, require_absolute

OPSET = 17


def write_onnx(field: SignedDistanceField, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write the model, checked by the onnx package. Raises InputError without that package, OutputError where it cannot write.

    The change to the unit frame is made in float64, so that large coordinates keep their digits; the networks run in float32.
    """
    try:
        import onnx
    except ImportError as error:
        raise InputError('a .onnx file needs the package onnx, which is not installed: pip install "sdfshape[onnx]"') from error
    require_absolute(field)
    model = _model(onnx, field)
    onnx.checker.check_model(model)
    with atomic_write(path, overwrite=overwrite) as temporary:
        Path(temporary).write_bytes(model.SerializeToString())


def _model(onnx: Any, field: SignedDistanceField) -> Any:
    helper, numbers = onnx.helper, field_numbers(field)
    nodes: list[Any] = []
    constants: list[Any] = []

    def constant(name: str, value: Any, kind: Any = np.float32) -> str:
        constants.append(onnx.numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name

    def apply(operation: str, *inputs: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operation, list(inputs), [name := f"{operation}_{len(nodes)}"], **attributes))
        return name

    moved = apply("Sub", "points", constant("centre", numbers["centre"], np.float64))
    unit = apply("Cast", apply("Div", moved, constant("scale", numbers["scale"], np.float64)), to=onnx.TensorProto.FLOAT)
    lo, hi, size = numbers["lo"][:, None], numbers["hi"][:, None], numbers["box_scale"][:, None, None]
    h = apply("Div", apply("Sub", unit, constant("middles", (lo + hi) / 2)), constant("sizes", size))  # (k, m, 3)
    last = len(field.layers.matrices) - 1
    for j in range(last + 1):
        turned = constant(f"matrix_{j}", numbers[f"matrix_{j}"].transpose(0, 2, 1))
        h = apply("Add", apply("MatMul", h, turned), constant(f"bias_{j}", numbers[f"bias_{j}"]))
        h = apply("Abs", h) if j < last else h
    axis = constant("last_axis", [2], np.int64)
    network = apply("Squeeze", apply("Mul", h, "sizes"), axis)
    beyond = apply("Max", apply("Sub", constant("lo", lo), unit), apply("Sub", unit, constant("hi", hi)))
    zero = constant("zero", 0.0)
    outside = apply("ReduceL2", apply("Max", beyond, zero), axes=[2], keepdims=0)
    inside = apply("Min", apply("ReduceMax", beyond, axes=[2], keepdims=0), zero)
    box = apply("Add", outside, inside)  # (k, m)
    own = apply("Mul", network, constant("rest", 1 - numbers["share"][:, None]))
    ramp = apply("Max", apply("Add", box, constant("width", numbers["width"][:, None])), zero)
    given = apply("Add", own, apply("Mul", ramp, constant("share", numbers["share"][:, None])))
    least = apply("ReduceMin", apply("Max", given, box), axes=[0], keepdims=0)
    wide = apply("Cast", least, to=onnx.TensorProto.DOUBLE)
    nodes.append(helper.make_node("Mul", [wide, "scale"], ["distance"]))
    kind = onnx.TensorProto.DOUBLE
    points = helper.make_tensor_value_info("points", kind, ["m", 3])
    distance = helper.make_tensor_value_info("distance", kind, ["m"])
    graph = helper.make_graph(nodes, "signed distance, negative inside", [points], [distance], constants)
    return helper.make_model(graph, producer_name="sdfshape", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
