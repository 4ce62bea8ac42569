"""Linear equations from answers, and their solution as a scikit-learn estimator."""

from __future__ import annotations

import attrs
import numpy as np
from scipy.optimize import minimize
from scipy.special import entr, logsumexp
from sklearn.linear_model import LinearRegression, LogisticRegression

from mex.toolkit.perturbation.reading import extremes, resolution
from mex.types import Array, Estimator, FloatArray

SATURATED = 0.02
"""An inexact probability within this of 1 is only a lower bound."""
RIDGE = 1e-7
"""The L2 penalty, per row, of a fit to inexact probabilities, without which saturated ones give infinite weights."""


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


def fit_probabilities(V: FloatArray, answers: FloatArray, intercept: bool) -> FloatArray:
    """The weights of the softmax with the least Kullback-Leibler divergence from the probabilities.

    A saturated or clipped answer is a lower bound: it adds nothing if the model's largest probability is above it.
    """
    top, most = answers.argmax(axis=1)[:, None], answers.max(axis=1)
    limit = 1 - max(resolution(answers) / 2, SATURATED)
    at_least = np.where(extremes(answers) | (most > limit), np.minimum(most, limit), 2.0)
    entropy = -entr(answers).sum(axis=1)
    columns = np.column_stack([V, np.full(len(V), float(intercept))])
    shape = columns.shape[1], answers.shape[1]

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        W = flat.reshape(shape)
        Z = columns @ W
        log_sum = logsumexp(Z, axis=1, keepdims=True)
        P = np.exp(Z - log_sum)
        off = np.take_along_axis(P, top, axis=1)[:, 0] < at_least
        divergence = entropy + log_sum[:, 0] - (answers * Z).sum(axis=1)
        gradient = columns.T @ ((P - answers) * off[:, None]) / len(V) + RIDGE * W
        return float(np.mean(divergence * off) + RIDGE / 2 * flat @ flat), gradient.ravel()

    options = {"maxiter": 1000, "maxfun": 2000, "maxcor": 30, "ftol": 1e-14, "gtol": 1e-9}
    start = np.zeros(shape[0] * shape[1])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x.reshape(shape))
