"""The hypothesis of an attack on a kernel machine."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from mex.toolkit.kernels.functions import Kernel
from mex.toolkit.kernels.machine import KernelMachine
from mex.types import Array, Estimator, FloatArray


class KernelClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A fitted kernel machine as a classifier of rows of the interface.

    Attributes:
        support_vectors_, dual_coef_, intercept_: the expansion, in the coordinates of ``encoder_``.
        encoder_: the fitted transformer before the kernel.
        classes_: the two labels, that of negative decision values first.
    """

    def __init__(self, kernel: str = "rbf", gamma: float = 1.0, degree: int = 3, coef0: float = 0.0) -> None:
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0

    @classmethod
    def of(cls, machine: KernelMachine, encoder: Estimator, classes: Array, n_features: int) -> KernelClassifier:
        """The classifier of ``machine``, which was fitted to rows transformed by ``encoder``."""
        support = np.flatnonzero(machine.beta)
        k, rows, weights = machine.kernel.expand(machine.X[support], machine.beta[support])
        classifier = cls(k.name, k.gamma, k.degree, k.coef0)
        classifier.support_vectors_ = rows
        classifier.dual_coef_ = weights
        classifier.intercept_ = machine.intercept
        classifier.encoder_ = encoder
        classifier.classes_ = np.array(classes)
        classifier.n_features_in_ = n_features
        return classifier

    def fit(self, X: FloatArray, y: Array) -> KernelClassifier:
        """Not implemented: :meth:`of` makes a classifier of a fitted machine."""
        raise NotImplementedError("a KernelClassifier is made by an attack; to fit one, use sklearn.svm.SVC")

    def decision_function(self, X: FloatArray) -> FloatArray:
        """The decision values of the rows of ``X``, shape (len(X),); positive means ``classes_[1]``."""
        Z = self.encoder_.transform(np.asarray(X, dtype=np.float64))
        kernel = Kernel(self.kernel, self.gamma, self.degree, self.coef0)
        return np.asarray(kernel(Z, self.support_vectors_) @ self.dual_coef_ + self.intercept_)

    def predict(self, X: FloatArray) -> Array:
        """The labels of the rows of ``X``."""
        return np.asarray(self.classes_[(self.decision_function(X) > 0).astype(int)])
