"""Stolen models that take the tables that the real one takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from mex.schema import Schema
from mex.types import Array, Estimator, FloatArray


def _has(method: str) -> Callable[[Any], bool]:
    return lambda self: hasattr(self.estimator, method)


class TableModel(BaseEstimator):  # type: ignore[misc]
    """A fitted model over the rows of a domain that takes tables as well.

    What is fitted (``classes_``, ``coef_``, ``n_features_in_`` and their like) is that of the model over the rows.

    Args:
        estimator: the fitted model.
        schema: the tables.

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> people = [{"age": 41, "sex": "m"}, {"age": 17, "sex": "f"}]
    >>> schema = Schema.of(people)
    >>> model = TableModel(DecisionTreeClassifier().fit(schema.encode(people), ["yes", "no"]), schema)
    >>> model.predict(people), model.predict([[41.0, 0.0, 1.0]]), model.classes_
    (array(['yes', 'no'], dtype='<U3'), array(['yes'], dtype='<U3'), array(['no', 'yes'], dtype='<U3'))
    """

    def __init__(self, estimator: Estimator, schema: Schema) -> None:
        self.estimator = estimator
        self.schema = schema

    def rows(self, X: Any) -> FloatArray:
        """The rows of the domain for a table, or for such rows themselves."""
        if isinstance(X, list | np.ndarray) and np.ndim(X) == 2:
            array = np.asarray(X)
            if array.dtype.kind in "fiub" and array.shape[1] == self.schema.domain.n_features:
                return array.astype(np.float64)
        return self.schema.encode(X)

    def predict(self, X: Any) -> Array:
        """The labels or values of the rows of a table, shape (n,)."""
        return np.asarray(self.estimator.predict(self.rows(X)))

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """The probabilities of the rows of a table, shape (n, classes)."""
        return np.asarray(self.estimator.predict_proba(self.rows(X)))

    @available_if(_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Array:
        """The scores of the rows of a table."""
        return np.asarray(self.estimator.decision_function(self.rows(X)))

    def __getattr__(self, name: str) -> Any:
        if name.endswith("_") and not name.startswith("_") and "estimator" in vars(self):
            return getattr(self.estimator, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)
