"""Other detectors on rows of any length, with one default each: fit on some, score others. Large is normal.

Defaults are those of their authors or packages, but for the one-class SVM's nu, .1 as in Ruff et al. 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..types import FloatArray
from .budget import Budget

Scorer = Callable[[FloatArray, FloatArray, int], FloatArray]
SVDD_EPOCHS, SVDD_BATCH = 100, 256
NEIGHBOURS = 5  # of pyod's kNN
LEAST_VARIANCE = 1e-6


def row_scorers() -> dict[str, Scorer]:
    """By name: (rows to learn from (n, d), rows to score (m, d), seed) -> scores (m,). ECOD and COPOD where pyod is installed."""
    scorers = {
        "Deep SVDD": _deep_svdd,
        "one-class SVM": _of_sklearn("svm", "OneClassSVM", nu=0.1),
        "Isolation Forest": _of_sklearn("ensemble", "IsolationForest", seeded=True),
        "PCA": _principal_components,
        "kNN": _nearest_neighbours,
        "LOF": _of_sklearn("neighbors", "LocalOutlierFactor", novelty=True),
    }
    if find_spec("pyod"):
        scorers |= {name: _of_pyod(name) for name in ("ECOD", "COPOD")}
    return scorers


def _of_sklearn(module: str, name: str, *, seeded: bool = False, **given: Any) -> Scorer:
    def score(train: FloatArray, test: FloatArray, seed: int) -> FloatArray:
        made = getattr(import_module(f"sklearn.{module}"), name)(**given, **({"random_state": seed} if seeded else {}))
        return np.asarray(made.fit(train).score_samples(test))

    return score


def _of_pyod(name: str) -> Scorer:
    def score(train: FloatArray, test: FloatArray, _seed: int) -> FloatArray:
        made = getattr(import_module(f"pyod.models.{name.lower()}"), name)()
        return -np.asarray(made.fit(train).decision_function(test))

    return score


def _deep_svdd(train: FloatArray, test: FloatArray, seed: int) -> FloatArray:
    from .deep_svdd import DeepSVDD

    steps = SVDD_EPOCHS * -(-len(train) // SVDD_BATCH)
    return -DeepSVDD(seed=seed).fit(train, Budget(steps=steps)).scores(test)


def _principal_components(train: FloatArray, test: FloatArray, _seed: int) -> FloatArray:
    """Minus the sum of squared components over their variances (Shyu et al. 2003, all components)."""
    from sklearn.decomposition import PCA

    fitted = PCA().fit(train)
    return -(fitted.transform(test) ** 2 / np.maximum(fitted.explained_variance_, LEAST_VARIANCE)).sum(axis=1)


def _nearest_neighbours(train: FloatArray, test: FloatArray, _seed: int) -> FloatArray:
    """Minus the distance to the fifth neighbour (Ramaswamy et al. 2000); a row that was learned from is its own first."""
    from sklearn.neighbors import NearestNeighbors

    count = min(NEIGHBOURS, len(train))
    return -np.asarray(NearestNeighbors(n_neighbors=count).fit(train).kneighbors(test)[0][:, -1])
