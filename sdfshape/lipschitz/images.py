"""1-Lipschitz networks on images: orthogonal convolutions, invertible down-sampling, l2-norm pooling. Layout (b, height, width, channels).

Each step is an isometry, or 1-Lipschitz:
* block convolution (Li et al. 2019, "Preventing gradient attenuation in Lipschitz constrained convolutional networks", BCOP): turns of
the channels Q_0 ... Q_4, between them half of the channels moves by one pixel, right, left, down, up, around the edge. A move
  is a permutation, so with orthogonal Q it is an orthogonal convolution of 3 x 3; without, its norm is at most the product of the |Q_j|_2;
* widening by channels of zeros, and padding by pixels of zeros; pixel unshuffle (2 x 2 pixels become channels): permutations;
* |.| (Brau et al. 2023 ask for activations with slope 1); l2-norm pooling: the lengths of 2 x 2 pixels, or of all; a norm is 1-Lipschitz;
* last a row over all that is left.
So Theorem 1 of `certificate` holds with the product over all Q_j and the rows. `bounding_chain` is a plain chain with the same factors; a
pool stands there as the identity of its window, whose rounding errors (Theorem 2) are those of the squares that it sums.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
import torch.nn.functional as functional
from torch import Tensor

from .certificate import divided_last, lipschitz_bound
from .layers import Layers

TURNS = 5  # of a block convolution
MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0))  # (down, right) between two of them


@dataclass(frozen=True)
class ImagePlan:
    """kind : vgg (l2-norm pooling between stages of twice the channels) or gnp (pixel unshuffle between stages of four times the channels:
    slope 1 almost everywhere).   image : height, width, channels.   width : channels of the first stage, even (gnp: at least, where the
    sides can be halved so often).   depth : convolutions a stage.   stages : at most.
    """

    kind: str
    image: tuple[int, int, int]
    width: int = 32
    depth: int = 2
    stages: int = 2

    @property
    def steps(self) -> list[tuple[str, int]]:
        """What happens to an image: (pad, 0), (unshuffle, 0), (widen, channels), (convolve, channels), (pool, 0), (pool all, 0)."""
        return self._pooled() if self.kind == "vgg" else self._unshuffled()

    def _pooled(self) -> list[tuple[str, int]]:
        done, channels = [("pad", 0), ("unshuffle", 0)], max(self.width, 4 * self.image[2])
        for stage in range(self.stages):
            done += [("pad", 0), ("pool", 0)] if stage else []
            done += [("widen", channels)] + [("convolve", channels)] * self.depth
            channels *= 2
        return [*done, ("pool all", 0)]

    def _unshuffled(self) -> list[tuple[str, int]]:
        """Nothing is widened or padded, for the slope of a row over more numbers than came is below 1: sides are halved while even."""
        done: list[tuple[str, int]] = []
        h, w, channels = self.image
        stage = 0
        while stage < self.stages:
            if (stage or channels < self.width or channels % 2) and h % 2 == w % 2 == 0:
                done.append(("unshuffle", 0))
                h, w, channels = h // 2, w // 2, 4 * channels
                if not stage and channels < self.width:
                    continue
            elif stage:
                break
            done += [("convolve", channels)] * self.depth
            stage += 1
        return done

    @cached_property
    def sizes(self) -> list[tuple[int, int, int]]:
        """(height, width, channels) after every step."""
        h, w, c = self.image
        found = []
        for step, channels in self.steps:
            if step == "pad":
                h, w = h + h % 2, w + w % 2
            elif step in ("unshuffle", "pool"):
                h, w, c = h // 2, w // 2, (4 * c if step == "unshuffle" else c)
            elif step == "pool all":
                h = w = 1
            elif step == "widen":
                c = channels
            found.append((h, w, c))
        return found

    @property
    def convolutions(self) -> list[tuple[int, int]]:
        """(channels, pixels) of every convolution, in order."""
        return [(size[2], size[0] * size[1]) for (step, _), size in zip(self.steps, self.sizes, strict=True) if step == "convolve"]

    @property
    def left(self) -> int:
        """How many numbers the last row sees."""
        return math.prod(self.sizes[-1])


@dataclass(frozen=True, eq=False)
class ImageLayers:
    """turns[j] : (5, c, c) of convolution j.   biases[j] : (c,).   last : (outputs, left).   offset : (outputs,)."""

    plan: ImagePlan
    turns: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    last: Tensor
    offset: Tensor

    def __call__(self, u: Tensor) -> Tensor:
        """(1, b, h w c) -> (1, b): as a chain of one network."""
        return self.outputs(u)[..., 0]

    def outputs(self, u: Tensor, *, fused: bool = False) -> Tensor:
        """(1, b, h w c) -> (1, b, outputs). fused : convolutions by one library call each, for training."""
        convolution = fused_convolution if fused else block_convolution
        h, number = u[0].unflatten(1, self.plan.image), 0
        for step, channels in self.plan.steps:
            if step == "convolve":
                h = (convolution(h, self.turns[number]) + self.biases[number]).abs()
                number += 1
            else:
                h = _step(h, step, channels)
        return (h.flatten(1) @ self.last.T + self.offset)[None]

    def map(self, change) -> Self:  # type: ignore[no-untyped-def]
        return type(self)(
            self.plan, tuple(map(change, self.turns)), tuple(map(change, self.biases)), change(self.last), change(self.offset)
        )

    @property
    def parameters(self) -> int:
        return sum(t.numel() for t in (*self.turns, *self.biases, self.last, self.offset))

    @property
    def bounding_chain(self) -> Layers:
        """A plain chain whose constant, and whose rounding bound, are at least those of this network."""
        matrices: list[Tensor] = []
        biases: list[Tensor] = []
        number, size = 0, self.plan.image
        for (step, _), after in zip(self.plan.steps, self.plan.sizes, strict=True):
            if step == "convolve":
                zero = torch.zeros_like(self.biases[number])
                everywhere = self.biases[number] * math.sqrt(after[0] * after[1])  # the same bias at all pixels
                matrices += [q[None] for q in self.turns[number]]
                biases += [zero[None, None]] * (TURNS - 1) + [everywhere[None, None]]
                number += 1
            elif step.startswith("pool"):
                window = size[0] * size[1] // (after[0] * after[1])
                matrices.append(torch.eye(window, dtype=self.last.dtype)[None])
                biases.append(torch.zeros(1, 1, window, dtype=self.last.dtype))
            size = after
        return Layers((*matrices, self.last[None]), (*biases, self.offset[None, None]), "absolute")


def block_convolution(x: Tensor, turns: Tensor) -> Tensor:
    """(b, h, w, c), (5, c, c) -> (b, h, w, c): orthogonal where the turns are."""
    half = x.shape[-1] // 2
    for q, move in zip(turns, (*MOVES, None), strict=True):
        x = x @ q.T
        if move is not None:
            x = torch.cat([x[..., :half].roll(move, dims=(1, 2)), x[..., half:]], dim=-1)
    return x


def fused_kernel(turns: Tensor) -> Tensor:
    """(5, c, c) -> (c, c, 3, 3): the block convolution as one kernel, for `fused_convolution`. The same numbers but for rounding."""
    channels = turns.shape[-1]
    kernel = functional.pad(turns[0][:, :, None, None], (1, 1, 1, 1))  # (out, in, down, right), the middle is no move
    for q, move in zip(turns[1:], MOVES, strict=True):
        moved = kernel[: channels // 2].roll((-move[0], -move[1]), dims=(2, 3))  # a kernel reads where the image is moved from
        kernel = torch.einsum("oc,cihw->oihw", q, torch.cat([moved, kernel[channels // 2 :]]))
    return kernel


def fused_convolution(x: Tensor, turns: Tensor) -> Tensor:
    """`block_convolution` by one library call: for training, where nothing is proven."""
    images = functional.pad(x.permute(0, 3, 1, 2), (1, 1, 1, 1), mode="circular")
    return functional.conv2d(images, fused_kernel(turns)).permute(0, 2, 3, 1)


def pixel_unshuffle(x: Tensor) -> Tensor:
    """(b, h, w, c) -> (b, h/2, w/2, 4 c): the four pixels of a square become channels. A permutation."""
    b, h, w, c = x.shape
    return x.view(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h // 2, w // 2, 4 * c)


def norm_pool(x: Tensor, size: int) -> Tensor:
    """(b, h, w, c) -> (b, h / size, w / size, c): the length of every size x size pixels, in every channel. 1-Lipschitz."""
    b, h, w, c = x.shape
    return torch.linalg.vector_norm(x.view(b, h // size, size, w // size, size, c), dim=(2, 4))


def _step(h: Tensor, step: str, channels: int) -> Tensor:
    if step == "pad":
        return functional.pad(h, (0, 0, 0, h.shape[2] % 2, 0, h.shape[1] % 2))
    if step == "unshuffle":
        return pixel_unshuffle(h)
    if step == "pool":
        return norm_pool(h, 2)
    if step == "pool all":
        return torch.linalg.vector_norm(h, dim=(1, 2), keepdim=True)
    return functional.pad(h, (0, channels - h.shape[3]))  # widen


def certify_image(layers: ImageLayers) -> ImageLayers:
    """The same network with its last row divided by the bound of the whole, rounded to float32 until the bound is at most 1."""

    def bound(of: ImageLayers) -> float:
        return lipschitz_bound(of.bounding_chain)

    scale = torch.tensor(bound(layers), dtype=torch.float64)
    return divided_last(layers.last, scale, lambda last: replace(layers, last=last), bound)
