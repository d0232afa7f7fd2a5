"""Which side is out, from points alone.

`orient` returns normals, areas and a confidence; `WindingNumber` turns them into inside / outside evidence anywhere;
`visibility` is the sky that a place sees, which needs no normals at all.
"""

from .coherence import coherence as coherence
from .oriented import OrientedCloud as OrientedCloud
from .oriented import orient as orient
from .visibility import Sky as Sky
from .winding import WindingNumber as WindingNumber
