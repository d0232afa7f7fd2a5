"""How much memory a reconstruction takes, predicted before it begins.

The stages follow each other, so the largest counts: reading keeps copies of the points; orienting and labelling go with the points that are
kept for training; extraction with the faces, of which a grid of n cells along its longest side has about 6 n^2 (a sphere that fills it:
2 pi n^2). Measured on a ring with a relief, two threads (megabytes, measured and predicted):
    2,000 points, fast, 64 cells 385 and 425;  20,000, fast, 200 504 and 571;  20,000, default 637 and 688;  300,000, default 1102 and 1206;
    3,000,000, default 1139 and 1494;  300,000, quality 3033 and 3081;  20,000, default, 600 cells 945 and 983;  fast, 1200 2546 and 2826.
It is an estimate: shapes with much more surface than a sphere take more to extract. What it takes to read the file comes before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .errors import InputError
from .train.config import TrainConfig

MB = 2**20
BASE = 370.0  # megabytes: the program and its libraries
A_POINT, A_KEPT_POINT, A_LABEL = 110, 12_500, 400  # bytes
FACES, A_FACE = 6, 300  # of the square of the resolution; bytes of each
LEAST_POINTS, LEAST_RESOLUTION = 2_000, 64  # of an advice


@dataclass(frozen=True)
class Cost:
    """points : that come.   kept : most that are trained on.   labels, resolution : of the job."""

    points: int
    kept: int
    labels: int
    resolution: int

    @classmethod
    def of(cls, points: int, config: TrainConfig, resolution: int) -> Cost:
        return cls(points, config.points, config.labels, resolution)

    @property
    def learning(self) -> float:
        """Megabytes of orienting, labelling and training."""
        return (A_KEPT_POINT * min(self.points, self.kept) + A_LABEL * self.labels) / MB

    @property
    def extraction(self) -> float:
        """Megabytes of the mesh while it is made."""
        return A_FACE * FACES * self.resolution**2 / MB

    @property
    def megabytes(self) -> float:
        """Predicted peak, resident."""
        return BASE + A_POINT * self.points / MB + max(self.learning, self.extraction)


def check_memory(limit: float | None, cost: Cost) -> None:
    """Raise InputError if a job is predicted to take more than `limit` megabytes, and say what would fit."""
    if limit is None:
        return
    if not limit > 0:
        raise InputError(f"--max-memory must be megabytes above 0, got {limit:g}")
    if cost.megabytes > limit:
        raise InputError(
            f"the job must fit into {limit:,.0f} MB (--max-memory), it is predicted to take {cost.megabytes:,.0f}: {_advice(limit, cost)}"
        )


def _advice(limit: float, cost: Cost) -> str:
    """Fewer points, a lower resolution, or both; in round numbers."""
    said, free, whole = [], (limit - BASE) * MB, cost
    if A_POINT * cost.points + cost.learning * MB > free:
        points = int((free - A_LABEL * cost.labels) / (A_POINT + A_KEPT_POINT)) // 1000 * 1000
        said.append(f"--points {points}")
        cost = replace(cost, points=points)
    if A_POINT * cost.points + cost.extraction * MB > free:
        resolution = int((max(free - A_POINT * cost.points, 0) / (A_FACE * FACES)) ** 0.5) // 10 * 10
        said.append(f"--resolution {resolution}")
        cost = replace(cost, resolution=resolution)
    if cost.points < min(LEAST_POINTS, whole.points) or cost.resolution < min(LEAST_RESOLUTION, whole.resolution):
        least = Cost(LEAST_POINTS, cost.kept, cost.labels, LEAST_RESOLUTION).megabytes
        return f"nothing with this preset fits below {least:,.0f} MB"
    return f"{' and '.join(said)} would fit"
