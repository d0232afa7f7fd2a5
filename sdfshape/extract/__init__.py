"""From a field to triangles: pruned grid, marching cubes, components that no point explains, colours of the scan, fewer faces."""

from .colors import transfer_columns as transfer_columns
from .components import drop_small as drop_small
from .components import drop_unexplained as drop_unexplained
from .components import least_explained as least_explained
from .finish import Finished as Finished
from .finish import finish as finish
from .mesh import Extraction as Extraction
from .mesh import extract_mesh as extract_mesh
from .shell import extract_shell as extract_shell
from .simplify import simplify as simplify
