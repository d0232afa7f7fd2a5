"""`reconstruct --view`: the work on a thread of its own, the window or the page in front of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..types import PointCloud

if TYPE_CHECKING:
    from ..reconstruction import Progress, Reconstruction
    from ..train.watch import Watch
    from ..viewer.growing import Growing

    Work = Callable[[Callable[[Progress], None], Watch | None], Reconstruction]


def front_for(view: bool, web: bool, up: int, labels: str | None) -> Front | None:
    """A window, a page, or none; raises InputError where it cannot be."""
    if not (view or web):
        return None
    if labels is not None:
        raise InputError("parts are not shown while they are made: leave --view and --web out with --labels")
    if not web:
        from ..viewer.desktop import require_display

        require_display()
    return Front(web, up)


@dataclass
class Front:
    """Shows a reconstruction while it runs, until it is closed. What is closed early goes on without being seen."""

    web: bool
    up: int
    made: list[Reconstruction] = field(default_factory=list)

    def run(self, cloud: PointCloud, name: str, work: Work, resolution: int, level: float) -> Reconstruction:
        """The result; raises what the work raises. Ctrl-C while it trains keeps a checkpoint."""
        from ..viewer import Stage, window_stage
        from ..viewer.growing import Growing

        def kept(progress: Callable[[Progress], None], watch: Watch) -> tuple[Any, Any]:
            self.made.append(work(progress, watch))
            return self.made[0].mesh, self.made[0].field

        stage = Stage() if self.web else window_stage()
        growing = Growing(cloud, f"reconstructing {name}", kept, stage, resolution=resolution, level=level, up=self.up)
        try:
            self._show(growing)
        except KeyboardInterrupt:
            growing.watch.interrupt()
        except Exception as error:  # a fault of the view must not cost the work
            sys.stderr.write(f"the view ended: {type(error).__name__}: {error}\n")
        if growing.running:
            how = "ends after this step; once more ends it at once" if growing.watch.interrupted else "goes on; Ctrl-C ends it"
            sys.stderr.write(f"the reconstruction {how}\n")
        try:
            growing.wait()
        except KeyboardInterrupt:
            if growing.watch.interrupted:
                raise
            growing.watch.interrupt()
            growing.wait()
        growing.session.close()
        return self.made[0]

    def _show(self, growing: Growing) -> None:
        from ..viewer import DesktopFront, WebFront

        if not self.web:
            DesktopFront(growing.session, stop=growing.watch.finish).run()
            return
        front = WebFront(growing.session, stop=growing.watch.finish, title=growing.title)
        front.serve("127.0.0.1", 0, lambda address: print_address(address))


def print_address(address: str) -> None:
    """Where the page is, for whoever started this."""
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    sys.stderr.write("open it in a browser; Ctrl-C ends it\n")
