"""Does the orientation of a cloud make sense? The share of points whose winding number says inside behind them and outside before them.

1 on a well-oriented closed solid; sheets, double walls and furniture full of hidden inner faces fail it, because no choice of signs can
pass it there.
"""

from __future__ import annotations

import numpy as np

from .oriented import OrientedCloud
from .winding import WindingNumber

PROBES = 5000
STEP_SPACINGS = 1.5


def coherence(cloud: OrientedCloud, rng: np.random.Generator) -> float:
    """Share in [0, 1] of up to 5,000 probed points with w > 0.6 at 1.5 spacings behind and w < 0.4 at as much ahead."""
    probe = np.sort(rng.choice(len(cloud.points), size=min(PROBES, len(cloud.points)), replace=False))
    step = STEP_SPACINGS * cloud.spacing * cloud.normals[probe]
    winding = WindingNumber(cloud.points, cloud.normals, cloud.areas)
    behind, ahead = winding(cloud.points[probe] - step), winding(cloud.points[probe] + step)
    return float(((behind > 0.6) & (ahead < 0.4)).mean())
