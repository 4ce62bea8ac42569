"""Models to try on the transcript of an attack: of the public class, of any, or one answer for all rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs
import numpy as np
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from mex.domain import Domain
from mex.knowledge import Knowledge
from mex.toolkit.estimators import constant, linear_classifier
from mex.types import Array, Estimator, FloatArray

Fit: TypeAlias = Callable[[FloatArray, Array], Estimator]

HARD, SOFT = 1e4, (10.0, 0.1)
"""Inverse penalties of a logistic regression on answers that are right, and to choose from where some are not."""
TREES = 30
FEATURES = 30
"""The most features whose squares and products are tried."""


@attrs.frozen
class Sample:
    """Rows and what they were answered, shape (n, d) and (n,).

    Attributes:
        natural: how many of the rows, the first, are like the data.
        values: whether answers are values, not labels or ids.
    """

    X: FloatArray
    y: Array
    natural: int
    values: bool

    def take(self, i: Array) -> Sample:
        """The rows of these indices, in ascending order."""
        return Sample(self.X[i], self.y[i], int(np.sum(i < self.natural)), self.values)

    def losses(self, predicted: Array) -> FloatArray:
        """1 for each wrong label, or the square of how far each value is off, shape (n,)."""
        off = (np.ravel(predicted) - self.y) ** 2 if self.values else predicted != self.y
        return np.asarray(off, dtype=np.float64)


@attrs.frozen
class Candidate:
    """A way to fit a model to a sample, or to its natural rows only."""

    fit: Fit
    natural_only: bool = False

    def __call__(self, sample: Sample) -> Estimator:
        """The model; a constant if all answers are the same."""
        n = sample.natural if self.natural_only and sample.natural else len(sample.y)
        X, y = sample.X[:n], sample.y[:n]
        if (y == y[0]).all():
            return constant(y[0], X.shape[1], regression=sample.values)
        return self.fit(X, y)


def candidates(sample: Sample, known: Knowledge, seed: int, *, any_class: bool) -> list[Candidate]:
    """Ways to fit a sample, to all its rows or to the natural ones; the last is the commonest label, or the mean.

    Of a class of trees the first is a forest of all rows.

    Args:
        sample: the rows and answers.
        known: what the attacker knows: the public class says which models are tried.
        seed: of what is random in a fit.
        any_class: the public class is not to be trusted, and others are tried too.
    """
    fits = _for_values(known, seed, any_class) if sample.values else _for_labels(sample, known, seed, any_class)
    parts = (False, True)[: 1 + (0 < sample.natural < len(sample.y))]  # where all rows are natural, once
    several = [Candidate(fit, only) for fit in fits for only in parts]
    if known.family.kind == "linear" and known.family.learner is not None and sample.natural and not sample.values:
        several += [Candidate(_of(known.family.learner), only) for only in parts]
    return [*several, Candidate(_mean if sample.values else _commonest, natural_only=True)]


def _for_labels(sample: Sample, known: Knowledge, seed: int, any_class: bool) -> list[Fit]:
    fits: list[Fit] = []
    linear = known.family.kind == "linear"
    if linear or any_class:
        hard = _logistic(known, HARD)
        fits.append(hard)
        if any_class or sample.losses(Candidate(hard)(sample).predict(sample.X)).any():  # no halfspaces part them
            fits += [_logistic(known, C) for C in SOFT]
    if not linear or any_class:
        fits += [_of(RandomForestClassifier(TREES, random_state=seed)), _of(DecisionTreeClassifier(random_state=seed))]
        if known.family.learner is not None and not known.family.axis_parallel:
            fits.append(_of(known.family.learner))
    if any_class:
        fits.append(_of(make_pipeline(StandardScaler(), SVC(C=100))))
        if sample.X.shape[1] <= FEATURES:
            fits.append(_of(make_pipeline(StandardScaler(), PolynomialFeatures(), LogisticRegression(C=HARD))))
    return fits


def _for_values(known: Knowledge, seed: int, any_class: bool) -> list[Fit]:
    fits: list[Fit] = []
    if known.family.kind == "linear" or any_class:
        fits.append(_of(make_pipeline(StandardScaler(), LinearRegression())))
    if known.family.kind != "linear" or any_class:
        fits.append(_of(RandomForestRegressor(TREES, random_state=seed)))
        fits.append(_of(DecisionTreeRegressor(random_state=seed)))
    if any_class and known.domain.n_features <= FEATURES:
        fits.append(_of(make_pipeline(StandardScaler(), PolynomialFeatures(), LinearRegression())))
    return fits


def _of(estimator: Estimator) -> Fit:
    return lambda X, y: clone(estimator).fit(X, y)


def _commonest(X: FloatArray, y: Array) -> Estimator:
    labels, counts = np.unique(y, return_counts=True)
    return constant(labels[counts.argmax()], X.shape[1])


def _mean(X: FloatArray, y: Array) -> Estimator:
    return constant(float(y.mean()), X.shape[1], regression=True)


def _logistic(known: Knowledge, C: float) -> Fit:
    """Logistic regression in unit coordinates, as a linear classifier of rows."""

    def fit(X: FloatArray, y: Array) -> Estimator:
        intercept = bool(known.family.public.get("intercept", True)) or known.family.kind != "linear"
        middle, half = _units(X, known.domain, intercept)
        solver = "newton-cholesky" if len(np.unique(y)) == 2 else "lbfgs"
        model = LogisticRegression(C=C, solver=solver, fit_intercept=intercept, max_iter=200)
        model.fit((X - middle) / half, y)
        W = model.coef_ / half
        return linear_classifier(W, model.intercept_ - W @ middle, model.classes_)

    return fit


def _units(X: FloatArray, domain: Domain, intercept: bool) -> tuple[FloatArray, FloatArray]:
    """The middle and half the width of each feature: the domain's, or those of the rows where it has no bounds."""
    finite = np.isfinite(domain.lower) & np.isfinite(domain.upper)
    spread = X.std(axis=0)
    half = np.where(finite, domain.half_width, np.where(spread > 0, spread, 1.0))
    middle = np.where(finite, domain.middle, np.median(X, axis=0))
    return (middle if intercept else np.zeros_like(middle)), half
