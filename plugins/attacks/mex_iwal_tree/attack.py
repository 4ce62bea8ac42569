"""Importance-weighted active learning of a tree."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

from mex import Incompatible, Knowledge, Learner, Model, Scope
from mex.params import above, between, component, doc, one_of, whole
from mex.toolkit.active.iwal import EQUATIONS, query_probability
from mex.toolkit.active.samplers import SAMPLERS, sampler
from mex.toolkit.estimators import constant, random_state
from mex.toolkit.models import learner_over
from mex.types import Array, Estimator, FloatArray

CHUNK = 64
"""How many rows of the stream to draw at once."""


@attrs.frozen(kw_only=True)
class IwalTree:
    """Rows stream by; each is asked with the probability that its label matters, and weighs the inverse of it.

    With h_n the tree so far and h'_n the best tree that answers otherwise on the row x_n, the row matters as
    long as their errors, weighted by importance, differ by no more than chance explains (``query_probability``).
    h'_n is h_n with the leaf of x_n given its next best label, so that G_n = err(h'_n) - err(h_n) is read off the
    label weights of that leaf. Rows that are not asked cost nothing, but count for n. The tree is refitted with
    importance weights after ``every`` labels, or ``growth`` times the labels so far if that is more.

    The estimate of the error is unbiased, wrong labels included. Labels are saved only where n is so large, or c0
    so small, that chance explains little; the paper's Table 4 has it at 13 times the queries of path finding.

    >>> import mex
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> tree, domain = DecisionTreeClassifier(random_state=0).fit(X, y), mex.Domain.of(X)
    >>> target = mex.FittedTarget.wrap(tree, domain=domain, family=mex.Family("tree", learner=DecisionTreeClassifier()))
    >>> oracle = mex.Oracle(target, budget=300)
    >>> stolen = mex.extract(oracle, IwalTree().learner(oracle.knowledge(), np.random.default_rng(0)))
    >>> float(np.mean(stolen.hypothesis.predict(X) == tree.predict(X)).round(2))
    0.93
    """

    sampler: str = attrs.field(
        default="uniform", validator=one_of(*SAMPLERS), metadata=doc("where the stream comes from")
    )
    c0: float = attrs.field(default=8.0, validator=above(0), metadata=doc("how careful to be; less asks less"))
    c1: float = attrs.field(default=1.0, validator=between(1, 100), metadata=doc("5 + 2 sqrt(2) in theory"))
    c2: float = attrs.field(default=1.0, validator=between(1, 100), metadata=doc("5 in theory"))
    equation: str = attrs.field(
        default="corrected",
        validator=one_of(*EQUATIONS),
        metadata=doc("for the probability: that of Beygelzimer et al., or as Chandrasekaran et al. print it"),
    )
    start: int = attrs.field(default=20, validator=whole(1), metadata=doc("rows to ask first, whatever they are"))
    every: int = attrs.field(default=1, validator=whole(1), metadata=doc("fewest labels between two fits"))
    growth: float = attrs.field(
        default=0.05, validator=between(0, 1), metadata=doc("labels between two fits, as a share of those there are")
    )
    patience: int = attrs.field(
        default=10_000, validator=whole(1), metadata=doc("end when so many rows in a row were not worth a query")
    )
    model: Model | None = attrs.field(
        default=None, metadata=component("model", "the tree to fit; by default that of f*, or CART if f* is no tree")
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers="label")
    paper: ClassVar[str] = "Beygelzimer, Hsu, Langford and Zhang 2010; Chandrasekaran et al. 2020, Table 4"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses a stream without a pool or an end, and a model that is no tree."""
        if self.sampler not in ("uniform",) and knowledge.pool is None:
            raise Incompatible(f"iwal-tree draws {self.sampler} rows, and this scenario grants no pool")
        if knowledge.budget is None:
            raise Incompatible("iwal-tree asks until a budget is spent, and this scenario sets none")
        if self.model is None and knowledge.family.kind != "tree":
            estimator: Estimator = DecisionTreeClassifier(random_state=random_state(rng))
        else:
            estimator = learner_over("iwal-tree", self.model, knowledge, rng)
        if not hasattr(estimator, "apply") or hasattr(estimator, "n_estimators"):
            raise Incompatible(f"iwal-tree relabels the leaves of a tree, and {type(estimator).__name__} is none")
        return Iwal(self, knowledge, rng, estimator)


class Iwal:
    """The labels so far, the tree fitted to them, and the stream."""

    note = ""

    def __init__(self, attack: IwalTree, known: Knowledge, rng: np.random.Generator, estimator: Estimator) -> None:
        assert known.classes is not None
        self._attack, self._known, self._rng, self._estimator = attack, known, rng, estimator
        self._classes, self._source = known.classes, sampler(attack.sampler)
        self._X: list[FloatArray] = []
        self._y: list[int] = []
        self._weights: list[float] = []
        self._seen = self._fitted_on = self._passed = 0
        self._tree: Estimator | None = None
        self._leaf_weights: FloatArray = np.empty((0, len(self._classes)))
        self._stream, self._luck = np.empty((0, known.domain.n_features)), np.empty(0)
        self._leaves: Array = np.empty(0, dtype=int)
        self._pending: FloatArray | None = self._source.draw(known, attack.start, rng)
        self._pending_weight = 1.0

    def ask(self) -> FloatArray | None:
        return self._pending

    def tell(self, X: FloatArray, answers: Array) -> None:
        labels = np.searchsorted(self._classes, answers)
        self._X += list(X)
        self._y += labels.tolist()
        self._weights += [self._pending_weight] * len(X)
        if self._tree is None:
            self._seen = len(X)
        else:
            leaf = _leaves(self._tree, X)[0]
            self._leaf_weights[leaf, labels[0]] += self._pending_weight
        n = len(self._y)
        due = self._fitted_on + max(self._attack.every, self._attack.growth * self._fitted_on)
        if self._tree is None or n >= due:
            self._refit()
        self._pending = self._next()

    def _refit(self) -> None:
        self._tree, self._fitted_on = self._fit(), len(self._y)
        kinds = max(len(self._classes), 2)  # of a single label there is another all the same
        self._leaf_weights = np.zeros((self._tree.tree_.node_count, kinds))
        np.add.at(self._leaf_weights, (_leaves(self._tree, np.array(self._X)), np.array(self._y)), self._weights)
        self._leaves = _leaves(self._tree, self._stream)

    def _fit(self) -> Estimator:
        return clone(self._estimator).fit(np.array(self._X), self._classes[self._y], sample_weight=self._weights)

    def _next(self) -> FloatArray | None:
        """The next row of the stream that is worth a query; None after too many that are not."""
        assert self._tree is not None
        while self._passed < self._attack.patience:
            if len(self._stream) == 0:
                self._stream = self._source.draw(self._known, CHUNK, self._rng)
                self._luck, self._leaves = self._rng.random(CHUNK), _leaves(self._tree, self._stream)
            n = self._seen + 1 + np.arange(len(self._stream))
            p = query_probability(
                self.advantage(self._leaves) / (n - 1),
                n,
                c0=self._attack.c0,
                c1=self._attack.c1,
                c2=self._attack.c2,
                equation=self._attack.equation,
            )
            heads = self._luck < p
            i = int(heads.argmax()) if heads.any() else len(heads) - 1
            row, asked = self._stream[i : i + 1], bool(heads[i])
            self._seen, self._passed = self._seen + i + 1, 0 if asked else self._passed + i + 1
            self._stream, self._luck = self._stream[i + 1 :], self._luck[i + 1 :]
            self._leaves = self._leaves[i + 1 :]
            if asked:
                self._pending_weight = float(1 / p[i])
                return row
        self.note = f"the last {self._passed} rows of the stream were not worth a query"
        return None

    def advantage(self, leaves: Array) -> FloatArray:
        """(n - 1) G_n for rows in ``leaves``: by how much the label given there outweighs the next best."""
        assert self._tree is not None
        weights = self._leaf_weights[leaves]
        given = np.searchsorted(self._classes, self._tree.classes_)[self._tree.tree_.value[leaves, 0].argmax(axis=1)]
        rows = np.arange(len(leaves))
        own = weights[rows, given]
        weights[rows, given] = -np.inf
        return np.asarray(np.maximum(own - weights.max(axis=1), 0))

    def hypothesis(self) -> Estimator:
        """The tree fitted to all labels so far."""
        if not self._y:
            return constant(self._classes[0], self._known.domain.n_features)
        return self._tree if self._tree is not None and self._fitted_on == len(self._y) else self._fit()


def _leaves(tree: Estimator, X: FloatArray) -> Array:
    """``tree.apply(X)`` without the checks, which cost more than the tree does."""
    return np.asarray(tree.tree_.apply(X.astype(np.float32)))
