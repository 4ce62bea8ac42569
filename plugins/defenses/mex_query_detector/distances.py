"""PRADA: a test of whether the distances between a client's rows are normally distributed."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import shapiro

from mex import FittedTarget
from mex.toolkit.perturbation.rules import class_index
from mex.types import FloatArray
from mex_query_detector.calibration import Shared, Standard

LEAST = 100
"""Distances before the first test (Juuti et al. 2019, Section V)."""
MOST = 5000
"""The most distances in a test, the last ones; the test of normality is for at most so many (Royston 1995)."""
PART = 50
"""How many rows are compared at a time, for speed."""

_shapiro = getattr(shapiro, "__wrapped__", shapiro)
"""Without the wrapper for axes and missing values, which takes most of the time."""


@attrs.frozen(eq=False)
class Prada(Shared):
    """Shapiro and Wilk's W of the distances of each row to the nearest one before it of the same class.

    Attributes:
        model: tells the class of each row; for a regressor there is one.
        first: rows before the first test.
    """

    standard: Standard
    model: FittedTarget
    first: int = LEAST
    two_sample: ClassVar[bool] = False

    def describe(self, X: FloatArray) -> FloatArray:
        """The standardised rows, with the index of their class in a last column."""
        classes = self.model.classes
        labels = np.zeros(len(X)) if classes is None else class_index(classes, self.model.answer(X, "label"))
        return np.column_stack([self.standard(X), labels])

    def against(self, Z: FloatArray) -> Prada:
        """The test itself, which does not depend on benign rows."""
        return self

    def session(self) -> Distances:
        """A client without rows."""
        return Distances(self.first)


class Distances:
    """The distances of a client so far; the score is log(1 - W)."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._rows = 0
        self._classes: dict[float, GrowingSet] = {}
        self._distances: FloatArray = np.empty(0)

    @property
    def memory(self) -> Any:
        """The number of rows, the distances, and the growing set of each class."""
        return [self._rows, self._distances.tolist(), [[label, of.memory] for label, of in self._classes.items()]]

    @memory.setter
    def memory(self, memory: Any) -> None:
        self._rows, distances, classes = memory
        self._distances = np.array(distances, dtype=np.float64)
        self._classes = {label: GrowingSet.of(growing) for label, growing in classes}

    def add(self, Z: FloatArray, every: int) -> FloatArray:
        """Add blocks of ``every`` rows; return the score of all rows after each block, 0 before the first test."""
        labels = Z[:, -1]
        distances = np.empty(len(Z))
        for label in np.unique(labels):
            growing = self._classes.setdefault(float(label), GrowingSet(Z.shape[1] - 1))
            distances[labels == label] = growing.add(Z[labels == label, :-1])
        known = np.isfinite(distances)
        counts = len(self._distances) + np.cumsum(known)[every - 1 :: every]
        rows = self._rows + every * np.arange(1, len(counts) + 1)
        self._distances = np.concatenate([self._distances, distances[known]])
        self._rows = int(rows[-1])
        return np.array([self._score(n) if row >= self._first else 0.0 for n, row in zip(counts, rows, strict=True)])

    def _score(self, n: int) -> float:
        return float(np.log(max(1 - normality(self._distances[:n][-MOST:]), 1e-12)))


def normality(distances: FloatArray) -> float:
    """Shapiro and Wilk's W of all but the outliers (3 standard deviations): 1 if normal, 0 if all are the same.

    >>> round(normality(np.arange(50.0)), 3), normality(np.full(50, 2.0))
    (0.956, 0.0)
    """
    if len(distances) < 3:
        return 1.0
    inner = distances[np.abs(distances - distances.mean()) <= 3 * distances.std()]
    if np.ptp(inner) <= 1e-9 * inner.max():
        return 0.0
    return float(_shapiro(inner / inner.max()).statistic)


class GrowingSet:
    """The growing set of a class: rows whose distance from the set was above a threshold."""

    def __init__(self, d: int) -> None:
        self._rows: FloatArray = np.empty((0, d))
        # The number, sum and sum of squares of the distances at which the set grew.
        self._n = 0
        self._sum = 0.0
        self._squares = 0.0
        self._threshold = 0.0

    @property
    def memory(self) -> Any:
        """Its width and rows, and the numbers that the threshold hangs on."""
        statistics = [self._n, self._sum, self._squares, self._threshold]
        return [self._rows.shape[1], self._rows.tolist(), statistics]

    @classmethod
    def of(cls, memory: Any) -> GrowingSet:
        """The set that had this memory."""
        d, rows, statistics = memory
        growing = cls(d)
        growing._rows = np.array(rows, dtype=np.float64).reshape(-1, d)
        growing._n, growing._sum, growing._squares, growing._threshold = statistics
        return growing

    def add(self, Z: FloatArray) -> FloatArray:
        """Add rows; return the distance of each to the nearest row of the set at its turn, infinite for the first."""
        return np.concatenate([self._add(Z[i : i + PART]) for i in range(0, len(Z), PART)])

    def _add(self, Z: FloatArray) -> FloatArray:
        nearest = cdist(Z, self._rows).min(axis=1, initial=np.inf)
        among = cdist(Z, Z)
        kept = []
        for i, distance in enumerate(nearest):  # which is updated whenever a row joins the set
            if distance > self._threshold:
                kept.append(i)
                self._grow(distance if distance < np.inf else 0.0)
                np.minimum(nearest[i + 1 :], among[i, i + 1 :], out=nearest[i + 1 :])
        self._rows = np.concatenate([self._rows, Z[kept]])
        return np.asarray(nearest)

    def _grow(self, distance: float) -> None:
        """Update the threshold: the largest mean less one standard deviation of these distances so far."""
        self._n += 1
        self._sum += distance
        self._squares += distance**2
        mean = self._sum / self._n
        self._threshold = max(self._threshold, mean - max(self._squares / self._n - mean**2, 0.0) ** 0.5)
