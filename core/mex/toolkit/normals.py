"""The weights and the intercept of a fitted linear model in the units of its input."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from mex.composition import core_of
from mex.estimator import coefficients
from mex.family import without_learner
from mex.types import Array, Estimator, FloatArray

STEP = 2.0**30
"""The step of the finite differences; a large one makes the rounding of the intercept negligible."""
SCORES = {"identity": np.positive, "log": np.log, "log1p": np.log1p}
"""What makes scores of values, by the link."""
CHUNK = 256
"""How many features are moved in one batch of rows."""
PLAIN = {"sklearn.linear_model._logistic.LogisticRegression", "sklearn.svm._classes.LinearSVC"}
SCALER = "sklearn.preprocessing._data.StandardScaler"
PLACES = 33
"""How many scores between two are asked in one round of the search for a threshold."""


def normal(estimator: Estimator) -> tuple[FloatArray, float] | None:
    """The weights w, shape (d,), and the intercept b of a linear model in the units of its input; None for others.

    The model answers the second class where <w, x> + b > 0; a regressor's value is <w, x> + b. Affine steps,
    calibration and moved thresholds are taken into account, as far as :func:`mex.family.family_of` knows them.

    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    >>> w, b = normal(model)
    >>> bool(np.allclose(X @ w + b, model.decision_function(X)))
    True
    """
    if found := _by_formula(estimator):
        return found
    family = without_learner(estimator)
    core = core_of(estimator) if family.kind == "linear" else None
    scores = coefficients(core.estimator) if core else None
    if core is None or scores is None or len(scores[0]) != 1:
        return None
    coef, intercept = scores[0][0], float(scores[1][0])
    if not core.steps and not core.altered:
        return coef, intercept

    def score(X: Any) -> FloatArray:
        if len(core.steps) and hasattr(core.steps[0], "feature_names_in_"):  # it may choose its columns by name
            import pandas as pd

            X = pd.DataFrame(X, columns=core.steps[0].feature_names_in_)
        for step in core.steps:
            X = step.transform(X)
        return np.asarray(X @ coef + intercept, dtype=np.float64)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        stages = (estimator, *core.steps, core.estimator)  # a pipeline that starts with "passthrough" has no width
        w, b = _affine(score, next(stage.n_features_in_ for stage in stages if hasattr(stage, "n_features_in_")))
        return _of_answers(estimator, w, b, str(family.public["link"])) if core.altered else (w, b)


def _by_formula(estimator: Estimator) -> tuple[FloatArray, float] | None:
    """The same of the commonest models, a :data:`PLAIN` one behind scalers or not, in a tenth of the time."""
    steps = [step for _, step in estimator.steps] if _name(estimator) == "sklearn.pipeline.Pipeline" else [estimator]
    *scalers, last = steps
    if _name(last) not in PLAIN or any(_name(step) != SCALER for step in scalers):
        return None
    if not isinstance(last.coef_, np.ndarray) or len(last.coef_) != 1:
        return None
    coef, intercept = np.array(last.coef_[0], dtype=np.float64), float(np.ravel(last.intercept_)[0])
    for scaler in reversed(scalers):
        coef = coef if scaler.scale_ is None else coef / scaler.scale_
        intercept -= float(coef @ scaler.mean_) if scaler.with_mean else 0.0
    return coef, intercept


def _name(estimator: Estimator) -> str:
    return f"{type(estimator).__module__}.{type(estimator).__name__}"


def _affine(score: Callable[[FloatArray], FloatArray], d: int) -> tuple[FloatArray, float]:
    """The weights and the intercept of a function of rows that is known to be affine."""
    weights = []
    for start in range(0, d, CHUNK):
        moves = STEP * np.eye(min(CHUNK, d - start), d, start)
        origin, *moved = score(np.vstack([np.zeros(d), moves]))
        weights.append((moved - origin) / STEP)
    return np.concatenate(weights), float(origin)


def _of_answers(model: Estimator, w: FloatArray, b: float, link: str) -> tuple[FloatArray, float] | None:
    """The weights and the intercept of a model whose answers depend on <w, x> + b alone, by any threshold."""
    length = float(w @ w)

    def answers(scores: FloatArray) -> Array:
        rows = np.multiply.outer(scores - b, w / length) if length else np.zeros((len(scores), len(w)))
        return np.ravel(model.predict(rows))

    if not hasattr(model, "classes_"):
        if link not in SCORES:
            return None
        low, high = SCORES[link](answers(np.array([-1.0, 1.0])))
        return w * (high - low) / 2, b * (high - low) / 2 + (high + low) / 2
    sizes = 2.0 ** np.arange(-60, 61)
    places = np.concatenate([-sizes[::-1], [0.0], sizes])
    positive = answers(places) == model.classes_[1]
    if positive.all() or not positive.any():
        return np.zeros_like(w), 1.0 if positive.all() else -1.0
    rises = bool(positive[-1])
    while True:
        i = int(np.argmax(positive == rises))  # the first place on the far side
        low, high = places[i - 1], places[i]
        places = np.unique(np.linspace(low, high, PLACES))
        if len(places) < PLACES:
            break
        positive = answers(places) == model.classes_[1]
    threshold = (low + high) / 2
    return (w, b - threshold) if rises else (-w, threshold - b)
