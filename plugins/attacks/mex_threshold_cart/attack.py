"""Imitating a decision tree where the data are."""

from __future__ import annotations

import math
from typing import ClassVar

import attrs
import numpy as np
from scipy.stats import binom

from mex import GeneratorLearner, Incompatible, Knowledge, Learner, Scope
from mex.learner import Steps
from mex.params import doc, one_of, whole
from mex.toolkit.active.samplers import SAMPLERS, Sampler, sampler
from mex.toolkit.estimators import constant, random_state
from mex.toolkit.trees.thresholds import Thresholds
from mex.toolkit.trees.walks import Resolution, together, walk
from mex.types import Array, Estimator, FloatArray
from mex_threshold_cart.trees import cart, columns, forest, mixed_cells, smallest

SURE = 0.01
"""How improbable it has to be that noise alone gave a cell its second label, before that is looked into."""
CHOSEN = 0.75
"""The share of a batch that the committee chooses; the others are random."""
FOLDS = 3
"""In so many parts the random rows are held back, to tell which of two trees is nearer to the target."""
CLEAR = 2
"""After a lead of so many standard errors no more parts are held back; the smallest tree has to be beaten by one."""
DISTILLED = 50
ROWS = 10
"""A forest of so many trees answers so many times the rows asked, to be made one tree."""
GROWTH = 0.05
"""A batch is at least this share of the rows asked: the committee is refitted a logarithmic number of times."""


@attrs.frozen(kw_only=True)
class ThresholdCart:
    """Ask near the data; walk to a threshold where rows differ that none tells apart; grow a tree over the thresholds.

    A walk between two rows of different labels gives one feature and its threshold, for log2 d + b questions: b is
    the logarithm of the pool, whose rows it is bisected between, and a few ``bits``. The tree is CART over these
    thresholds, but for its splits: of those with the largest gain it takes the one below which the fewest leaves
    follow. Most of each batch is chosen by the disagreement of a small random forest over features and thresholds.

    Of a target too large to be recovered, as are trees grown without limit on noise, most thresholds stay unknown,
    and a tree that fits all answers is unstable. Then a forest is better, made one tree again: CART fitted to what
    the forest answers to many new rows, which costs no question (Breiman and Shang 1996). Random rows, held back in
    parts, decide between the two trees. That makes the hypothesis the dearest step, not the choice of the rows.

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
    committee: int = attrs.field(
        default=20, validator=whole(2), metadata=doc("trees of the random forest that is the committee")
    )
    look: int = attrs.field(
        default=20, validator=whole(1), metadata=doc("thresholds that are tried out for each split; 1 is plain CART")
    )
    bits: int = attrs.field(
        default=4,
        validator=whole(0),
        metadata=doc("halvings of a threshold between two neighbouring rows of the pool; 40 is exact"),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), families=("tree",), answers="label")
    paper: ClassVar[str] = "ours; CART is Breiman et al. 1984, a forest in one tree Breiman and Shang 1996"

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
        rows = None if known.pool is None else np.sort(found.grid.cast(known.pool), axis=0)
        self._resolution = Resolution(domain=known.domain, rows=rows, bits=attack.bits)
        self._natural = np.empty(0, dtype=bool)  # which rows sent are random ones, neither walked to nor chosen
        self._rho = min(known.rho or 0.0, 0.49)
        # So many rows have a wrong majority in fewer than 1 of 400 leaves, up to rho = 0.4.
        self._least = math.ceil(8 / (1 - 2 * self._rho) ** 2) if self._rho else 1
        self._seed = random_state(rng)  # of the hypothesis alone: looking at it changes nothing that is asked
        self.note = ""
        if known.rho != 0:
            self.note = "labels may be wrong here: thresholds are only as right as the labels of their walks"

    def steps(self) -> Steps:
        """Yield rows; keep what was answered."""
        yield from self._ask(self._draw(self._attack.start, self._rng), random=self._attack.start)
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
        """Rows, and how many of them, the first, were chosen by disagreement of the committee."""
        n = max(self._attack.batch, int(GROWTH * len(self._X)))
        C = self._draw(max(self._attack.candidates, 2 * n), self._rng)
        order, chosen = np.arange(len(C)), int(CHOSEN * n)
        if len(np.unique(self._y)) > 1:
            known, trees = self._thresholds, self._attack.committee
            committee = forest(known, self._X, self._y, trees=trees, least=1, rng=self._rng)
            votes = np.sort(committee.predict_proba(columns(known, C)), axis=1)
            order = np.argsort(votes[:, -1] - votes[:, -2], kind="stable")
        others = self._rng.choice(order[chosen:], size=n - chosen, replace=False)
        return np.asarray(C[np.concatenate([order[:chosen], others])]), chosen

    def _draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        return self._thresholds.grid.cast(self._source.draw(self._known, n, rng))

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
        self._natural = np.concatenate([self._natural, np.arange(len(X)) >= len(X) - random])
        self.cut(X, (yield self._thresholds.grid.rows(X)))

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep the answers, all or those that the budget left."""
        self._X = np.concatenate([self._X, self._thresholds.grid.cast(X)])
        self._y = np.concatenate([self._y, np.argmax(answers[:, None] == self._classes, axis=1)])

    def hypothesis(self) -> Estimator:
        """The smallest tree over the thresholds found, or a forest in one tree if that answers new rows better."""
        if len(self._y) == 0:
            return constant(self._classes[0], self._known.domain.n_features)
        ahead = apart = 0
        for fold in range(FOLDS):
            held = np.flatnonzero(self._natural[: len(self._y)])[fold::FOLDS]
            kept = np.delete(np.arange(len(self._y)), held)
            if len(kept) == 0 or len(held) == 0 or abs(ahead) > CLEAR * math.sqrt(apart):
                break
            one, other = (
                way(self._X[kept], self._y[kept]).predict(self._X[held]) == self._classes[self._y[held]]
                for way in (self._smallest, self._distilled)
            )
            ahead, apart = ahead + int(other.sum()) - int(one.sum()), apart + int((other != one).sum())
        way = self._distilled if ahead > math.sqrt(apart) else self._smallest
        return way(self._X, self._y)

    def _smallest(self, X: FloatArray, y: Array) -> Estimator:
        return smallest(self._thresholds, X, y, self._classes, look=self._attack.look, least=self._least)

    def _distilled(self, X: FloatArray, y: Array) -> Estimator:
        """A forest in one tree: CART on what the forest answers to many rows, which cost no question."""
        rng = np.random.default_rng(self._seed)
        voters = forest(self._thresholds, X, y, trees=DISTILLED, least=self._least, rng=rng)
        more = self._draw(ROWS * len(X), rng)
        X, y = np.concatenate([X, more]), np.concatenate([y, voters.predict(columns(self._thresholds, more))])
        return cart(self._thresholds, X, y, self._classes, least=self._least)
