"""What was asked and answered, and where to ask next."""

from __future__ import annotations

import numpy as np

from mex.toolkit.trees.thresholds import Box, Thresholds
from mex.types import Array, BoolArray, FloatArray

CORNER, UNIFORM = 0.75, 0.875
"""Three quarters of a probe's coordinates are at either end of the box, an eighth anywhere between, the rest at a
known threshold: a leaf with m one-sided conditions is hit with probability about 2^-m, whatever its volume."""


class Facts:
    """Rows, the indices of their labels, and which of them are probes (drawn by :func:`probes`)."""

    def __init__(self, n_features: int) -> None:
        self.X, self.y = np.empty((0, n_features)), np.empty(0, dtype=np.int64)
        self.probe = np.empty(0, dtype=bool)
        self._place: dict[bytes, int] = {}

    def add(self, X: FloatArray, y: Array, probe: bool) -> None:
        """Take the answers to some rows, none of which is there."""
        self._place.update((row.tobytes(), len(self.y) + i) for i, row in enumerate(X))
        self.X, self.y = np.concatenate([self.X, X]), np.concatenate([self.y, y])
        self.probe = np.concatenate([self.probe, np.full(len(X), probe)])

    def missing(self, X: FloatArray) -> FloatArray:
        """The rows of ``X`` that were not asked, each once."""
        keys = [row.tobytes() for row in X]
        first = {key: i for i, key in reversed(list(enumerate(keys))) if key not in self._place}
        return X[sorted(first.values())]

    def labels(self, X: FloatArray) -> Array:
        """The labels of rows that were asked."""
        return self.y[[self._place[row.tobytes()] for row in X]]


def probes(box: Box, known: Thresholds, n: int, rng: np.random.Generator) -> FloatArray:
    """Draw ``n`` rows of ``box`` that find what its corners, its inside and its known thresholds may hide."""
    d, lower, upper = len(box.lower), box.lower, box.upper
    at = rng.random((n, d))
    integer = known.domain.integer
    anywhere = lower + rng.random((n, d)) * np.where(integer, upper - lower + 1, upper - lower)
    anywhere = np.minimum(np.where(integer, np.floor(anywhere), anywhere.astype(np.float32)), upper)
    X = np.where(at < CORNER / 2, lower, np.where(at < CORNER, upper, np.maximum(anywhere, lower)))
    inside = known.within(box)
    for column in np.unique(known.column[inside]):
        rows = np.flatnonzero(at[:, column] >= UNIFORM)
        of_column = inside[known.column[inside] == column]
        X[rows, column] = rng.choice(np.concatenate([known.below[of_column], known.above[of_column]]), size=len(rows))
    for group in (unit for unit in known.units if len(unit) > 1):
        X[:, group] = np.eye(len(group))[_categories(group, box, known, n, rng)]
    return X


def _categories(group: Array, box: Box, known: Thresholds, n: int, rng: np.random.Generator) -> Array:
    """Categories in the box, half of them among those that are known to matter."""
    allowed = np.flatnonzero(box.upper[group] > 0)
    matter = allowed[np.isin(group[allowed], known.column)]
    drawn = rng.choice(allowed, size=n)
    if 0 < len(matter) < len(allowed):
        drawn = np.where(rng.random(n) < 0.5, rng.choice(matter, size=n), drawn)
    return np.asarray(drawn)


def corners(box: Box, known: Thresholds) -> FloatArray:
    """Two opposite corners, shape (2, d)."""
    X = np.stack([box.lower, box.upper])
    for group in (unit for unit in known.units if len(unit) > 1):
        allowed = np.flatnonzero(box.upper[group] > 0)
        X[:, group] = np.eye(len(group))[allowed[[0, -1]]]
    return X


def opposite(rows: Array, facts: Facts, rng: np.random.Generator) -> tuple[int, int]:
    """A random one of ``rows``, and the nearest to it with another label."""
    one = int(rng.choice(rows))
    others: BoolArray = facts.y[rows] != facts.y[one]
    distance = (facts.X[rows[others]] != facts.X[one]).sum(axis=1)
    return one, int(rows[others][np.argmin(distance)])
