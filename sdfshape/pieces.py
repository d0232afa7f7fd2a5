"""Pieces that hang together: connected components of points, or vertices, joined by links."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .types import IntArray


def linked_pieces(row: IntArray, col: IntArray, count: int) -> tuple[int, IntArray]:
    """How many pieces `count` nodes form, node row[j] linked to col[j] in both directions, and the piece (count,) of each node."""
    links = coo_matrix((np.ones(len(row), np.int8), (row, col)), shape=(count, count))
    return connected_components(links, directed=False)
