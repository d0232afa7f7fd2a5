"""Networks for Deep SVDD on images: the four that Bethune et al. 2023 put beside theirs. Rows (n, h w c) -> features (n, 32).

lenet : Ruff et al. 2018 for MNIST, without biases.   lenet+bn : with batch normalisation, as in their PyTorch code.   dense : as pyod's
DeepSVDD (64 and 32 neurons, ReLU).   twin : our VGG-like network without its bounds: free convolutions, ReLU, maximum pooling.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

FEATURES, TWIN_WIDTH = 32, 32
NETS = ("lenet", "lenet+bn", "dense", "twin")


def image_net(kind: str, image: tuple[int, int, int]) -> Callable[[int], nn.Module]:
    """What `DeepSVDD` makes its network with: a function of d. kind : one of NETS.   image : height, width, channels."""
    return _dense if kind == "dense" else lambda _: _convolutional(kind, image)


def _convolutional(kind: str, image: tuple[int, int, int]) -> nn.Module:
    h, w, c = image
    if kind == "twin":
        layers = [nn.PixelUnshuffle(2), *_twin_stage(4 * c, TWIN_WIDTH), *_twin_stage(TWIN_WIDTH, 2 * TWIN_WIDTH)]
        left = 2 * TWIN_WIDTH * (h // 8) * (w // 8)
    else:
        layers = [*_lenet_stage(c, 8, normalised=kind == "lenet+bn"), *_lenet_stage(8, 4, normalised=kind == "lenet+bn")]
        left = 4 * (h // 4) * (w // 4)
    last = nn.Linear(left, FEATURES, bias=False)
    return nn.Sequential(nn.Unflatten(1, (h, w, c)), _ChannelsFirst(), *layers, nn.Flatten(), last)


def _dense(inputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, 64, bias=False), nn.ReLU(), nn.Linear(64, FEATURES, bias=False))


def _lenet_stage(inputs: int, outputs: int, *, normalised: bool) -> list[nn.Module]:
    norm = [nn.BatchNorm2d(outputs, eps=1e-4, affine=False)] if normalised else []
    return [nn.Conv2d(inputs, outputs, 5, padding=2, bias=False), *norm, nn.LeakyReLU(0.01), nn.MaxPool2d(2)]


def _twin_stage(inputs: int, outputs: int) -> list[nn.Module]:
    convolutions = [nn.Conv2d(came, outputs, 3, padding=1, bias=False) for came in (inputs, outputs)]
    return [convolutions[0], nn.ReLU(), convolutions[1], nn.ReLU(), nn.MaxPool2d(2)]


class _ChannelsFirst(nn.Module):
    def forward(self, x):  # type: ignore[no-untyped-def]
        return x.permute(0, 3, 1, 2)
