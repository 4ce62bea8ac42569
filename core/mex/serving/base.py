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
from mex.fitted import FittedTarget
from mex.registry.loader import load_registry
from mex.registry.spec import Spec
from mex.serving.endpoint import Server, names_are_known
from mex.types import Array, Estimator, stream

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
        classes: npt.ArrayLike | None = None,
        secret: bytes | str | None = None,
    ) -> Self:
        """Put a defense before a model that is fitted already.

        Args:
            fitted: the model, of scikit-learn or any other with ``predict``.
            defense: as in the class.
            X_train, y_train: the rows it was fitted on, for defenses that learn from them; most do without.
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
        if X_train is None and not hasattr(fitted, "n_features_in_"):
            name = type(fitted).__name__
            raise UsageError(f"{name} does not tell its number of features: fit it, or give X_train if it is fitted")
        X = np.empty((0, fitted.n_features_in_)) if X_train is None else np.asarray(X_train, dtype=np.float64)
        y = np.empty(len(X)) if y_train is None else np.asarray(y_train)
        _check_fitted(fitted, X[:1] if len(X) else np.zeros((1, X.shape[1])))
        if hasattr(fitted, "feature_names_in_"):
            self.feature_names_in_ = fitted.feature_names_in_
        return self._serve(fitted, Rows(X, y), secret, classes)

    def fit(self, X: Array, y: Array) -> Self:
        """Fit a clone of the model on rows (n, d) and their targets (n,), then protect it.

        Raises:
            Incompatible: if the defense cannot protect this model.
            UsageError: for a defense that there is not.
        """
        classifies = isinstance(self, ClassifierMixin)
        X, y = self._validated(X, y, y_numeric=not classifies)
        if classifies:
            check_classification_targets(y)
        drawn = None if self.random_state is None else check_random_state(self.random_state).bytes(32)
        return self._serve(clone(self.estimator).fit(X, y), Rows(X, y), drawn)

    def predict(self, X: Array) -> Array:
        """The defended labels or values of the rows of ``X``, shape (n,).

        Raises:
            Refused: if a defense refuses some of the rows.
        """
        return self._ask(X, proba=False)

    def _serve(
        self, fitted: Estimator, train: Rows, secret: bytes | str | None, classes: npt.ArrayLike | None = None
    ) -> Self:
        defense = self.defense
        if isinstance(defense, str | Spec | Mapping):
            defense = installed().build("defense", defense)
        bounded = len(train.X) and np.isfinite(train.X).all()
        domain = Domain.of(train.X) if bounded else Domain.reals(train.X.shape[1])
        target = FittedTarget.wrap(fitted, domain=domain, classes=classes)
        if isinstance(self, ClassifierMixin) != (target.classes is not None):
            told = "values" if target.classes is None else "labels"
            raise UsageError(f"{type(self).__name__} cannot serve a {type(fitted).__name__}, which answers {told}")
        self.n_features_in_ = domain.n_features
        self.estimator_ = fitted
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

    def _ask(self, X: Array, proba: bool) -> Array:
        check_is_fitted(self)
        X = self._validated(X, reset=False)
        with names_are_known(self.estimator_):
            return self._server.ask(X, proba)

    def _validated(self, X: Array, y: Any = "no_validation", **options: Any) -> Any:
        finite = not get_tags(self).input_tags.allow_nan
        return validate_data(self, X, y, dtype=np.float64, ensure_all_finite=finite, **options)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        with contextlib.suppress(AttributeError):  # a model of another library has none
            inner = get_tags(self.estimator)
            tags.input_tags.allow_nan = inner.input_tags.allow_nan
            tags.input_tags.positive_only = inner.input_tags.positive_only
            tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        return tags


def _check_fitted(model: Estimator, row: Array) -> None:
    """Raise ``NotFittedError`` if ``model`` is not fitted: by scikit-learn's convention, or else by how it answers."""
    try:
        check_is_fitted(model)
    except (NotFittedError, TypeError, AttributeError) as error:  # other libraries have their own conventions
        try:
            model.predict(row)
        except Exception:
            raise NotFittedError(f"this {type(model).__name__} does not answer: is it fitted?") from error


installed = functools.cache(load_registry)
