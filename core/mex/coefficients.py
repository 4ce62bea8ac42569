"""The weights of the scores that decide the answers of a linear estimator of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from mex.types import Estimator, FloatArray

__all__ = ["LINEAR", "NAIVE", "coefficients"]

LINEAR = ("sklearn.linear_model", "sklearn.svm", "sklearn.discriminant_analysis", "sklearn.cross_decomposition")
"""Where the estimators live whose answers are known to follow their ``coef_``."""
NAIVE = ("BernoulliNB", "ComplementNB", "MultinomialNB")
"""Naive Bayes models whose log probabilities are affine, and which have no ``coef_``."""


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
    coef = getattr(estimator, "coef_", None)
    if coef is None or not module.startswith(LINEAR) or "OneClass" in name:
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


def _dense(coef: Any) -> FloatArray:
    return np.asarray(coef.toarray() if hasattr(coef, "toarray") else coef, dtype=np.float64)
