"""From evidence to a certified field and its mesh; and once more, as a wrap, where a doubtful closed surface falls to pieces.

Whether sides hold can be doubted before training (`kind`), tried (`trial`), and seen at the end: the tap of a bath tub that is lost by all
of the wrong sides around it comes off as a piece of its own. So what was made closed in doubt must hang together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .extract import Extraction, drop_unexplained, extract_mesh
from .extract.components import EXPLAINED_BY, count_bodies, few_points
from .field import SignedDistanceField
from .field.signed_distance import measured_float32_error
from .frame import Frame
from .lipschitz import Boxes, Layers, split_boxes
from .options import Options
from .sample import Gathered
from .train.checkpoint import fingerprint, is_of
from .train.config import TrainConfig
from .train.record import Record
from .train.run import make_loop, train_layers
from .train.watch import Watch
from .types import FloatArray, Mesh

SEEN_ERROR = 1e-4  # unit frame: float32 error of a field that is only looked at while it trains, not measured
KEEPS = 99.0  # percent of the points inside the level of the paper's recipe (OCSDF: iso = first percentile of the scores)


@dataclass(frozen=True, eq=False)
class Subject:
    """points : (n, 3) trained on, unit frame.   scan : (m, 3) kept, world units.   device : of torch.
    stage(name), trained(record, seconds left) : told where the work stands.   checkpoint, watch : see `reconstruct`.
    explained_by : points of the scan that must need a piece of the mesh.
    """

    points: FloatArray
    scan: FloatArray
    frame: Frame
    options: Options
    device: Any
    stage: Callable[[str], None]
    trained: Callable[[Record, float], None]
    checkpoint: str | PathLike[str] | None
    watch: Watch | None = None
    explained_by: int = EXPLAINED_BY


@dataclass(frozen=True, eq=False)
class Shaped:
    """mesh : of the extraction, without `phantoms` pieces that no point explains.   config : what it was trained with."""

    gathered: Gathered
    config: TrainConfig
    field: SignedDistanceField
    extraction: Extraction
    mesh: Mesh
    phantoms: int


def shape(subject: Subject, gathered: Gathered, config: TrainConfig, wrapped: Callable[[], Gathered]) -> Shaped:
    """Train and extract; a closed surface that `auto` doubted and that falls to pieces is thrown away for the wrap.

    wrapped : gathers the evidence for that. A checkpoint of the second training is continued without the first.
    """
    mark = fingerprint([subject.points, gathered.evidence.inside, gathered.evidence.outside], config, subject.options.seed)
    again = f"{mark} wrapped"
    if not (gathered.doubted and is_of(subject.checkpoint, again)):
        first = _attempt(subject, gathered, config, mark)
        if not (gathered.doubted and _in_pieces(subject, first)):
            return first
        if subject.checkpoint is not None and is_of(subject.checkpoint, mark):
            Path(subject.checkpoint).unlink()  # of the training that is thrown away: the second would refuse it
    wrap = wrapped()
    why = f"sides agree on {gathered.coherence:.0%} of the points, and the closed mesh fell to pieces: wrapped (--surface closed forces it)"
    wrap = replace(wrap, coherence=gathered.coherence, warnings=(*gathered.warnings, why))
    return _attempt(subject, wrap, config, again)


def _attempt(subject: Subject, gathered: Gathered, config: TrainConfig, mark: str) -> Shaped:
    options = subject.options
    config = config.for_slabs() if gathered.kind in ("wrap", "open") else config
    subject.stage("train")
    layers, boxes = _train(subject, gathered, config, mark)
    if subject.watch is not None and subject.watch.finished_at is not None:
        early = "training was finished early, after {} of {} steps".format(*subject.watch.finished_at)
        gathered = replace(gathered, warnings=(*gathered.warnings, early))
    subject.stage("extract")
    info = {"preset": options.preset, "config": config.as_dict(), "seed": options.seed, "surface": gathered.kind}
    field = _field(layers, boxes, info, subject)
    extraction = extract_mesh(field, resolution=options.resolution, iso=options.iso)
    mesh, phantoms = (extraction.mesh, 0) if options.keep_all else drop_unexplained(extraction.mesh, subject.scan, subject.explained_by)
    return Shaped(gathered, config, field, extraction, mesh, phantoms)


def _in_pieces(subject: Subject, shaped: Shaped) -> bool:
    """Whether the surface itself, at whatever level the mesh is, has more than one piece that points explain; cavities are none.

    A single crumb of few points is not worth a wrap: a tooth of a dragon of 2,048 points, 14 of them, for twice the Chamfer distance.
    """
    plain = subject.options.iso == 0
    mesh = shaped.mesh if plain else extract_mesh(shaped.field, resolution=subject.options.resolution).mesh

    def bodies(least: int) -> int:
        return count_bodies(drop_unexplained(mesh, subject.scan, least)[0])

    pieces = bodies(subject.explained_by)
    return pieces > 2 or (pieces == 2 and bodies(max(subject.explained_by, few_points(len(subject.scan)))) == 2)


def _train(subject: Subject, gathered: Gathered, config: TrainConfig, mark: str) -> tuple[Layers, Boxes]:
    """The certified networks of a mosaic and their boxes, unit frame."""
    boxes = split_boxes(subject.points, config.network.networks)
    loop = make_loop(gathered.evidence, subject.points, boxes, config, subject.options.seed, subject.device)
    watch = subject.watch

    def look(layers: Layers) -> None:
        if watch is not None:
            level = _level(layers, boxes, subject) if gathered.kind == "points" else 0.0
            watch.see(SignedDistanceField(layers.lowered(boxes.lowering(level)), boxes, subject.frame, SEEN_ERROR))

    return train_layers(loop, subject.trained, checkpoint=subject.checkpoint, mark=mark, watch=watch, look=look), boxes


def _level(layers: Layers, boxes: Boxes, subject: Subject) -> float:
    """What keeps 99% of the points, unit frame."""
    return float(np.percentile(SignedDistanceField(layers, boxes, subject.frame, 0.0).mosaic_unit(subject.points), KEEPS))


def _field(layers: Layers, boxes: Boxes, info: dict[str, Any], subject: Subject) -> SignedDistanceField:
    """The field whose surface is the trained networks' level: 0 where sides are known, else what keeps 99% of the points, unit frame.
    It keeps the highest value that it has at the scan, world units.
    """
    level = 0.0
    if info["surface"] == "points":
        level = _level(layers, boxes, subject)
        layers = layers.lowered(boxes.lowering(level))
    error = measured_float32_error(layers, boxes)
    field = SignedDistanceField(layers, boxes, subject.frame, error, info | {"level_unit": level})
    remember_scan(field, subject.scan)
    return field


def remember_scan(field: SignedDistanceField, scan: FloatArray) -> None:
    """Keep the highest value at the points (n, 3), world units, with the field (`scan_distance_lower` stands on it)."""
    highest, error = field.certified(scan)
    field.info["scan_highest"] = float(highest.max()) + error
