"""A scan whose points say which part they belong to -> certified fields that never overlap, and a watertight mesh of each part."""

from .field import PartField as PartField
from .field import Parts as Parts
from .files import load_parts as load_parts
from .files import save_parts as save_parts
from .labelled import PartsReconstruction as PartsReconstruction
from .labelled import reconstruct_parts as reconstruct_parts
from .meshes import PartMesh as PartMesh
from .scene import scene_meshes as scene_meshes
