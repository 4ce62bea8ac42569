"""How strongly a learner is regularised for the answers that it is fitted to: their number, and how many are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.metrics.pairwise import pairwise_kernels

from mex.types import Array, Estimator, FloatArray

LEAST, PER_ROW, NOISIEST = 6.0, 4.0, 2.0
"""The spread of the scores, in logits: on few right labels, for each right label per feature, on many wrong ones."""
UNITS = {"log_loss": 1.0, "hinge": 1 / 6, "squared_hinge": 1 / 10}
"""What C of each loss does as much as 1 of the logistic loss."""
PRUNED = 0.8
"""The cost of a leaf, in units of log(n) / n of impurity, on labels that may be wrong."""
PENALISED = ("Ridge", "Lasso", "ElasticNet", "KernelRidge")
SLIGHTER = (0.1, 0.01, 1e-4, 1e-6)
"""Multiples of the public penalty ``alpha`` that are tried beside it, where answers are values."""
ROWS = 200
"""Rows on which the spread of a kernel is measured."""
SOFTEST, HARDEST = 1e-6, 1e6
MOST_ITERATIONS = 100_000
"""Of the solver of a kernel machine, whose margin may be so hard that it would not end."""
FEW_ITERATIONS = 100
"""Of the solver of a logistic regression of several classes."""


def adaptable(estimator: Estimator) -> bool:
    """Whether :func:`adapted` knows how to regularise ``estimator``: a logistic regression, margin machine or tree."""
    last = last_step(estimator)
    return _loss(last) is not None or type(last).__name__ in ("DecisionTreeClassifier", "ExtraTreeClassifier")


def prunes(estimator: Estimator) -> bool:
    """Whether all rates of wrong labels above 0 are the same to it, as they are to a tree."""
    return _loss(last_step(estimator)) is None


def adapted(estimator: Estimator, X: FloatArray, y: Array, rate: float) -> Estimator:
    """An unfitted copy of ``estimator`` regularised for the answers ``y`` to ``X``, of which a share ``rate`` is wrong.

    A penalty C is the prior under which scores have the standard deviation s: C = s² / (mean square of a row), where
    rows are centred and features in their units. On right labels s is 6, or 4 n / d if that is more, since n answers in
    d features tell the boundary to about d / n; of kernels, whose features are many, it is 6. With wrong ones it is at
    most log((1 - rate) / rate), the log-odds that a label is right, or 2 if that is less. A tree is grown to the end on
    right labels and pruned where some are wrong.
    """
    copy = clone(estimator)
    last = last_step(copy)
    _regularise(last, None if _loss(last) is None else _features(copy, X, y), y, rate)
    return copy


def fit_adapted(estimator: Estimator, X: Any, y: Array, rate: float) -> Estimator:
    """A copy of ``estimator`` regularised as by :func:`adapted` and fitted; what goes before its last step is once."""
    return _fit(clone(estimator), X, y, rate)


def _fit(estimator: Estimator, X: Any, y: Array, rate: float) -> Estimator:
    if type(estimator).__name__ == "RowModel":
        estimator.estimator_ = _fit(clone(estimator.estimator), estimator.schema.decode(X), y, rate)
    elif hasattr(estimator, "steps"):
        Z = estimator[:-1].fit_transform(X, y) if len(estimator) > 1 else X
        _fit(estimator.steps[-1][1], Z, y, rate)
    else:
        _regularise(estimator, None if _loss(estimator) is None else _dense(X), y, rate)
        estimator.fit(X, y)
    return estimator


def _regularise(last: Estimator, Z: FloatArray | None, y: Array, rate: float) -> None:
    """Regularise an estimator for the rows that it is to be fitted to; a tree does not need them."""
    loss = _loss(last)
    if Z is None or loss is None:
        cost = PRUNED * float(np.log(len(y))) / len(y) if rate > 0 else 0.0
        last.set_params(min_samples_leaf=1, min_samples_split=2, ccp_alpha=cost)
        return
    varying = Z[:, Z.std(axis=0) > 0]
    d = max(varying.shape[1], 1)
    if hasattr(last, "kernel"):
        s, square = LEAST, _spread(last, Z[:ROWS])
    else:
        s, square = max(LEAST, PER_ROW * len(y) / d), d * _mean_variance(varying)
    if rate > 0:
        s = min(s, max(float(np.log((1 - rate) / rate)), NOISIEST))
    last.set_params(C=float(np.clip(UNITS[loss] * s**2 / square, SOFTEST, HARDEST)))


def quick(estimator: Estimator, *, binary: bool) -> Estimator:
    """An unfitted copy whose solver ends soon however hard the margin is."""
    copy = clone(estimator)
    last = last_step(copy)
    params = last.get_params(deep=False)
    if params.get("solver") == "lbfgs" and not params.get("l1_ratio"):
        last.set_params(**({"solver": "newton-cholesky"} if binary else {"max_iter": FEW_ITERATIONS}))
    elif params.get("max_iter") == -1:
        last.set_params(max_iter=MOST_ITERATIONS)
    return copy


def slighter(estimator: Estimator) -> list[Estimator]:
    """Unfitted copies of a regressor with smaller penalties to choose from, the one as it is first."""
    last = last_step(estimator)
    alpha = last.get_params(deep=False).get("alpha")
    factors = SLIGHTER if type(last).__name__ in PENALISED and isinstance(alpha, float | int) and alpha > 0 else ()
    copies = [clone(estimator)]
    for factor in factors:
        copy = clone(estimator)
        last_step(copy).set_params(alpha=float(alpha) * factor)
        copies.append(copy)
    return copies


def last_step(estimator: Estimator) -> Estimator:
    """What is penalised inside a pipeline, a model of tables, or behind a transformation of the values."""
    if hasattr(estimator, "steps"):
        return last_step(estimator.steps[-1][1])
    inside = {"TransformedTargetRegressor": "regressor", "RowModel": "estimator"}.get(type(estimator).__name__)
    return last_step(getattr(estimator, inside)) if inside else estimator


def _loss(last: Estimator) -> str | None:
    """The loss of an estimator with an L2 penalty C and labels; None of another."""
    params: dict[str, Any] = last.get_params(deep=False)
    name = type(last).__name__
    if name == "LogisticRegression":
        return None if params.get("l1_ratio") or params.get("penalty") in ("l1", "elasticnet", None) else "log_loss"
    if name == "LinearSVC" and params["penalty"] == "l2":
        return str(params["loss"])
    return "hinge" if name == "SVC" else None


def _features(estimator: Estimator, X: Any, y: Array) -> FloatArray:
    """What the last step is fitted to, shape (n, features)."""
    if type(estimator).__name__ == "RowModel":
        return _features(estimator.estimator, estimator.schema.decode(X), y)
    if hasattr(estimator, "steps"):
        Z = clone(estimator[:-1]).fit_transform(X, y) if len(estimator) > 1 else X
        return _features(estimator.steps[-1][1], Z, y)
    return _dense(X)


def _dense(X: Any) -> FloatArray:
    return np.asarray(X.toarray() if issparse(X) else X, dtype=np.float64)


def _mean_variance(Z: FloatArray) -> float:
    """The geometric mean of the variances of some features: of units that differ none may outweigh the others."""
    return float(np.exp(np.log(Z.var(axis=0)).mean())) if Z.shape[1] else 1.0


def _spread(machine: Estimator, Z: FloatArray) -> float:
    """The mean square of a centred row in the feature space of a kernel."""
    params = machine.get_params()
    gamma = params["gamma"]
    if isinstance(gamma, str):
        variance = float(Z.var()) if gamma == "scale" else 1.0
        gamma = 1 / (Z.shape[1] * variance) if variance > 0 else 1.0
    K = pairwise_kernels(
        Z, metric=machine.kernel, filter_params=True, gamma=gamma, degree=params["degree"], coef0=params["coef0"]
    )
    spread = float(np.diagonal(K).mean() - K.mean())
    return spread if spread > 0 else 1.0
