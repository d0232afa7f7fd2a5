"""Novelty detectors of scikit-learn as fields: a one-class SVM and an Isolation Forest score every place of space by how like a point it
is.

The level that keeps 99% of the points encloses a shell around them, inside and outside alike: neither knows of an inside.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from ..frame import Frame
from ..types import FloatArray
from .score_field import ScoreField, keeping_most

SVM_POINTS = 4000  # the kernel matrix grows with the square
SVM_GAMMA, SVM_NU = 200.0, 0.01  # a kernel of .05 of the unit frame; narrower ones leave a ball around every point
TREES = 200


def fit_one_class_svm(points_unit: FloatArray, frame: Frame, *, seed: int = 0) -> ScoreField:
    """The one-class SVM (Schölkopf et al. 2001), Gaussian kernel, on at most 4,000 points (n, 3), unit frame."""
    svm = _sklearn("svm").OneClassSVM(gamma=SVM_GAMMA, nu=SVM_NU)
    some = points_unit[np.random.default_rng(seed).permutation(len(points_unit))[:SVM_POINTS]]
    svm.fit(some)
    info = {"support_vectors": len(svm.support_), "supervision": "nothing"}
    return keeping_most(lambda x: -svm.score_samples(x), points_unit, frame, int(svm.support_vectors_.size), info)


def fit_isolation_forest(points_unit: FloatArray, frame: Frame, *, seed: int = 0) -> ScoreField:
    """The Isolation Forest (Liu et al. 2008): scores are constant on boxes, so its level set is made of steps."""
    forest = _sklearn("ensemble").IsolationForest(n_estimators=TREES, max_samples=256, random_state=seed)
    forest.fit(points_unit)
    nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    info = {"trees": TREES, "supervision": "nothing"}
    return keeping_most(lambda x: -forest.score_samples(x), points_unit, frame, 2 * nodes, info)


def _sklearn(name: str) -> Any:
    try:
        from importlib import import_module

        return import_module(f"sklearn.{name}")
    except ImportError as error:
        raise InputError('novelty detectors need scikit-learn, which is not installed: pip install "sdfshape[baselines]"') from error
