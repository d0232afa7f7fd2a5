"""Which side is out, from points alone.

`orient` returns normals, areas and a confidence, `overturn` looks again at the doubtful ones, `consistent` at all of a sparse cloud;
`WindingNumber` turns them into inside / outside evidence anywhere; `Closing` is where a ball that comes from the sky can be, which needs no
normals.
"""

from .closing import Closing as Closing
from .coherence import along_curves as along_curves
from .coherence import coherence as coherence
from .coherence import lost_points as lost_points
from .coherence import share_lost as share_lost
from .coherence import torn_points as torn_points
from .consistent import consistent as consistent
from .denoise import NOISY as NOISY
from .denoise import denoised as denoised
from .denoise import noise_level as noise_level
from .hints import Hints as Hints
from .oriented import OrientedCloud as OrientedCloud
from .oriented import filled as filled
from .oriented import orient as orient
from .oriented import seen_from_the_sky as seen_from_the_sky
from .overturn import overturn as overturn
from .visibility import Sky as Sky
from .winding import WindingNumber as WindingNumber
