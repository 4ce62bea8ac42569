"""scikit-learn estimators made without a fit, and their random states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mex.types import Array, Estimator, FloatArray


def halfspace(w: FloatArray, intercept: float = 0.0, classes: Array | None = None) -> Estimator:
    """A halfspace as a fitted ``LinearSVC``: ``classes[1]`` where <w, x> + intercept > 0.

    ``w`` has shape (d,); ``classes`` are the two labels, the negative one first (default -1, 1).
    An all-zero ``w`` is allowed, for when nothing is known yet.

    >>> halfspace(np.array([1.0, -2.0])).predict([[3.0, 1.0], [1.0, 1.0]])
    array([ 1, -1])
    """
    labels = np.array([-1, 1]) if classes is None else classes
    return linear_classifier(np.reshape(w, (1, -1)), np.array([intercept]), labels)


def linear_classifier(W: FloatArray, b: FloatArray, classes: Array) -> Estimator:
    """The classifier of the largest score W x + b as a fitted ``LinearSVC``; W has shape (k, d), b (k,).

    For two classes there is one row, the score of the second class.
    """
    from sklearn.svm import LinearSVC

    estimator = LinearSVC()
    estimator.coef_ = np.array(W, dtype=np.float64)
    estimator.intercept_ = np.array(b, dtype=np.float64)
    estimator.classes_ = np.asarray(classes)
    estimator.n_features_in_ = estimator.coef_.shape[1]
    return estimator


def predictor(estimator: Estimator) -> Callable[[FloatArray], Array]:
    """Its ``predict``, for float64 rows, shape (n, d); of a ``LinearSVC`` without checks of rows, which take longer.

    >>> X = np.array([[3.0, 1.0], [1.0, 1.0]])
    >>> predictor(halfspace(np.array([1.0, -2.0])))(X)
    array([ 1, -1])
    """
    from sklearn.svm import LinearSVC

    if type(estimator) is not LinearSVC:
        return estimator.predict  # type: ignore[no-any-return]
    W, b, classes = estimator.coef_, estimator.intercept_, estimator.classes_

    def predict(X: FloatArray) -> Array:
        scores = X @ W.T + b
        return np.asarray(classes[(scores[:, 0] > 0).astype(int) if len(W) == 1 else scores.argmax(axis=1)])

    return predict


def constant(answer: Any, n_features: int, regression: bool = False) -> Estimator:
    """A fitted classifier, or regressor, that always answers ``answer``."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    dummy = DummyRegressor if regression else DummyClassifier
    return dummy(strategy="constant", constant=[answer]).fit(np.zeros((1, n_features)), [answer])


def reseed(estimator: Estimator, rng: np.random.Generator | None) -> Estimator:
    """An unfitted copy with every ``random_state`` drawn from ``rng``, or None if ``rng`` is."""
    from sklearn.base import clone

    copy = clone(estimator)
    names = [n for n in copy.get_params() if n == "random_state" or n.endswith("__random_state")]
    return copy.set_params(**{n: None if rng is None else random_state(rng) for n in sorted(names)})


def random_state(rng: np.random.Generator) -> int:
    """A ``random_state`` for a scikit-learn estimator, drawn from ``rng``."""
    return int(rng.integers(2**31))
