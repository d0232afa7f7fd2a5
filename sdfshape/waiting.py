"""How long threads wait for each other before they sleep.

OpenMP's threads spin at the end of every parallel piece: a tenth faster on a machine that has nothing else to do, and many times slower on
one that has, because they take the time that the others wait for. Measured on two cores (`fast`, kitten): alone 5.6 s, with short waits
6.2; beside one busy program 13.1 and 9.1; two reconstructions at once 29 to 37 s and 9.4. So waits are made short where others are busy.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

SPINS = "1000"  # of GCC's OpenMP, whose own number is 300,000; 20,000 is no better than that, 100 costs half of the speed alone
LOOKS, BETWEEN = 7, 0.002  # how often the machine is looked at, and seconds between


def wait_briefly_if_busy() -> None:
    """Set GOMP_SPINCOUNT if other programs compute now: before torch is loaded, and unless the user has said something."""
    named = "GOMP_SPINCOUNT" in os.environ or "OMP_WAIT_POLICY" in os.environ
    if not named and "torch" not in sys.modules and others_compute():
        os.environ["GOMP_SPINCOUNT"] = SPINS


def others_compute(table: Path = Path("/proc/loadavg")) -> bool:
    """Whether most looks at Linux's count of running threads find one beside ours; False where there is no such count."""
    found = 0
    for look in range(LOOKS):
        try:
            running = int(table.read_text().split()[3].split("/")[0])
        except (OSError, ValueError, IndexError):
            return False
        found += running > 1
        if look + 1 < LOOKS:
            time.sleep(BETWEEN)
    return 2 * found > LOOKS
