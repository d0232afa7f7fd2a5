"""Many shapes: one process each, on Dask; what fails is a row with its reason, what is done is not done again."""

from .jobs import ShapeJob as ShapeJob
from .jobs import jobs_of_folder as jobs_of_folder
from .jobs import jobs_of_manifest as jobs_of_manifest
from .jobs import jobs_of_modelnet as jobs_of_modelnet
from .run import BatchRequest as BatchRequest
from .run import run_batch as run_batch
