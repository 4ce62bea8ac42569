"""The answers so far, and the rows to ask in a box."""

from __future__ import annotations

import numpy as np

from mex.toolkit.trees.thresholds import Box, Thresholds
from mex.types import Array, BoolArray, FloatArray

AT_BOUNDS, UNIFORM = 0.75, 0.125
"""Shares of the coordinates of a probe at either bound of the box, and uniform between them; the others are at known
thresholds. A leaf with m one-sided conditions is hit with probability about 2^-m, whatever its volume."""


class Answers:
    """The answers so far.

    Attributes:
        X: the rows asked, each once, shape (n, d).
        y: the indices of their labels, shape (n,).
        is_probe: which of them :func:`probes` has drawn, shape (n,).
    """

    def __init__(self, n_features: int) -> None:
        self.X: FloatArray = np.empty((0, n_features))
        self.y: Array = np.empty(0, dtype=np.int64)
        self.is_probe: BoolArray = np.empty(0, dtype=bool)
        self._index: dict[bytes, int] = {}

    def add(self, X: FloatArray, y: Array, probe: bool) -> None:
        """Add the answers to rows, but for those that were asked before."""
        fresh = self._fresh(X)
        X, y = X[fresh], y[fresh]
        self._index.update((row.tobytes(), len(self.y) + i) for i, row in enumerate(X))
        self.X = np.concatenate([self.X, X])
        self.y = np.concatenate([self.y, y])
        self.is_probe = np.concatenate([self.is_probe, np.full(len(X), probe)])

    def missing(self, X: FloatArray) -> FloatArray:
        """The rows of ``X`` that were not asked, each once."""
        return X[self._fresh(X)]

    def _fresh(self, X: FloatArray) -> list[int]:
        """The indices of the rows of ``X`` that were not asked, each once."""
        keys = [row.tobytes() for row in X]
        return sorted({key: i for i, key in reversed(list(enumerate(keys))) if key not in self._index}.values())

    def labels(self, X: FloatArray) -> Array:
        """The labels of rows that were asked."""
        return self.y[[self._index[row.tobytes()] for row in X]]


def probes(box: Box, thresholds: Thresholds, n: int, rng: np.random.Generator) -> FloatArray:
    """Draw ``n`` rows of ``box``: of its corners, its inside and its known thresholds, mixed by coordinate."""
    d, lower, upper = len(box.lower), box.lower, box.upper
    where = rng.random((n, d))
    integer = thresholds.domain.integer
    uniform = lower + rng.random((n, d)) * np.where(integer, upper - lower + 1, upper - lower)
    uniform = np.minimum(np.where(integer, np.floor(uniform), uniform.astype(np.float32)), upper)
    X = np.where(where < AT_BOUNDS / 2, lower, np.where(where < AT_BOUNDS, upper, np.maximum(uniform, lower)))
    inside = thresholds.within(box)
    for column in np.unique(thresholds.column[inside]):
        rows = np.flatnonzero(where[:, column] >= AT_BOUNDS + UNIFORM)
        of_column = inside[thresholds.column[inside] == column]
        sides = np.concatenate([thresholds.below[of_column], thresholds.above[of_column]])
        X[rows, column] = rng.choice(sides, size=len(rows))
    for group in (unit for unit in thresholds.units if len(unit) > 1):
        X[:, group] = np.eye(len(group))[_categories(group, box, thresholds, n, rng)]
    return X


def _categories(group: Array, box: Box, thresholds: Thresholds, n: int, rng: np.random.Generator) -> Array:
    """Draw categories of the box, shape (n,), half of them among those with a known threshold."""
    allowed = np.flatnonzero(box.upper[group] > 0)
    with_threshold = allowed[np.isin(group[allowed], thresholds.column)]
    drawn = rng.choice(allowed, size=n)
    if 0 < len(with_threshold) < len(allowed):
        drawn = np.where(rng.random(n) < 0.5, rng.choice(with_threshold, size=n), drawn)
    return np.asarray(drawn)


def corners(box: Box, thresholds: Thresholds) -> FloatArray:
    """Two opposite corners of a box, shape (2, d)."""
    X = np.stack([box.lower, box.upper])
    for group in (unit for unit in thresholds.units if len(unit) > 1):
        allowed = np.flatnonzero(box.upper[group] > 0)
        X[:, group] = np.eye(len(group))[allowed[[0, -1]]]
    return X


def opposite_pair(rows: Array, answers: Answers, rng: np.random.Generator) -> tuple[int, int]:
    """The indices of a random one of ``rows`` and of the nearest to it with another label."""
    one = int(rng.choice(rows))
    others: BoolArray = answers.y[rows] != answers.y[one]
    distance = (answers.X[rows[others]] != answers.X[one]).sum(axis=1)
    return one, int(rows[others][np.argmin(distance)])
