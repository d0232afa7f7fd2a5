"""The main job on one screen: a cloud in; a mesh, a certified field and a report out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from .account import Job, job_report
from .clean import distinct_rows
from .errors import EmptySurfaceError
from .frame import HALF_EXTENT, PAD, Frame
from .limits import MOST_ISO
from .memory import Cost, check_memory
from .options import Options
from .orient import Hints, OrientedCloud
from .sample import Evidence, Gathered, gather_evidence
from .thin import enough_points
from .train.config import PAPER_POINTS, TrainConfig, preset
from .types import FloatArray, Mesh, PointCloud, require_cloud
from .waiting import wait_briefly_if_busy

if TYPE_CHECKING:  # what needs torch is imported where it is used: torch loads while the points are oriented
    from .evaluate.score import Scores
    from .field import SignedDistanceField
    from .train.record import Record
    from .train.watch import Watch

THINNEST_CELLS = 1.8  # least thickness of a wrap: the grid's nodes in a slab of sqrt(3) cells hang together, however it stands


@dataclass(frozen=True)
class Progress:
    """Where a job stands: the stage by name; while it trains step of steps, loss and seconds left."""

    stage: str
    step: int = 0
    steps: int = 0
    loss: float = float("nan")
    seconds_left: float = float("nan")


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """mesh : world units, watertight.   field : the certified signed distance.   report : values that `evaluate.write_report` writes.
    scores : of all points that came, in their order: how far each is off the surface, and which are outliers.
    """

    mesh: Mesh
    field: SignedDistanceField
    report: dict[str, Any]
    scores: Scores

    def show(self, cloud: PointCloud | None = None, *, truth: Mesh | None = None, unit: str = "units", up: int = 1) -> Any:
        """See it: in a notebook as a page inside of it, elsewhere in a window, which returns when it is closed.

        cloud : the scan, to be drawn too.   truth : to measure distances to.   up : axis that points up.
        Raises InputError where there is neither a notebook nor a display.
        """
        from .viewer.notebook import show_reconstruction

        return show_reconstruction(self, cloud, truth=truth, unit=unit, up=up)


def reconstruct(
    cloud: PointCloud,
    options: Options | None = None,
    *,
    config: TrainConfig | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
    watch: Watch | None = None,
    **changes: Any,
) -> Reconstruction:
    """Points only -> certified 1-Lipschitz signed distance -> watertight mesh, in the units, place and pose of `cloud`.

    Parameters
    ----------
    cloud : PointCloud        (n, 3) points; at least 100 different finite ones; normals are not needed
    options, **changes        `Options`, or its fields by name: reconstruct(cloud, preset="fast", seed=1)
    config : TrainConfig      in place of the preset's
    checkpoint : path         continued from if the file is there; written when the job is interrupted while it trains
    progress                  called with a `Progress` at every stage, and about ten times a second while it trains
    watch : Watch             sees the field grow, and may end the training early (`train.watch`); looking changes nothing of the result

    Raises
    ------
    DegenerateCloudError, InputError    the cloud or an option breaks its law
    EmptySurfaceError                   `iso` is outside the field's range
    TrainingInterrupted                 SIGINT or SIGTERM while it trained; names the checkpoint
    """
    options = replace(options or Options(), **changes)
    config = config or preset(options.preset)
    check_memory(options.max_memory, Cost.of(len(require_cloud(cloud)), config, options.resolution))
    clock = Stopwatch(progress or (lambda _: None))
    _load_torch(options.device)
    clock.start("orient")
    rng = np.random.default_rng(options.seed)
    kept, voxel, dropped = enough_points(cloud, config.points, rng, keep_outliers=options.keep_outliers)
    frame = Frame.from_points(kept.points)
    check_level(options.iso, frame)
    in_unit = frame.to_unit(kept.points)
    rows = distinct_rows(in_unit)  # different numbers in the world may be equal ones in the unit frame
    hints = hints_of(kept[rows], options)
    points, gathered = _gather(in_unit[rows], hints, options, config, rng, clock.start)

    from .extract import finish, least_explained
    from .shaping import Subject, shape
    from .train.run import computing_with

    with computing_with(options.device, options.threads) as device:
        least = least_explained(dropped, len(kept))
        subject = Subject(points, kept.points, frame, options, device, clock.start, clock.trained, checkpoint, watch, least)
        wrap = replace(options, surface="wrap")
        shaped = shape(subject, gathered, config, lambda: _gather(points, hints, wrap, config, rng, clock.start)[1])
        mesh, field, level = shaped.mesh, shaped.field, options.iso
        done = finish(mesh, field, level, scan=kept, max_deviation=options.max_deviation, vertex_normals=options.vertex_normals)
        scores = scores_of(field, cloud, shaped.gathered)
        clock.start("")
        job = Job(cloud, kept, dropped, voxel, shaped.gathered, options, shaped.config, clock.seconds)
        return Reconstruction(done.mesh, field, job_report(job, field, shaped.extraction, done, shaped.phantoms, scores), scores)


def check_level(iso: float, frame: Frame) -> None:
    """Raise EmptySurfaceError for a level, world units, that no field in this frame takes."""
    if abs(iso) > (farthest := frame.length_to_world(MOST_ISO)):
        raise EmptySurfaceError(f"iso must be within {farthest:.4g} of the surface, got {iso:g}")


def _load_torch(device: str) -> None:
    """Begin to import torch, which takes as long as orienting the points; at once if the device is to be checked."""
    wait_briefly_if_busy()
    if device == "cpu":
        threading.Thread(target=import_module, args=("torch",)).start()
        return
    from .train.run import computing_with

    with computing_with(device, None):
        pass


def scores_of(field: SignedDistanceField, cloud: PointCloud, gathered: Gathered) -> Scores:
    """Of all points that came, whatever was trained on."""
    from .evaluate.score import one_class_scores

    spacing, noise = (field.frame.length_to_world(length) for length in (gathered.spacing, gathered.noise))
    return one_class_scores(field, cloud.points, spacing=spacing, noise=noise, filled=gathered.kind != "closed")


def hints_of(cloud: PointCloud, options: Options) -> Hints | None:
    """What the options and the columns of a cloud tell of its sides."""
    if options.sensor is not None:
        return Hints(np.asarray(options.sensor) - cloud.points, trusted=True)
    if cloud.normals is None or options.normals == "ignore":
        return None
    return Hints(cloud.normals, trusted=options.normals == "use")


def _gather(
    points: FloatArray, hints: Hints | None, options: Options, config: TrainConfig, rng: np.random.Generator, stage: Callable[[str], None]
) -> tuple[FloatArray, Gathered]:
    """Points to train on and their evidence; the paper's recipe takes 2,048 points and needs no other evidence."""
    thinnest = THINNEST_CELLS * 2 * (HALF_EXTENT + PAD) / (options.resolution - 2)  # cells of `extract_mesh`
    if config.network.kind != "bjorck":
        trial = partial(_closed_holds, options)
        return points, gather_evidence(points, options.surface, config.labels, rng, stage, thinnest, hints, trial)
    some = points[np.sort(rng.permutation(len(points))[:PAPER_POINTS])]
    return some, gather_evidence(some, "none", config.labels, rng, stage, thinnest)


def _closed_holds(options: Options, evidence: Evidence, cloud: OrientedCloud, lost: float | None) -> bool:
    from .train.run import computing_with
    from .trial import closed_holds

    with computing_with(options.device, options.threads) as device:
        return closed_holds(evidence, cloud, options.seed, device, lost=lost)


class Stopwatch:
    """Seconds by stage, and the caller's progress."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        self.seconds: dict[str, float] = {}
        self.tell = tell
        self._stage, self._since = "", time.perf_counter()

    def start(self, stage: str) -> None:
        now = time.perf_counter()
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        if stage and stage != self._stage:
            self.tell(Progress(stage))
        self._stage, self._since = stage, now

    def trained(self, record: Record, seconds_left: float) -> None:
        self.tell(Progress("train", record.step, record.steps, record.loss, seconds_left))
