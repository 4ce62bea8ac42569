"""A gradient-boosted surrogate with margin sampling."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from mex import Knowledge, Learner, Scope
from mex.params import above, doc, whole
from mex.toolkit.active import schedule
from mex.toolkit.active.batch_mode import BatchModeLearner
from mex.toolkit.active.samplers import sampler_parameter
from mex.toolkit.estimators import random_state
from mex.types import Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class BoostedSurrogate:
    """Fit boosted trees to the answers, ask the candidates with the smallest margin between two classes, repeat.

    For targets that sum many trees, such as forests, whose vote is nearly a sum of functions of a few features each.
    So the surrogate's trees are shallow by default; deeper ones overfit the rows asked. On targets of two features
    ``query-by-committee`` with a forest agrees better.

    Where the interface answers probabilities, boosted regressors learn them, one per class, and the largest is the
    label (:class:`ProbabilityRegressor`).

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

    sampler: str = sampler_parameter("near")
    trees: int = attrs.field(
        default=400,
        validator=whole(1),
        metadata=doc("trees in all, divided among several classes, at least 100 each"),
    )
    max_depth: int = attrs.field(default=2, validator=whole(1), metadata=doc("depth of each tree"))
    learning_rate: float = attrs.field(default=0.1, validator=above(0), metadata=doc("factor on each tree"))
    min_samples_leaf: int = attrs.field(
        default=10,
        validator=whole(1),
        metadata=doc("fewest rows in a leaf; with more, a wrong label matters less"),
    )
    start: int = schedule.start(50)
    batch: int = schedule.batch(20)
    growth: float = schedule.growth(0.25)
    explore: float = schedule.explore(0.25)
    candidates: int = schedule.candidates(4000)

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers=("label", "proba"))
    paper: ClassVar[str] = "Friedman 2001; Lewis and Gale 1994; Tramèr et al. 2016, Section 6 (adaptive retraining)"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no pool to draw from, or no end to the asking."""
        return _Surrogate(self, knowledge, rng)


class _Surrogate(BatchModeLearner):
    def __init__(self, attack: BoostedSurrogate, known: Knowledge, rng: np.random.Generator) -> None:
        super().__init__("boosted-surrogate", known, rng, schedule.Schedule.of(attack))
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
            self._estimator = ProbabilityRegressor(HistGradientBoostingRegressor(**parameters), known.classes)
        else:
            self._estimator = HistGradientBoostingClassifier(**parameters)

    def fit(self) -> Estimator:
        return clone(self._estimator).fit(self.X, self.answers)

    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        best = np.partition(fitted.predict_proba(rows), -2, axis=1)
        return np.argsort(best[:, -1] - best[:, -2], kind="stable")[:n]


class ProbabilityRegressor(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn publishes no types
    """A classifier fitted to probabilities: one regressor per class, a single one for two classes."""

    def __init__(self, regressor: Estimator, classes: Array) -> None:
        """``regressor`` is unfitted; ``classes`` are the labels in the order of the probabilities."""
        self.regressor = regressor
        self.classes = classes

    def fit(self, X: FloatArray, y: FloatArray) -> ProbabilityRegressor:
        """Fit the regressors to the probabilities ``y``, shape (n, number of classes)."""
        self.classes_ = self.classes
        self.n_features_in_ = X.shape[1]
        targets = y[:, 1:] if len(self.classes) == 2 else y
        self.regressors_ = [clone(self.regressor).fit(X, target) for target in targets.T]
        return self

    def predict_proba(self, X: FloatArray) -> FloatArray:
        """Probabilities, shape (n, number of classes)."""
        predicted = np.stack([regressor.predict(X) for regressor in self.regressors_], axis=1).clip(1e-9, 1)
        if len(self.classes_) == 2:
            return np.hstack([1 - predicted, predicted])
        return np.asarray(predicted / predicted.sum(axis=1, keepdims=True))

    def predict(self, X: FloatArray) -> Array:
        """The label of the largest probability."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
