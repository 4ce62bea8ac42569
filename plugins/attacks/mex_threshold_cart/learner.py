"""The learner of ``threshold-cart``."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import attrs
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

Kind: TypeAlias = Literal["smallest", "cart", "distilled"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Of hypotheses: a small tree over the thresholds; CART over them and the rows; a forest distilled into one."""
NOISE_LEVEL = 0.01
"""A cell counts as mixed if noise alone would give it as many other labels with at most this probability."""
CHOSEN = 0.75
"""The share of a batch that is chosen by disagreement; the rest is random."""
JUDGED = 1.25
"""The kinds of hypothesis are fitted anew, to be judged by batches, when there are so many times more answers."""
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
        self._judged: dict[Kind, Estimator] = {}  # fitted to the answers at some time, and judged by batches since
        self._judged_at = 0
        self._right: dict[Kind, int] = dict.fromkeys(KINDS, 0)
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
        yield from self._ask(self._draw(self._attack.start, self._rng))
        searched: set[tuple[int, int]] = set()
        while True:
            pairs = [pair for pair in self._mixed_pairs() if pair not in searched]
            if not pairs:
                surprises = yield from self._surprises()
                pairs = [
                    pair for pair in surprises if pair not in searched and not self._rho
                ]  # noise surprises as well
            searched.update(pairs)
            yield from self._find_thresholds(pairs)

    def _surprises(self) -> Generator[FloatArray, Array, list[tuple[int, int]]]:
        """Ask a batch; return each leaf's row with another label than the tree so far has, and the nearest row there.

        All rows that are part of the one and part of the other are in that leaf as well, so that the search between the
        two finds what the tree lacks there: a threshold that is not known, or one that does not split this leaf yet.
        """
        tree = smallest(self._thresholds, self._X, self._y, self._classes, look=1, min_leaf=self._min_leaf)
        before, leaf = len(self._y), tree.apply(self._X)
        yield from self._ask(self._batch())
        self._judge(np.arange(before, len(self._y)))
        new = np.arange(before, len(self._y))
        wrong = new[tree.predict(self._X[new]) != self._classes[self._y[new]]]
        pairs = {}
        for row, there in zip(wrong, tree.apply(self._X[wrong]) if len(wrong) else (), strict=True):
            others = np.flatnonzero((leaf == there) & (self._y[:before] != self._y[row]))
            if there not in pairs and len(others):
                distance = (self._X[others] != self._X[row]).sum(axis=1)
                pairs[there] = int(others[distance.argmin()]), int(row)
        return list(pairs.values())

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
        """Search between pairs of rows asked, side by side, more closely the more has been asked."""
        resolution = attrs.evolve(self._resolution, spare=self._attack.spare / max(len(self._y), 1))
        searches = [
            find_threshold(self._thresholds, self._X[i], self._X[j], int(self._y[i]), self._rng, resolution)
            for i, j in pairs
        ]
        yield from relay(lockstep(searches), self._ask_labels)

    def _batch(self) -> FloatArray:
        """Rows to ask: most of them chosen by disagreement, the others random."""
        n = max(self._attack.batch, int(GROWTH * len(self._X)))
        candidates = self._draw(max(self._attack.candidates, 2 * n), self._rng)
        order, n_chosen = np.arange(len(candidates)), int(CHOSEN * n)
        if len(np.unique(self._y)) > 1:
            thresholds, trees = self._thresholds, self._attack.committee
            committee = forest(thresholds, self._X, self._y, trees=trees, min_leaf=1, rng=self._rng)
            votes = np.sort(committee.predict_proba(with_indicators(thresholds, candidates)), axis=1)
            order = np.argsort(votes[:, -1] - votes[:, -2], kind="stable")
        others = self._rng.choice(order[n_chosen:], size=n - n_chosen, replace=False)
        return np.asarray(candidates[np.concatenate([order[:n_chosen], others])])

    def _draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw ``n`` rows of float32 numbers."""
        return self._thresholds.grid.cast(self._source.draw(self._known, n, rng))

    def _ask(self, X: FloatArray) -> Steps:
        self.cut(X, (yield self._thresholds.grid.rows(X)))

    def _ask_labels(self, X: FloatArray) -> Generator[FloatArray, Array, Array]:
        yield from self._ask(X)
        return self._y[-len(X) :]

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep the answers, all or those that the budget left."""
        self._X = np.concatenate([self._X, self._thresholds.grid.cast(X)])
        self._y = np.concatenate([self._y, np.argmax(answers[:, None] == self._classes, axis=1)])

    def _judge(self, rows: Array) -> None:
        """Count how often each kind of hypothesis is right on rows; fit them anew from time to time."""
        for kind, fitted in self._judged.items():
            self._right[kind] += int(np.sum(fitted.predict(self._X[rows]) == self._classes[self._y[rows]]))
        if len(self._y) >= JUDGED * self._judged_at:
            self._judged_at = len(self._y)
            self._judged = {kind: self._fit(kind) for kind in KINDS}

    def hypothesis(self) -> Estimator:
        """The tree fitted to all answers so far, of the kind that has predicted new batches best.

        It is fitted once for each number of answers.
        """
        if len(self._y) == 0:
            return constant(self._classes[0], self._known.domain.n_features)
        if self._hypothesis is None or self._hypothesis[0] != len(self._y):
            self._hypothesis = len(self._y), self._fit(max(KINDS, key=self._right.__getitem__))
        return self._hypothesis[1]

    def _fit(self, kind: Kind) -> Estimator:
        """A hypothesis of a kind, fitted to all answers; a forest is distilled from its answers to many rows more."""
        thresholds, X, y, classes, least = self._thresholds, self._X, self._y, self._classes, self._min_leaf
        if kind == "smallest":
            return smallest(thresholds, X, y, classes, look=self._attack.look, min_leaf=least)
        if kind == "distilled":
            rng = np.random.default_rng(self._seed)
            voters = forest(thresholds, X, y, trees=self._attack.committee, min_leaf=least, rng=rng)
            more = self._draw(DISTILLED_ROWS * len(X), rng)
            X, y = np.concatenate([X, more]), np.concatenate([y, voters.predict(with_indicators(thresholds, more))])
        return cart(thresholds, X, y, classes, min_leaf=least)
