"""Equations of one-vs-rest models: each class has a logistic function of its own, and all are divided by their sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs
import numpy as np
from scipy.special import expit, log_expit, logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from mex import Domain
from mex.toolkit.perturbation.reading import FLOAT, precision
from mex.types import Array, BoolArray, Estimator, FloatArray

FAINTEST = 1e-290
"""Smaller probabilities have fewer digits, or none."""
SURELY = 1e-12
"""By how much probabilities are kept from 1 for the scores that a search starts from; nearer ones are equal."""
STEPS, ENOUGH = 150, 1e-15
"""The most steps of a search, and the share of the weights by which the last ones move them."""
TOLD = 1e-9
"""Answers that change by a smaller share along a direction of the weights have no digits of it."""
RIDGE = 1e-14
"""The least that is added to the normal equations, as a share of their largest number."""
DAMPED, LOOSER, TIGHTER, MOST = 1e-3, 0.2, 5.0, 1e12
"""The damping of the first step, what it is multiplied by after a better one and a worse, and where a search gives up.
"""
ALIKE = {True: 1e-7, False: 1e-5}
"""How far answers in float64, and in float32, may be from those of the model."""
INDEPENDENT = 1e-9
"""A direction in which rows vary less than so small a share of the most counts as none."""


Of: TypeAlias = Callable[[FloatArray], FloatArray]
"""Of weights, shape (r + 1, k)."""


def log_probabilities(Z: FloatArray) -> FloatArray:
    """The logarithms of what scores, shape (n, k), are answered with: log sigma(z) less that of the sum of all sigma.

    >>> np.exp(log_probabilities(np.array([[0.0, 0.0, -800.0]]))).round(3)
    array([[0.5, 0.5, 0. ]])
    """
    logs = log_expit(Z)
    return np.asarray(logs - logsumexp(logs, axis=1, keepdims=True))


@attrs.frozen(eq=False)
class Basis:
    """Independent coordinates of rows: the columns of ``project`` after centring, and a constant.

    Attributes:
        origin: shape (d,).
        project: shape (d, r), such that coordinates have about unit variance.
    """

    origin: FloatArray
    project: FloatArray

    @classmethod
    def of(cls, X: FloatArray, domain: Domain) -> Basis:
        """That in which rows, shape (n, d), vary."""
        origin, width = X.mean(axis=0), domain.half_width
        _, sizes, directions = np.linalg.svd((X - origin) / width, full_matrices=False)
        kept = sizes > INDEPENDENT * max(sizes.max(initial=0.0), INDEPENDENT)
        return cls(origin, (directions[kept] / width).T / (sizes[kept] / np.sqrt(len(X))))

    def columns(self, X: FloatArray) -> FloatArray:
        """The coordinates and a 1, shape (n, r + 1)."""
        return np.column_stack([(X - self.origin) @ self.project, np.ones(len(X))])


@attrs.frozen(eq=False)
class OneVsRest:
    """A model with the scores ``[(x - origin) project, 1] @ weights``; weights have shape (r + 1, k).

    Of so many as ``untold`` directions of the weights the answers that they are of tell nothing, as they are saturated.
    """

    weights: FloatArray
    basis: Basis
    untold: int = 0

    def log_probabilities(self, X: FloatArray) -> FloatArray:
        """The logarithms of the answers to rows, shape (n, k)."""
        return log_probabilities(self.basis.columns(X) @ self.weights)

    def wrong(self, X: FloatArray, answers: FloatArray) -> BoolArray:
        """Which answers are not those of the model, shape (n,)."""
        off = np.abs(np.exp(self.log_probabilities(X)) - answers).max(axis=1)
        return np.asarray(off > ALIKE[precision(answers) == FLOAT])

    def estimator(self, classes: Array) -> Estimator:
        """The model as a fitted one-vs-rest classifier of logistic regressions."""
        W = self.basis.project @ self.weights[:-1]
        b = self.weights[-1] - self.basis.origin @ W
        shell = OneVsRestClassifier(LogisticRegression())
        stolen = shell.fit(np.eye(len(classes), len(W)), np.asarray(classes))
        for member, coef, intercept in zip(stolen.estimators_, W.T, b, strict=True):
            member.coef_, member.intercept_ = coef[None].copy(), np.array([intercept])
        return stolen


def solve(X: FloatArray, answers: FloatArray, basis: Basis, *, logs: bool = True) -> OneVsRest:
    """The weights of the least squares of what the logarithms of answers are off, or the answers themselves.

    They are searched from the scores that probabilities would have by themselves, were their sum 1 before it was
    divided by; probabilities too small for digits are no equations.

    Args:
        X, answers: shape (n, d) and (n, k).
        basis: in which rows are written.
        logs: whether the answers are taken for exact, so that small ones tell as much as large ones.
    """
    columns, shown = basis.columns(X), answers > FAINTEST
    targets = np.log(np.where(shown, answers, 1.0))
    odds = targets - np.log1p(-np.minimum(np.where(shown, answers, 0.0), 1 - SURELY))
    start = np.asarray(np.linalg.lstsq(columns, np.where(shown, odds, np.log(FAINTEST)))[0], dtype=np.float64)

    def off(W: FloatArray) -> FloatArray:
        predicted = log_probabilities(columns @ W)
        return np.asarray(np.where(shown, predicted - targets, 0.0) if logs else np.exp(predicted) - answers).ravel()

    def slopes(W: FloatArray) -> FloatArray:
        Z = columns @ W
        P, rising = np.exp(log_probabilities(Z)), expit(-Z)
        by_score = np.eye(Z.shape[1]) * rising[:, None] - (P * rising)[:, None]  # of answer k by score j
        by_score *= shown[..., None] if logs else P[..., None]
        return np.asarray(np.einsum("nkj,nc->nkcj", by_score, columns)).reshape(-1, start.size)

    W = _least_squares(off, slopes, start)
    J = slopes(W)
    lengths = np.linalg.norm(J, axis=0)
    sizes = np.linalg.svd(J / np.where(lengths > 0, lengths, 1.0), compute_uv=False)
    return OneVsRest(W, basis, W.size - int(np.sum(sizes > TOLD * sizes.max(initial=0.0))))


def _least_squares(off: Of, slopes: Of, W: FloatArray) -> FloatArray:
    """The weights of the least sum of squares near ``W``, by damped Gauss-Newton steps (Marquardt 1963; Moré 1978).

    The normal equations of hundreds of weights are solved in milliseconds, where MINPACK's QR takes a second a step.
    """
    damping, residuals = DAMPED, off(W)
    J, size = slopes(W), np.zeros(W.size)
    for _ in range(STEPS):
        square = J.T @ J
        size = np.maximum(size, np.diag(square))
        ridge = damping * size + RIDGE * square.max(initial=RIDGE)  # saturated answers tell nothing of some weights
        step = np.linalg.solve(square + np.diag(ridge), -J.T @ residuals).reshape(W.shape)
        moved = off(W + step)
        if moved @ moved < residuals @ residuals:
            W, residuals, damping = W + step, moved, damping * LOOSER
            J = slopes(W)
        else:
            damping *= TIGHTER
        if np.abs(step).max() <= ENOUGH * np.abs(W).max() or damping > MOST:
            break
    return W
