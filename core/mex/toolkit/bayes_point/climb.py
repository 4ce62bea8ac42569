"""Rows whose sign a posterior is least sure of, found by changing one feature of a row at a time."""

from __future__ import annotations

import attrs
import numpy as np

from mex.toolkit.bayes_point.encoding import Encoding
from mex.types import Array, FloatArray

SURE = 3.0
"""How much being sure of a sign weighs against the variance of its score: the factor of z^2 beside log(variance)."""
GAIN = 0.02
"""A change is made only if it improves a row by so much."""
STEPS = 40
"""The most changes to a row."""
TINY = 1e-300


@attrs.frozen(eq=False)
class Belief:
    """What a posterior says of the sign of <w, x>, in wide vectors (:class:`.Encoding`).

    Attributes:
        mean: of w, shape (wide,).
        cov: of w, shape (wide, wide).
        rivals: the means of what is to stay below 0, as the leads of other classes, shape (r, wide).
    """

    mean: FloatArray
    cov: FloatArray
    rivals: FloatArray

    @classmethod
    def of(cls, encoding: Encoding, mean: FloatArray, cov: FloatArray, rivals: FloatArray | None = None) -> Belief:
        """That of weights with these moments, shape (d,) and (d, d)."""
        B = encoding.to_wide
        return cls(B @ mean, B @ cov @ B.T, np.empty((0, len(B))) if rivals is None else rivals @ B.T)

    def score(self, P: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The mean, the variance and the worth of wide vectors, each of shape (n,)."""
        s, v = P @ self.mean, np.einsum("ij,ij->i", P @ self.cov, P)
        return s, v, worth(s, v, P @ self.rivals.T)


def worth(s: FloatArray, v: FloatArray, leads: FloatArray) -> FloatArray:
    """How much the answer to a row is expected to tell: log(variance), less for signs that are known already.

    Args:
        s, v: the mean and the variance of the score, of any shape.
        leads: of what is to stay below 0, shape (..., r).
    """
    v = np.maximum(v, TINY)
    square = s * s
    if leads.shape[-1]:
        square = square + np.maximum(leads.max(axis=-1), 0) ** 2
    return np.asarray(np.log(v) - SURE * square / v)


class Climb:
    """Improves rows by single changes: a category, a number at an end, a step on, or where the score is 0.

    Args:
        encoding: of the domain.
    """

    def __init__(self, encoding: Encoding) -> None:
        domain = encoding.domain
        self._encoding = encoding
        self._n = len(encoding.numbers)
        self._whole = domain.integer[encoding.numbers]
        self._low, self._high = domain.lower[encoding.numbers], domain.upper[encoding.numbers]
        self._group = np.repeat(np.arange(len(encoding.spans)), [b - a for a, b in encoding.spans])
        self._others = np.arange(self._n, len(encoding.columns))

    def run(self, X: FloatArray, belief: Belief) -> FloatArray:
        """Rows, shape (n, n_features), each after the best changes, until none improves it by :data:`GAIN`."""
        X = X.copy()
        P = self._encoding.wide(X)
        left = np.arange(len(X))
        for _ in range(STEPS):
            changed = self._step(X, P, left, belief)
            left = left[changed]
            if not len(left):
                break
        return X

    def _step(self, X: FloatArray, P: FloatArray, left: Array, belief: Belief) -> Array:
        """Make the best change of each of the rows ``left``, if it is one; returns whether it was."""
        at = P[left]
        s, G, leads = at @ belief.mean, at @ belief.cov, at @ belief.rivals.T
        v = np.einsum("ij,ij->i", G, at)
        now, best = worth(s, v, leads), np.full(len(left), -np.inf)
        changes: list[tuple[Array, Array]] = []
        if len(self._others):
            gains, current = self._categories(at, s, v, G, leads, belief)
            k = np.argmax(gains, axis=1)
            i = np.arange(len(left))
            best, changes = gains[i, k], [(current[i, k], self._others[k])]
        numbers = np.zeros(len(left), dtype=bool)
        if self._n:
            gains, values = self._numbers(X[left], at, s, v, G, leads, belief)
            k, flat = gains.reshape(len(left), -1).argmax(axis=1), values.reshape(len(left), -1)
            found = gains.reshape(len(left), -1)[np.arange(len(left)), k]
            numbers = found > best
            best = np.maximum(found, best)
            column, value = k // values.shape[2], flat[np.arange(len(left)), k]
        better = best > now + GAIN
        e = self._encoding
        if (rows := better & numbers).any():
            j, to = column[rows], value[rows]
            X[left[rows], e.numbers[j]] = to
            P[left[rows], j] = to * e.scale[j] + e.offset[j]
        if (rows := better & ~numbers).any():
            off, on = (c[rows] for c in changes[0])
            X[left[rows], e.columns[off]], X[left[rows], e.columns[on]] = 0.0, 1.0
            P[left[rows], off], P[left[rows], on] = e.offset[off], e.scale[on] + e.offset[on]
        return np.asarray(better)

    def _categories(
        self, at: FloatArray, s: FloatArray, v: FloatArray, G: FloatArray, leads: FloatArray, belief: Belief
    ) -> tuple[FloatArray, Array]:
        """The worth of rows with each category instead, shape (n, categories), and the category that it replaces."""
        to, scale = self._others, self._encoding.scale[-1]
        starts = np.array([a for a, _ in self._encoding.spans])
        here = np.stack([a + at[:, a:b].argmax(axis=1) for a, b in self._encoding.spans], axis=1)
        off = here[:, self._group] if len(starts) else here
        i, var = np.arange(len(at))[:, None], np.diag(belief.cov)
        ds = scale * (belief.mean[to] - belief.mean[off])
        dv = 2 * scale * (G[:, to] - G[i, off]) + scale**2 * (var[to] + var[off] - 2 * belief.cov[off, to])
        rivals = belief.rivals.T
        gains = worth(s[:, None] + ds, v[:, None] + dv, leads[:, None] + scale * (rivals[to] - rivals[off]))
        gains[off == to] = -np.inf
        return gains, off

    def _numbers(
        self,
        X: FloatArray,
        at: FloatArray,
        s: FloatArray,
        v: FloatArray,
        G: FloatArray,
        leads: FloatArray,
        belief: Belief,
    ) -> tuple[FloatArray, FloatArray]:
        """The worth of rows with numbers at other values, shape (n, numbers, values), and these values."""
        e, n, m = self._encoding, self._n, belief.mean[: self._n]
        x, whole = X[:, e.numbers], self._whole
        # Where the mean of the score is 0.
        zero = (at[:, :n] - s[:, None] / np.where(np.abs(m) > TINY, m, TINY) - e.offset[:n]) / e.scale[:n]
        low, high = np.broadcast_to(self._low, x.shape), np.broadcast_to(self._high, x.shape)
        below = np.where(whole, np.floor(zero), zero)
        above = np.where(whole, below + 1, (x + low) / 2)
        options = [low, high, below, above, np.where(whole, x - 1, (x + high) / 2), np.where(whole, x + 1, x)]
        values = np.clip(np.stack(options, axis=2), low[:, :, None], high[:, :, None])
        step = (values - x[:, :, None]) * e.scale[:n, None]
        ds = step * m[:, None]
        dv = 2 * step * G[:, :n, None] + step**2 * np.diag(belief.cov)[:n, None]
        more = leads[:, None, None] + step[..., None] * belief.rivals.T[:n, None]
        return worth(s[:, None, None] + ds, v[:, None, None] + dv, more), values
