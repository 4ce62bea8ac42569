"""Rows whose sign a posterior is least sure of, found by changing one feature of a row at a time."""

from __future__ import annotations

import attrs
import numpy as np

from mex.toolkit.bayes_point.changes import Changes, SingleChanges
from mex.toolkit.bayes_point.encoding import Encoding
from mex.types import Array, BoolArray, FloatArray

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
    """Improves rows by changes of one feature: another category, a number at one of its ends, a step on, or half-way.

    Where the domain has real features, one of them is moved as well, to where the score of the row is 0: with narrow
    posteriors nothing else leads from one even-odds row to another.

    Args:
        encoding: of the domain.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._changes = SingleChanges(encoding)

    def run(self, X: FloatArray, belief: Belief) -> FloatArray:
        """Rows, shape (n, n_features), each after the best changes, until none improves it by :data:`GAIN`."""
        if not self._changes.any:
            return X
        P = self._encoding.wide(X)
        left = np.arange(len(X))
        for turn in range(STEPS):
            left = left[self._step(P, left, belief, turn)]
            if not len(left):
                break
        return self._encoding.rows(P, X)

    def _step(self, P: FloatArray, left: Array, belief: Belief, turn: int) -> Array:
        """Make the best change of each of the rows ``left``, if it is one; returns whether it was."""
        at, i = P[left], np.arange(len(left))
        s, G, leads = at @ belief.mean, at @ belief.cov, at @ belief.rivals.T
        v = np.einsum("ij,ij->i", G, at)
        changes, fine = self._changes.of(at, s, belief.mean), self._changes.fine
        s2 = s[:, None] + changes.along(belief.mean)
        v2 = v[:, None] + 2 * changes.along(G) + changes.spread(belief.cov)
        leads2 = leads[:, None] + changes.along_all(belief.rivals)
        gains = worth(s2, v2, leads2)
        column = fine[(i + turn) % len(fine)] if len(fine) else i
        makeup = np.zeros_like(s2)
        if len(fine):
            makeup, rest, possible = self._makeup(at, s2, changes, belief, column)
            v2 = v2 + 2 * makeup * (G[i, column][:, None] + changes.along(belief.cov[column]))
            v2 += makeup**2 * belief.cov[column, column][:, None]
            leads2 = leads2 + makeup[..., None] * belief.rivals.T[column][:, None]
            gains = np.concatenate([gains, np.where(possible, worth(rest, v2, leads2), -np.inf)], axis=1)
        best = gains.argmax(axis=1)
        better = gains[i, best] > worth(s, v, leads) + GAIN
        for k in np.flatnonzero(better).tolist():
            made_up, j = divmod(int(best[k]), s2.shape[1])
            changes.make(k, j, P[left[k]])
            if made_up:
                P[left[k], column[k]] += makeup[k, j]
        return np.asarray(better)

    def _makeup(
        self, at: FloatArray, s: FloatArray, changes: Changes, belief: Belief, column: Array
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """By how much a number of each row has to move for a score of about 0 after a change, what is left, and whether
        it can; ``column`` is that of the number.
        """
        m, low, high = belief.mean[column], self._changes.low[column], self._changes.high[column]
        makeup = -s / np.where(np.abs(m) > TINY, m, TINY)[:, None]
        grain = self._changes.grain[column][:, None]
        makeup = np.where(grain > 0, np.round(makeup / np.where(grain > 0, grain, 1.0)) * grain, makeup)
        moved = at[np.arange(len(at)), column][:, None] + makeup
        possible = (moved >= low[:, None]) & (moved <= high[:, None]) & (changes.on != column[:, None])
        makeup = np.where(possible, makeup, 0.0)
        return makeup, s + makeup * m[:, None], possible
