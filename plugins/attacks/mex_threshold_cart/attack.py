"""Imitating a decision tree where the data are."""

from __future__ import annotations

import math
from typing import ClassVar

import attrs
import numpy as np
from scipy.stats import binom
from sklearn.ensemble import ExtraTreesClassifier

from mex import GeneratorLearner, Incompatible, Knowledge, Learner, Scope
from mex.hypotheses import constant
from mex.learner import Steps
from mex.models import random_state
from mex.params import doc, one_of, whole
from mex.samplers import SAMPLERS, Sampler, sampler
from mex.trees.thresholds import Thresholds
from mex.trees.walks import Resolution, together, walk
from mex.types import Array, Estimator, FloatArray
from mex_threshold_cart.trees import cart, mixed_cells, smallest

SURE = 0.01
"""How improbable it has to be that noise alone gave a cell its second label, before that is looked into."""
HELD = 5
"""One in so many rows is held back to tell which of two trees is nearer to the target."""
GROWTH = 0.05
"""A batch is at least this share of the rows asked: the committee is refitted a logarithmic number of times."""


@attrs.frozen(kw_only=True)
class ThresholdCart:
    """Ask near the data; walk to a threshold where rows differ that none tells apart; grow a tree over the thresholds.

    A walk between two rows of different labels gives one feature and its threshold, for log2 d + b questions: b is
    the logarithm of the pool, whose rows it is bisected between, and a few ``bits``. The tree is CART over these
    thresholds, but for its splits: of those with the largest gain it takes the one below which the fewest leaves
    follow. Of a target too large to be recovered most thresholds stay unknown; then CART that guesses the others
    is better, which rows held back decide. Of each batch, half are chosen by the disagreement of a small committee.

    Whatever is said of the target holds near the data only; ``tree-labels`` is for the whole domain. Under
    labels that are wrong with a known probability a cell is mixed only if that does not explain it, and leaves
    hold enough rows for a majority; inside majority-vote walks are exact again.

    >>> import mex
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0).fit(X[::2], y[::2])
    >>> target = mex.FittedTarget.wrap(tree, domain=mex.Domain.of(X), family=mex.Family("tree"))
    >>> oracle = mex.Oracle(target, budget=400)
    >>> stolen = mex.extract(oracle, ThresholdCart().learner(oracle.knowledge(pool=X[1::4]), np.random.default_rng(0)))
    >>> bool(np.mean(stolen.hypothesis.predict(X[3::4]) == tree.predict(X[3::4])) > 0.97)
    True
    """

    sampler: str = attrs.field(
        default="near", validator=one_of(*SAMPLERS), metadata=doc("where the rows come from, walks apart")
    )
    start: int = attrs.field(default=30, validator=whole(1), metadata=doc("random rows to ask first"))
    batch: int = attrs.field(default=25, validator=whole(2), metadata=doc("least rows to ask between two fits"))
    candidates: int = attrs.field(default=1500, validator=whole(1), metadata=doc("rows to choose from by disagreement"))
    committee: int = attrs.field(default=15, validator=whole(2), metadata=doc("random trees in the committee"))
    look: int = attrs.field(
        default=20, validator=whole(1), metadata=doc("thresholds that are tried out for each split; 1 is plain CART")
    )
    bits: int = attrs.field(
        default=4,
        validator=whole(0),
        metadata=doc("halvings of a threshold between two neighbouring rows of the pool; 40 is exact"),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), families=("tree",), answers="label")
    paper: ClassVar[str] = "ours; CART is Breiman et al. 1984, the committee Seung, Opper and Sompolinsky 1992"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no bound to a feature, no pool to draw from, or no end."""
        if knowledge.budget is None:
            raise Incompatible("threshold-cart asks until a budget is spent, and this scenario sets none")
        source = sampler(self.sampler)
        source.draw(knowledge, 1, np.random.default_rng(0))  # says now if there is no pool to draw from
        return _ThresholdCart(self, knowledge, rng, source, Thresholds(knowledge.domain))


class _ThresholdCart(GeneratorLearner):
    def __init__(
        self, attack: ThresholdCart, known: Knowledge, rng: np.random.Generator, source: Sampler, found: Thresholds
    ) -> None:
        assert known.classes is not None
        self._attack, self._known, self._rng, self._source, self._thresholds = attack, known, rng, source, found
        self._classes = known.classes
        self._X, self._y = np.empty((0, known.domain.n_features)), np.empty(0, dtype=np.int64)
        rows = None if known.pool is None else np.sort(known.pool.astype(np.float32).astype(np.float64), axis=0)
        self._resolution = Resolution(domain=known.domain, rows=rows, bits=attack.bits)
        self._natural = np.empty(0, dtype=bool)  # rows of the sampler at random, neither walked to nor chosen
        self._sent: tuple[FloatArray, int] = self._X, 0
        self._rho = min(known.rho or 0.0, 0.49)
        self.note = ""
        if known.rho != 0:
            self.note = "labels may be wrong here: thresholds are only as right as the labels of their walks"

    def steps(self) -> Steps:
        """Yield rows; keep what was answered."""
        yield from self._ask(self._draw(self._attack.start), random=self._attack.start)
        walked: set[tuple[int, int]] = set()
        while True:
            pairs = [pair for pair in self._pairs() if pair not in walked]
            if pairs:
                walked.update(pairs)
                yield from self._walk(pairs)
            else:
                rows, chosen = self._batch()
                yield from self._ask(rows, random=len(rows) - chosen)

    def _pairs(self) -> list[tuple[int, int]]:
        """Two rows of each cell whose labels the noise does not explain: the nearest of different labels."""
        found = []
        for cell in mixed_cells(self._thresholds.indicators(self._X), self._y):
            labels = self._y[cell]
            others = cell[labels != np.bincount(labels).argmax()]
            if self._rho and binom.sf(len(others) - 1, len(cell), self._rho) > SURE:
                continue
            rest = cell[labels == np.bincount(labels).argmax()]
            apart = (self._X[rest, None] != self._X[others[:1]]).sum(axis=2).ravel()
            found.append((int(rest[apart.argmin()]), int(others[0])))
        return found

    def _batch(self) -> tuple[FloatArray, int]:
        """Rows of which the last half is random, and how many were chosen by disagreement of the committee."""
        n = max(self._attack.batch, int(GROWTH * len(self._X)))
        C = self._draw(max(self._attack.candidates, 2 * n))
        order = np.arange(len(C))
        if len(self._thresholds) and len(np.unique(self._y)) > 1:
            committee = ExtraTreesClassifier(self._attack.committee, random_state=random_state(self._rng))
            committee.fit(self._thresholds.indicators(self._X), self._y)
            votes = np.sort(committee.predict_proba(self._thresholds.indicators(C)), axis=1)
            order = np.argsort(votes[:, -1] - votes[:, -2], kind="stable")
        chosen = order[: n // 2]
        chosen = np.concatenate([chosen, self._rng.choice(order[n // 2 :], size=n - n // 2, replace=False)])
        return np.asarray(C[chosen]), n // 2

    def _draw(self, n: int) -> FloatArray:
        X = self._source.draw(self._known, n, self._rng).astype(np.float32).astype(np.float64)
        return np.asarray(np.clip(X, self._thresholds.box.lower, self._thresholds.box.upper))

    def _walk(self, pairs: list[tuple[int, int]]) -> Steps:
        walks = [
            walk(self._thresholds, self._X[i], self._X[j], int(self._y[i]), self._rng, self._resolution)
            for i, j in pairs
        ]
        under_way = together(walks)
        rows = next(under_way, None)
        while rows is not None:
            yield from self._ask(rows)
            try:
                rows = under_way.send(self._y[-len(rows) :])
            except StopIteration:
                rows = None

    def _ask(self, X: FloatArray, random: int = 0) -> Steps:
        """Ask rows, the last of which are ``random`` ones."""
        self._sent = X, random
        self.cut((yield X))

    def cut(self, answers: Array) -> None:
        """Keep the answers to the first rows of a batch."""
        X, random = self._sent
        self._X = np.concatenate([self._X, X[: len(answers)]])
        self._y = np.concatenate([self._y, np.argmax(answers[:, None] == self._classes, axis=1)])
        self._natural = np.concatenate([self._natural, np.arange(len(X))[: len(answers)] >= len(X) - random])

    def hypothesis(self) -> Estimator:
        """The smallest tree over the thresholds found, or CART: whichever answers rows better that it was not shown."""
        if len(self._y) == 0:
            return constant(self._classes[0], self._known.domain.n_features)
        # So many rows have a wrong majority in fewer than 1 of 400 leaves, up to rho = 0.4.
        least = math.ceil(8 / (1 - 2 * self._rho) ** 2) if self._rho else 1
        known, classes, look = self._thresholds, self._classes, self._attack.look
        held = np.flatnonzero(self._natural)[::HELD]
        kept = np.delete(np.arange(len(self._y)), held)
        X, y = self._X[kept], self._y[kept]
        right = (
            [
                float(np.mean(tree.predict(self._X[held]) == classes[self._y[held]]))
                for tree in (
                    smallest(known, X, y, classes, look=look, least=least),
                    cart(known, X, y, classes, least=least),
                )
            ]
            if len(held) >= HELD
            else [1.0, 0.0]
        )
        if right[0] >= right[1]:
            return smallest(known, self._X, self._y, classes, look=look, least=least)
        return cart(known, self._X, self._y, classes, least=least)
