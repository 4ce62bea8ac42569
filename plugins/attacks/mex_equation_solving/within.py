"""The solution where answers are intervals: the weights in the middle of all of them."""

from __future__ import annotations

import attrs
import numpy as np

from mex.toolkit.perturbation.inversion import Bounds
from mex.types import FloatArray
from mex_equation_solving.intervals import Inequalities, most_telling

OUTSIDE, OFTEN = 0.1, 0.02
"""By how many widths, and in which share of answers, intervals may be missed and still be those of a linear model."""


@attrs.frozen(eq=False)
class Within:
    """Weights whose scores are in the intervals that were rounded to the answers.

    Attributes:
        inequalities: the intervals.
        weights: flat, those of one score, or of one for each of several classes.
        classes: how many classes there are; 0 of values.
    """

    inequalities: Inequalities
    weights: FloatArray
    classes: int

    @classmethod
    def of(cls, columns: FloatArray, bounds: Bounds, classes: int) -> Within | None:
        """Those of answers between bounds to rows with ``columns``, shape (n, c); None if no linear model has them."""
        inequalities = Inequalities.of(columns, bounds)
        if inequalities is None or len(inequalities.A) == 0:
            return None
        weights = inequalities.centre()
        if np.mean(inequalities.excess(weights) > OUTSIDE) > OFTEN:
            return None
        return cls(inequalities, weights, classes)

    def scores(self, columns: int) -> FloatArray:
        """The weights of the score of values, or of each class, shape (columns, number of scores)."""
        W = self.weights.reshape(columns, -1)
        return W / 2 * [-1.0, 1.0] if self.classes == 2 else W

    @property
    def error(self) -> float:
        """About how far they may be off, as a share of the least difference between two scores' weights."""
        variance = np.trace(self.inequalities.spread(self.weights)) / len(self.weights)
        apart = [self.weights]
        if self.classes > 2:
            W = self.weights.reshape(-1, self.classes)
            apart = [W[:, i] - W[:, j] for i in range(self.classes) for j in range(i)]
        return float(np.sqrt(variance) / max(min(np.linalg.norm(difference) for difference in apart), 1e-300))

    def most_telling(self, X: FloatArray, columns: FloatArray, n: int) -> FloatArray:
        """Those ``n`` of the rows, whose columns are given, whose answers would tell most."""
        spread, ends = self.inequalities.spread(self.weights), self.inequalities.ends
        if self.classes > 2:  # the difference between the two best classes
            k = self.classes
            best = np.argsort(columns @ self.weights.reshape(-1, k), axis=1)
            signs = np.eye(k)[best[:, -1]] - np.eye(k)[best[:, -2]]
            columns = (columns[:, :, None] * signs[:, None, :]).reshape(len(X), -1)
        if len(ends) and self.classes:
            away = np.abs((columns @ self.weights)[:, None] - np.unique(ends.round(6))).min(axis=1)
            unknown = np.sqrt(np.einsum("ij,jk,ik->i", columns, spread, columns))
            near = np.argsort(away / unknown)[: max(n, len(X) // 2)]
            X, columns = X[near], columns[near]
        return X[most_telling(columns, spread, n)]
