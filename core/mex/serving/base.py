"""What served classifiers and regressors share: a model, a defense before it, and the way of a request."""

from __future__ import annotations

import contextlib
import functools
import secrets
from collections.abc import Mapping
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mex.dataset import Rows
from mex.defense import Defense
from mex.domain import Domain
from mex.errors import Incompatible, UsageError
from mex.registry.loader import load_registry
from mex.registry.spec import Spec
from mex.schema import Schema
from mex.serving.endpoint import Server, names_are_known
from mex.serving.tables import a_row, is_table, rows_of_request, schema_of_requests
from mex.toolkit.tabular.adapters import rows_of, target_of
from mex.toolkit.tabular.encoders import names_of
from mex.toolkit.tabular.reading import is_named
from mex.types import Array, Estimator, dense, stream

Written: TypeAlias = Defense | Spec | Mapping[str, Any] | str
"""A defense, or how one is written on the command line and in a matrix file."""


class DefendedEstimator(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """What the classifier and the regressor share."""

    def __init__(self, estimator: Estimator, defense: Written = "none", *, random_state: Any = None) -> None:
        self.estimator = estimator
        self.defense = defense
        self.random_state = random_state

    @classmethod
    def wrap(
        cls,
        fitted: Estimator,
        defense: Written = "none",
        X_train: Array | None = None,
        y_train: Array | None = None,
        *,
        like: Any = None,
        classes: npt.ArrayLike | None = None,
        secret: bytes | str | None = None,
    ) -> Self:
        """Put a defense before a model that is fitted already.

        A model of tables (texts, categories, columns by name) is asked the tables that it takes, columns found by their
        names. A level of a category that it has not seen is refused.

        Args:
            fitted: the model, of scikit-learn or any other with ``predict``, or a function of rows.
            defense: as in the class.
            X_train, y_train: the rows it was fitted on, for defenses that learn from them; most do without.
            like: of a model of tables that does not tell all about its columns a few rows, if there is no ``X_train``.
            classes: the labels of a classifier that has no ``classes_``, in the order of its probabilities.
            secret: what sticky noise is keyed by; without one, drawn. It is no parameter of the estimator, so
                that no log shows it; but a saved file holds the key. To keep the key out of files, save the
                bare model and wrap it where it is served, with the same secret from the environment
                in every worker.

        Raises:
            Incompatible: if the defense cannot protect this model.
            UsageError: for a defense that there is not, or a model that does not tell what the interface has to know.
            NotFittedError: if it is not fitted.
        """
        self = cls(fitted, defense)
        shown = X_train if like is None else like
        schema = schema_of_requests(fitted, shown)
        width = getattr(fitted, "n_features_in_", None)
        if schema is None and width is None and X_train is None:
            name = type(fitted).__name__
            raise UsageError(f"{name} does not tell its number of features: fit it, or give X_train if it is fitted")
        if X_train is not None:
            X = dense(X_train).astype(np.float64) if schema is None else rows_of(X_train, schema)
        else:
            X = np.empty((0, int(width or 0) if schema is None else schema.domain.n_features))
        y = np.empty(len(X)) if y_train is None else np.asarray(y_train)
        if names := names_of(fitted):
            self.feature_names_in_ = np.array(names, dtype=object)
        row = X[:1] if len(X) else np.zeros((1, X.shape[1])) if schema is None else a_row(schema)
        _check_fitted(fitted, row if schema is None else schema.decode(row))
        return self._serve(fitted, Rows(X, y), secret, schema, classes)

    def fit(self, X: Any, y: Array) -> Self:
        """Fit a clone of the model on rows (n, d), or a table, and their targets (n,), then protect it.

        Raises:
            Incompatible: if the defense cannot protect this model.
            UsageError: for a defense that there is not.
        """
        classifies, model = isinstance(self, ClassifierMixin), clone(self.estimator)
        if is_table(X):
            y = np.asarray(y)
            model = model.fit(X, y)
            schema = schema_of_requests(model, X)
            assert schema is not None
            rows = rows_of(X, schema)
            self.feature_names_in_ = np.array([column.name for column in schema.columns], dtype=object)
        else:
            rows, y = self._validated(X, y, y_numeric=not classifies)
            model = model.fit(X if is_named(X) else rows, y)  # it may choose its columns by name
            schema = schema_of_requests(model, X) if is_named(X) else None
        if classifies:
            check_classification_targets(y)
        drawn = None if self.random_state is None else check_random_state(self.random_state).bytes(32)
        return self._serve(model, Rows(rows, y), drawn, schema)

    def predict(self, X: Any) -> Array:
        """The defended labels or values of the rows of ``X``, shape (n,).

        Raises:
            Refused: if a defense refuses some of the rows.
        """
        return self._ask(X, proba=False)

    def _serve(
        self,
        fitted: Estimator,
        train: Rows,
        secret: bytes | str | None,
        schema: Schema | None = None,
        classes: npt.ArrayLike | None = None,
    ) -> Self:
        defense = self.defense
        if isinstance(defense, str | Spec | Mapping):
            defense = installed().build("defense", defense)
        bounded = len(train.X) and np.isfinite(train.X).all()
        domain = Domain.of(train.X) if bounded else Domain.reals(train.X.shape[1])
        target = target_of(fitted, schema, domain=domain if schema is None else schema.domain, classes=classes)
        if isinstance(self, ClassifierMixin) != (target.classes is not None):
            told = "values" if target.classes is None else "labels"
            raise UsageError(f"{type(self).__name__} cannot serve a {type(fitted).__name__}, which answers {told}")
        self.n_features_in_ = domain.n_features if schema is None else len(schema.columns)
        self.estimator_ = fitted
        self.schema_ = schema
        if target.classes is not None:
            self.classes_ = target.classes
        drawn = secrets.token_bytes(32) if secret is None else secret
        with names_are_known(self.estimator_):
            defended = defense.protect(target, train, stream(drawn, "defense"))
        if "label" in target.answers and "label" not in defended.answers:
            shown = " and ".join(defended.answers)
            raise Incompatible(f"this defense answers {shown} and no labels, and a classifier has to predict them")
        self._server = Server(defended)
        return self

    def _ask(self, X: Any, proba: bool) -> Array:
        check_is_fitted(self)
        who = type(self).__name__
        rows = self._validated(X, reset=False) if self.schema_ is None else rows_of_request(X, self.schema_, who)
        with names_are_known(self.estimator_):
            return self._server.ask(rows, proba)

    def _validated(self, X: Array, y: Any = "no_validation", **options: Any) -> Any:
        finite = not get_tags(self).input_tags.allow_nan
        return validate_data(self, X, y, dtype=np.float64, ensure_all_finite=finite, **options)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        with contextlib.suppress(Exception):  # a model of another library has none
            inner = get_tags(self.estimator)
            tags.input_tags.allow_nan = inner.input_tags.allow_nan
            tags.input_tags.positive_only = inner.input_tags.positive_only
            tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        return tags


def _check_fitted(model: Estimator, row: Any) -> None:
    """Raise ``NotFittedError`` if ``model`` is not fitted: by scikit-learn's convention, or else by how it answers."""
    if not hasattr(model, "predict"):
        return  # a function
    try:
        check_is_fitted(model)
    except Exception as error:  # other libraries have their own conventions
        try:
            model.predict(row)
        except Exception:
            raise NotFittedError(f"this {type(model).__name__} does not answer: is it fitted?") from error


installed = functools.cache(load_registry)
