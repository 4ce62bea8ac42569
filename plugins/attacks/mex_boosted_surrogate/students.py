"""Models of labels that a surrogate may be: deep boosted trees together with a kernel machine; and what was told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics.pairwise import laplacian_kernel
from sklearn.preprocessing import QuantileTransformer
from sklearn.svm import SVC

from mex.types import Array, Estimator, FloatArray

IMPORTANCES = 50
"""Trees of the forest that says how much each feature matters."""
QUANTILES = 200
"""The most quantiles by which a feature is turned into ranks."""
LATEST = 4000
"""A machine is fitted to the latest rows, of which it keeps a square matrix."""


class LaplacianMachine(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn publishes no types
    """A support vector machine with the kernel exp(-sum_j w_j |rank x_j - rank z_j|).

    That is the kernel to which forests with random thresholds tend (Balog et al. 2016, "The Mondrian kernel"). The
    weights are the square roots of the importances of the features for a random forest, of the sum ``width``.
    """

    def __init__(self, width: float = 4.0, C: float = 10.0, random_state: int | None = None) -> None:
        self.width = width
        self.C = C
        self.random_state = random_state

    def fit(self, X: FloatArray, y: Array) -> LaplacianMachine:
        """Fit to the labels ``y`` of the rows ``X``; to the last of them if they are many."""
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        if len(np.unique(y[-LATEST:])) == len(self.classes_):
            X, y = X[-LATEST:], y[-LATEST:]
        forest = RandomForestClassifier(
            IMPORTANCES, max_features=0.3, min_samples_leaf=2, random_state=self.random_state
        )
        weights = np.sqrt(forest.fit(X, y).feature_importances_)
        self.weights_ = self.width * weights / max(weights.sum(), 1e-12)
        self.ranks_ = QuantileTransformer(n_quantiles=min(QUANTILES, len(X)), random_state=self.random_state).fit(X)
        machine = SVC(C=self.C, kernel="precomputed")
        self.rows_ = self._scaled(X)
        self.machine_ = machine.fit(laplacian_kernel(self.rows_, gamma=1.0), y)
        return self

    def _scaled(self, X: FloatArray) -> FloatArray:
        return np.asarray(self.ranks_.transform(X) * self.weights_)

    def decision_function(self, X: FloatArray) -> FloatArray:
        """As of ``SVC``: shape (n,) for two classes, (n, number of classes) for several."""
        return np.asarray(self.machine_.decision_function(laplacian_kernel(self._scaled(X), self.rows_, gamma=1.0)))

    def predict(self, X: FloatArray) -> Array:
        """The label of the largest score."""
        return np.asarray(self.classes_[scores(self, X).argmax(axis=1)])


class ScoreSum(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Several classifiers that decide by the sum of their scores, each in units of its mean margin on the rows."""

    def __init__(self, members: Sequence[Estimator]) -> None:
        self.members = members

    def fit(self, X: FloatArray, y: Array) -> ScoreSum:
        """Fit all members to the labels ``y`` of the rows ``X``."""
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        self.members_ = [clone(member).fit(X, y) for member in self.members]
        self.units_ = [max(float(lead(scores(member, X)).mean()), 1e-12) for member in self.members_]
        return self

    def decision_function(self, X: FloatArray) -> FloatArray:
        """The sum, shape (n, number of classes)."""
        parts = [scores(member, X) / unit for member, unit in zip(self.members_, self.units_, strict=True)]
        return np.asarray(np.sum(parts, axis=0))

    def predict(self, X: FloatArray) -> Array:
        """The label of the largest sum."""
        return np.asarray(self.classes_[self.decision_function(X).argmax(axis=1)])


class Remembering(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier, but for rows whose right labels are known.

    >>> from mex.toolkit.estimators import constant
    >>> told = Remembering(constant("no", 2), np.array([[1.0, 0.0]]), np.array(["yes"]))
    >>> told.predict([[1, 0], [1, 1]]).tolist()
    ['yes', 'no']
    """

    def __init__(self, model: Estimator, rows: FloatArray, labels: Array) -> None:
        """``rows`` has shape (n, d), ``labels`` shape (n,)."""
        self.model = model
        self.rows = rows
        self.labels = labels
        self.classes_ = np.unique(np.append(labels, model.classes_))
        self.n_features_in_ = rows.shape[1]

    def predict(self, X: FloatArray) -> Array:
        """The label that is known of each row, or the model's."""
        place = {key: i for i, key in enumerate(_keys(self.rows))}
        known = np.array([place.get(key, -1) for key in _keys(X)], dtype=np.int64)
        return np.where(known >= 0, self.labels[known], self.model.predict(X))


def _keys(X: FloatArray) -> list[bytes]:
    """A key of each row, equal for equal rows."""
    return [row.tobytes() for row in np.asarray(X, dtype=np.float64) + 0.0]


def scores(fitted: Estimator, X: FloatArray) -> FloatArray:
    """The score of each class, shape (n, number of classes): decision values, or else probabilities, or else labels."""
    for method in ("decision_function", "predict_proba"):
        if hasattr(fitted, method):
            found = np.asarray(getattr(fitted, method)(X))
            return np.column_stack([-found, found]) / 2 if found.ndim == 1 else found
    return np.asarray(np.ravel(fitted.predict(X))[:, None] == fitted.classes_, dtype=np.float64)


def lead(scores: FloatArray) -> FloatArray:
    """By how much the best score of each row is ahead of the second, shape (n,)."""
    best = np.partition(scores, -2, axis=1)
    return np.asarray(best[:, -1] - best[:, -2])
