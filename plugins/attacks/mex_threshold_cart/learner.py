"""The learner of ``threshold-cart``."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binom

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps
from mex.toolkit.active.samplers import Sampler
from mex.toolkit.estimators import constant, random_state
from mex.toolkit.generators import lockstep, relay
from mex.toolkit.trees.threshold_search import Resolution, find_threshold
from mex.toolkit.trees.thresholds import Thresholds
from mex.types import Array, Estimator, FloatArray
from mex_threshold_cart.trees import cart, forest, mixed_cells, smallest, with_indicators

if TYPE_CHECKING:
    from mex_threshold_cart.attack import ThresholdCart

NOISE_LEVEL = 0.01
"""A cell counts as mixed if noise alone would give it as many other labels with at most this probability."""
CHOSEN = 0.75
"""The share of a batch that is chosen by disagreement; the rest is random."""
FOLDS = 3
"""In how many parts the random rows are held out to compare the two kinds of hypothesis."""
CLEAR = 2
"""Lead, in standard errors, beyond which no further part is held out."""
DISTILLED_TREES = 50
"""Trees of the forest that is distilled."""
DISTILLED_ROWS = 10
"""Rows that the forest answers to be distilled, as a multiple of the rows asked."""
GROWTH = 0.05
"""A batch is at least this share of the rows asked, so that the forest is refitted a logarithmic number of times."""


class ThresholdCartLearner(GeneratorLearner):
    """Searches for thresholds between rows of mixed cells, and asks batches of rows where there is none."""

    def __init__(
        self,
        attack: ThresholdCart,
        known: Knowledge,
        rng: np.random.Generator,
        source: Sampler,
        thresholds: Thresholds,
    ) -> None:
        assert known.classes is not None
        self._attack = attack
        self._known = known
        self._rng = rng
        self._source = source
        self._thresholds = thresholds
        self._classes = known.classes
        self._X: FloatArray = np.empty((0, known.domain.n_features))
        self._y: Array = np.empty(0, dtype=np.int64)  # indices of classes
        self._is_random = np.empty(0, dtype=bool)  # which rows sent are neither of a search nor chosen
        values = None if known.pool is None else np.sort(thresholds.grid.cast(known.pool), axis=0)
        self._resolution = Resolution(domain=known.domain, rows=values, bits=attack.bits)
        self._rho = min(known.rho or 0.0, 0.49)
        # Of so many rows the majority is wrong in fewer than 1 of 400 leaves, up to rho = 0.4.
        self._min_leaf = math.ceil(8 / (1 - 2 * self._rho) ** 2) if self._rho else 1
        self._seed = random_state(rng)  # for the hypothesis, which must not change what is asked
        self._hypothesis: tuple[int, Estimator] | None = None  # the number of answers, and the tree fitted to them
        self.note = ""
        if known.rho != 0:
            self.note = "labels may be wrong here: thresholds are only as right as the labels of their walks"

    def steps(self) -> Steps:
        """Yield rows; keep what was answered."""
        yield from self._ask(self._draw(self._attack.start, self._rng), n_random=self._attack.start)
        searched: set[tuple[int, int]] = set()
        while True:
            pairs = [pair for pair in self._mixed_pairs() if pair not in searched]
            if pairs:
                searched.update(pairs)
                yield from self._find_thresholds(pairs)
            else:
                rows, n_chosen = self._batch()
                yield from self._ask(rows, n_random=len(rows) - n_chosen)

    def _mixed_pairs(self) -> list[tuple[int, int]]:
        """Two rows, by index, of each cell whose labels the noise does not explain: of different labels, and close."""
        pairs = []
        for cell in mixed_cells(self._thresholds.indicators(self._X), self._y):
            labels = self._y[cell]
            others = cell[labels != np.bincount(labels).argmax()]
            if self._rho and binom.sf(len(others) - 1, len(cell), self._rho) > NOISE_LEVEL:
                continue
            majority = cell[labels == np.bincount(labels).argmax()]
            distance = (self._X[majority, None] != self._X[others[:1]]).sum(axis=2).ravel()
            pairs.append((int(majority[distance.argmin()]), int(others[0])))
        return pairs

    def _find_thresholds(self, pairs: list[tuple[int, int]]) -> Steps:
        """Search between pairs of rows asked, side by side."""
        searches = [
            find_threshold(self._thresholds, self._X[i], self._X[j], int(self._y[i]), self._rng, self._resolution)
            for i, j in pairs
        ]
        yield from relay(lockstep(searches), self._ask_labels)

    def _batch(self) -> tuple[FloatArray, int]:
        """Rows to ask, and how many of them, the first, were chosen by disagreement."""
        n = max(self._attack.batch, int(GROWTH * len(self._X)))
        candidates = self._draw(max(self._attack.candidates, 2 * n), self._rng)
        order, n_chosen = np.arange(len(candidates)), int(CHOSEN * n)
        if len(np.unique(self._y)) > 1:
            thresholds, trees = self._thresholds, self._attack.committee
            committee = forest(thresholds, self._X, self._y, trees=trees, min_leaf=1, rng=self._rng)
            votes = np.sort(committee.predict_proba(with_indicators(thresholds, candidates)), axis=1)
            order = np.argsort(votes[:, -1] - votes[:, -2], kind="stable")
        others = self._rng.choice(order[n_chosen:], size=n - n_chosen, replace=False)
        return np.asarray(candidates[np.concatenate([order[:n_chosen], others])]), n_chosen

    def _draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw ``n`` rows of float32 numbers."""
        return self._thresholds.grid.cast(self._source.draw(self._known, n, rng))

    def _ask(self, X: FloatArray, n_random: int = 0) -> Steps:
        """Ask rows, of which the last ``n_random`` are random."""
        self._is_random = np.concatenate([self._is_random, np.arange(len(X)) >= len(X) - n_random])
        self.cut(X, (yield self._thresholds.grid.rows(X)))

    def _ask_labels(self, X: FloatArray) -> Generator[FloatArray, Array, Array]:
        yield from self._ask(X)
        return self._y[-len(X) :]

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep the answers, all or those that the budget left."""
        self._X = np.concatenate([self._X, self._thresholds.grid.cast(X)])
        self._y = np.concatenate([self._y, np.argmax(answers[:, None] == self._classes, axis=1)])

    def hypothesis(self) -> Estimator:
        """The tree fitted to all answers so far, of the kind that predicts held-out answers better.

        It is fitted, and its kind decided, once for each number of answers.
        """
        if len(self._y) == 0:
            return constant(self._classes[0], self._known.domain.n_features)
        if self._hypothesis is None or self._hypothesis[0] != len(self._y):
            fit = self._fit_distilled if self._distilled_is_better() else self._fit_smallest
            self._hypothesis = len(self._y), fit(self._X, self._y)
        return self._hypothesis[1]

    def _distilled_is_better(self) -> bool:
        """Whether a distilled forest predicts held-out random rows better than the small tree, by a standard error."""
        lead = disagreements = 0
        random = np.flatnonzero(self._is_random[: len(self._y)])
        for fold in range(FOLDS):
            held_out = random[fold::FOLDS]
            kept = np.delete(np.arange(len(self._y)), held_out)
            if len(kept) == 0 or len(held_out) == 0 or abs(lead) > CLEAR * math.sqrt(disagreements):
                break
            right = [
                fit(self._X[kept], self._y[kept]).predict(self._X[held_out]) == self._classes[self._y[held_out]]
                for fit in (self._fit_smallest, self._fit_distilled)
            ]
            lead += int(right[1].sum()) - int(right[0].sum())
            disagreements += int((right[1] != right[0]).sum())
        return lead > math.sqrt(disagreements)

    def _fit_smallest(self, X: FloatArray, y: Array) -> Estimator:
        return smallest(self._thresholds, X, y, self._classes, look=self._attack.look, min_leaf=self._min_leaf)

    def _fit_distilled(self, X: FloatArray, y: Array) -> Estimator:
        """CART, fitted to the answers and to those of a forest to many rows more."""
        rng = np.random.default_rng(self._seed)
        voters = forest(self._thresholds, X, y, trees=DISTILLED_TREES, min_leaf=self._min_leaf, rng=rng)
        more = self._draw(DISTILLED_ROWS * len(X), rng)
        votes = voters.predict(with_indicators(self._thresholds, more))
        X, y = np.concatenate([X, more]), np.concatenate([y, votes])
        return cart(self._thresholds, X, y, self._classes, min_leaf=self._min_leaf)
