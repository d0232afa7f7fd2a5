"""Files in and out: every border check of the program's input lives here.

A reader returns what the file holds or raises one `InputError` of one line; it never guesses, never warns, and never
allocates more than the file can pay for. A writer goes through `atomic_write`, so that a file is complete or not there.
"""

from .atomic import atomic_write, check_writable
from .labelled_images import LabelledImages, read_cifar10, read_idx, read_mnist
from .modelnet import MODELNET10_CLASSES, ModelNetFile, iter_modelnet10, modelnet10_file
from .reading import READABLE, read_mesh, read_points, read_shape
from .tables import TABLES, Table, read_table
from .writing import WRITABLE_MESHES, WRITABLE_POINTS, write_mesh, write_points, write_scene

__all__ = [
    "MODELNET10_CLASSES",
    "READABLE",
    "TABLES",
    "WRITABLE_MESHES",
    "WRITABLE_POINTS",
    "LabelledImages",
    "ModelNetFile",
    "Table",
    "atomic_write",
    "check_writable",
    "iter_modelnet10",
    "modelnet10_file",
    "read_cifar10",
    "read_idx",
    "read_mesh",
    "read_mnist",
    "read_points",
    "read_shape",
    "read_table",
    "write_mesh",
    "write_points",
    "write_scene",
]
