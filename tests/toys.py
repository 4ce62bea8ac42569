"""What tests of several files share beside fixtures."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sklearn.svm import LinearSVC

import mex
from mex.toolkit.estimators import linear_classifier
from mex.types import Array, FloatArray

_registry = cache(mex.load_registry)


def built(kind: str, spec: str) -> Any:
    """A component of the installed registry, which is loaded once: ``built("defense", "bounded-noise:rho=0.2")``."""
    return _registry().build(kind, spec)


class Linear(LinearSVC):  # type: ignore[misc] # scikit-learn publishes no types
    """A linear model to be stolen that does not check its rows: the oracle has, and row by row it takes most time."""

    __module__ = LinearSVC.__module__  # what class a model is of is told by where its estimator comes from

    def decision_function(self, X: FloatArray) -> FloatArray:
        """The scores of the rows, shape (n,) for two classes and (n, k) for more."""
        scores = X @ self.coef_.T + self.intercept_
        return scores.ravel() if scores.shape[1] == 1 else scores

    def predict(self, X: FloatArray) -> Array:
        """The labels of the rows."""
        scores = self.decision_function(X)
        return np.asarray(self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)])


def plane(w: FloatArray, intercept: float = 0.0) -> Linear:
    """What :func:`mex.halfspace` makes, as a model to be stolen."""
    return planes(np.reshape(w, (1, -1)), np.array([intercept]), np.array([-1, 1]))


def planes(W: FloatArray, b: FloatArray, classes: Array) -> Linear:
    """What :func:`mex.toolkit.estimators.linear_classifier` makes, as a model to be stolen."""
    estimator = Linear()
    vars(estimator).update(vars(linear_classifier(W, b, classes)))
    return estimator


class RatioBisection:
    """A plain learner of directions for tests of charts: noise-free bisection of each ratio to the first weight."""

    def __init__(self, d: int, rng: np.random.Generator, bits: int = 40) -> None:
        self._axes, self._bits = np.eye(d), bits
        self._low, self._high = np.full(d, -1e4), np.full(d, 1e4)
        self._sign = 0.0

    def ask(self) -> FloatArray | None:
        """The first axis, then all ratios at once."""
        if self._sign == 0:
            return self._axes[:1]
        if self._bits == 0 or len(self._axes) == 1:
            return None
        t = (self._low + self._high) / 2
        V: FloatArray = self._axes - t[:, None] * self._axes[0] * self._sign
        return V[1:]

    def tell(self, V: FloatArray, signs: FloatArray) -> None:
        """Halve every interval."""
        if self._sign == 0:
            self._sign = float(signs[0])
            return
        t, above = (self._low + self._high) / 2, np.append(True, signs > 0)
        self._low, self._high = np.where(above, t, self._low), np.where(above, self._high, t)
        self._bits -= 1

    def estimate(self) -> FloatArray:
        """The unit normal with the ratios in the middle."""
        w = (self._low + self._high) / 2
        w[0] = self._sign
        length = np.linalg.norm(w)
        return np.asarray(w / length if self._sign else np.zeros(len(w)))
