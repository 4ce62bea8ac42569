"""For the operator: scikit-learn estimators that answer behind a defense, to be served in place of the model."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Mapping
from typing import Any, Self, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mex.dataset import Rows
from mex.defense import Defense
from mex.domain import Domain
from mex.errors import Incompatible
from mex.fitted import FittedTarget
from mex.registry.loader import load_registry
from mex.registry.spec import Spec
from mex.serving.endpoint import Server, names_are_known
from mex.types import Array, Estimator, FloatArray, stream

Written: TypeAlias = Defense | Spec | Mapping[str, Any] | str
"""A defense, or how one is written on the command line and in a matrix file."""


class _DefendedEstimator(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
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
        secret: bytes | str | None = None,
    ) -> Self:
        """Put a defense before a model that is fitted already.

        Args:
            fitted: the model.
            defense: as in the class.
            X_train, y_train: the rows it was fitted on, for defenses that learn from them; most do without.
            secret: what sticky noise is keyed by; without one, drawn. It is no parameter of the estimator, so
                that no log shows it; but a saved file holds the key. To keep the key out of files, save the
                bare model and wrap it where it is served, with the same secret from the environment
                in every worker.

        Raises:
            Incompatible: if the defense cannot protect this model.
            UsageError: for a defense that there is not.
        """
        check_is_fitted(fitted)
        self = cls(fitted, defense)
        X = np.empty((0, fitted.n_features_in_)) if X_train is None else np.asarray(X_train, dtype=np.float64)
        y = np.empty(len(X)) if y_train is None else np.asarray(y_train)
        if hasattr(fitted, "feature_names_in_"):
            self.feature_names_in_ = fitted.feature_names_in_
        return self._serve(fitted, Rows(X, y), secret)

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

    def _serve(self, fitted: Estimator, train: Rows, secret: bytes | str | None) -> Self:
        defense = self.defense
        if isinstance(defense, str | Spec | Mapping):
            defense = _installed().build("defense", defense)
        bounded = len(train.X) and np.isfinite(train.X).all()
        target = FittedTarget.wrap(fitted, domain=Domain.of(train.X) if bounded else None)
        self.n_features_in_ = target.domain.n_features
        self.estimator_ = fitted
        if target.classes is not None:
            self.classes_ = target.classes
        with names_are_known(self.estimator_):
            drawn = secrets.token_bytes(32) if secret is None else secret
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
        finite = not get_tags(self.estimator).input_tags.allow_nan
        return validate_data(self, X, y, dtype=np.float64, ensure_all_finite=finite, **options)

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.input_tags.positive_only = inner.input_tags.positive_only
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        return tags


_installed = functools.cache(load_registry)


def _gives_probabilities(self: _DefendedEstimator) -> bool:
    server = getattr(self, "_server", None)
    return hasattr(self.estimator, "predict_proba") if server is None else "proba" in server.target.answers


class DefendedClassifier(ClassifierMixin, _DefendedEstimator):  # type: ignore[misc]
    """A classifier behind a defense: fit it, or :meth:`wrap` a fitted model, and serve it as it is.

    The answers are those the matrix measures, by the same code. Labels are the model's own, but for those that the
    defense is there to change: the argmax of ``predict_proba`` as far as the model's own are, and not where a threshold
    was moved. Noise should be sticky: then a row has the same answer in every worker and after a restart, ``predict``
    and ``predict_proba`` tell of the same draw, and there is nothing to average away. What reaches round a defense is
    not forwarded: decision_function, apply, transform. Defenses that count a client's queries count those of this
    process only: a limit that must hold over several workers belongs into the gateway.

    Args:
        estimator: the model.
        defense: as on the command line, ``"gaussian-output:sticky=true + rounding:decimals=2"``, or a component.
        random_state: makes ``fit`` repeatable, for tests: whoever guesses it knows the noise. By default the
            key is drawn from the operating system; :meth:`wrap` takes a secret.

    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
    >>> served = DefendedClassifier.wrap(model, "gaussian-output:scale=0.2,sticky=true", secret="of the example")
    >>> bool((served.predict(X) == served.predict_proba(X).argmax(axis=1)).all())
    True
    >>> round(model.score(X, y), 3), round(served.score(X, y), 3)
    (0.942, 0.944)
    """

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Array) -> FloatArray:
        """The defended probabilities of the rows of ``X``, shape (n, classes); where the defense leaves any.

        Raises:
            Refused: if a defense refuses some of the rows.
        """
        return self._ask(X, proba=True)


class DefendedRegressor(RegressorMixin, _DefendedEstimator):  # type: ignore[misc]
    """A regressor behind a defense; see :class:`DefendedClassifier`.

    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LinearRegression().fit(X, y)
    >>> model.predict(X[:2]).round(4), DefendedRegressor.wrap(model, "rounding:digits=2").predict(X[:2])
    (array([206.1167,  68.071 ]), array([210.,  68.]))
    """
