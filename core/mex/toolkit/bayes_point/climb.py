"""Rows whose sign a posterior is least sure of, found by changing one feature of a row at a time."""

from __future__ import annotations

import attrs
import numpy as np

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


@attrs.frozen(eq=False)
class Changes:
    """All single changes of some rows: one feature of each, in the wide vector; arrays of shape (n, changes).

    Attributes:
        off, on: the wide columns of the category that ends and of the one that begins; of a number both are its column.
        step: by how much column ``on`` grows; column ``off``, if it is another, shrinks by as much.
    """

    off: Array
    on: Array
    step: FloatArray

    def along(self, vector: FloatArray) -> FloatArray:
        """How much each change adds to the product with a wide vector, shape (wide,) or one for each row."""
        if vector.ndim == 1:
            return self.step * self._difference(vector[self.on], vector[self.off])
        rows = np.arange(len(vector))[:, None]
        return self.step * self._difference(vector[rows, self.on], vector[rows, self.off])

    def _difference(self, on: FloatArray, off: FloatArray) -> FloatArray:
        return np.where(self.off == self.on, on, on - off)

    def along_all(self, vectors: FloatArray) -> FloatArray:
        """The same for vectors of shape (r, wide), shape (n, changes, r)."""
        columns = vectors.T
        off = np.where((self.off == self.on)[..., None], 0.0, columns[self.off])
        return np.asarray(self.step[..., None] * (columns[self.on] - off))

    def make(self, row: int, change: int, wide: FloatArray) -> None:
        """Make a change of a row in its wide vector."""
        on, off, step = self.on[row, change], self.off[row, change], self.step[row, change]
        if off != on:
            wide[off] -= step
        wide[on] += step

    def spread(self, cov: FloatArray) -> FloatArray:
        """The variance of what each change adds to the score."""
        var = np.diag(cov)
        both = var[self.on] + var[self.off] - 2 * cov[self.off, self.on]
        return self.step**2 * np.where(self.off == self.on, var[self.on], both)


class Climb:
    """Improves rows by changes of one feature: another category, a number at one of its ends, a step on, or half-way.

    Where the domain has real features, one of them is moved as well, to where the score of the row is 0: with narrow
    posteriors nothing else leads from one even-odds row to another.

    Args:
        encoding: of the domain.
    """

    def __init__(self, encoding: Encoding) -> None:
        domain = encoding.domain
        self._encoding = encoding
        self._n = len(encoding.numbers)
        self._whole = domain.integer[encoding.numbers]
        self._low, self._high = domain.lower[encoding.numbers], domain.upper[encoding.numbers]
        self._reals = np.flatnonzero(~self._whole)
        self._group = np.repeat(np.arange(len(encoding.spans)), [b - a for a, b in encoding.spans])
        self._categories = np.arange(self._n, len(encoding.columns))

    def run(self, X: FloatArray, belief: Belief) -> FloatArray:
        """Rows, shape (n, n_features), each after the best changes, until none improves it by :data:`GAIN`."""
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
        changes = self._changes(at, s, belief)
        s2 = s[:, None] + changes.along(belief.mean)
        v2 = v[:, None] + 2 * changes.along(G) + changes.spread(belief.cov)
        leads2 = leads[:, None] + changes.along_all(belief.rivals)
        gains = worth(s2, v2, leads2)
        real = self._reals[(i + turn) % len(self._reals)] if len(self._reals) else i
        makeup = np.zeros_like(s2)
        if len(self._reals):
            makeup, possible = self._makeup(at, s2, changes, belief, real)
            v2 = v2 + 2 * makeup * (G[i, real][:, None] + changes.along(belief.cov[real]))
            v2 += makeup**2 * belief.cov[real, real][:, None]
            leads2 = leads2 + makeup[..., None] * belief.rivals.T[real][:, None]
            gains = np.concatenate([gains, np.where(possible, worth(0 * s2, v2, leads2), -np.inf)], axis=1)
        best = gains.argmax(axis=1)
        better = gains[i, best] > worth(s, v, leads) + GAIN
        for k in np.flatnonzero(better).tolist():
            made_up, j = divmod(int(best[k]), s2.shape[1])
            changes.make(k, j, P[left[k]])
            if made_up:
                P[left[k], real[k]] += makeup[k, j]
        return np.asarray(better)

    def _makeup(
        self, at: FloatArray, s: FloatArray, changes: Changes, belief: Belief, real: Array
    ) -> tuple[FloatArray, BoolArray]:
        """By how much the real feature of each row has to move for a score of 0 after a change, and whether it can."""
        n, e, i = self._n, self._encoding, np.arange(len(at))
        m = belief.mean[real]
        makeup = -s / np.where(np.abs(m) > TINY, m, TINY)[:, None]
        low, high = (bound * e.scale[:n] + e.offset[:n] for bound in (self._low, self._high))
        moved = at[i, real][:, None] + makeup
        possible = (moved >= low[real, None]) & (moved <= high[real, None]) & (changes.on != real[:, None])
        return np.where(possible, makeup, 0.0), possible

    def _changes(self, at: FloatArray, s: FloatArray, belief: Belief) -> Changes:
        """The changes that are tried of rows, as wide vectors ``at`` whose scores are ``s``."""
        e, n, K = self._encoding, self._n, len(at)
        off, on, step = [], [], []
        if len(self._categories):
            here = np.stack([a + at[:, a:b].argmax(axis=1) for a, b in e.spans], axis=1)[:, self._group]
            off.append(here)
            on.append(np.broadcast_to(self._categories, here.shape))
            step.append(np.where(here == on[-1], 0.0, e.scale[-1]))
        if n:
            x, m = at[:, :n], belief.mean[:n]
            low, high = (bound * e.scale[:n] + e.offset[:n] for bound in (self._low, self._high))
            zero = x - s[:, None] / np.where(np.abs(m) > TINY, m, TINY)
            unit = e.scale[:n]  # a step of 1
            below = np.where(self._whole, x + np.floor((zero - x) / unit) * unit, zero)
            options = [np.broadcast_to(low, x.shape), np.broadcast_to(high, x.shape), below]
            options += [np.where(self._whole, below + unit, (x + low) / 2)]
            options += [np.where(self._whole, x - unit, (x + high) / 2)]
            if self._whole.any():
                options += [np.where(self._whole, x + unit, x)]
            moves = np.clip(np.stack(options, axis=2), low[:, None], high[:, None]) - x[:, :, None]
            columns = np.broadcast_to(np.arange(n)[:, None], moves.shape[1:]).reshape(-1)
            off.append(np.broadcast_to(columns, (K, len(columns))))
            on.append(off[-1])
            step.append(moves.reshape(K, -1))
        return Changes(*(np.concatenate(part, axis=1) for part in (off, on, step)))
