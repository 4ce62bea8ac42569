"""The public class of f*, and how it is read off a fitted estimator."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from mex.types import Estimator

KERNEL = ("kernel", "C", "gamma", "degree", "coef0")


@attrs.frozen(eq=False)
class Family:
    """The public class F of f*: what Experiment 1 lets everyone know.

    Attributes:
        kind: ``linear``, ``kernel``, ``tree``, ``forest`` or a name of your own.
        public: public hyper-parameters that attacks ask about, such as ``{"intercept": False}``.
        learner: an unfitted estimator that learns over F with the public hyper-parameters, if there is one.
    """

    kind: str
    public: Mapping[str, Any] = attrs.field(factory=dict)
    learner: Estimator | None = None


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
