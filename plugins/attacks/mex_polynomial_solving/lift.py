"""Rows as the monomials of their features."""

from __future__ import annotations

import math

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

from mex.types import Array, Estimator, FloatArray


class Lift:
    """The monomials, up to a degree, of features that are moved and scaled first.

    Args:
        d: the number of features.
        degree: the largest degree.
        cross: whether there are products of different features; without, only their squares, and the degree is 2.

    Attributes:
        columns: the number of monomials, with the constant.
    """

    def __init__(self, d: int, degree: int, cross: bool) -> None:
        if cross:
            self.columns = math.comb(d + degree, degree)
            self._monomials: Estimator = PolynomialFeatures(degree, include_bias=False)
        else:
            self.columns = 2 * d + 1
            self._monomials = FeatureUnion(
                [("features", FunctionTransformer()), ("squares", FunctionTransformer(np.square))]
            )
        self._d = d

    def apply(self, X: FloatArray, origin: FloatArray, scale: FloatArray) -> FloatArray:
        """The monomials of ``(X - origin) / scale``, the constant last, shape (n, columns)."""
        Z = self._monomials.fit_transform((X - origin) / scale)
        return np.column_stack([Z, np.ones(len(Z))])

    def estimator(self, W: FloatArray, origin: FloatArray, scale: FloatArray, classes: Array | None) -> Estimator:
        """The model with scores ``apply(X) @ W``, W of shape (columns, number of scores), as a fitted pipeline."""
        weights, constants = W[:-1].T, W[-1]
        if classes is not None and len(classes) == 2:
            weights, constants = np.diff(weights, axis=0), np.diff(constants)
        last = LinearRegression() if classes is None else LogisticRegression()
        last.coef_, last.intercept_ = (weights[0], float(constants[0])) if classes is None else (weights, constants)
        last.n_features_in_ = weights.shape[1]
        if classes is not None:
            last.classes_ = np.asarray(classes)
        row = np.zeros((1, self._d))
        scaler = StandardScaler().fit(row)
        scaler.mean_, scaler.scale_, scaler.var_ = origin, scale, scale**2
        return make_pipeline(scaler, self._monomials.fit(row), last)
