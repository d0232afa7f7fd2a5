"""One program, `sdfshape`, one sub-command per job. Results on stdout, progress on stderr.

Exit codes: 0 done; 1 an error of the input or the output, one line; 2 wrong usage; 130 interrupted.
"""

from .program import main as main
from .program import run as run
