"""A reconstruction that is seen while it runs: the surface as it grows, the loss, the time left, and a way to end it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import EmptySurfaceError, SdfShapeError
from ..train.watch import Watch
from ..types import Mesh, PointCloud
from .chart import loss_chart
from .layers import Layer, Scene, Show
from .opening import scan_layer
from .session import FULL_RESOLUTION, Session
from .stage import Stage

if TYPE_CHECKING:
    from ..field import SignedDistanceField
    from ..reconstruction import Progress

SEEN_CELLS = 56  # of the surface while it grows: two cores train beside it
CHARTED = 400  # values of the loss at most


class Growing:
    """work(progress, watch) reconstructs on a thread of its own and returns (mesh, field); the session shows how it comes.

    cloud : the scan.   level : of the mesh that comes, world units.   The thread that draws calls `feed` at every tick, `wait` in the end.
    """

    def __init__(
        self,
        cloud: PointCloud,
        title: str,
        work: Callable[[Callable[[Progress], None], Watch], tuple[Mesh, SignedDistanceField]],
        stage: Stage,
        *,
        resolution: int = FULL_RESOLUTION,
        level: float = 0.0,
        up: int = 1,
    ) -> None:
        self.scan, self.title, self.level, self.up = scan_layer("scan", cloud), title, level, up
        self.session = Session(Show.of(Scene((self.scan,), title, up)), stage, resolution=resolution, live=True)
        self.session.feed, self.session.grown = self.feed, self.grown
        self.watch = Watch(self._see)
        self.losses: list[tuple[int, float]] = []
        self.steps, self.told, self.latest = 0, "starting", 0
        self._lock = threading.Lock()
        self._field: SignedDistanceField | None = None
        self._result: tuple[Mesh, SignedDistanceField] | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), name="sdfshape-reconstruct")
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def wait(self) -> None:
        """Until the work is done; raises what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    # --- on the thread that reconstructs

    def _run(self, work: Callable[[Callable[[Progress], None], Watch], tuple[Mesh, SignedDistanceField]]) -> None:
        try:
            result = work(self._progress, self.watch)
            with self._lock:
                self._result = result
        except BaseException as error:
            self._error = error

    def _progress(self, progress: Progress) -> None:
        with self._lock:
            if progress.steps:
                self.losses = self.losses if progress.step > self.latest else []  # a second training begins
                self.latest, self.steps = progress.step, progress.steps
                self.losses.append((progress.step, progress.loss))
                if len(self.losses) > CHARTED:
                    self.losses = self.losses[::2]
                self.told = f"train: step {progress.step:,} of {progress.steps:,}, about {progress.seconds_left:.0f} s left"
            else:
                self.told = f"{progress.stage} ..."

    def _see(self, field: SignedDistanceField) -> None:
        with self._lock:
            self._field = field

    # --- on the thread that draws

    def feed(self) -> None:
        """Take what came since the last tick."""
        with self._lock:
            field, self._field = self._field, None
            result, self._result = self._result, None
            told, losses, steps = self.told, list(self.losses), self.steps
        session = self.session
        if not session.live:
            return
        if result is not None:
            self._finished(*result)
            return
        if self._error is not None:
            error, session.live = self._error, False
            session.progress = f"ended: {error}" if isinstance(error, SdfShapeError) else f"ended: {type(error).__name__}"
            session.changed = True
            return
        if self.watch.finishing and self.watch.finished_at is None:
            told = f"{told}; will finish as soon as a quarter of the steps is done"
        if told != session.progress:
            session.progress, session.changed = told, True
            session.chart = loss_chart(losses, steps) if losses else b""
        if field is not None:
            session.jobs.submit("growth", lambda _: _coarse(field))

    def grown(self, mesh: Mesh | None) -> None:
        """Show the surface of now."""
        if mesh is not None and self.session.live:
            self._show(Layer("surface", mesh))

    def _finished(self, mesh: Mesh, field: SignedDistanceField) -> None:
        self.session.live, self.session.chart = False, b""
        self.session.progress = "done: everything is written"
        self.session.jobs.drop("growth")
        self._show(Layer("surface", mesh, field=field, level=self.level), final=True)

    def _show(self, surface: Layer, *, final: bool = False) -> None:
        """The first surface and the last one bring their own controls; between them only the shape changes."""
        if final or len(self.session.scene.layers) == 1:
            self.session.start(Scene((surface, self.scan), self.title, self.up), stay=True)
        else:
            self.session.replace_layer(0, surface)


def _coarse(field: SignedDistanceField) -> Mesh | None:
    from ..extract import extract_mesh

    try:
        return extract_mesh(field, resolution=SEEN_CELLS).mesh
    except EmptySurfaceError:
        return None  # at the beginning there may be nothing yet
