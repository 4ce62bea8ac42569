"""Regularisations of a learner among which cross-validation may choose."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from mex.types import Estimator

SOFTER, HARDER = (0.01, 0.1), (10.0, 100.0, 1000.0, 10000.0)
"""Multiples of the public C that are tried beside it, the softer ones for random rows whose labels may be wrong."""
PENALISED = ("Ridge", "Lasso", "ElasticNet", "KernelRidge")
SLIGHTER = (0.1, 0.01, 1e-4, 1e-6)
"""Multiples of the public penalty ``alpha`` that are tried beside it, where answers are values."""
LEAVES = (1, 3, 10, 30)
"""Fewest rows of a leaf that are tried beside the public number; more than one only where labels may be wrong."""
MOST_ITERATIONS = 100_000
"""Of the solver of a kernel machine, whose margin may be so hard that it would not end."""
FEW_ITERATIONS = 100
"""Of the solver of a logistic regression of several classes."""


def settings(estimator: Estimator, *, may_be_wrong: bool, binary: bool = True, active: bool = False) -> list[Estimator]:
    """Unfitted copies of ``estimator`` to choose from, the one that is regularised as it is first.

    They differ in the last step of a pipeline: in the penalty C of what has one, in how far a tree grows. The solver of
    all of them is one that ends soon however hard the margin is.
    """
    last = _last(estimator)
    params = last.get_params(deep=False)
    quick: dict[str, Any] = {}
    changes: list[dict[str, Any]] = []
    if isinstance(params.get("C"), float | int) and "epsilon" not in params:
        quick = {"max_iter": MOST_ITERATIONS} if params.get("max_iter") == -1 else {}
        if params.get("solver") == "lbfgs" and not params.get("l1_ratio"):
            quick = {"solver": "newton-cholesky"} if binary else {"max_iter": FEW_ITERATIONS}
        harder = HARDER if binary else HARDER[:2]
        factors = harder if not may_be_wrong else () if active else (*SOFTER, *harder)
        changes = [{"C": float(params["C"]) * factor, **quick} for factor in factors]
    elif "min_samples_leaf" in params and "splitter" in params:
        grown = {"ccp_alpha": 0.0, "min_samples_split": 2}
        changes = [{**grown, "min_samples_leaf": leaf} for leaf in (LEAVES if may_be_wrong else LEAVES[:1])]
        changes = [change for change in changes if any(params[name] != value for name, value in change.items())]
    elif type(last).__name__ in PENALISED and isinstance(params["alpha"], float | int) and params["alpha"] > 0:
        changes = [{"alpha": float(params["alpha"]) * factor} for factor in SLIGHTER]
    return [_changed(estimator, quick), *(_changed(estimator, change) for change in changes)]


def _changed(estimator: Estimator, change: dict[str, Any]) -> Estimator:
    copy = clone(estimator)
    _last(copy).set_params(**change)
    return copy


def _last(estimator: Estimator) -> Estimator:
    """What is penalised inside a pipeline, a model of tables, or behind a transformation of the values."""
    if hasattr(estimator, "steps"):
        return _last(estimator.steps[-1][1])
    inside = {"TransformedTargetRegressor": "regressor", "RowModel": "estimator"}.get(type(estimator).__name__)
    return _last(getattr(estimator, inside)) if inside else estimator
