"""Linear models whose scores lie in intervals, as the answers behind rounded ones do."""

from __future__ import annotations

import attrs
import numpy as np
from scipy.special import expit

from mex.toolkit.perturbation.inversion import Bounds
from mex.types import Array, FloatArray

SHARPEST, WIDE, FACTOR = 0.02, 0.25, 3.0
"""The widths of the soft ends of an interval, in widths of it: the least, that at which it counts how well weights are
determined, and by which factor each is less than the one before."""
STEPS, ENOUGH = 25, 1e-8
"""The most Newton steps for each width, and the decrease of the loss that ends them."""
RIDGE = 1e-10
"""The multiple of the mean curvature that is added where nothing determines a weight."""
LARGEST = 30_000_000
"""The most coefficients of a system; beyond that it takes too much memory and time."""


@attrs.frozen(eq=False)
class Inequalities:
    """Linear functions of the weights with an interval for each: ``low <= A @ weights <= high``.

    Attributes:
        A: shape (m, number of weights), in units of the width of each interval.
        low, high: shape (m,); one of the two may be infinite.
        width: shape (m,); 1 of an interval without an end.
    """

    A: FloatArray
    low: FloatArray
    high: FloatArray
    width: FloatArray

    @classmethod
    def of(cls, columns: FloatArray, bounds: Bounds) -> Inequalities | None:
        """Those of answers between ``bounds``, shape (n,) or (n, k), to rows with ``columns``, shape (n, c).

        The weights have shape (c, number of scores), flat. Of probabilities p each class but the most probable one, t,
        has log(low_j / high_t) <= s_j - s_t <= log(high_j / low_t). None if there are too many.
        """
        low, high = bounds
        if low.ndim == 1:
            return cls._scaled(columns, low, high)
        n, k = low.shape
        if n * (k - 1) * columns.shape[1] * (1 if k == 2 else k) > LARGEST:
            return None
        rows, top = np.arange(n), (low + high).argmax(axis=1)
        with np.errstate(divide="ignore"):
            least, most = (np.log(a) - np.log(b[rows, top])[:, None] for a, b in ((low, high), (high, low)))
        if k == 2:
            first = top == 0  # then the second score is behind; else the first one
            ahead = np.where(first, least[:, 1], -most[:, 0]), np.where(first, most[:, 1], -least[:, 0])
            return cls._scaled(columns, *ahead)
        behind = np.arange(k) != top[:, None]
        signs = (np.eye(k) - np.eye(k)[top][:, None])[behind]  # of each score in the difference
        A = signs[:, None, :] * np.repeat(columns, k - 1, axis=0)[:, :, None]
        return cls._scaled(A.reshape(len(A), -1), least[behind], most[behind])

    @classmethod
    def _scaled(cls, A: FloatArray, low: FloatArray, high: FloatArray) -> Inequalities:
        told = np.isfinite(low) | np.isfinite(high)
        A, low, high = A[told], low[told], high[told]
        width = np.where(np.isfinite(high - low), high - low, 1.0)
        return cls(A / width[:, None], low / width, high / width, width)

    @property
    def ends(self) -> FloatArray:
        """The ends of all intervals."""
        ends = np.concatenate([self.low * self.width, self.high * self.width])
        return np.asarray(ends[np.isfinite(ends)])

    def excess(self, weights: FloatArray) -> FloatArray:
        """By how many widths of it each interval is missed, shape (m,); 0 inside."""
        values = self.A @ weights
        return np.asarray(np.maximum(np.maximum(self.low - values, values - self.high), 0.0))

    def centre(self) -> FloatArray:
        """Weights in the middle of all intervals, or nearest to them: farthest inside of the one that is nearest.

        An interval has soft ends: its loss is log(1 + exp(x / s)) of the distance x beyond each. The widths s of the
        ends, in widths of the interval, fall step by step, and the weights follow by Newton's method.
        """
        middle = np.where(np.isinf(self.low), self.high, np.where(np.isinf(self.high), self.low, 0.0))
        both = np.isfinite(self.low + self.high)
        middle[both] = (self.low[both] + self.high[both]) / 2
        weights = np.asarray(np.linalg.lstsq(self.A, middle)[0])
        soft = max(1.0, float(self.excess(weights).max(initial=0.0)))
        while True:
            weights = self._minimise(weights, soft)
            sharper = max(soft / FACTOR, SHARPEST, float(self.excess(weights).max(initial=0.0)) / FACTOR)
            if sharper > 0.9 * soft:
                return weights
            soft = sharper

    def spread(self, weights: FloatArray) -> FloatArray:
        """How far the weights may be off, as a matrix like a covariance."""
        soft = max(WIDE, float(self.excess(weights).max(initial=0.0)))
        return np.asarray(np.linalg.inv(self._slope(weights, soft)[1]))

    def _loss(self, weights: FloatArray, soft: float) -> float:
        values = self.A @ weights
        ends = np.logaddexp(0, (values - self.high) / soft) + np.logaddexp(0, (self.low - values) / soft)
        return float(ends.sum())

    def _slope(self, weights: FloatArray, soft: float) -> tuple[FloatArray, FloatArray]:
        """Gradient and Hessian of the loss."""
        values = self.A @ weights
        above, below = expit((values - self.high) / soft), expit((self.low - values) / soft)
        curvature = (above * (1 - above) + below * (1 - below)) / soft**2
        hessian = (self.A.T * curvature) @ self.A
        hessian.flat[:: len(hessian) + 1] += RIDGE * np.trace(hessian) / len(hessian) + np.finfo(np.float64).tiny
        return np.asarray(self.A.T @ (above - below) / soft), np.asarray(hessian)

    def _minimise(self, weights: FloatArray, soft: float) -> FloatArray:
        for _ in range(STEPS):
            gradient, hessian = self._slope(weights, soft)
            step = np.linalg.solve(hessian, gradient)
            if not (decrease := float(gradient @ step)) > ENOUGH:
                break
            before, share = self._loss(weights, soft), 1.0
            while share > ENOUGH and not self._loss(weights - share * step, soft) <= before - 1e-4 * share * decrease:
                share /= 2
            weights = weights - share * step
        return weights


def most_telling(columns: FloatArray, spread: FloatArray, n: int, noise: FloatArray | None = None) -> Array:
    """The ``n`` linear functions of the weights that are least known, each given the ones before it, as their indices.

    Args:
        columns: their coefficients, shape (m, number of weights).
        spread: that of the weights, as of :meth:`Inequalities.spread`.
        n: how many.
        noise: the variance of what an answer tells of each, shape (m,); left out, an answer halves what is left of it.
    """
    left = columns @ spread @ columns.T
    chosen: list[int] = []
    for _ in range(min(n, len(left))):
        unknown = np.diag(left) / (1.0 if noise is None else noise)
        unknown[chosen] = -np.inf
        i = int(unknown.argmax())
        chosen.append(i)
        # An answer that halves what is left of a function leaves a quarter of its square.
        both = left[i, i] + (left[i, i] / 3 if noise is None else noise[i])
        left = left - np.outer(left[i], left[i]) / max(both, np.finfo(np.float64).tiny)
    return np.asarray(chosen)
