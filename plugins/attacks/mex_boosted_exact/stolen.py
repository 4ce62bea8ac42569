"""The stolen model: a sum of boxes as a fitted scikit-learn estimator of plain arrays."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from mex.domain import Domain
from mex.types import Array, Estimator, FloatArray
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.scores import answers_of
from mex_boosted_exact.sums import BoxSum
from mex_boosted_exact.thresholds import Step

CHUNK = 4096
"""Rows that are answered at once."""
TIES = 12
"""Probabilities that are equal to so many decimals are."""


class Boxes(BaseEstimator):  # type: ignore[misc] # scikit-learn publishes no types
    """A sum of boxes: sum_k c_k 1[x meets the conditions of term k], or what answers are made of several such sums.

    Attributes:
        thresholds_: of each feature of numbers that has any, by its name or number: the least numbers on their right.
    """

    def __init__(
        self, domain: Domain, double: bool, link: str, coefficients: FloatArray, conditions: FloatArray
    ) -> None:
        """Start.

        Args:
            domain: the rows that are answered.
            double: whether numbers are compared in float64.
            link: how answers follow from sums (:class:`.scores.Scores`).
            coefficients: of each term, one for each sum, shape (terms, k).
            conditions: term, axis (:class:`.axes.Axes`), least number on the right, and side (1 right, -1 left) of
                each condition, shape (m, 4).
        """
        self.domain = domain
        self.double = double
        self.link = link
        self.coefficients = coefficients
        self.conditions = conditions
        self.n_features_in_ = domain.n_features
        self.thresholds_ = self._thresholds()

    def sums(self, X: FloatArray) -> FloatArray:
        """The sums at each row, shape (n, k)."""
        axes = Axes(self.domain, double=self.double)
        total = BoxSum(len(axes.units))
        terms: list[list[tuple[Step, int]]] = [[] for _ in self.coefficients]
        for k, axis, above, side in self.conditions.tolist():
            terms[int(k)].append((total.step(int(axis), -np.inf, above), int(side)))
        for term in terms:
            total.add(0.0, 0.0, tuple(term))
        parts = np.array_split(axes.encode(np.asarray(X, dtype=np.float64)), max(1, len(X) // CHUNK))
        return np.concatenate([total.members(Z).astype(np.float64) @ self.coefficients for Z in parts])

    def describe(self) -> list[str]:
        """The thresholds of each feature, in a line each; then each term: its coefficients and its conditions."""
        axes, domain = Axes(self.domain), self.domain
        lines = [f"thresholds of {name}: {', '.join(map(repr, found))}" for name, found in self.thresholds_.items()]
        for k, c in enumerate(self.coefficients):
            parts = [" ".join(f"{value:+.17g}" for value in c)]
            for _, axis, above, side in self.conditions[self.conditions[:, 0] == k]:
                unit = axes.units[int(axis)]
                name = domain.name(unit[0]) + (f" … ({len(unit)} levels)" if len(unit) > 1 else "")
                parts.append(f"{name} {'>=' if side > 0 else '<'} {above:.17g}")
            lines.append(" where ".join([parts[0], " and ".join(parts[1:])]) if parts[1:] else parts[0])
        return lines

    def _thresholds(self) -> dict[str, list[float]]:
        axes, names, found = Axes(self.domain), self.domain.names, dict[str, list[float]]()
        for axis, unit in enumerate(axes.units):
            places = np.unique(self.conditions[self.conditions[:, 1] == axis, 2])
            places = places[places > axes.lower[axis]]  # the one at the lower bound is between missing and not
            if len(unit) == 1 and len(places):
                found[names[unit[0]] if names else str(unit[0])] = places.tolist()
        return found


class BoxesRegressor(RegressorMixin, Boxes):  # type: ignore[misc]
    """A sum of boxes that answers values."""

    def predict(self, X: FloatArray) -> FloatArray:
        """The value of each row."""
        answers = answers_of(self.link, self.sums(X))
        return answers[:, -1] if answers.ndim > 1 else answers


class BoxesClassifier(ClassifierMixin, Boxes):  # type: ignore[misc]
    """Sums of boxes that answer probabilities."""

    def __init__(
        self,
        domain: Domain,
        double: bool,
        link: str,
        coefficients: FloatArray,
        conditions: FloatArray,
        classes: Array,
    ) -> None:
        """``classes`` are the labels in the order of the probabilities."""
        super().__init__(domain, double, link, coefficients, conditions)
        self.classes = classes
        self.classes_ = classes

    def predict_proba(self, X: FloatArray) -> FloatArray:
        """Probabilities, shape (n, number of classes)."""
        return answers_of(self.link, self.sums(X))

    def predict(self, X: FloatArray) -> Array:
        """The label of the largest probability."""
        answers = self.predict_proba(X)
        if self.link == "mean":  # shares of trees are often equal, but for rounding
            answers = answers.round(TIES)
        return np.asarray(self.classes[answers.argmax(axis=1)])


def stolen(
    domain: Domain, double: bool, link: str, total: BoxSum, coefficients: FloatArray, classes: Array | None
) -> Estimator:
    """The estimator of a sum of boxes, with its ``coefficients`` of each output, shape (terms, k)."""
    conditions = np.array(
        [(k, step.axis, step.above, side) for k, term in enumerate(total.terms) for step, side in term]
    ).reshape(-1, 4)
    if classes is None:
        return BoxesRegressor(domain, double, link, coefficients, conditions)
    return BoxesClassifier(domain, double, link, coefficients, conditions, classes)
