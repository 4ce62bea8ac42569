"""An undefended f*: a fitted scikit-learn estimator, or any object with ``predict``, as a target."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

import attrs
import numpy as np

from mex.dataset import Dataset, Rows
from mex.domain import Domain
from mex.errors import UsageError
from mex.knowledge import Family, Scope
from mex.types import Answer, Array, BoolArray, Estimator, FloatArray

__all__ = [
    "KERNEL",
    "FittedTarget",
    "Model",
    "family_of",
]

KERNEL = ("kernel", "C", "gamma", "degree", "coef0")
"""The public hyper-parameters of a kernel machine."""


def _usual_answers(estimator: Estimator) -> tuple[Answer, ...]:
    if not hasattr(estimator, "classes_"):
        return ("value",)
    return ("label", "proba") if hasattr(estimator, "predict_proba") else ("label",)


def _same(X: FloatArray) -> FloatArray:
    return X


@attrs.frozen(eq=False)
class FittedTarget:
    """An undefended f*: a fitted scikit-learn estimator, or any object with ``predict``.

    Attributes:
        estimator: the fitted f*, on rows of the domain.
        encode: turns rows of the dataset into rows of the domain (the same by default; standardised
            where the interface takes standardised features).
    """

    estimator: Estimator = attrs.field(repr=False)
    domain: Domain = attrs.field(repr=False)
    family: Family
    classes: Array | None
    answers: tuple[Answer, ...]
    encode: Callable[[FloatArray], FloatArray] = attrs.field(default=_same, repr=False)
    rho: float | None = 0.0
    alarm: None = attrs.field(default=None, init=False, repr=False)

    @classmethod
    def wrap(
        cls,
        estimator: Estimator,
        *,
        domain: Domain | None = None,
        family: Family | None = None,
        answers: tuple[Answer, ...] | None = None,
        encode: Callable[[FloatArray], FloatArray] = _same,
    ) -> FittedTarget:
        """Put a public face on a fitted estimator; what is not given is read off it.

        Raises:
            UsageError: if it has no ``predict``, or no domain is given and its width is unknown.
        """
        if not callable(getattr(estimator, "predict", None)):
            raise UsageError(f"a target needs a predict method, and {type(estimator).__name__} has none")
        if domain is None:
            width = getattr(estimator, "n_features_in_", None)
            if width is None:
                raise UsageError(f"{type(estimator).__name__} does not tell its number of features; give a domain")
            domain = Domain.reals(int(width))
        classes = getattr(estimator, "classes_", None)
        if answers is None:
            answers = _usual_answers(estimator)
        family = family or family_of(estimator)
        return cls(estimator, domain, family, None if classes is None else np.asarray(classes), answers, encode)

    def admit(self, X: FloatArray) -> BoolArray:
        """Every row: nobody watches."""
        return np.ones(len(X), dtype=bool)

    def __deepcopy__(self, memo: dict[int, Any]) -> FittedTarget:
        """Itself: f* is a function, and what remembers clients is a defense."""
        return self

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer as :meth:`Target.answer` says."""
        if kind == "proba":
            return np.asarray(self.estimator.predict_proba(X))
        if kind == "leaf":
            return np.asarray(self.estimator.apply(X))
        return np.asarray(self.estimator.predict(X))


@runtime_checkable
class Model(Protocol):
    """What a model component is: it fits a target on the operator's rows."""

    scope: ClassVar[Scope]

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """Return the unfitted estimator for a task, for attacks that learn over the same class."""
        ...

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit f* on ``train`` (rows of ``dataset``, which tells the domain and the task).

        Raises:
            Incompatible: if the model cannot learn this dataset.
        """
        ...


def family_of(estimator: Estimator) -> Family:
    """The :class:`mex.Family` of a fitted scikit-learn estimator or pipeline; another object's is its own.

    Linear models are told by their ``coef_``, trees and forests by ``tree_``, kernel machines by ``kernel``.

    >>> from sklearn.linear_model import LogisticRegression
    >>> family_of(LogisticRegression().fit([[0.0], [1.0]], [0, 1])).kind
    'linear'
    """
    kind, public = _kind(estimator)
    learner = None
    with contextlib.suppress(Exception):  # what cannot be cloned cannot be trained either
        from sklearn.base import clone

        learner = clone(estimator)
    return Family(kind, public, learner)


def _kind(estimator: Estimator) -> tuple[str, Mapping[str, Any]]:
    steps = getattr(estimator, "steps", None)
    last = steps[-1][1] if steps else estimator
    params = last.get_params(deep=False) if hasattr(last, "get_params") else {}
    if hasattr(last, "coef_"):
        scaled = bool(steps and len(steps) > 1)  # a scaler before it moves the origin
        fitted = bool(np.any(np.asarray(getattr(last, "intercept_", 0.0))))
        intercept = scaled or bool(params.get("fit_intercept", fitted))
        link = "identity" if not hasattr(last, "classes_") else "logit" if hasattr(last, "predict_proba") else "margin"
        return "linear", {"intercept": intercept, "link": link}
    if hasattr(last, "tree_"):
        return "tree", params
    members = np.ravel(np.asarray(getattr(last, "estimators_", ()), dtype=object))
    if len(members) and all(hasattr(member, "tree_") for member in members):
        # Boosting adds its trees up; a forest lets them vote.
        return ("boosted" if "learning_rate" in params else "forest"), params
    if "kernel" in params and hasattr(last, "dual_coef_"):
        return "kernel", {name: params[name] for name in KERNEL if name in params}
    return type(estimator).__name__, {}
