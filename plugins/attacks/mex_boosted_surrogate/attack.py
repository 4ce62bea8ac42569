"""A gradient-boosted surrogate that asks where it is least sure."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from mex import Knowledge, Learner, Scope
from mex.params import above, between, doc, one_of, whole
from mex.toolkit.active.batch_mode import Rounds, Schedule
from mex.toolkit.active.samplers import SAMPLERS
from mex.toolkit.estimators import random_state
from mex.types import Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class BoostedSurrogate:
    """Fit boosted trees to the answers, ask the candidates on which two classes are closest, fit again.

    For targets that are sums of many trees, a forest above all: a sum of small trees comes nearer to
    the vote of large ones than another forest does, from the same answers. The trees are shallow: a
    forest's vote is nearly a sum of what few features say at a time, and deep trees fit the rows asked
    instead. Part of each round is random, so that no region is left out for good. In two features a forest
    is the better student, and ``query-by-committee`` the better attack.

    Probabilities, the shares of a forest's votes, tell more than their winner: boosted regressors learn them,
    one per class, from the same rows, and the largest is the label (:class:`Shares`).

    >>> import mex
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> forest = RandomForestClassifier(50, random_state=0).fit(X[::2], y[::2])
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(forest, domain=mex.Domain.of(X)), budget=300)
    >>> attack = BoostedSurrogate(trees=100)
    >>> stolen = mex.extract(oracle, attack.learner(oracle.knowledge(pool=X[1::4]), np.random.default_rng(0)))
    >>> bool(np.mean(stolen.hypothesis.predict(X[3::4]) == forest.predict(X[3::4])) > 0.9)
    True
    """

    sampler: str = attrs.field(
        default="near", validator=one_of(*SAMPLERS), metadata=doc("where the candidates come from")
    )
    trees: int = attrs.field(
        default=400, validator=whole(1), metadata=doc("trees in all; several classes share them, 100 each at least")
    )
    max_depth: int = attrs.field(default=2, validator=whole(1), metadata=doc("depth of each tree"))
    learning_rate: float = attrs.field(default=0.1, validator=above(0), metadata=doc("what each tree is scaled by"))
    min_samples_leaf: int = attrs.field(
        default=10, validator=whole(1), metadata=doc("fewest rows in a leaf; the more, the less a wrong label matters")
    )
    start: int = attrs.field(default=50, validator=whole(2), metadata=doc("random rows to ask first"))
    batch: int = attrs.field(default=20, validator=whole(1), metadata=doc("rows of a round at least"))
    growth: float = attrs.field(
        default=0.25, validator=between(0, 10), metadata=doc("rows of a round as a share of the answers so far")
    )
    explore: float = attrs.field(default=0.25, validator=between(0, 1), metadata=doc("share of a round that is random"))
    candidates: int = attrs.field(
        default=4000, validator=whole(1), metadata=doc("rows to choose from in each round, unless they are the pool")
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers=("label", "proba"))
    paper: ClassVar[str] = "Friedman 2001; Lewis and Gale 1994; Tramèr et al. 2016, Section 6 (adaptive retraining)"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no pool to draw from, or no end to the asking."""
        return _Surrogate(self, knowledge, rng)


class _Surrogate(Rounds):
    def __init__(self, attack: BoostedSurrogate, known: Knowledge, rng: np.random.Generator) -> None:
        super().__init__("boosted-surrogate", known, rng, Schedule.of(attack))
        assert known.classes is not None
        classes = 1 if len(known.classes) == 2 else len(known.classes)
        parameters = {
            "max_iter": max(100, attack.trees // classes) if classes > 1 else attack.trees,
            "max_depth": attack.max_depth,
            "learning_rate": attack.learning_rate,
            "min_samples_leaf": attack.min_samples_leaf,
            "early_stopping": False,
            "random_state": random_state(rng),
        }
        if known.answers == "proba":
            self._estimator = Shares(HistGradientBoostingRegressor(**parameters), known.classes)
        else:
            self._estimator = HistGradientBoostingClassifier(**parameters)

    def fit(self) -> Estimator:
        """Boosted trees, to labels or to probabilities."""
        return clone(self._estimator).fit(self.X, self.answers)

    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        """The rows with the least lead of the best class over the second."""
        best = np.partition(fitted.predict_proba(rows), -2, axis=1)
        return np.argsort(best[:, -1] - best[:, -2], kind="stable")[:n]


class Shares(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn publishes no types
    """A classifier that learns probabilities: a regressor per class, one for both of two."""

    def __init__(self, regressor: Estimator, classes: Array) -> None:
        """``regressor`` is unfitted; ``classes`` are the labels in the order of the probabilities."""
        self.regressor, self.classes = regressor, classes

    def fit(self, X: FloatArray, y: FloatArray) -> Shares:
        """Learn the probabilities ``y``, shape (n, classes)."""
        self.classes_, self.n_features_in_ = self.classes, X.shape[1]
        learned = y[:, 1:] if len(self.classes) == 2 else y
        self.regressors_ = [clone(self.regressor).fit(X, share) for share in learned.T]
        return self

    def predict_proba(self, X: FloatArray) -> FloatArray:
        """Probabilities, shape (n, classes)."""
        shares = np.stack([regressor.predict(X) for regressor in self.regressors_], axis=1).clip(1e-9, 1)
        if len(self.classes_) == 2:
            return np.hstack([1 - shares, shares])
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def predict(self, X: FloatArray) -> Array:
        """The label of the largest probability."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
