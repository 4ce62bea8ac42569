"""Models fitted to the transcript of an attack: what it hands over while its own hypothesis is worth less."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TypeAlias

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
from mex.toolkit.active.samplers import AXIS_PARALLEL
from mex.toolkit.estimators import constant, linear_classifier
from mex.types import Array, Estimator, FloatArray

Fit: TypeAlias = Callable[[FloatArray, Array], Estimator]

HARD, SOFT = 1e4, (10.0, 0.1)
"""Inverse penalties of a logistic regression on answers that are right, and to choose from where some are not."""
FOLDS = 3
COMPARED = 1500
"""Rows that models are compared on at most, by cross-validation."""
TREES = 30
FEATURES = 30
"""The most features whose squares and products are tried."""


def best_fit(X: FloatArray, y: Array, known: Knowledge, seed: int, *, any_class: bool = False) -> Estimator:
    """The model of the public class that fits the answers best, or with ``any_class`` the best of several classes.

    Args:
        X, y: rows and what their answers tell, shape (n, d) and (n,), one at least; floats are values.
        known: what the attacker knows: the public class says which models are tried.
        seed: of what is random in a fit.
        any_class: the public class is not to be trusted.
    """
    values = y.dtype.kind == "f"
    if not values and len(np.unique(y)) < 2:
        return constant(y[0], X.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that does not converge is only as good as it predicts
        fits = _for_values(known, seed, any_class) if values else _for_labels(X, y, known, seed, any_class)
        best = fits[0] if len(fits) == 1 else fits[int(np.argmin(_errors(fits, X, y, seed)))]
        return best(X, y)


def _for_labels(X: FloatArray, y: Array, known: Knowledge, seed: int, any_class: bool) -> list[Fit]:
    fits: list[Fit] = []
    linear = known.family.kind == "linear"
    if linear or any_class:
        fits = [_logistic(known, HARD)]
        if any_class or (fits[0](X, y).predict(X) != y).any():  # no halfspaces part the answers
            fits += [_logistic(known, C) for C in SOFT]
    if not linear or any_class:
        fits += [_of(DecisionTreeClassifier(random_state=seed)), _of(RandomForestClassifier(TREES, random_state=seed))]
        if known.family.learner is not None and known.family.kind not in AXIS_PARALLEL:
            fits.append(_of(known.family.learner))
    if any_class:
        fits.append(_of(make_pipeline(StandardScaler(), SVC(C=100))))
        if X.shape[1] <= FEATURES:
            fits.append(_of(make_pipeline(StandardScaler(), PolynomialFeatures(), LogisticRegression(C=HARD))))
    return fits


def _for_values(known: Knowledge, seed: int, any_class: bool) -> list[Fit]:
    fits: list[Fit] = []
    if known.family.kind == "linear" or any_class:
        fits.append(_of(make_pipeline(StandardScaler(), LinearRegression())))
    if known.family.kind != "linear" or any_class:
        fits.append(_of(DecisionTreeRegressor(random_state=seed)))
        fits.append(_of(RandomForestRegressor(TREES, random_state=seed)))
    if any_class and known.domain.n_features <= FEATURES:
        fits.append(_of(make_pipeline(StandardScaler(), PolynomialFeatures(), LinearRegression())))
    return fits


def _of(estimator: Estimator) -> Fit:
    return lambda X, y: clone(estimator).fit(X, y)


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


def _errors(fits: Sequence[Fit], X: FloatArray, y: Array, seed: int) -> list[float]:
    """The error of each fit on answers that it did not see: the share of wrong labels, or the mean square."""
    some = np.random.default_rng(seed).permutation(len(y))[:COMPARED]
    errors = np.zeros(len(fits))
    for fold in range(FOLDS):
        held = some[fold::FOLDS]
        kept = np.setdiff1d(some, held)
        if len(held) == 0 or (y.dtype.kind != "f" and len(np.unique(y[kept])) < 2):
            continue
        for i, fit in enumerate(fits):
            predicted = fit(X[kept], y[kept]).predict(X[held])
            errors[i] += float(np.mean((predicted - y[held]) ** 2 if y.dtype.kind == "f" else predicted != y[held]))
    return list(errors)
