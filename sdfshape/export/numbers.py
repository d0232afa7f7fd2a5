"""All numbers of a field, as arrays that need no torch.

What is exported is the mosaic (`lipschitz.boxes`), u = (x - centre) / scale:
    f(x) = scale min_k max((1 - b) s_k g_k((u - c_k) / s_k) + b r_k(u), box_k(u)),   r_k = max(box_k + w_k, 0).
It is 1-Lipschitz and has the surface of the field; far away its values may be smaller than the field's, which is raised there by the
distance to known cells.
"""

from __future__ import annotations

from ..field import SignedDistanceField
from ..types import FloatArray


def field_numbers(field: SignedDistanceField) -> dict[str, FloatArray]:
    """centre (3,), scale (), lo, hi (k, 3), box_scale, share (b), width (w) (k,) in float64; matrix_j (k, out, in), bias_j (k, 1, out)
    in float32.
    """
    import numpy as np

    numbers = {f"matrix_{j}": w.numpy() for j, w in enumerate(field.layers.matrices)}
    numbers |= {f"bias_{j}": b.numpy() for j, b in enumerate(field.layers.biases)}
    boxes = field.boxes.map(lambda corner: corner.double())  # first: the scale is computed from the corners
    numbers |= {"lo": boxes.lo.numpy(), "hi": boxes.hi.numpy(), "box_scale": boxes.scale.numpy()}
    numbers |= {"share": boxes.ramp[:, 0].numpy(), "width": boxes.ramp[:, 1].numpy()}
    return numbers | {"centre": np.array(field.frame.centre), "scale": np.array(field.frame.scale)}


def require_absolute(field: SignedDistanceField) -> None:
    """Raise InputError for a network of another activation: what is written here knows |.| alone."""
    from ..errors import InputError

    if field.layers.activation != "absolute":
        raise InputError(f"an exported field must be made of absolute values, this one has {field.layers.activation}: use another preset")
