"""How well a learner predicts the answers that are left out of its fit."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from mex.types import Array, Estimator, FloatArray

FOLDS = 3
"""Parts of the cross-validation."""
SLOPES = 2.0 ** np.arange(-6, 9)
"""Grid for the slope of the likelihood of an answer in its margin, whose scale depends on the regularisation."""


def best(losses: list[FloatArray], errors: float) -> int:
    """The index of the least loss in the mean, if it beats the first by more than so many standard errors; else 0."""
    gain = losses[0] - np.array(losses)  # beside the first, of each answer
    mean, error = gain.mean(axis=1), gain.std(axis=1) / np.sqrt(gain.shape[1])
    return int(np.argmax(np.where(mean > errors * error, mean, 0.0)))


def margins(fitted: Estimator, X: FloatArray, y: Array) -> FloatArray:
    """How far each row of ``X`` is on the right side, shape (n,); infinite where only right or wrong is known."""
    if not hasattr(fitted, "decision_function"):
        return np.where(fitted.predict(X) == y, np.inf, -np.inf)
    scores = np.asarray(fitted.decision_function(X))
    if scores.ndim == 1:
        scores = np.column_stack([-scores, scores]) / 2
    own = fitted.classes_ == y[:, None]  # a class that was left out of the fit has no score
    return np.asarray(np.where(own, scores, -np.inf).max(axis=1) - np.where(own, -np.inf, scores).max(axis=1))


def label_loss(margins: FloatArray, rate: float) -> FloatArray:
    """The loss of each answer by its margin, at the slope where they are least in the mean."""
    finite = margins[np.isfinite(margins)]
    if not len(finite):
        return np.asarray(margins < 0, dtype=np.float64)
    unit = np.median(np.abs(finite)) or 1.0
    flips = max(rate, 0.01)
    losses = -np.log(flips + (1 - 2 * flips) * expit(SLOPES[:, None] * margins / unit))
    return np.asarray(losses[np.argmin(losses.mean(axis=1))])


def folds(y: Array, rng: np.random.Generator) -> Array:
    """The part of each answer, shape (n,): at random, each class spread evenly over the parts."""
    part = np.empty(len(y), dtype=np.int64)
    for label in np.unique(y):
        where = rng.permutation(np.flatnonzero(y == label))
        part[where] = np.arange(len(where)) % FOLDS
    return part
