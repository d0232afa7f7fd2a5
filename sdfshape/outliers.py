"""Which points are outliers: strays that fill space instead of lying on a surface. By distances, and by planes through neighbours.

Notation: d_k the distance of a point to its k-th neighbour, typical the median d_6 of the points that look like a surface. Peeled off, in
up to ROUNDS rounds, because strays hide one another:
* points much sparser than their neighbours: d_6 > SPARSE times the median d_6 of these (local outlier factor, Breunig et al. 2000);
* points much sparser than typical, where the cloud fills a volume: points on a surface have d_12 / d_6 near sqrt 2, in a volume near
  2^(1/3), and the geometric mean over MANY neighbours tells the two apart (correlation dimension, Grassberger and Procaccia 1983). A
  sparse part of a scan is a surface still, and stays.
A scan that is unevenly dense is sparse at places, and cannot spare these. So what was peeled off, if it is little, is looked at again: if
it lies in planes through the points that are left, or right beside them, it is surface, and what lies in such planes comes back. Of
32 shapes of 2,048 to 20,000 points: of strays (1 to 20%, of even and uneven clouds) at most .30 lie in planes, of sparse surfaces .34 to
.71 in the middle. (With 40% of strays in a box of 2,048 points some do come back: 123 of 135 far ones are left, 95 without this.)
Then islands of less than FEW_POINTS points that nothing within LINK typical distances joins to the rest; from FEW_ALONE points on only if
they are farther off than GAP or many strays were found: a camera that sees past an edge makes such islands, 5% of uniform strays none of
more than three.
Last, where there were strays at all, those that hide beside the surface: the neighbours of such a one lie in a plane, and it does not. The
plane is that of the FLATTEST of its nearest; it is farther from that than OFF times their d_6, DEVIATIONS times their deviation, and
RELATIVE times what is usual for its neighbours.
Measured on shapes with noise of 0.2% of the size: of 10% and 20% uniform outliers all but 0.3% of the points farther than three spacings
from the surface are found, at 2,048 and 20,000 points; of the points of the surface at most 0.5% are dropped, 1.4% where one camera saw
2,048. Of those farther than one spacing, distances alone leave 1 to 6%; the planes find most of these, of points of the surface they drop
.1 to .4% (strings of a guitar 3%, and 4% with noise of 1%: its tails). 3,000 points, 20% strays: Chamfer distance of rocker-arm, block,
kitten, armadillo 2.8, 1.7, 1.3, 1.6 times the clean one before, 2.1 (1.4 since the mesh leaves clumps out), 1.4, 1.1, 1.1 times now.
lordquas (3,000 points of photographs, without a stray): 55 points dropped before what is surface came back, 4 now; .43 and .39.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from .curves import LINE_SHARE, line_share
from .pieces import linked_pieces
from .types import FloatArray, IntArray

MANY = 24
SPARSE = 2.0
BETWEEN = 1.33  # d_12 / d_6 between a surface, 1.41, and a volume, 1.26
LEAST_SURFACE = 0.3  # share of the points that must look like a surface to say what is typical
ROUNDS = 4
FINISHED = 5e-4  # share of the points found in a round, below which it was the last
LINK, LINKED_TO = 2.5, 12
FEW_POINTS, FEW_SHARE = 30, 0.01
FEW_ALONE, GAP = 10, 10.0  # points of an island that stays where there are few strays, and its farthest from the rest, of d_6
MANY_STRAYS = 0.05  # share of the points: so many that some of them lie in clumps; of clean ones up to .03 are taken for strays
FLAT, FLATTISH = 0.2, 0.35  # from the plane of the nearest ones, of the distance of their sixth: of surface; may be
SURFACE = 1 / 3  # share of what was found that must lie in planes to be surface; or
BESIDE, NEARLY_ALL = 1.5, 0.9  # the share that must lie within so many d_6 of its neighbours, where HARDLY_ANY were found
MOST_SURFACE, HARDLY_ANY = 0.03, 0.015  # share of the points: among many strays of few points some are kept, and then all seem near
BACK = 3.0  # d_6 of its neighbours within which a point comes back
STRAYS = 0.02  # share of the points found by distances, below which no other is looked for
NEAREST, FLATTEST, FITS = 12, 8, 3  # of a point, of these, and how often a plane is fitted
OFF, DEVIATIONS, RELATIVE = 0.8, 3.0, 4.0
CHUNK = 200_000  # planes at a time
LEAST_LEFT = 100  # points that make a cloud (`clean`): if planes leave fewer, what they find stays
DOUBTED = 0.4  # of d_6 from the plane of all of the nearest: others need no second look
MOST = 0.5  # share of the points: if more seem to be outliers, this cloud is not what the rules are made for, and none is


def find_outliers(points: FloatArray) -> np.ndarray:
    """Mask (n,) of the outliers among points (n, 3), any frame. Law: n >= 100 different finite points, as `clean` leaves them."""
    kept = _apart(points)
    if len(kept) < (1 - STRAYS) * len(points) and line_share(points[kept]) < LINE_SHARE:
        fewer = kept[~_beside(points[kept])]
        fewer = fewer[_apart(points[fewer], many=len(fewer) < (1 - MANY_STRAYS) * len(points))]  # what hid stands alone now
        kept = fewer if len(fewer) >= max(LEAST_LEFT, (1 - MOST) * len(points)) else kept
    found = np.ones(len(points), bool)
    found[kept] = False
    return found


def _apart(points: FloatArray, *, many: bool = False) -> IntArray:
    """The rows of the points (n, 3) that are left without those that distances tell; all if that is less than a half.

    many : whether many strays are known to be among them, however few are found; then nothing comes back.
    """
    kept, near = _peeled(points)
    least = (1 - MOST) * len(points)
    if len(kept) < least:
        return np.arange(len(points))
    more, uneven = (kept, False) if many else _with_surface(points, kept)
    if len(more) > len(kept):
        kept, near = more, _neighbours(points[more])
    kept = kept[~_islands(points[kept], *near, many=many or len(kept) < (1 - MANY_STRAYS) * len(points))]
    if uneven:
        kept, _ = _with_surface(points, kept, sure=True)
    return kept if len(kept) >= least else np.arange(len(points))


def _peeled(points: FloatArray) -> tuple[IntArray, tuple[FloatArray, IntArray]]:
    """The rows of the points (n, 3) that are left when the sparse ones are peeled off, and their neighbours; of no use below a half."""
    kept, near = np.arange(len(points)), _neighbours(points)
    for _ in range(ROUNDS):
        sparse = _sparse(*near)
        kept = kept[~sparse]
        if not sparse.any() or len(kept) < (1 - MOST) * len(points):
            break
        if sparse.sum() <= FINISHED * len(points):
            return kept, _without(sparse, *near)
        near = _neighbours(points[kept])
    return kept, near


def _neighbours(points: FloatArray) -> tuple[FloatArray, IntArray]:
    return cKDTree(points).query(points, k=MANY + 1, workers=-1)


def _without(gone: np.ndarray, distance: FloatArray, index: IntArray) -> tuple[FloatArray, IntArray]:
    """The neighbours of the others, where a few are gone: these are infinitely far away."""
    rows, number = ~gone, np.cumsum(~gone) - 1
    return np.where(gone[index[rows]], np.inf, distance[rows]), number[index[rows]]


def _sparse(distance: FloatArray, index: IntArray) -> np.ndarray:
    d6 = np.maximum(distance[:, 6], 1e-300)
    surface = np.log(np.maximum(distance[:, 12], 1e-300) / d6)[index].mean(axis=1) > np.log(BETWEEN)
    typical = np.median(d6[surface]) if surface.mean() > LEAST_SURFACE else np.median(d6)
    return (d6 > SPARSE * np.median(d6[index[:, 1:7]], axis=1)) | (~surface & (d6 > SPARSE * typical))


def _islands(points: FloatArray, distance: FloatArray, index: IntArray, *, many: bool) -> np.ndarray:
    """Mask (n,) of the points (n, 3) on islands of few. many : whether many strays were found, of which clumps may be left."""
    typical, few = np.median(distance[:, 6]), min(FEW_POINTS, FEW_SHARE * len(points))
    row, col = np.nonzero(distance[:, 1 : LINKED_TO + 1] <= LINK * typical)
    _, island = linked_pieces(row, index[row, col + 1], len(index))
    size = np.bincount(island)
    size[size.argmax()] = len(points)
    small = size[island] < few
    asked = np.flatnonzero(small & (size[island] >= FEW_ALONE))
    if not many and len(asked):
        gap = cKDTree(points[~small]).query(points[asked], workers=-1)[0]
        small[np.isin(island, island[asked[gap <= GAP * typical]])] = False
    return small


def _with_surface(points: FloatArray, kept: IntArray, *, sure: bool = False) -> tuple[IntArray, bool]:
    """The rows kept of the points (n, 3) and, if surface was peeled off, those of the others that lie in planes through these; and whether.

    sure : whether that is known; else it is asked once, before anything comes back.
    """
    for _ in range(ROUNDS):
        others = np.setdiff1d(np.arange(len(points)), kept, assume_unique=True)
        if not len(others) or not (sure or len(others) <= MOST_SURFACE * len(points)):
            break
        off, away = _from_kept(points, kept, others)
        sure = sure or _surface_was_found(off, away, len(points))
        back = others[(off < FLATTISH) & (away < BACK)]
        if not (sure and len(back)):
            break
        kept = np.sort(np.concatenate([kept, back]))
    return kept, sure


def _surface_was_found(off: FloatArray, away: FloatArray, count: int) -> bool:
    """Whether what was peeled off of `count` points is a sparse part of what the others are on, not strays; of `_from_kept`."""
    beside = len(away) <= HARDLY_ANY * count and np.mean(away < BESIDE) >= NEARLY_ALL
    return bool(beside or np.mean((off < FLAT) & (away < BACK)) >= SURFACE)


def _from_kept(points: FloatArray, kept: IntArray, others: IntArray) -> tuple[FloatArray, FloatArray]:
    """Of the other rows (m,): how far they are from the plane of the nearest kept ones, in distances to the sixth of these; and from the
    nearest kept one, in the median d_6 of the nearest six.
    """
    tree = cKDTree(points[kept])
    distance, near = tree.query(points[others], k=NEAREST, workers=-1)
    around, place = np.unique(near[:, :6], return_inverse=True)
    d6 = tree.query(points[kept[around]], k=[7], workers=-1)[0][:, 0]
    off, _ = _from_plane(points, others, kept[near], FITS)
    local = np.median(d6[place.reshape(-1, 6)], axis=1)
    return off / np.maximum(distance[:, 5], 1e-300), distance[:, 0] / np.maximum(local, 1e-300)


def _beside(points: FloatArray) -> np.ndarray:
    """Mask (n,) of the points that lie beside what their neighbours are on, peeled off like the others."""
    kept, asked = np.arange(len(points)), np.ones(len(points), bool)
    for _ in range(ROUNDS):
        if len(kept) <= MANY:
            break
        distance, index = _neighbours(points[kept])
        off = _off_plane(points[kept], distance[:, 6], index[:, 1 : NEAREST + 1], asked[kept])
        asked[kept] = off[index].any(axis=1)  # only their neighbours change
        kept = kept[~off]
        if off.sum() <= FINISHED * len(points):
            break
    found = np.ones(len(points), bool)
    found[kept] = False
    return found


def _off_plane(points: FloatArray, d6: FloatArray, index: IntArray, asked: np.ndarray) -> np.ndarray:
    """Mask (n,) of those of the asked points (n,) that are far off the plane of their nearest ones, index (n, k). d6 : (n,) distances."""
    near = asked.copy()
    near[index[asked]] = True
    own = np.zeros(len(points))
    own[near] = _from_plane(points, np.flatnonzero(near), index[near], 1)[0]  # what is usual, too
    scale = np.median(d6[index], axis=1)
    rows = np.flatnonzero(asked & (own > DOUBTED * scale))
    own[rows], thickness = _from_plane(points, rows, index[rows], FITS)
    far = (own[rows] > OFF * scale[rows]) & (own[rows] > DEVIATIONS * thickness)
    found = np.zeros(len(points), bool)
    found[rows] = far & (own[rows] > RELATIVE * np.median(own[index[rows]], axis=1))
    return found


def _from_plane(points: FloatArray, rows: IntArray, index: IntArray, fits: int) -> tuple[FloatArray, FloatArray]:
    """Distances (m,) of rows (m,) of the points (n, 3) from the planes of their nearest, index (m, k), and the deviations (m,) of these."""
    own, deviation = np.zeros(len(rows)), np.zeros(len(rows))
    for start in range(0, len(rows), CHUNK):
        some = slice(start, start + CHUNK)
        near = points[index[some]]
        taken = np.ones(near.shape[:2], bool)
        middle, normal, deviation[some] = _planes(near, taken)
        for _ in range(fits - 1):
            off = np.abs(np.einsum("nki,ni->nk", near - middle[:, None], normal))
            taken = off <= np.sort(off, axis=1)[:, FLATTEST - 1 : FLATTEST]
            middle, normal, deviation[some] = _planes(near, taken)
        own[some] = np.abs(((points[rows[some]] - middle) * normal).sum(axis=1))
    return own, deviation


def _planes(near: FloatArray, taken: np.ndarray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Middle (n, 3), normal (n, 3) and standard deviation (n,) of the planes through those of the points (n, k, 3) that are taken."""
    weight = taken / taken.sum(axis=1, keepdims=True)
    middle = np.einsum("nk,nki->ni", weight, near)
    centred = near - middle[:, None]
    variance, axes = np.linalg.eigh(np.einsum("nk,nki,nkj->nij", weight, centred, centred))
    return middle, axes[:, :, 0], np.sqrt(np.maximum(variance[:, 0], 0))
