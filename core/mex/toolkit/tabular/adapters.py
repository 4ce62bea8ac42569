"""Models between tables and rows: one that learns tables is given rows, one that was stolen from rows takes tables."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Self

import attrs
import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from mex.estimator import unfitted
from mex.fitted import FittedTarget
from mex.schema import Schema
from mex.toolkit.facts import precision_of, records_in
from mex.types import Array, Estimator, FloatArray

UNKNOWN: dict[str, dict[str, Any]] = {
    "OneHotEncoder": {"handle_unknown": "ignore"},
    "OrdinalEncoder": {"handle_unknown": "use_encoded_value", "unknown_value": -1},
}
"""Parameters with which encoders answer a level that they were not fitted on."""


def target_of(model: Estimator, schema: Schema | None, **options: Any) -> FittedTarget:
    """The target that a fitted model is; a model of tables has in its family what learns them from rows.

    ``options`` are those of :meth:`FittedTarget.wrap`.
    """
    target = FittedTarget.wrap(model, schema=schema, **options)
    if target.family.kind in ("tree", "boosted"):
        told = {"thresholds": records_in(model), "precision": precision_of(model)}
        public = {**target.family.public, **{name: fact for name, fact in told.items() if fact}}
        target = attrs.evolve(target, family=attrs.evolve(target.family, public=public))
    if schema is None or options.get("family") is not None:
        return target
    with contextlib.suppress(Exception):  # what cannot be cloned cannot be trained either
        learner = RowModel(_of_any_levels(unfitted(model)), schema)
        return attrs.evolve(target, family=attrs.evolve(target.family, learner=learner))
    return target


def _of_any_levels(estimator: Estimator) -> Estimator:
    """An unfitted model whose encoders take levels that they were not fitted on: few rows do not show them all."""
    for name, encoder in {"": estimator, **estimator.get_params()}.items():
        tolerant = UNKNOWN.get(type(encoder).__name__, {})
        if tolerant and encoder.handle_unknown == "error":
            prefix = name and f"{name}__"
            estimator.set_params(**{f"{prefix}{parameter}": value for parameter, value in tolerant.items()})
    return estimator


def of_rows(target: FittedTarget) -> Estimator:
    """The estimator of a target as one that is given rows of the domain, whatever it takes itself."""
    return target.estimator if target.schema is None else RowModel(target.estimator, target.schema)


def _has(method: str) -> Callable[[Any], bool]:
    return lambda self: hasattr(self.estimator, method)


class _Adapter(BaseEstimator):  # type: ignore[misc]
    """What is asked in one shape and answers from a model of the other; what is fitted is that of the model."""

    def __init__(self, estimator: Estimator, schema: Schema) -> None:
        self.estimator = estimator
        self.schema = schema

    def predict(self, X: Any) -> Array:
        """The labels or values of some rows, shape (n,)."""
        return np.asarray(self._model().predict(self._turned(X)))

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """The probabilities of some rows, shape (n, classes)."""
        return np.asarray(self._model().predict_proba(self._turned(X)))

    @available_if(_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Array:
        """The scores of some rows."""
        return np.asarray(self._model().decision_function(self._turned(X)))

    def _model(self) -> Estimator:
        return vars(self).get("estimator_", self.estimator)

    def _turned(self, X: Any) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.endswith("_") and not name.startswith("_") and "estimator" in vars(self):
            return getattr(self._model(), name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)


class RowModel(_Adapter):
    """An estimator of tables that is fitted on, and asked, rows of the domain: they are decoded into tables.

    Args:
        estimator: unfitted.
        schema: the tables that it takes.
    """

    def fit(self, X: FloatArray, y: Array) -> Self:
        """Fit a copy of the estimator on the tables of some rows."""
        self.estimator_ = clone(self.estimator).fit(self._turned(X), y)
        return self

    @property
    def n_features_in_(self) -> int:
        """The number of features of a row."""
        return self.schema.domain.n_features

    def _turned(self, X: Any) -> Any:
        return self.schema.decode(X)


class TableModel(_Adapter):
    """A fitted model of rows of the domain that takes tables as well: they are encoded.

    Args:
        estimator: fitted.
        schema: the tables.

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> people = [{"age": 41, "sex": "m"}, {"age": 17, "sex": "f"}]
    >>> schema = Schema.of(people)
    >>> model = TableModel(DecisionTreeClassifier().fit(schema.encode(people), ["yes", "no"]), schema)
    >>> model.predict(people), model.predict([[41.0, 0.0, 1.0]]), model.classes_
    (array(['yes', 'no'], dtype='<U3'), array(['yes'], dtype='<U3'), array(['no', 'yes'], dtype='<U3'))
    """

    def _turned(self, X: Any) -> FloatArray:
        return rows_of(X, self.schema)


def rows_of(given: Any, schema: Schema) -> FloatArray:
    """Rows of the domain of a schema: those given, if they are such rows, or a table encoded."""
    if isinstance(given, list | np.ndarray) and np.ndim(given) == 2:
        rows = np.asarray(given)
        if rows.dtype.kind in "fiub" and rows.shape[1] == schema.domain.n_features:
            return rows.astype(np.float64)
    return schema.encode(given)
