"""What may be asked of a sample or of a virtual scan."""

from __future__ import annotations

from ..errors import InputError
from ..limits import check_seed

MOST_POINTS = 1_000_000_000
MOST_UNEVEN = 10_000.0  # times; twice its root as many points are drawn as kept
MOST_VIEWS = 10_000


def check_sample(
    count: int,
    seed: int,
    *,
    noise: float = 0.0,
    outliers: float = 0.0,
    unevenness: float = 1.0,
    views: int = 1,
    registration: float = 0.0,
) -> None:
    """Raise InputError, with the first law that is broken."""
    check_seed(seed)
    laws = (
        (1 <= count <= MOST_POINTS, f"1 to {MOST_POINTS:,} points, got {count}"),
        (1 <= views <= MOST_VIEWS, f"1 to {MOST_VIEWS:,} views, got {views}"),
        (0 <= noise < 1, f"noise of at least 0 and below 1 (a share of the longest side), got {noise:g}"),
        (0 <= registration < 1, f"a registration error of at least 0 and below 1 (a share of the longest side), got {registration:g}"),
        (0 <= outliers <= 0.9, f"0 to 0.9 outliers (a share of the points), got {outliers:g}"),
        (1 <= unevenness <= MOST_UNEVEN, f"an unevenness of 1 to {MOST_UNEVEN:,.0f} (times), got {unevenness:g}"),
    )
    for kept, law in laws:
        if not kept:
            raise InputError(f"a sample must have {law}: ask for that")
