"""What is known of places around rows: which side of the support they are on, and how far from its boundary at least.

Notation. delta(y): the distance to the measure of the rows, the root mean square of the distances to the k nearest of them (Chazal,
Cohen-Steiner, Merigot 2011, "Geometric inference for probability measures"): as a distance it is 1-Lipschitz, but one stray row, or twenty,
do not move it. tau: the quantile of delta over the rows that keeps the share asked for; support {delta <= tau}.
delta is 1-Lipschitz, so the boundary {delta = tau} is at least |delta(y) - tau| away from y: that is the reach and the distance of a place.

The complementary distribution is drawn as in three dimensions: most of it around the rows, at several distances, some on the way from a row
to a place anywhere, some anywhere (Bethune et al. 2023 walk all of theirs from there; here the walk is one step of the trainer's).
"""

from __future__ import annotations

import numpy as np
import torch

from ..sample import Domain, Evidence
from ..types import FloatArray, IntArray

LEAST_NEIGHBOURS, NEIGHBOUR_SHARE = 20, 0.05
MOST_REFERENCES = 4000  # rows that stand for all: delta needs the shape of the measure, not every row
SIGMAS = (0.25, 0.5, 1.0, 2.0)  # of the noise around rows, in typical deltas, over all dimensions together
ANYWHERE, ON_THE_WAY, OWN = 0.15, 0.15, 0.3  # shares of the places
LEAST_SPREAD = 1e-3  # unit frame: of noise around rows that repeat each other


def neighbour_count(rows: int) -> int:
    """k: a twentieth of the rows, at least 20, at most a third of few rows."""
    return max(1, min(max(LEAST_NEIGHBOURS, round(NEIGHBOUR_SHARE * rows)), rows // 3))


class Measure:
    """delta of rows (n, d), unit frame; at most 4,000 of them are kept."""

    def __init__(self, rows: FloatArray, neighbours: int | None, rng: np.random.Generator) -> None:
        from sklearn.neighbors import NearestNeighbors

        self.kept: IntArray = np.sort(rng.permutation(len(rows))[:MOST_REFERENCES])
        wanted = neighbour_count(len(self.kept)) if neighbours is None else neighbours
        self.neighbours = min(wanted, len(self.kept) - 1)
        self._tree = NearestNeighbors(n_neighbors=self.neighbours).fit(rows[self.kept])
        self._own = rows

    def __call__(self, places: FloatArray) -> FloatArray:
        """(m, d) -> (m,)."""
        return np.sqrt((self._tree.kneighbors(places)[0] ** 2).mean(axis=1))

    def of_rows(self) -> FloatArray:
        """(n,) of the rows themselves, each without itself: as a row is seen that was not there."""
        distance, index = self._tree.kneighbors(self._own, n_neighbors=self.neighbours + 1)
        itself = self.kept[index] == np.arange(len(self._own))[:, None]
        # where none of them is the row itself (it was not kept, or repeats hide it) the farthest one goes
        itself[~itself.any(axis=1), -1] = True
        return np.sqrt((distance[~itself].reshape(len(itself), -1) ** 2).mean(axis=1))


def measure_evidence(
    rows: FloatArray, domain: Domain, *, count: int, share: float, neighbours: int | None, rng: np.random.Generator
) -> Evidence:
    """About `count` places with their sides. rows : (n, d), unit frame, n >= 2, in the domain.   share : of the rows, kept inside."""
    measure = Measure(rows, neighbours, rng)
    own = measure.of_rows()
    tau = float(np.quantile(own, share))
    places = _places(rows, domain, float(np.median(own)), count, rng)
    repeats = max(1, round(OWN * count / len(rows)))
    every = np.concatenate([places, np.repeat(rows, repeats, axis=0)])
    off = np.concatenate([measure(places), np.repeat(own, repeats)]) - tau
    far = np.abs(off)[:, None]
    both = np.concatenate([every, far, far], axis=1).astype(np.float32)
    return Evidence(both[off <= 0], both[off > 0])


def _places(rows: FloatArray, domain: Domain, typical: float, count: int, rng: np.random.Generator) -> FloatArray:
    n, d = rows.shape
    sigma = np.array(SIGMAS)[rng.integers(len(SIGMAS), size=(count, 1))] * max(typical, LEAST_SPREAD) / np.sqrt(d)
    places = rows[rng.integers(n, size=count)]
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    away, on_the_way = round(ANYWHERE * count), round(ON_THE_WAY * count)
    anywhere = domain.uniform(away + on_the_way, d, generator).double().numpy()
    step = rng.random((on_the_way, 1))
    ways = places[:on_the_way] + step * (anywhere[away:] - places[:on_the_way])
    near = places[away + on_the_way :] + sigma[away + on_the_way :] * rng.normal(size=(count - away - on_the_way, d))
    every = torch.as_tensor(np.concatenate([anywhere[:away], ways, near]))
    return domain.project(every).numpy()
