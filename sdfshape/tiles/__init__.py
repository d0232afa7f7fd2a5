"""Scans that are larger than one mosaic shows: cut into overlapping boxes, each trained by itself, joined as one certified field."""

from .plan import MOST_TILES as MOST_TILES
from .reconstruction import reconstruct_tiles as reconstruct_tiles
from .run import Workforce as Workforce
