"""`OneClassSDF`: the one-class loop as an outlier detector of scikit-learn, on rows of any length."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..errors import InputError, ParameterError
from ..train.record import Record
from ..types import FloatArray
from .margins import search_margin
from .recipes import MARGINS, Request, train_field

AUTO_SHARE = 0.95  # of the rows inside of the zero level, unless a contamination is given
MOST_BY_ITSELF = 0.15  # share of the rows that the zero level may call outliers before it is moved
DEFAULT_MARGIN = {"default": 0.01, "paper": 0.05}  # deviations


class OneClassSDF(OutlierMixin, BaseEstimator):
    """One class as a certified signed distance (Bethune et al. 2023, ICML, "Robust One-Class Classification with Signed Distance Function
    using 1-Lipschitz Neural Networks").

    `score_samples` is -f: large is normal, 0 the boundary of the support, and no row nearer than |score - t| has a score on the other side
    of t: a theorem (`RowField`), in the units of the rows.

    Parameters
    ----------
    recipe : "default" (evidence by the distance to the measure of the rows, Muon, one second) or "paper" (uniform proposals that
        walk, Bjorck, FullSort, RMSprop, minutes)
    contamination : share of the rows to call outliers, in (0, 0.5], or "auto": the zero level, which keeps about 95% of the rows
    margin : m of the loss, in deviations of the columns; "search" tries .01, .05, .2 and 1 and keeps the one that tells rows left out
        from rows made up (`margins`), without labels.   None: .01, in the paper's recipe .05
    weight : lambda, at the end; None: 100
    domain : "box" of ten deviations or "ball" of radius five
    scaling : "standard" divides columns by their deviations (the score is in raw units then, as if all had the
        smallest deviation: see `certified_radius`), "none" leaves them
    neighbors : k of the distance to the measure, among at most 4,000 rows; None: a twentieth of these, at least 20, a third of few rows
    steps, width, depth : of the training; None: 400, 64, 4; in the paper's recipe 40 epochs, 512, 4
    walk_steps, eta : T and the largest share of Algorithm 1.   (default: one step, spread over two of the optimiser's; T = 0 turns it off)
    algorithm, updates, warm_epochs : of the paper's recipe: "lazy" (Algorithm 3, K = updates) or "alternate" (Algorithm 2), warm start
    network, image_shape : "chain"; "discs" (`width` flat discs of `depth` dimensions, None: 10 and 16, less for few rows, fitted in closed
        form: for rows near curved sheets of few dimensions, as images are); or for rows that are images of (height, width, channels) "vgg"
        (l2-norm pooling) or "gnp" (pixel unshuffle: slope 1 everywhere), `width` channels and `depth` convolutions in the first stage;
        None: 32 and 2
    random_state : seed; the same rows, seed and number of threads give the same detector
    device : cpu or cuda (cuda is untested)

    Attributes
    ----------
    field_ : RowField, the certified function.   offset_ : the score where inliers begin.   margin_ : that was used.   n_features_in_
    """

    def __init__(
        self,
        *,
        recipe: str = "default",
        contamination: float | str = "auto",
        margin: float | str | None = None,
        weight: float | None = None,
        domain: str = "box",
        scaling: str = "standard",
        neighbors: int | None = None,
        steps: int | None = None,
        width: int | None = None,
        depth: int | None = None,
        walk_steps: int = 4,
        eta: float = 1.0,
        algorithm: str = "lazy",
        updates: int = 1,
        warm_epochs: int = 5,
        network: str = "chain",
        image_shape: tuple[int, int, int] | None = None,
        random_state: Any = None,
        device: str = "cpu",
    ) -> None:
        self.recipe, self.contamination, self.margin, self.weight = recipe, contamination, margin, weight
        self.domain, self.scaling, self.neighbors, self.steps = domain, scaling, neighbors, steps
        self.width, self.depth, self.walk_steps, self.eta = width, depth, walk_steps, eta
        self.algorithm, self.updates, self.warm_epochs, self.network = algorithm, updates, warm_epochs, network
        self.image_shape, self.random_state, self.device = image_shape, random_state, device

    def fit(self, X: Any, y: Any = None, *, progress: Callable[[Record, float], None] = lambda *_: None) -> Self:
        """Learn the support of rows X (n, d), n >= 2. y is not used. progress(record, seconds left) is called while it trains.

        Raises ValueError for rows that scikit-learn refuses (not finite, not numbers, fewer than two), InputError for parameters.
        """
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        share = self._share()
        try:
            return self._learn(rows, share, progress)
        except InputError as error:
            raise ParameterError(str(error)) from error

    def _learn(self, rows: FloatArray, share: float, progress: Callable[[Record, float], None]) -> Self:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        request = self._request(share)
        if isinstance(self.margin, str):
            request = search_margin(rows, request, MARGINS, seed)
        self.margin_ = request.margin
        self.field_ = train_field(rows, request, seed, progress)
        scores = -self.field_(rows)
        quantile = float(np.quantile(scores, 1 - share))
        # a support without volume (rows that repeat each other) has no inside: then the level goes where the share is kept
        keeps_enough = (scores < 0).mean() <= MOST_BY_ITSELF
        self.offset_ = 0.0 if self.contamination == "auto" and keeps_enough else quantile
        return self

    def score_samples(self, X: Any) -> FloatArray:
        """(n,) -f: the boundary of the support is at least |f| away, inside (above 0) and outside (below). Rows' units."""
        rows = self._rows(X)
        return -self.field_(rows)

    def decision_function(self, X: Any) -> FloatArray:
        """(n,) score - offset_: negative for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """(n,) 1 for inliers, -1 for outliers."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def certified_radius(self, X: Any, *, deviations: bool = False) -> FloatArray:
        """(n,) proven: no row nearer than this, in the units of the rows, gets another verdict from `predict`. 0 where nothing is proven.

        deviations : measure the move with every column divided by its deviation (the theorem holds in that norm too, and gives more: in
        raw units a move may all be in the column of the smallest deviation).
        """
        rows = self._rows(X)
        radius = self.field_.certified_radius(rows, -self.offset_)
        return radius / self.field_.frame.smallest_scale if deviations else radius

    def _rows(self, X: Any) -> FloatArray:
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, dtype=np.float64, reset=False))

    def _share(self) -> float:
        if self.contamination == "auto":
            return AUTO_SHARE
        if not isinstance(self.contamination, Real) or not 0 < float(self.contamination) <= 0.5:
            raise ValueError(f"contamination must be in (0, 0.5] or 'auto', got {self.contamination!r}")
        return 1 - float(self.contamination)

    def _request(self, share: float) -> Request:
        if isinstance(self.margin, str) and self.margin != "search":
            raise InputError(f"margin must be a number above 0, 'search' or None, got {self.margin!r}")
        if isinstance(self.margin, str) and self.network == "discs":
            raise InputError("margin='search' is for networks that are trained: discs are fitted in closed form, leave the margin out")
        if self.scaling not in ("standard", "none"):
            raise InputError(f"scaling must be standard or none, got {self.scaling!r}")
        usual = DEFAULT_MARGIN.get(self.recipe, MARGINS[0])
        return Request(
            recipe=self.recipe,
            share=share,
            domain=self.domain,
            standard=self.scaling == "standard",
            margin=usual if self.margin is None or isinstance(self.margin, str) else self.margin,
            weight=self.weight,
            steps=_whole(self.steps),
            width=_whole(self.width),
            depth=_whole(self.depth),
            neighbours=self.neighbors,
            walk_steps=int(self.walk_steps),
            eta=self.eta,
            algorithm=self.algorithm,
            updates=self.updates,
            warm_epochs=self.warm_epochs,
            device=self.device,
            network=self.network,
            image=None if self.image_shape is None else (*map(int, self.image_shape),),  # type: ignore[arg-type]
        )


def _whole(number: Any) -> int | None:
    """An integer, also NumPy's; None stays."""
    if number is not None and int(number) != number:
        raise InputError(f"steps, width and depth must be whole numbers, got {number!r}")
    return None if number is None else int(number)
