"""The posterior of the ratios when answers are right: the prior, truncated to a box."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from mex.types import Array, BoolArray, FloatArray
from mex_pivot.prior import LOG_WEIGHT, NODES, normalised, upper_tail

FLAT = 0.25
"""The prior is taken for constant on intervals narrower than this, in prior standard deviations."""

FAR = 5.0
"""The prior is ignored beyond this distance from zero, in prior standard deviations: there intervals double."""

FORGOTTEN = -40.0
"""The log of the weight, relative to the largest, below which a node of s is dropped."""

TINY, LARGEST = 1e-300, 1e300
ROOT_2_PI = math.sqrt(2 * math.pi)


class Box:
    """An interval for each ratio, on one side of zero, and the posterior of s (:mod:`mex_pivot.prior`).

    Attributes:
        side: the signs of the ratios, 0 if not known yet, shape (m,).
        low, high: bounds of their absolute values, shape (m,); ``high`` may be infinite.
        flat: which intervals are so narrow that the prior is constant on them, shape (m,).
        mean, variance: posterior moments of the absolute values, shape (m,).
        scale: the posterior mean of s.
    """

    def __init__(self, side: FloatArray, high: FloatArray) -> None:
        m = len(side)
        self.side: FloatArray = side.copy()
        self.low: FloatArray = np.zeros(m)
        self.high: FloatArray = high.copy()
        self.mean: FloatArray = np.zeros(m)
        self.variance: FloatArray = np.zeros(m)
        self.flat: BoolArray = np.zeros(m, dtype=bool)
        self._s = NODES  # those with a weight that matters
        self._log_weight = LOG_WEIGHT
        # The prior mass above either bound, shape (m, nodes).
        self._above_low = upper_tail(self.low, NODES)
        self._above_high = upper_tail(self.high, NODES)
        self._learn(np.log(2 * self._mass(np.arange(m))).sum(axis=0))

    @property
    def width(self) -> FloatArray:
        """The lengths of the intervals, shape (m,)."""
        return np.asarray(self.high - self.low)

    def medians(self, rows: Array) -> FloatArray:
        """The medians of the ratios of ``rows``, with their signs, shape (n,); 0 where the sign is not known."""
        side, flat, t = self.side[rows], self.flat[rows], np.zeros(len(rows))
        t[flat] = (self.low[rows[flat]] + self.high[rows[flat]]) / 2
        curved = ~flat & (side != 0)
        if curved.any():
            t[curved] = self._medians(rows[curved])
        return np.asarray(side * t)

    def _medians(self, rows: Array) -> FloatArray:
        low, s, mean = self.low[rows], self._s, self.scale
        above = self._above_low[rows]
        share = self._weight / self._mass(rows)
        # A Newton step, from the median at the mean of s to the median under the posterior of s.
        t = -ndtri((ndtr(-low * mean) + ndtr(-self.high[rows] * mean)) / 2 + TINY) / mean
        excess = (share * (above - upper_tail(t, s))).sum(axis=1) - 0.5
        density = np.exp(-((t[:, None] * s) ** 2) / 2) * s / ROOT_2_PI
        t = t - excess / ((share * density).sum(axis=1) + TINY)
        high = np.minimum(self.high[rows], 3 * low + 16 / mean)
        margin = 0.05 * np.minimum(high - low, 1 / mean)
        inside = np.minimum(np.maximum(t, low + margin), high - margin)
        return np.where(low * mean > FAR, (low + high) / 2, inside)

    def cut(self, rows: Array, t: FloatArray, signs: FloatArray) -> None:
        """Take the answers: whether each ratio of ``rows`` is above (+1) or below (-1) its ``t``."""
        known = self.side[rows] != 0
        self.side[rows[~known]] = signs[~known]
        rows, t, above = rows[known], np.abs(t[known]), (signs * self.side[rows])[known] > 0
        curved = ~self.flat[rows]
        self.low[rows] = np.where(above, t, self.low[rows])
        self.high[rows] = np.where(above, self.high[rows], t)
        if curved.any():
            self._learn_from(rows[curved], t[curved], above[curved, None])
        self.flat |= self.width * self.scale < FLAT
        flat = rows[self.flat[rows]]
        self.mean[flat] = (self.low[flat] + self.high[flat]) / 2
        self.variance[flat] = self.width[flat] ** 2 / 12

    def _learn_from(self, rows: Array, t: FloatArray, above: Array) -> None:
        before, tail = self._mass(rows), upper_tail(t, self._s)
        self._above_low[rows] = np.where(above, tail, self._above_low[rows])
        self._above_high[rows] = np.where(above, self._above_high[rows], tail)
        self._learn(np.log(self._mass(rows) / before).sum(axis=0))

    def _mass(self, rows: Array) -> FloatArray:
        return np.maximum(self._above_low[rows] - self._above_high[rows], TINY)

    def _learn(self, log_likelihood: FloatArray) -> None:
        """Update the weights of the nodes of s, the moments, and the mean of s; of shape (nodes,)."""
        log_weight = self._log_weight + log_likelihood
        log_weight -= log_weight.max()
        keep = log_weight > FORGOTTEN
        if not keep.all():
            self._s = self._s[keep]
            log_weight = log_weight[keep]
            self._above_low = self._above_low[:, keep]
            self._above_high = self._above_high[:, keep]
        self._log_weight = log_weight
        self._weight = normalised(log_weight)
        self.scale = float(self._weight @ self._s)
        self._moments(np.flatnonzero(~self.flat))

    def _moments(self, rows: Array) -> None:
        """Update the moments of ``rows`` to those of the truncated normal at the mean of s."""
        a, b = self.low[rows] * self.scale, self.high[rows] * self.scale
        mass = np.maximum(ndtr(-a) - ndtr(-b), TINY)
        p, q = np.exp(-(a**2) / 2) / ROOT_2_PI, np.exp(-(b**2) / 2) / ROOT_2_PI
        mean = np.minimum(np.maximum((p - q) / mass, a), b)
        square = 1 + (a * p - np.minimum(b, LARGEST) * q) / mass
        variance = np.minimum(np.maximum(square - mean**2, FLAT**2 / 50), (b - a) ** 2 / 12)
        far = a > FAR
        end = np.minimum(b, 3 * a)
        self.mean[rows] = np.where(far, (a + end) / 2, mean) / self.scale
        self.variance[rows] = np.where(far, (b - a) ** 2 / 12, variance) / self.scale**2

    def residuals(self, u: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draws of the ratios' absolute values minus their means, made of uniform numbers ``u``, shape (n, m).

        They are uniform on intervals that are flat or nearly so, and of the truncated prior on the others.
        """
        drawn = (u - 0.5) * np.sqrt(12 * self.variance)
        wide = np.flatnonzero((self.width * self.scale > 3 * FLAT) & (self.low * self.scale < FAR))
        if len(wide):
            s = rng.choice(self._s, size=(len(u), 1), p=self._weight)
            far = ndtr(-self.high[wide] * s)
            tail = far + (1 - u[:, wide]) * (ndtr(-self.low[wide] * s) - far)
            drawn[:, wide] = np.clip(-ndtri(tail + TINY) / s, self.low[wide], self.high[wide]) - self.mean[wide]
        return np.asarray(drawn)
