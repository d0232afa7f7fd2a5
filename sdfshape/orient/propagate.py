"""One sign per patch: a minimum spanning tree over the neighbour graph carries the sign, and is cut where it would guess.

Hoppe et al. 1992 carry one sign over the whole cloud: right, or catastrophically wrong after one bad edge. Here edges of large weight
(normals that disagree, neighbours off each other's tangent plane: creases, the other wall of something thin) are cut, and
each remaining patch is turned by a vote of its points.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from ..pieces import linked_pieces
from ..types import FloatArray, IntArray
from .neighbours import off_plane

CUTS = (0.4, 0.2, 0.1, 0.05, 0.025)  # tree edges above a cut carry no sign; a contested patch is cut again, lower
CONTESTED = 0.8  # confidence below which a patch is cut again


def elect(points: FloatArray, normals: FloatArray, neighbours: IntArray, vote: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sign (n,) and confidence (n,) of normals (n, 3), from votes (n,) of each point for the side of its own normal.

    neighbours : (n, k) indices, the point itself first.
    The confidence of a patch is |sum of its votes| / sum of |votes|: 1 unanimous, 0 a coin toss. A contested patch joins surfaces that look
    opposite ways (through a crease, across a thin wall), so it is cut at its heaviest edges and votes again.
    """
    n = len(points)
    tree = _spanning_tree(points, normals, neighbours)
    sign, confidence = np.ones(n), np.zeros(n)
    open_points = np.ones(n, bool)
    for cut in CUTS:
        new_patch, new_sign = _patches(tree, normals, cut)
        ayes = np.bincount(new_patch, vote * new_sign)
        share = np.abs(ayes) / np.maximum(np.bincount(new_patch, np.abs(vote)), 1e-12)
        sign = np.where(open_points, new_sign * np.where(ayes >= 0, 1.0, -1.0)[new_patch], sign)
        confidence = np.where(open_points, share[new_patch], confidence)
        open_points = confidence < CONTESTED
        if not open_points.any():
            break
    return sign, confidence


def _patches(tree: coo_matrix, normals: FloatArray, cut: float) -> tuple[IntArray, FloatArray]:
    """Patch number (n,) and sign (n,) that makes the normals agree along the tree's edges below `cut`."""
    n = len(normals)
    keep = tree.data < cut
    rows, cols = tree.row[keep], tree.col[keep]
    count, patch = linked_pieces(rows, cols, n)
    root = np.unique(patch, return_index=True)[1]
    # one more node, tied to one point of each patch: then a single search visits them all
    rows, cols = np.concatenate([rows, np.full(count, n)]), np.concatenate([cols, root])
    _, before = breadth_first_order(coo_matrix((np.ones(len(rows)), (rows, cols)), shape=(n + 1, n + 1)).tocsr(), n, directed=False)
    parent = before[:n].astype(np.int64)
    parent[root] = root
    return patch, _signs_along(parent, normals)


def _spanning_tree(points: FloatArray, normals: FloatArray, neighbours: IntArray) -> coo_matrix:
    """Minimum spanning tree of w_ij = 1 - |n_i . n_j| (1 - off-plane slope of the edge)."""
    n, k = neighbours.shape
    row, col = np.repeat(np.arange(n), k - 1), neighbours[:, 1:].ravel()
    slope = off_plane(points, normals, row, col)
    agree = np.abs((normals[row] * normals[col]).sum(1))
    weight = 1 - agree * (1 - np.minimum(slope, 1)) + 1e-6  # + 1e-6: a weight of zero would be no edge
    graph = coo_matrix((weight, (row, col)), shape=(n, n)).tocsr()
    return minimum_spanning_tree(graph.maximum(graph.T)).tocoo()


def _signs_along(parent: IntArray, normals: FloatArray) -> FloatArray:
    """Product of the edge signs from each point up to its root, by pointer doubling: log2(depth) rounds."""
    sign = np.where((normals * normals[parent]).sum(1) >= 0, 1.0, -1.0)
    while True:
        above = parent[parent]
        if np.array_equal(above, parent):
            return sign
        sign, parent = sign * sign[parent], above
