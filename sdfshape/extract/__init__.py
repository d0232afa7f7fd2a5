"""From a field to triangles: pruned grid, marching cubes, components that no point explains, colours of the scan."""

from .colors import transfer_colors as transfer_colors
from .components import drop_unexplained as drop_unexplained
from .mesh import Extraction as Extraction
from .mesh import extract_mesh as extract_mesh
