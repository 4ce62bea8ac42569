"""Linear equations from answers, and their solution as a scikit-learn estimator."""

from __future__ import annotations

import attrs
import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression

from mex.types import Array, Estimator, FloatArray


@attrs.frozen(eq=False)
class Linear:
    """A model with the scores ``[(x - origin) / scale, 1] @ weights``; weights have shape (d + 1, number of scores)."""

    weights: FloatArray
    origin: FloatArray
    scale: FloatArray

    def scores(self, X: FloatArray) -> FloatArray:
        """The scores of rows, shape (n, number of scores)."""
        return np.asarray((X - self.origin) / self.scale @ self.weights[:-1] + self.weights[-1])

    def estimator(self, classes: Array | None) -> Estimator:
        """The model as a fitted linear, logistic or softmax regression."""
        W = (self.weights[:-1] / self.scale[:, None]).T
        b = self.weights[-1] - W @ self.origin
        if classes is not None and len(classes) == 2:
            W, b = W[1:] - W[:1], b[1:] - b[:1]
        estimator = LinearRegression() if classes is None else LogisticRegression()
        estimator.coef_, estimator.intercept_ = (W[0], float(b[0])) if classes is None else (W, b)
        estimator.n_features_in_ = W.shape[1]
        if classes is not None:
            estimator.classes_ = np.asarray(classes)
        return estimator


def right_hand_sides(answers: FloatArray) -> FloatArray:
    """The right-hand sides of the equations: values, shape (n, 1), or centred log-probabilities, shape (n, classes)."""
    if answers.ndim == 1:
        return answers[:, None]
    logs = np.log(answers)
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))


def solve(V: FloatArray, answers: FloatArray, intercept: bool, factor: FloatArray) -> FloatArray:
    """The least-squares weights of least norm, each equation times its ``factor``, shape (n,)."""
    columns = np.column_stack([V, np.ones(len(V))]) if intercept else V
    solution = np.linalg.lstsq(columns * factor[:, None], right_hand_sides(answers) * factor[:, None])[0]
    weights = np.asarray(solution, dtype=np.float64)
    return weights if intercept else np.vstack([weights, np.zeros((1, weights.shape[1]))])
