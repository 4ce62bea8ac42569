"""A gradient-boosted surrogate that learns in batches, from labels, probabilities or values."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from mex.knowledge import Knowledge
from mex.toolkit.active.batch_mode import BatchModeLearner
from mex.toolkit.active.schedule import Schedule
from mex.toolkit.estimators import random_state
from mex.types import Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class Boosting:
    """How the trees of a surrogate are boosted.

    Attributes:
        trees: how many in all, divided among several classes, at least 100 each.
        max_depth, learning_rate, min_samples_leaf: as in scikit-learn.
    """

    trees: int = 400
    max_depth: int = 2
    learning_rate: float = 0.1
    min_samples_leaf: int = 10

    def estimator(self, known: Knowledge, seed: int) -> Estimator:
        """The unfitted surrogate for the answers of an interface."""
        outputs = 1 if known.classes is None or len(known.classes) == 2 else len(known.classes)
        parameters: dict[str, Any] = {
            "max_iter": max(100, self.trees // outputs) if outputs > 1 else self.trees,
            "max_depth": self.max_depth,
            "learning_rate": self.learning_rate,
            "min_samples_leaf": self.min_samples_leaf,
            "early_stopping": False,
            "random_state": seed,
        }
        if known.classes is None:
            return HistGradientBoostingRegressor(**parameters)
        if known.answers == "proba":
            return ProbabilityRegressor(HistGradientBoostingRegressor(**parameters), known.classes)
        return HistGradientBoostingClassifier(**parameters)


class BoostedLearner(BatchModeLearner):
    """Fits boosted trees to the answers and asks where two classes are close; where there are values, any rows."""

    def __init__(
        self, attack: str, known: Knowledge, rng: np.random.Generator, schedule: Schedule, boosting: Boosting
    ) -> None:
        """Start; ``attack`` is the attack's name, for errors (:class:`.batch_mode.BatchModeLearner`)."""
        super().__init__(attack, known, rng, schedule)
        self._estimator = boosting.estimator(known, random_state(rng))

    def fit(self) -> Estimator:
        return clone(self._estimator).fit(self.X, self.answers)

    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        if self.known.classes is None:
            return np.arange(n)
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
