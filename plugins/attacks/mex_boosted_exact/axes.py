"""The features of a domain as ordered coordinates: numbers, whole numbers, levels of a category, what is missing."""

from __future__ import annotations

import numpy as np

from mex.domain import Domain
from mex.toolkit.trees.grid import Grid
from mex.types import FloatArray

MISSING = -np.inf
"""The coordinate of a missing value: below all others, so that to leave it is a step like any other."""
MISSING_SHARE = 0.1
"""How many coordinates of a random row are missing where they may be."""


class Axes:
    """Rows of a domain as points, one coordinate per feature: a one-hot group is the index of its level.

    A tree that parts levels of a category parts intervals of their indices, so whatever it does is a sum of steps.

    Attributes:
        units: the columns of each coordinate.
        lower, upper: the least and the greatest coordinate of a complete row, shape (n,).
        first: the least one, which is :data:`MISSING` where values may be left out, shape (n,).
        whole: which coordinates are whole numbers, shape (n,).
        double: whether others are compared in float64.

    >>> axes = Axes(Domain([0, 0, 0], [9, 1, 1], groups=[(1, 2)]))
    >>> axes.encode(np.array([[2.5, 0, 1]])), axes.decode(np.array([[2.5, 0.0]]))
    (array([[2.5, 1. ]]), array([[2.5, 1. , 0. ]]))
    >>> axes.middle(0, 2.0, 3.0), axes.middle(1, 0.0, 1.0)
    (2.5, None)
    """

    def __init__(self, domain: Domain, *, double: bool = False) -> None:
        """``double`` says that the target compares in float64, so that numbers are not cast to float32."""
        self.domain = domain
        self.units = domain.units()
        self._plain = [k for k, unit in enumerate(self.units) if len(unit) == 1]
        self._columns = [self.units[k][0] for k in self._plain]
        self._groups = [(k, list(unit)) for k, unit in enumerate(self.units) if len(unit) > 1]
        self.lower = np.zeros(len(self.units))
        self.upper = np.array([len(unit) - 1.0 for unit in self.units])
        self.whole = np.ones(len(self.units), dtype=bool)
        self.whole[self._plain] = domain.discrete[self._columns]
        self.compare(double)
        self.first = np.full(len(self.units), MISSING) if domain.incomplete else self.lower.copy()

    def compare(self, double: bool) -> None:
        """Take the target to compare in float64, or in float32."""
        self.double = double
        self._grid = Grid(self.domain, double=double)
        self.lower[self._plain] = self._grid.lower[self._columns]
        self.upper[self._plain] = self._grid.upper[self._columns]

    def encode(self, X: FloatArray) -> FloatArray:
        """The points of rows, as the target casts them."""
        Z = np.empty((len(X), len(self.units)))
        Z[:, self._plain] = self._grid.cast(X)[:, self._columns]
        for k, columns in self._groups:
            Z[:, k] = np.where(np.isnan(X[:, columns[0]]), np.nan, X[:, columns].argmax(axis=1))
        return np.where(np.isnan(Z), MISSING, Z)

    def decode(self, Z: FloatArray) -> FloatArray:
        """Rows of points."""
        X = np.zeros((len(Z), self.domain.n_features))
        X[:, self._columns] = Z[:, self._plain]
        for k, columns in self._groups:
            level = np.where(Z[:, k] == MISSING, 0, Z[:, k]).astype(int)
            X[:, columns] = np.eye(len(columns))[level]
            X[:, columns] = np.where((Z[:, k] == MISSING)[:, None], np.nan, X[:, columns])
        X = self._grid.rows(np.where(X == MISSING, np.nan, X)) if self.domain.incomplete else self._grid.rows(X)
        return X

    def middle(self, axis: int, below: float, above: float) -> float | None:
        """A coordinate half-way between two, or None if they are neighbours."""
        if below == MISSING:
            return float(self.lower[axis]) if above > self.lower[axis] else None
        middle = below / 2 + above / 2
        if self.whole[axis]:
            middle = float(np.floor(middle))
            middle = middle if middle > below else below + 1
        elif not self.double:
            middle = float(np.float32(middle))
        return middle if below < middle < above else None

    def number(self, values: FloatArray) -> FloatArray:
        """Numbers as the target casts them."""
        return values if self.double else values.astype(np.float32).astype(np.float64)

    def uniform(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Random points, uniform on the domain; where values may be missing, some of them are."""
        Z = self.encode(self.domain.sample(n, rng))
        if self.domain.incomplete:
            Z[rng.random(Z.shape) < MISSING_SHARE] = MISSING
        return Z
