"""What is read off a scikit-learn estimator: the weights of a linear one; a copy of any, which has learned nothing."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from mex.errors import Incompatible
from mex.types import Estimator, FloatArray, kind_of

__all__ = [
    "NAIVE",
    "answers_without_prior",
    "attribute",
    "coefficients",
    "has_attribute",
    "is_sklearns",
    "params_of",
    "unfitted",
]

LINEAR = ("sklearn.linear_model", "sklearn.svm", "sklearn.discriminant_analysis", "sklearn.cross_decomposition")
"""Where the estimators live whose answers are known to follow their ``coef_``."""
NAIVE = ("BernoulliNB", "ComplementNB", "MultinomialNB")
"""Naive Bayes models whose log probabilities are affine, and which have no ``coef_``."""
CENTROIDS = "NearestCentroid"
UNTAUGHT = ("outlier_detector", "clusterer", "density_estimator", "transformer")
"""What learns from rows alone: given answers, it passes over them."""

WEIGHTS = ("state_dict", "get_weights")
"""What tells the weights of a network of PyTorch or Keras."""


def coefficients(estimator: Estimator) -> tuple[FloatArray, FloatArray] | None:
    """The weights, shape (k, d), and intercepts, shape (k,), of a fitted linear estimator; None for any other.

    Two classes have one row, the score of the second one, and so has one value.

    >>> from sklearn.naive_bayes import MultinomialNB
    >>> model = MultinomialNB().fit([[1, 0], [0, 3]], [0, 1])
    >>> W, b = coefficients(model)
    >>> bool(np.allclose(W @ [2, 1] + b, np.diff(model.predict_log_proba([[2, 1]]))))
    True
    """
    module, name = type(estimator).__module__, type(estimator).__name__
    if module == "sklearn.naive_bayes" and name in NAIVE:
        return _naive(estimator, name)
    if name == CENTROIDS and is_sklearns(estimator):
        return _centroids(estimator)
    coef = getattr(estimator, "coef_", None) if module.startswith(LINEAR) else None
    if coef is None or "OneClass" in name:
        return None
    W = np.atleast_2d(_dense(coef))
    b = np.broadcast_to(np.ravel(getattr(estimator, "intercept_", 0.0)).astype(np.float64), len(W))
    centre = getattr(estimator, "_x_mean", None)  # of cross decompositions, which subtract it from rows
    return W, np.array(b if centre is None else b - W @ centre)


def _naive(estimator: Estimator, name: str) -> tuple[FloatArray, FloatArray] | None:
    logs = getattr(estimator, "feature_log_prob_", None)
    if logs is None or (name == "BernoulliNB" and estimator.binarize is not None):
        return None
    W, b = np.array(logs, dtype=np.float64), np.array(estimator.class_log_prior_, dtype=np.float64)
    if name == "ComplementNB" and len(W) > 1:
        b = np.zeros(len(W))
    if name == "BernoulliNB":
        absent = np.log1p(-np.exp(W))
        W, b = W - absent, b + absent.sum(axis=1)
    return (np.diff(W, axis=0), np.diff(b)) if len(W) == 2 else (W, b)


def _centroids(estimator: Estimator) -> tuple[FloatArray, FloatArray] | None:
    """Of the squared distance to each centroid, what is not the same for all classes."""
    if estimator.metric != "euclidean":
        return None
    scale, offset = np.ones(estimator.centroids_.shape[1]), 0.0
    if not answers_without_prior(estimator):
        scale = np.where(estimator.within_class_std_dev_ == 0, 1.0, estimator.within_class_std_dev_)
        offset = 2 * np.log(estimator.class_prior_)
    C = estimator.centroids_ / scale
    W, b = 2 * C / scale, offset - np.sum(C**2, axis=1)
    return (np.diff(W, axis=0), np.diff(b)) if len(W) == 2 else (W, b)


def answers_without_prior(estimator: Estimator) -> bool:
    """Whether the labels of a model of centroids are by distances alone, which its probabilities are never."""
    prior = attribute(estimator, "class_prior_")
    return prior is None or bool(np.isclose(prior, 1 / len(prior)).all())


def _dense(coef: Any) -> FloatArray:
    return np.asarray(coef.toarray() if hasattr(coef, "toarray") else coef, dtype=np.float64)


def unfitted(model: Estimator) -> Estimator:
    """A copy of a model, of which no part has learned anything.

    ``sklearn.base.clone`` keeps a part that is frozen as it was fitted, and whoever learns with that has it for
    nothing. A model that was told to take its parts as they are fits them itself.

    >>> from sklearn.calibration import CalibratedClassifierCV
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import LogisticRegression
    >>> fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    >>> unfitted(CalibratedClassifierCV(FrozenEstimator(fitted)))
    CalibratedClassifierCV(estimator=LogisticRegression())

    Raises:
        Incompatible: if it does not learn from answers, or a part of it cannot be copied but as it was fitted.
        Exception: whatever its copying raises.
    """
    from sklearn.base import clone

    if kind_of(model) in UNTAUGHT:
        raise Incompatible(f"{type(model).__name__} does not learn from answers")
    copy = clone(_thawed(model))
    while frozen := [name for name, part in copy.get_params().items() if _is_frozen(part)]:
        name = min(frozen, key=len)
        copy.set_params(**{name: clone(_thawed(copy.get_params()[name]))})
    params, own = copy.get_params(), dict[str, Any]()
    for name, value in params.items():
        option = name.rpartition("__")[2]
        if not isinstance(value, type) and any(hasattr(value, method) for method in WEIGHTS):
            raise Incompatible(f"its {name} is a network, whose weights are copied with it")
        if option == "prefit":
            own[name] = False
        elif option == "cv" and isinstance(value, str) and value == "prefit":
            own |= {name: None} | {refit: True for refit in [f"{name[:-2]}refit"] if refit in params}
    return copy.set_params(**own)


def _thawed(part: Estimator) -> Estimator:
    """The estimator in one that keeps it frozen."""
    while _is_frozen(part):
        if not hasattr(part, "estimator"):
            raise Incompatible(f"{type(part).__name__} cannot be copied but as it was fitted")
        part = part.estimator
    return part


def _is_frozen(part: object) -> bool:
    """Whether something is an estimator that stays as it was fitted when it is copied."""
    from sklearn.base import clone

    return hasattr(part, "get_params") and not isinstance(part, type) and clone(part, safe=False) is part


def is_sklearns(estimator: Estimator) -> bool:
    """Whether an estimator is scikit-learn's own: what a name promises of it holds for no other's."""
    return type(estimator).__module__.startswith("sklearn.")


def params_of(estimator: Estimator, deep: bool = False) -> dict[str, Any]:
    with contextlib.suppress(Exception):
        return dict(estimator.get_params(deep=deep))
    return {}


def attribute(estimator: Estimator, name: str, default: Any = None) -> Any:
    with contextlib.suppress(Exception):  # a property may raise anything
        return getattr(estimator, name)
    return default


def has_attribute(estimator: Estimator, name: str) -> bool:
    return attribute(estimator, name, attribute) is not attribute
