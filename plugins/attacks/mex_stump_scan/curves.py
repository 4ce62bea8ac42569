"""Step functions of one feature each, as known from values along the axes, and their sum as an estimator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import attrs
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from mex.domain import Domain
from mex.types import BoolArray, FloatArray

Step: TypeAlias = tuple[tuple[int, ...], FloatArray, FloatArray]
"""The columns of a feature, the last place before each of its steps, and the values between the steps."""


def place(rows: FloatArray, columns: tuple[int, ...]) -> FloatArray:
    """The place of each row on a feature: its number, or the index of the category in a one-hot group."""
    return rows[:, columns].argmax(axis=1).astype(np.float64) if len(columns) > 1 else rows[:, columns[0]]


@attrs.define(eq=False)
class Curve:
    """The values along one feature, with the other features as in the base row.

    Attributes:
        columns: the column of a number, or those of a one-hot group.
        whole: whether its places are whole numbers, as categories are.
        double: whether the model compares in float64.
        x, v: the places asked, in order, and the values there.
    """

    columns: tuple[int, ...]
    whole: bool
    double: bool = False
    x: FloatArray = attrs.field(factory=lambda: np.empty(0))
    v: FloatArray = attrs.field(factory=lambda: np.empty(0))

    def rows(self, base: FloatArray, x: FloatArray) -> FloatArray:
        """The base row with this feature at each of the places ``x``."""
        rows = np.repeat(base[None], len(x), axis=0)
        rows[:, self.columns] = np.eye(len(self.columns))[x.astype(int)] if len(self.columns) > 1 else x[:, None]
        return rows

    def add(self, x: FloatArray, v: FloatArray) -> None:
        """Add values; a place that was asked before keeps its first value."""
        self.x, first = np.unique(np.concatenate([self.x, x]), return_index=True)
        self.v = np.concatenate([self.v, v])[first]

    def middles(self, tolerance: float) -> FloatArray:
        """The places to ask next: half-way between neighbouring places of different values, if there is a number."""
        if len(self.columns) > 1:
            return np.empty(0)  # every category is asked
        low, high = self.x[:-1], self.x[1:]
        middle = (low + high) / 2
        if not self.double:
            middle = np.floor(middle) if self.whole else middle.astype(np.float32).astype(np.float64)
        return middle[self._jumps(tolerance) & (middle > low) & (middle < high)]

    def _jumps(self, tolerance: float) -> BoolArray:
        return np.asarray(np.abs(np.diff(self.v)) > tolerance)

    def steps(self, tolerance: float) -> Step:
        """The steps found; the value between two steps is the mean of the values there."""
        jumps = self._jumps(tolerance)
        low, high = self.x[:-1][jumps], self.x[1:][jumps]
        kind = np.float64 if self.double else np.float32
        after = low + 1 if self.whole else np.nextafter(low.astype(kind), kind(np.inf))
        piece = np.concatenate([[0], np.cumsum(jumps)]).astype(int)  # between which steps each value is
        first = self.v[np.unique(piece, return_index=True)[1]]
        # Relative to the first value, so that the mean of equal values is exact.
        mean = first + np.bincount(piece, self.v - first[piece]) / np.bincount(piece)
        return self.columns, np.where(after >= high, low, (low + high) / 2), mean


def curves(domain: Domain, double: bool = False) -> list[Curve]:
    """An empty curve for each feature that can change; ``double`` says that the model compares in float64."""
    units = [unit for unit in domain.units() if len(unit) > 1 or domain.lower[unit[0]] < domain.upper[unit[0]]]
    whole = [len(unit) > 1 or bool(domain.integer[unit[0]]) for unit in units]
    return [Curve(unit, discrete, double and not discrete) for unit, discrete in zip(units, whole, strict=True)]


class AdditiveSteps(RegressorMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn publishes no types
    """A fitted regressor: the sum of step functions of one feature each.

    Numbers are compared as float32, as scikit-learn's trees do, or in ``double``.

    >>> two = AdditiveSteps(1.0, 2, [((0,), np.array([0.5]), np.array([1.0, 3.0]))])
    >>> two.predict(np.array([[0.0, 9.0], [0.5, 9.0], [0.6, 9.0]]))
    array([1., 1., 3.])
    """

    def __init__(self, base: float, n_features: int, terms: Sequence[Step] = (), double: bool = False) -> None:
        """``base`` is the value of the base row, through which the ``terms``, one per feature, go."""
        self.base = base
        self.n_features = n_features
        self.terms = terms
        self.double = double
        self.n_features_in_ = n_features

    def predict(self, X: FloatArray) -> FloatArray:
        """The value at each row."""
        X = np.asarray(X, dtype=np.float64)
        kind, total = np.float64 if self.double else np.float32, np.full(len(X), self.base)
        for columns, last, values in self.terms:
            at = place(X, columns).astype(kind)
            total += values[np.searchsorted(last.astype(kind), at, side="left")] - self.base
        return total
