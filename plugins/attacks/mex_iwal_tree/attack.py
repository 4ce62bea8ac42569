"""Importance-weighted active learning of a tree."""

from __future__ import annotations

import sys
from typing import ClassVar

import attrs
import numpy as np
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

from mex import Incompatible, Knowledge, Learner, Model, Scope
from mex.params import above, between, component, doc, one_of, whole
from mex.toolkit.active.iwal import EQUATIONS, query_probability
from mex.toolkit.active.samplers import Sampler, granted, sampler_parameter
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.estimators import constant, random_state
from mex.toolkit.models import learner_over
from mex.types import Array, Estimator, FloatArray

CHUNK = 64
"""How many rows of the stream to draw at once."""
LEAST = 2000
"""Labels that it takes at least to come to its end."""


@attrs.frozen(kw_only=True)
class IwalTree:
    """Ask each row of a stream with a probability p by importance-weighted active learning (IWAL), with weight 1/p.

    With h_n the tree so far and h'_n the best tree that labels the row x_n otherwise, p depends on the difference of
    their importance-weighted errors, G_n = err(h'_n) - err(h_n) (:func:`.query_probability`). h'_n is h_n with the
    next best label in the leaf of x_n, so G_n follows from the label weights of that leaf. Rows that are not asked
    count for n. The tree is refitted with importance weights after ``every`` labels, or ``growth`` times the labels so
    far if that is more.

    The estimate of the error is unbiased under wrong labels as well. Labels are saved only for a large n or a small
    c0; in the paper's Table 4 it takes 13 times the queries of path finding.

    >>> import mex
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> tree, domain = DecisionTreeClassifier(random_state=0).fit(X, y), mex.Domain.of(X)
    >>> target = mex.FittedTarget.wrap(tree, domain=domain, family=mex.Family("tree", learner=DecisionTreeClassifier()))
    >>> oracle = mex.Oracle(target, budget=300)
    >>> learner = IwalTree().learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> float(np.mean(stolen.hypothesis.predict(X) == tree.predict(X)).round(2))
    0.93
    """

    sampler: str = sampler_parameter("uniform", "where the stream comes from")
    c0: float = attrs.field(
        default=8.0, validator=above(0), metadata=doc("constant of the probability; a smaller one asks less")
    )
    c1: float = attrs.field(
        default=1.0,
        validator=between(1, 100),
        metadata=doc("constant of the probability; 5 + 2 sqrt(2) in the analysis"),
    )
    c2: float = attrs.field(
        default=1.0, validator=between(1, 100), metadata=doc("constant of the probability; 5 in the analysis")
    )
    equation: str = attrs.field(
        default="corrected",
        validator=one_of(*EQUATIONS),
        metadata=doc("equation of the probability: that of Beygelzimer et al., or as Chandrasekaran et al. print it"),
    )
    start: int = attrs.field(default=20, validator=whole(1), metadata=doc("rows to ask first, without a choice"))
    every: int = attrs.field(default=1, validator=whole(1), metadata=doc("fewest labels between two fits"))
    growth: float = attrs.field(
        default=0.05, validator=between(0, 1), metadata=doc("labels between two fits, as a share of those there are")
    )
    patience: int = attrs.field(
        default=10_000, validator=whole(1), metadata=doc("end after so many rows in succession that were not asked")
    )
    model: Model | None = attrs.field(
        default=None, metadata=component("model", "the tree to fit; by default that of f*, or CART if f* is no tree")
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers="label")
    paper: ClassVar[str] = "Beygelzimer, Hsu, Langford and Zhang 2010; Chandrasekaran et al. 2020, Table 4"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses a stream without a pool or an end, and a model that is no tree."""
        source = granted("iwal-tree", self.sampler, knowledge, endless=True)
        if self.model is None and knowledge.family.kind != "tree":
            estimator: Estimator = DecisionTreeClassifier(random_state=random_state(rng))
        else:
            estimator = learner_over("iwal-tree", self.model, knowledge, rng)
        if not hasattr(estimator, "apply") or hasattr(estimator, "n_estimators"):
            raise Incompatible(f"iwal-tree relabels the leaves of a tree, and {type(estimator).__name__} is none")
        return self_checked(
            knowledge, rng, lambda known, own: _IwalTree(self, known, own, source, estimator), least=LEAST
        )


class _IwalTree:
    """The learner; what it learns is the tree that errs least on the stream, which is not like the data."""

    note = ""
    exact = False

    def __init__(
        self, attack: IwalTree, known: Knowledge, rng: np.random.Generator, source: Sampler, estimator: Estimator
    ) -> None:
        assert known.classes is not None
        self._attack = attack
        self._known = known
        self._rng = rng
        self._estimator = estimator
        self._classes = known.classes
        self._source = source
        self.natural = sys.maxsize if source.needs_pool else 0  # rows that are asked one by one
        self._X: list[FloatArray] = []
        self._y: list[int] = []  # indices of classes
        self._weights: list[float] = []
        self._seen = 0  # rows of the stream, those asked included
        self._skipped = 0  # rows of the stream since the last one asked
        self._fitted_on = 0  # labels the tree was fitted to
        self._tree: Estimator | None = None
        self._leaf_weights: FloatArray = np.empty((0, len(self._classes)))  # of each label in each node
        # Rows of the stream that are drawn and not decided on yet, the uniform number of each, and its leaf.
        self._stream: FloatArray = np.empty((0, known.domain.n_features))
        self._uniform: FloatArray = np.empty(0)
        self._leaves: Array = np.empty(0, dtype=int)
        self._pending: FloatArray | None = source.draw(known, attack.start, rng)
        self._pending_weight = 1.0

    def ask(self) -> FloatArray | None:
        """The first rows, then one row of the stream at a time; None at the end."""
        return self._pending

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Take the labels, refit the tree if it is time, and find the next row."""
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
        """Fit the tree, and compute the label weights of its leaves."""
        self._tree = self._fit()
        self._fitted_on = len(self._y)
        n_labels = max(len(self._classes), 2)  # the next best label needs a column
        self._leaf_weights = np.zeros((self._tree.tree_.node_count, n_labels))
        np.add.at(self._leaf_weights, (_leaves(self._tree, np.array(self._X)), np.array(self._y)), self._weights)
        self._leaves = _leaves(self._tree, self._stream)

    def _fit(self) -> Estimator:
        return clone(self._estimator).fit(np.array(self._X), self._classes[self._y], sample_weight=self._weights)

    def _next(self) -> FloatArray | None:
        """The next row of the stream that is to be asked, shape (1, d); None if too many in succession are not."""
        assert self._tree is not None
        while self._skipped < self._attack.patience:
            if len(self._stream) == 0:
                self._stream = self._source.draw(self._known, CHUNK, self._rng)
                self._uniform = self._rng.random(CHUNK)
                self._leaves = _leaves(self._tree, self._stream)
            n = self._seen + 1 + np.arange(len(self._stream))
            p = query_probability(
                self._lead(self._leaves) / (n - 1),
                n,
                c0=self._attack.c0,
                c1=self._attack.c1,
                c2=self._attack.c2,
                equation=self._attack.equation,
            )
            chosen = self._uniform < p
            i = int(chosen.argmax()) if chosen.any() else len(chosen) - 1
            row, asked = self._stream[i : i + 1], bool(chosen[i])
            self._seen += i + 1
            self._skipped = 0 if asked else self._skipped + i + 1
            self._stream = self._stream[i + 1 :]
            self._uniform = self._uniform[i + 1 :]
            self._leaves = self._leaves[i + 1 :]
            if asked:
                self._pending_weight = float(1 / p[i])
                return row
        self.note = f"the last {self._skipped} rows of the stream were not worth a query"
        return None

    def _lead(self, leaves: Array) -> FloatArray:
        """(n - 1) G_n of rows in ``leaves``: the weight of the label given there less that of the next best, or 0."""
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
    """``tree.apply(X)`` without its checks, which take longer than the rest."""
    return np.asarray(tree.tree_.apply(X.astype(np.float32)))
