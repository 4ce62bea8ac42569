"""A tree from labels alone, where the data are: thresholds by search, and the fit that predicts best."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import attrs
import numpy as np
from sklearn.tree import DecisionTreeClassifier

from mex.knowledge import Knowledge
from mex.learner import GeneratorLearner, Steps
from mex.toolkit.active.samplers import Sampler
from mex.toolkit.contest import Contest
from mex.toolkit.estimators import constant, random_state
from mex.toolkit.generators import lockstep, relay
from mex.toolkit.trees.fits import Forest, mixed_pairs, smallest
from mex.toolkit.trees.threshold_search import Resolution, find_threshold
from mex.toolkit.trees.thresholds import Thresholds
from mex.types import Array, Estimator, FloatArray

CHOSEN = 0.75
"""The share of a batch that is chosen by disagreement; the rest is random."""
JUDGED = 1.25
"""The fits are made anew, to be judged by batches, when there are so many times more answers."""
SURELY, RECENT = 1.0, 1 / 3
"""By how many standard errors a tree has to predict better than the forest, on which share of the answers, the latest:
the small one is worth little until thresholds are known."""
VOTERS = 5
"""Trees of the forest that is handed over, as a multiple of those of the committee."""
GROWTH = 0.05
"""A batch is at least this share of the rows asked, so that the forest is refitted a logarithmic number of times."""


@attrs.frozen(kw_only=True)
class Settings:
    """What the parameters of ``threshold-cart`` mean; these are their defaults."""

    start: int = 60
    batch: int = 25
    candidates: int = 1500
    committee: int = 20
    look: int = 20
    spare: float = 1.0
    bits: int = 4

    @classmethod
    def of(cls, attack: Any) -> Settings:
        """Those of an attack with parameters of these names."""
        return cls(**{field.name: getattr(attack, field.name) for field in attrs.fields(cls)})


class NearDataLearner(GeneratorLearner):
    """Asks random rows, then searches between rows of mixed cells, and asks batches where there are none.

    The hypothesis is a forest over the features and the thresholds; or CART, as of ``passive``, or the small tree over
    the thresholds, if that has predicted the latest batches better, or at the start answers that were left out.
    ``X`` are the rows asked, ``y`` the indices of their labels, and ``natural`` is how many of the rows at hand, the
    first, are random ones.
    """

    def __init__(
        self, settings: Settings, known: Knowledge, rng: np.random.Generator, source: Sampler, thresholds: Thresholds
    ) -> None:
        """``source`` draws rows like the data; ``thresholds`` are those known, to which it adds."""
        assert known.classes is not None
        self._settings = settings
        self._known = known
        self._rng = rng
        self._source = source
        self._thresholds = thresholds
        self._classes = known.classes
        self.X: FloatArray = np.empty((0, known.domain.n_features))
        self.y: Array = np.empty(0, dtype=np.int64)
        values = None if known.pool is None else np.sort(thresholds.grid.cast(known.pool), axis=0)
        self._resolution = Resolution(domain=known.domain, rows=values, bits=settings.bits)
        self._rho = min(known.rho or 0.0, 0.49)
        # Of so many rows the majority is wrong in fewer than 1 of 400 leaves, up to rho = 0.4.
        self._min_leaf = math.ceil(8 / (1 - 2 * self._rho) ** 2) if self._rho else 1
        fits = {"forest": self._voters, "smallest": self._smallest, "cart": self._cart}
        self._contest = Contest(fits, again=JUDGED, errors=SURELY, recent=RECENT)
        self.natural = 0
        self._started = False  # when the first random rows are answered, which are cross-validated
        self._seed = random_state(rng)  # for the hypothesis, which must not change what is asked
        self._hypothesis: tuple[int, Estimator] | None = None  # the number of answers, and what was fitted to them
        self.note = ""
        if known.rho != 0:
            self.note = "labels may be wrong here: thresholds are only as right as the labels of their walks"

    def steps(self) -> Steps:
        """Yield rows; keep what was answered."""
        start, batch = self._settings.start, self._settings.batch
        for asked in range(0, start, batch):
            rows = self._draw(min(batch, start - asked))
            yield from self._ask(rows, natural=len(rows))
        self._contest, self._started = self._cross_validated(), True
        searched: set[tuple[int, int]] = set()
        while True:
            pairs = [pair for pair in mixed_pairs(self._thresholds, self.X, self.y, self._rho) if pair not in searched]
            if not pairs:
                surprises = yield from self._surprises()
                # Noise surprises as well.
                pairs = [] if self._rho else [pair for pair in surprises if pair not in searched]
            searched.update(pairs)
            yield from self._find_thresholds(pairs)

    def _surprises(self) -> Generator[FloatArray, Array, list[tuple[int, int]]]:
        """Ask a batch; return each leaf's row with another label than the tree so far has, and the nearest row there.

        All rows that are part of the one and part of the other are in that leaf as well, so that the search between the
        two finds what the tree lacks there: a threshold that is not known, or one that does not split this leaf yet.
        """
        tree, before = self._small_tree(self.X, self.y, look=1), len(self.y)
        leaf = tree.apply(self.X)
        self._contest.refit(self.X, self._labels())
        yield from self._ask(*self._batch())
        new = np.arange(before, len(self.y))
        self._contest.judge(self.X[new], self._labels()[new])
        wrong = new[tree.predict(self.X[new]) != self._labels()[new]]
        pairs = {}
        for row, there in zip(wrong, tree.apply(self.X[wrong]) if len(wrong) else (), strict=True):
            others = np.flatnonzero((leaf == there) & (self.y[:before] != self.y[row]))
            if there not in pairs and len(others):
                distance = (self.X[others] != self.X[row]).sum(axis=1)
                pairs[there] = int(others[distance.argmin()]), int(row)
        return list(pairs.values())

    def _find_thresholds(self, pairs: list[tuple[int, int]]) -> Steps:
        """Search between pairs of rows asked, side by side, more closely the more has been asked."""
        resolution = attrs.evolve(self._resolution, spare=self._settings.spare / max(len(self.y), 1))
        known, X = self._thresholds, self.X
        searches = [find_threshold(known, X[i], X[j], int(self.y[i]), self._rng, resolution) for i, j in pairs]
        yield from relay(lockstep(searches), self._ask_labels)

    def _batch(self) -> tuple[FloatArray, int]:
        """Rows to ask, and how many of them, the first, are random; the others are chosen by disagreement."""
        n = max(self._settings.batch, int(GROWTH * len(self.X)))
        candidates = self._draw(max(self._settings.candidates, 2 * n))
        order, n_chosen = np.arange(len(candidates)), int(CHOSEN * n)
        if len(np.unique(self.y)) > 1:
            committee = self._forest(self.X, self.y, self._settings.committee, 1, self._rng)
            votes = np.sort(committee.votes(candidates), axis=1)
            order = np.argsort(votes[:, -1] - votes[:, -2], kind="stable")
        others = self._rng.choice(order[n_chosen:], size=n - n_chosen, replace=False)
        return candidates[np.concatenate([others, order[:n_chosen]])], len(others)

    def _draw(self, n: int) -> FloatArray:
        return self._thresholds.grid.cast(self._source.draw(self._known, n, self._rng))

    def _ask(self, X: FloatArray, natural: int = 0) -> Steps:
        self.natural = natural
        self.cut(X, (yield self._thresholds.grid.rows(X)))

    def _ask_labels(self, X: FloatArray) -> Generator[FloatArray, Array, Array]:
        yield from self._ask(X)
        return self.y[-len(X) :]

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep the answers, all or those that the budget left."""
        self.X = np.concatenate([self.X, self._thresholds.grid.cast(X)])
        self.y = np.concatenate([self.y, self._indices(answers)])

    def hypothesis(self) -> Estimator:
        """What predicts best, fitted to all answers so far; once for each number of answers."""
        if len(self.y) == 0:
            return constant(self._classes[0], self._known.domain.n_features)
        if self._hypothesis is None or self._hypothesis[0] != len(self.y):
            contest = self._contest if self._started else self._cross_validated()
            fitted = contest.fits[contest.leader](self.X, self._labels())
            self._hypothesis = len(self.y), fitted.over_features() if isinstance(fitted, Forest) else fitted
        return self._hypothesis[1]

    def _small_tree(self, X: FloatArray, y: Array, look: int) -> Estimator:
        return smallest(self._thresholds, X, y, self._classes, look=look, min_leaf=self._min_leaf)

    def _cross_validated(self) -> Contest:
        return self._contest.cross_validated(self.X, self._labels(), np.random.default_rng(self._seed))

    def _labels(self) -> Array:
        return np.asarray(self._classes[self.y])

    def _indices(self, labels: Array) -> Array:
        return np.asarray(np.argmax(labels[:, None] == self._classes, axis=1))

    def _smallest(self, X: FloatArray, labels: Array) -> Estimator:
        return self._small_tree(X, self._indices(labels), self._settings.look)

    def _cart(self, X: FloatArray, labels: Array) -> Estimator:
        return DecisionTreeClassifier(min_samples_leaf=self._min_leaf, random_state=0).fit(X, labels)

    def _voters(self, X: FloatArray, labels: Array) -> Forest:
        trees, rng = VOTERS * self._settings.committee, np.random.default_rng(self._seed)
        return self._forest(X, self._indices(labels), trees, self._min_leaf, rng)

    def _forest(self, X: FloatArray, y: Array, trees: int, min_leaf: int, rng: np.random.Generator) -> Forest:
        return Forest(self._thresholds, X, y, self._classes, trees=trees, min_leaf=min_leaf, rng=rng)
