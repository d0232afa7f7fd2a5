"""The field for other programs: values on a grid, a Python file that needs NumPy alone, a model for ONNX runtimes, a shader."""

from .glsl import write_glsl as write_glsl
from .numbers import field_numbers as field_numbers
from .numpy_program import write_numpy_program as write_numpy_program
from .onnx_model import write_onnx as write_onnx
from .volume_grid import VolumeGrid as VolumeGrid
from .volume_grid import volume_grid as volume_grid
