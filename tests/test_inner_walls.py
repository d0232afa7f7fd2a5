"""Walls between boxes deep inside of a shape: freed where the lemma says so, nowhere else; the field is a distance there, too."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from shapes import directions, sphere_distance

from sdfshape.field.far import far_field
from sdfshape.field.grid import Grid
from sdfshape.field.inner_walls import off_inner_walls, ramped_pairs
from sdfshape.field.mosaic import Mosaic
from sdfshape.field.prune import active_cells
from sdfshape.field.wide import WideMosaic
from sdfshape.lipschitz import Boxes, certify
from sdfshape.lipschitz.stack import StackParameters

LO, HI = np.full(3, -0.85), np.full(3, 0.85)


class Spheres:
    """A mosaic whose networks are all, but for those that `wrong` names, the distance to a sphere of radius 0.7."""

    def __init__(self, boxes: Boxes, wrong: tuple[int, ...] = ()) -> None:
        self.boxes, self.wrong = boxes.map(torch.Tensor.double), wrong

    def networks(self, x: np.ndarray) -> np.ndarray:
        values = np.repeat(sphere_distance(x)[None], len(self.boxes.lo), axis=0)
        values[list(self.wrong)] = 0.3
        return values

    def values(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(self.networks(x), self.boxes.distance(torch.tensor(x)).numpy()).min(axis=0)

    def pairs_within(self, x, reach):
        close = self.boxes.beyond(x.double()) < reach
        return np.nonzero(close.numpy().T)

    def alone(self, k, x):
        return torch.tensor(self.networks(x.double().numpy())[k])


def thin_boxes(share: float = 0.003) -> Boxes:
    """27 boxes that fill the domain and share little."""
    steps = np.linspace(-0.85, 0.85, 4)
    corner = np.stack(np.meshgrid(*[steps[:-1]] * 3, indexing="ij"), -1).reshape(-1, 3)
    lo, hi = np.maximum(corner - share, LO), np.minimum(corner + steps[1] - steps[0] + share, HI)
    return Boxes(torch.tensor(lo, dtype=torch.float32), torch.tensor(hi, dtype=torch.float32))


def cells_of(mosaic: Spheres, resolution: int) -> tuple[Grid, np.ndarray, np.ndarray]:
    grid = Grid.over(LO, HI, resolution)
    active = active_cells(mosaic.values, grid)
    return grid, active.cells, active.values


def freed(mosaic: Spheres, resolution: int = 128, lipschitz: float = 1.0) -> tuple[Grid, np.ndarray]:
    grid, cells, values = cells_of(mosaic, resolution)
    return grid, cells[~off_inner_walls(mosaic, grid, cells, values, lipschitz=lipschitz, slack=1e-6)]


def highest_inside(mosaic: Spheres, grid: Grid, cells: np.ndarray, each: int = 30) -> float:
    places = grid.node_position(cells[:, None] + np.random.default_rng(1).uniform(0, 1, (len(cells), each, 3))).reshape(-1, 3)
    return float(mosaic.values(places).max())


def test_the_field_is_the_distance_behind_inner_walls():
    mosaic = Spheres(thin_boxes())
    held = partial(off_inner_walls, mosaic, lipschitz=1.0, slack=0.0)
    bare, far = (far_field(mosaic.values, LO, HI, lipschitz=1.0, slack=0.0, held=h) for h in (None, held))
    x = np.random.default_rng(2).uniform(-0.35, 0.35, (2000, 3))
    truth = sphere_distance(x)
    assert np.abs(far.raised(mosaic.values(x), x) - truth).max() <= 2 * far.radius + 1e-9
    assert np.abs(bare.raised(mosaic.values(x), x) - truth).mean() > 0.1  # the walls alone
    surface = 0.7 * directions(20_000)
    assert far.centres.query(surface)[0].max() <= far.radius


@pytest.mark.parametrize("wrong", [(), (3,), (3, 9)])
def test_no_freed_cell_holds_surface(wrong):
    mosaic = Spheres(thin_boxes(), wrong)
    grid, cells = freed(mosaic)
    assert len(cells) > 1000 and highest_inside(mosaic, grid, cells) < 0


def test_with_a_constant_that_is_too_small_surface_is_lost():
    mosaic = Spheres(thin_boxes())
    assert highest_inside(mosaic, *freed(mosaic, resolution=48)) < 0 < highest_inside(mosaic, *freed(mosaic, resolution=48, lipschitz=0.3))


def test_where_boxes_leave_a_slit_there_is_surface_and_its_cells_stay():
    grid, cells = freed(Spheres(thin_boxes(-1e-6)), resolution=100)  # no wall is a side of cells
    walls = (np.linspace(-0.85, 0.85, 4)[1:3] - grid.origin[0]) / grid.spacing
    below = cells[..., None] < walls
    assert len(cells) > 100 and (below == (cells[..., None] + 1 < walls)).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_freed_cell_of_trained_like_networks_holds_surface(seed):
    boxes = thin_boxes()
    layers = certify(StackParameters.random(27, 4, 16, torch.Generator().manual_seed(seed)).layers(3))
    mosaic = Mosaic(layers, boxes)
    exact = Mosaic(layers.map(torch.Tensor.double), boxes.map(torch.Tensor.double))
    grid = Grid.over(LO, HI, 96)
    active = active_cells(lambda x: mosaic.values(torch.tensor(x, dtype=torch.float32))[0].numpy(), grid, slack=1e-5)
    gone = ~off_inner_walls(mosaic, grid, active.cells, active.values, lipschitz=1.0, slack=1e-5)
    assert gone.sum() > 1000
    places = grid.node_position(active.cells[gone][:, None] + np.random.default_rng(1).uniform(0, 1, (gone.sum(), 20, 3)))
    assert exact.values(torch.tensor(places.reshape(-1, 3)))[0].max() < 0


def test_plain_and_wide_mosaics_tell_the_same_of_pairs():
    boxes = thin_boxes()
    layers = certify(StackParameters.random(27, 4, 16, torch.Generator().manual_seed(0)).layers(3))
    plain, wide = Mosaic(layers, boxes), WideMosaic(layers, boxes)
    x = torch.tensor(np.random.default_rng(5).uniform(-0.9, 0.9, (3000, 3)), dtype=torch.float32)
    row, box = plain.pairs_within(x, 0.03)
    every = boxes.ramped(layers(boxes.to_local(x)), boxes.distance(x)).numpy()
    assert np.allclose(ramped_pairs(plain, x, row, box), every[box, row], atol=1e-6)
    assert np.allclose(ramped_pairs(wide, x, row, box), every[box, row], atol=1e-6)
    found = set(zip(*(column.tolist() for column in wide.pairs_within(x, 0.03)), strict=True))
    assert found == set(zip(row.tolist(), box.tolist(), strict=True))
    assert np.array_equal(np.stack(plain.boxes.corners()), np.stack(wide.boxes.corners()))
