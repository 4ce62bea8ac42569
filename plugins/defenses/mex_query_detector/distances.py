"""PRADA: honest clients' rows are at normally distributed distances from each other, synthesised ones are not."""

from __future__ import annotations

from typing import ClassVar

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
"""Distances in a test, the last ones: W is known for so many (Royston 1995)."""
PART = 50
"""Rows whose distances are computed together: a loop over fewer, or distances to rows outside the set, take longer."""

_shapiro = getattr(shapiro, "__wrapped__", shapiro)
"""Without what scipy wraps it in to take axes and missing values, which is most of its time."""


@attrs.frozen(eq=False)
class Prada(Shared):
    """Shapiro and Wilk's W of the distances of each row to the nearest one before it of the same class.

    Attributes:
        model: says the class of each row; a regressor has but one.
        first: rows before the first test.
    """

    standard: Standard
    model: FittedTarget
    first: int = LEAST
    two_sample: ClassVar[bool] = False

    def describe(self, X: FloatArray) -> FloatArray:
        """The rows in standard units, and the number of their class in a last column."""
        classes = self.model.classes
        labels = np.zeros(len(X)) if classes is None else class_index(classes, self.model.answer(X, "label"))
        return np.column_stack([self.standard(X), labels])

    def against(self, Z: FloatArray) -> Prada:
        """Itself: it compares a client's rows with each other, and with no benign ones."""
        return self

    def session(self) -> Distances:
        """A client that has sent nothing yet."""
        return Distances(self.first)


class Distances:
    """A client's distances so far; the score is log(1 - W), since W crowds at 1."""

    def __init__(self, first: int) -> None:
        self._first, self._rows = first, 0
        self._classes: dict[float, Growing] = {}
        self._distances = np.empty(0)

    def add(self, Z: FloatArray, every: int) -> FloatArray:
        """Take more rows; the score of all so far after every block of so many, 0 before the first test."""
        labels = Z[:, -1]
        distances = np.empty(len(Z))
        for label in np.unique(labels):
            growing = self._classes.setdefault(float(label), Growing(Z.shape[1] - 1))
            distances[labels == label] = growing.add(Z[labels == label, :-1])
        known = np.isfinite(distances)
        counts = len(self._distances) + np.cumsum(known)[every - 1 :: every]
        rows = self._rows + every * np.arange(1, len(counts) + 1)
        self._distances, self._rows = np.concatenate([self._distances, distances[known]]), int(rows[-1])
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


class Growing:
    """The growing set of one class: the rows that were farther from it than most."""

    def __init__(self, d: int) -> None:
        self._rows = np.empty((0, d))
        self._n, self._sum, self._squares, self._threshold = 0, 0.0, 0.0, 0.0

    def add(self, Z: FloatArray) -> FloatArray:
        """Take more rows; the distance of each, in turn, to the nearest of the set: infinite for the first."""
        return np.concatenate([self._add(Z[i : i + PART]) for i in range(0, len(Z), PART)])

    def _add(self, Z: FloatArray) -> FloatArray:
        nearest = cdist(Z, self._rows).min(axis=1, initial=np.inf)
        among = cdist(Z, Z)
        kept = []
        for i, distance in enumerate(nearest):  # a view: later rows are nearer once this one is in the set
            if distance > self._threshold:
                kept.append(i)
                self._grow(distance if distance < np.inf else 0.0)
                np.minimum(nearest[i + 1 :], among[i, i + 1 :], out=nearest[i + 1 :])
        self._rows = np.concatenate([self._rows, Z[kept]])
        return np.asarray(nearest)

    def _grow(self, distance: float) -> None:
        """Raise the threshold to the mean less one standard deviation of the distances at which the set grew."""
        self._n += 1
        self._sum += distance
        self._squares += distance**2
        mean = self._sum / self._n
        self._threshold = max(self._threshold, mean - max(self._squares / self._n - mean**2, 0.0) ** 0.5)
