"""Weights fitted to probabilities that are not exactly those of a linear model: noisy, clipped, or partly hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs
import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr, softmax

from mex.types import BoolArray, FloatArray
from mex_equation_solving.shown import Shown

RIDGE = 1e-7
"""The L2 penalty, per row, of a fit, without which saturated answers give infinite weights."""
NOISE = 1e-4
"""With smaller residuals answers are taken for exact but for those that are clipped or hidden."""
LABEL = 0.5
"""A label tells as much of a probability of 1/2 as one with normal noise of this standard deviation does."""
SURE, MOST_ROWS = 2.0, 0.9
"""By how many standard deviations fitted weights may be off, and at which share of the rows asked that is stated."""
UNEXPLAINED = 2.0
"""How many times more than noise the residuals of a linear model may be; its size is known from a dozen pairs."""
MISSED = 0.01
"""The share of labels that the weights of a linear model may have wrong which were fitted to them."""
STEEPEST, LABELLED = 0.25, 2.2
"""The largest slope of a probability, and the score at which it is so large that noise is no reason for another label.
"""
HUBER, MAD = 1.345, 0.6745
"""From how many standard deviations on a residual counts linearly (Huber 1964), and the median size of a normal one."""
EXACT, ROUGH = (1e-15, 1000), (1e-6, 100)
"""The decrease of the loss that ends a search, and the most steps of it; of a fit to labels, which is never exact."""
ROUNDS, REWEIGHTED = 3, 10
"""How often the standard deviation of the noise of probabilities is estimated anew, and of values."""
TINY = 1e-300

Loss: TypeAlias = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""The losses of scores, shape (n, k), one a row, and their derivatives, shape (n, k)."""


@attrs.frozen(eq=False)
class Fit:
    """Weights fitted to probabilities.

    Attributes:
        weights: shape (c, k).
        noise: the standard deviation of the noise of probabilities, :data:`NOISE` at least.
        spread: how far the weights of each class may be off given the others, as covariances, shape (k, c, c).
        missed: of weights fitted to labels, which have no noise, the share of labels that they have wrong; else None.
    """

    weights: FloatArray
    noise: float
    spread: FloatArray
    missed: float | None = None

    @classmethod
    def of(cls, weights: FloatArray, columns: FloatArray, noise: float, missed: float | None = None) -> Fit:
        """Those fitted to rows of ``columns``, shape (n, c)."""
        told = _slopes(columns @ weights) ** 2
        information = np.stack([(columns.T * one) @ columns for one in told.T]) / noise**2
        least = RIDGE * (len(columns) + information.max()) * np.eye(columns.shape[1])
        return cls(weights, noise, np.asarray(np.linalg.inv(information + least)), missed)

    def deviation(self, columns: FloatArray) -> FloatArray:
        """The standard deviation of the difference between two scores of rows of ``columns``, shape (n,)."""
        variance = np.stack([((columns @ one) * columns).sum(axis=1) for one in self.spread])
        return np.asarray(np.sqrt(2 * variance.max(axis=0)))

    def error(self, columns: FloatArray, unit: FloatArray, W: FloatArray, noise: float) -> float:
        """About how far a solution may be off, as a share of the least difference between two scores' weights.

        It is stated for nearly all rows, with what noise makes of their labels. If more is left than noise explains,
        the model is not linear, and it is that of noise alone.

        Args:
            columns: those of the rows, shape (n, c).
            unit: the rows in the coordinates of the error, shape (n, d + 1), the last of them 1.
            W: the weights in these coordinates, shape (d + 1, k).
            noise: its standard deviation, as answers to rows next to each other differ.
        """
        lengths = np.linalg.norm(unit, axis=1)
        if self.missed is not None:
            noise = LABEL * (self.missed < MISSED)
        off = np.quantile(self.deviation(columns) / lengths, MOST_ROWS)
        off *= 1.0 if self.noise <= UNEXPLAINED * noise else noise / self.noise
        flips = 0.0 if self.missed is not None else min(noise / STEEPEST, LABELLED) / np.median(lengths)
        apart = min(np.linalg.norm(W[:, i] - W[:, j]) for i in range(W.shape[1]) for j in range(i))
        return float(SURE * np.hypot(off, flips) / max(apart, TINY))

    def unclear(self, columns: FloatArray) -> FloatArray:
        """The variance with which an answer tells the difference of the two largest scores of rows, shape (n,)."""
        slopes = np.sort(_slopes(columns @ self.weights), axis=1)[:, -2]
        return np.asarray((self.noise / np.maximum(slopes, NOISE)) ** 2)


def _slopes(Z: FloatArray) -> FloatArray:
    """The length of the derivative of the softmax by each score, shape (n, k)."""
    P = softmax(Z, axis=1)
    return np.asarray(P * np.sqrt((P**2).sum(axis=1, keepdims=True) + 1 - 2 * P))


def fit_probabilities(V: FloatArray, answers: FloatArray, intercept: bool) -> Fit:
    """The weights of the softmax nearest to the answers, shape (n, k), to rows of coordinates ``V``, shape (n, d).

    First those of the least Kullback-Leibler divergence; it is 0 for the right ones if answers are clipped or partly
    hidden and else exact. If they are noisy, then those of the least squares of what the noise is, in Huber's norm,
    where an answer at the least or largest one is a bound only (Tobin 1958).
    """
    columns = np.column_stack([V, np.full(len(V), float(intercept))])
    shown = Shown.of(answers)
    labels = bool((answers.max(axis=1) == 1).all())
    nothing = np.zeros((columns.shape[1], answers.shape[1]))
    weights = _minimise(shown.divergence, columns, nothing, ROUGH if labels else EXACT)
    if labels:
        missed = float(np.mean((columns @ weights).argmax(axis=1) != answers.argmax(axis=1)))
        return Fit.of(weights, columns, LABEL, missed)
    if np.isnan(shown.rest).any() or not shown.classes.all(axis=1).any():
        return Fit.of(weights, columns, NOISE)
    above, below = _bounds(answers)
    noise = deviation((softmax(columns @ weights, axis=1) - answers)[~(above | below)])
    for _ in range(ROUNDS):
        if noise <= NOISE:
            break
        weights = _minimise(_censored(answers, above, below, noise), columns, weights)
        noise = deviation((softmax(columns @ weights, axis=1) - answers)[~(above | below)])
    return Fit.of(weights, columns, max(noise, NOISE))


def fit_values(V: FloatArray, values: FloatArray, intercept: bool) -> FloatArray:
    """The weights, shape (d + 1, 1), of the least squares in Huber's norm of what values, shape (n,), are off."""
    columns = np.column_stack([V, np.ones(len(V))]) if intercept else V
    factor = np.ones(len(V))
    for _ in range(REWEIGHTED):
        weights = np.linalg.lstsq(columns * factor[:, None], values * factor)[0]
        size = np.abs(columns @ weights - values)
        scale = HUBER * float(np.median(size)) / MAD
        factor = np.sqrt(np.minimum(1.0, scale / np.maximum(size, max(scale, TINY))))
    return np.asarray(np.append(weights, [] if intercept else [0.0])[:, None])


def _bounds(answers: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Which probabilities may be larger than they are shown, and which smaller, as all such are shown alike."""
    largest, least = answers.max(), answers.min()
    above, below = answers == largest, answers == least
    return above & (above.sum() > 1), below & (below.sum() > 1)


def deviation(residuals: FloatArray) -> float:
    """The standard deviation of normal residuals, by their median size."""
    return float(np.median(np.abs(residuals))) / MAD if residuals.size else 0.0


def _censored(answers: FloatArray, above: BoolArray, below: BoolArray, noise: float) -> Loss:
    def loss(Z: FloatArray) -> tuple[FloatArray, FloatArray]:
        P = softmax(Z, axis=1)
        off = (P - answers) / noise
        size = np.abs(off)
        losses = np.where(size < HUBER, off**2 / 2, HUBER * (size - HUBER / 2))
        slopes = np.clip(off, -HUBER, HUBER)
        for bound, side in ((above, 1.0), (below, -1.0)):
            log_inside = log_ndtr(side * off)
            mills = np.exp(-(off**2) / 2 - log_inside) / np.sqrt(2 * np.pi)
            losses, slopes = np.where(bound, -log_inside, losses), np.where(bound, -side * mills, slopes)
        slopes = slopes / noise
        return losses.sum(axis=1), P * (slopes - (P * slopes).sum(axis=1, keepdims=True))

    return loss


def _minimise(loss: Loss, columns: FloatArray, start: FloatArray, until: tuple[float, int] = EXACT) -> FloatArray:
    """The weights of the least mean loss, with a small penalty, from ``start``.

    They are sought in coordinates in which the columns are orthonormal: steps of some features may be a thousandth of
    those of others, and the search would end early.
    """
    n, c = columns.shape
    Q, R = np.linalg.qr(np.concatenate([columns, np.sqrt(RIDGE * n) * np.eye(c)]))
    Q, shape = Q * np.sqrt(n), start.shape

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        U = flat.reshape(shape)
        losses, slopes = loss(Q[:n] @ U)
        penalty = Q[n:] @ U
        value = float(losses.mean() + (penalty**2).sum() / (2 * n))
        return value, ((Q[:n].T @ slopes + Q[n:].T @ penalty) / n).ravel()

    options = {"maxiter": until[1], "maxfun": 2 * until[1], "maxcor": 30, "ftol": until[0], "gtol": 1e-10}
    begin = (R / np.sqrt(n) @ start).ravel()
    found = minimize(objective, begin, jac=True, method="L-BFGS-B", options=options).x.reshape(shape)
    return np.asarray(np.linalg.solve(R / np.sqrt(n), found))
