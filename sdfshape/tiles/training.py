"""One tile: its evidence, its mosaic, its networks and boxes in the unit frame of the whole scan."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch

from ..lipschitz import Boxes, Layers, split_boxes
from ..train.config import TrainConfig
from ..train.run import make_loop, train_layers
from ..types import FloatArray
from .evidence import Coarse, tile_evidence
from .plan import Tile, in_box

BOTH_SIDES = 100  # labelled places of a side, below which a tile is taken to be all of the other


def train_tile(
    tile: Tile, points: FloatArray, coarse: Coarse, config: TrainConfig, seed: int, device: torch.device
) -> tuple[Layers, Boxes] | None:
    """The certified networks of a tile and their boxes; one constant network where all of it is inside, None where all is outside.

    points : (n, 3) of the scan in the tile's region, unit frame.   seed : of the scan; tiles differ.
    """
    rng = np.random.default_rng([seed, tile.index])
    evidence = tile_evidence(tile, points, coarse, config.labels, rng)
    if min(len(evidence.inside), len(evidence.outside)) < BOTH_SIDES:
        return _filled(tile, config) if len(evidence.inside) > len(evidence.outside) else None
    frame = tile.frame
    lo, hi = frame.to_unit(tile.walls)
    within = points[in_box(points, tile.walls)]
    middle = frame.to_unit(within) if len(within) else np.stack([lo, hi])
    local = split_boxes(middle, config.network.networks, (lo, hi))
    layers = train_layers(make_loop(evidence, middle, local, config, _seed_of(seed, tile), device), lambda *_: None)
    return layers, local.moved(frame)


def _seed_of(seed: int, tile: Tile) -> int:
    return int(np.random.SeedSequence([seed, tile.index]).generate_state(1, np.uint32)[0])


def _filled(tile: Tile, config: TrainConfig) -> tuple[Layers, Boxes]:
    """A network that is -1 everywhere, below the distance to the walls: its box alone is seen."""
    width, depth = config.network.width, config.network.depth
    sizes = [3, *[width] * depth, 1]
    matrices = tuple(torch.zeros(1, out, into) for into, out in pairwise(sizes))
    biases = tuple(torch.zeros(1, 1, out) for out in sizes[1:])
    corners = torch.tensor(tile.walls, dtype=torch.float32)
    return Layers(matrices, (*biases[:-1], biases[-1] - 1), "absolute"), Boxes(corners[:1].clone(), corners[1:].clone())


def joined(parts: list[tuple[Layers, Boxes]]) -> tuple[Layers, Boxes]:
    """All networks of all tiles, side by side."""
    chains, boxes = [layers for layers, _ in parts], [box for _, box in parts]
    matrices = tuple(torch.cat(some) for some in zip(*(c.matrices for c in chains), strict=True))
    biases = tuple(torch.cat(some) for some in zip(*(c.biases for c in chains), strict=True))
    tensors = zip(*((b.lo, b.hi, b.ramp) for b in boxes), strict=True)
    return replace(chains[0], matrices=matrices, biases=biases), Boxes(*(torch.cat(some) for some in tensors))
