"""The folder that tiles are made in: scan.plan and tile-0000.points, written first; tile-0000.sdf and, after it, tile-0000.json for each
that is done.

Whoever sees the folder can do a tile. The mark comes last, with the id of the plan and a hash of the tile: without it, or with another
id, the tile is done again, so a run that was ended at any moment goes on with what is whole. Each tile has its points in a file of its own,
so that whoever does it needs no memory for the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import __version__
from ..errors import FieldFileError, SdfShapeError
from ..field import SignedDistanceField, load_field
from ..field.files import read_tensors, write_tensors
from ..frame import Frame
from ..io import atomic_write
from ..io.atomic import TEMPORARY
from ..io.source import file_hash
from ..lipschitz import Boxes, Layers
from ..train.config import NetworkConfig, OptimizerConfig, RecipeConfig, TrainConfig
from ..types import FloatArray
from .evidence import Coarse
from .plan import Tile, in_box

FORMAT, VERSION = "sdfshape tiles", 1
COLUMNS = ("points", "normals", "areas")


@dataclass(frozen=True, eq=False)
class Plan:
    """coarse : the image of the whole.   tiles : all of them.   frame : of the scan.   config, seed."""

    coarse: Coarse
    tiles: list[Tile]
    frame: Frame
    config: TrainConfig
    seed: int


@dataclass(frozen=True, eq=False)
class TileFolder:
    """path : of the folder, which is there."""

    path: Path

    @property
    def plan_file(self) -> Path:
        return self.path / "scan.plan"

    @property
    def id(self) -> str:
        """Of the plan, as it is on the disk, and of the version that reads it."""
        return f"{file_hash(self.plan_file)} {__version__}"

    def write_plan(self, plan: Plan, points: FloatArray) -> str:
        """Keep a plan, and the points (n, 3), unit frame, of each of its tiles; its id. Tiles of another plan are not those of this.

        What a kill left is cleared away.
        """
        for left in self.path.glob(f"{TEMPORARY}*"):
            left.unlink(missing_ok=True)
        hashes = dict(self._write_points(points, plan.tiles))
        coarse = plan.coarse
        tensors = {f"coarse_{name}": torch.tensor(getattr(coarse, name)) for name in COLUMNS}
        tensors |= {"cells": torch.tensor(np.stack([tile.cell for tile in plan.tiles]))}
        tensors |= {"walls": torch.tensor(np.stack([tile.walls for tile in plan.tiles]))}
        header = {
            "format": FORMAT,
            "version": VERSION,
            "coarse": {"spacing": coarse.spacing, "kind": coarse.kind, "thickness": coarse.thickness},
            "centre": plan.frame.centre,
            "scale": plan.frame.scale,
            "config": plan.config.as_dict(),
            "seed": plan.seed,
            "points": [hashes[tile.index] for tile in plan.tiles],
        }
        write_tensors(self.plan_file, tensors, header, overwrite=True)
        return self.id

    def _write_points(self, points: FloatArray, tiles: list[Tile]) -> Iterator[tuple[int, str]]:
        """The points in the region of each tile to a file of its own; its index and a hash of them. Halved like the tiles are."""
        if len(tiles) > 1:
            for half in (tiles[: len(tiles) // 2], tiles[len(tiles) // 2 :]):
                lo, hi = np.min([t.region[0] for t in half], axis=0), np.max([t.region[1] for t in half], axis=0)
                yield from self._write_points(points[in_box(points, np.stack([lo, hi]))], half)
            return
        data = np.ascontiguousarray(points[tiles[0].holds(points)], dtype="<f8").tobytes()
        with atomic_write(self._points(tiles[0].index), overwrite=True) as temporary:
            Path(temporary).write_bytes(data)
        yield tiles[0].index, hashlib.sha256(data).hexdigest()

    def read_plan(self) -> Plan:
        """Raises FieldFileError for a file that is no plan."""
        tensors, header = read_tensors(self.plan_file, FORMAT, VERSION)
        try:
            points, normals, areas = (tensors[f"coarse_{name}"].numpy() for name in COLUMNS)
            coarse = Coarse(points, normals, areas, **header["coarse"])
            corners = zip(tensors["cells"].numpy(), tensors["walls"].numpy(), strict=True)
            tiles = [Tile(index, cell, walls) for index, (cell, walls) in enumerate(corners)]
            frame = Frame(tuple(header["centre"]), header["scale"])
            return Plan(coarse, tiles, frame, _config(header["config"]), header["seed"])
        except (KeyError, TypeError, ValueError) as error:
            raise FieldFileError(f"{self.plan_file.name}: a plan must have all its parts, {error} is missing or wrong") from error

    def read_points(self, index: int) -> FloatArray:
        """(n, 3) the points in the region of a tile, unit frame."""
        return np.frombuffer(self._points(index).read_bytes(), "<f8").reshape(-1, 3)

    def keep(self, index: int, frame: Frame, made: tuple[Layers, Boxes] | None, plan: str) -> None:
        """Write a tile of the plan of this id, then its mark."""
        mark: dict[str, Any] = {"id": plan, "sha256": None}
        if made is not None:
            SignedDistanceField(*made, frame, 0.0, {"tile": index}).save(self._tile(index), overwrite=True)
            mark["sha256"] = file_hash(self._tile(index))
        with atomic_write(self._mark(index), overwrite=True) as temporary:
            Path(temporary).write_text(json.dumps(mark))

    def is_done(self, index: int, plan: str) -> bool:
        """Whether a tile of the plan of this id is there, whole."""
        return self._known(index, plan) is not None

    def _known(self, index: int, plan: str) -> dict[str, Any] | None:
        """The mark of a tile that is done."""
        try:
            mark: dict[str, Any] = json.loads(self._mark(index).read_text())
            whole = mark["sha256"] is None or file_hash(self._tile(index)) == mark["sha256"]
            return mark if whole and mark["id"] == plan else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def read_tile(self, index: int, plan: str) -> tuple[Layers, Boxes] | None:
        """The networks of a tile, proven again, and their boxes; None where there is nothing inside.

        Raises SdfShapeError for a tile that is not done, or is of another plan.
        """
        mark = self._known(index, plan)
        if mark is None:
            raise SdfShapeError(f"{self._tile(index).name}: a tile must be that of this scan, it was changed or lost: run it again")
        if mark["sha256"] is None:
            return None
        field = load_field(self._tile(index))
        return field.layers, field.boxes

    def _tile(self, index: int) -> Path:
        return self.path / f"tile-{index:04d}.sdf"

    def _points(self, index: int) -> Path:
        return self.path / f"tile-{index:04d}.points"

    def _mark(self, index: int) -> Path:
        return self.path / f"tile-{index:04d}.json"


def _config(facts: dict[str, Any]) -> TrainConfig:
    network, optimizer = NetworkConfig(**facts["network"]), OptimizerConfig(**facts["optimizer"])
    inner = {"network": network, "optimizer": optimizer, "recipe": RecipeConfig(**facts["recipe"]), "weight": tuple(facts["weight"])}
    return TrainConfig(**(facts | inner))
