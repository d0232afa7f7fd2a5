"""k flat discs through rows: k-plane clustering (Bradley & Mangasarian 2000, J. Global Optimization 16), each plane by its rows' principal
directions, started from k-means. What `network="discs"` is: fitted in closed form, not trained by gradients.

A class of images lies near curved sheets of few dimensions: the distance to a few planes tells more than that to the rows, of which there
are never enough in many dimensions.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor

from ..lipschitz import DiscLayers
from ..lipschitz.discs import certify_discs
from ..types import FloatArray, IntArray

DISCS, FLAT = 10, 16  # k and p
ROUNDS = 10  # of assigning rows and fitting planes
ROWS_A_DIRECTION = 4  # a disc of p dimensions needs this many rows a dimension at least
HELD = 0.99  # of the rows of a disc are within its radius
FOLDS = 3


def disc_network(rows: FloatArray, *, discs: int | None, flat: int | None, share: float, seed: int) -> DiscLayers:
    """Of rows (n, d), unit frame, n >= 2. discs, flat : k and p, less for few rows.   share : of rows like these that are to be inside.

    The level is set by rows that the discs had not seen: those of each third, off the discs of the other two.
    """
    k, p = _sizes(rows, discs, flat)
    whole = _Discs(rows, k, p, seed)
    level = float(np.quantile(_unseen(rows, k, p, seed), share))
    return certify_discs(whole.layers(level))


def _sizes(rows: FloatArray, discs: int | None, flat: int | None) -> tuple[int, int]:
    n, d = rows.shape
    p = min(FLAT if flat is None else flat, d - 1, max(0, n // (2 * ROWS_A_DIRECTION) - 1))
    return max(1, min(DISCS if discs is None else discs, n // (2 * ROWS_A_DIRECTION * (p + 1)))), p


def _unseen(rows: FloatArray, k: int, p: int, seed: int) -> FloatArray:
    """(n,) of every row how far it is off discs that were fitted without it."""
    fold = np.random.default_rng(seed).permutation(len(rows)) % min(FOLDS, len(rows))
    off = np.zeros(len(rows))
    for j in range(fold.max() + 1):
        off[fold == j] = _Discs(rows[fold != j], k, p, seed).layers(0.0)(torch.as_tensor(rows[fold == j])[None])[0].numpy()
    return off


class _Discs:
    """centres (k, d), bases (k, d, d) with the directions of the plane last, radii (k,), float64."""

    def __init__(self, rows: FloatArray, k: int, p: int, seed: int) -> None:
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning

        self.flat, x = p, torch.as_tensor(rows)
        member: IntArray = np.zeros(len(rows), dtype=np.int64)
        if k > 1:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # rows that repeat each other: fewer clusters are as good
                member = KMeans(k, n_init=1, random_state=seed).fit(rows).labels_.astype(np.int64)
        for _ in range(ROUNDS):
            self._fit(x, member, k)
            now = self._squared(x).argmin(dim=0).numpy()
            if np.array_equal(now, member):
                break
            member = now
        else:
            self._fit(x, member, k)

    def layers(self, level: float) -> DiscLayers:
        """The distance to the nearest of them, and where it is 0."""
        return DiscLayers.from_discs(self.centres, self.bases, self.radii, level, self.flat)

    def _squared(self, x: Tensor) -> Tensor:
        """(k, n) squared distances to every plane."""
        off = [((x - c) @ q[: len(q) - self.flat].T).square().sum(dim=1) for c, q in zip(self.centres, self.bases, strict=True)]
        return torch.stack(off)

    def _fit(self, x: Tensor, member: IntArray, k: int) -> None:
        """Planes that fewer rows chose than they have directions are given to all rows near them: none is left without."""
        found = [_disc(x[torch.as_tensor(some)], self.flat) for some in _filled(x, member, k, self.flat + 2)]
        self.centres, self.bases, self.radii = (torch.stack(parts) for parts in zip(*found, strict=True))


def _filled(x: Tensor, member: IntArray, k: int, least: int) -> list[IntArray]:
    """The rows of every disc; a disc of fewer than `least` takes the rows nearest to a row of its own, or to the row with its number."""
    groups = []
    for j in range(k):
        some = np.flatnonzero(member == j)
        if len(some) < min(least, len(x)):
            own = some[0] if len(some) else j
            some = (x - x[own]).square().sum(dim=1).argsort(stable=True)[:least].numpy()
        groups.append(some)
    return groups


def _disc(some: Tensor, flat: int) -> tuple[Tensor, Tensor, Tensor]:
    """Centre, basis with the widest directions last, and radius of the disc of rows (m, d)."""
    centre = some.mean(dim=0)
    _, basis = torch.linalg.eigh((some - centre).T @ (some - centre))  # ascending
    inside = ((some - centre) @ basis[:, basis.shape[1] - flat :]).norm(dim=1)
    return centre, basis.T.contiguous(), torch.quantile(inside, HELD)
