"""What an attack on a kernel machine ends with."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from mex.toolkit.kernels.functions import Kernel
from mex.toolkit.kernels.machine import KernelMachine
from mex.types import Array, Estimator, FloatArray


class KernelClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The hypothesis of a kernel machine, on rows as the interface takes them.

    Attributes:
        support_vectors_, dual_coef_, intercept_: the expansion, in the coordinates of ``encoder_``.
        encoder_: the fitted transformer before the kernel.
        classes_: the two labels, that of negative decision values first.
    """

    def __init__(self, kernel: str = "rbf", gamma: float = 1.0, degree: int = 3, coef0: float = 0.0) -> None:
        self.kernel, self.gamma, self.degree, self.coef0 = kernel, gamma, degree, coef0

    @classmethod
    def of(cls, machine: KernelMachine, encoder: Estimator, classes: Array, n_features: int) -> KernelClassifier:
        """What ``machine`` has learned behind ``encoder``."""
        support = np.flatnonzero(machine.beta)
        k, rows, weights = machine.kernel.expand(machine.X[support], machine.beta[support])
        made = cls(k.name, k.gamma, k.degree, k.coef0)
        made.support_vectors_, made.dual_coef_ = rows, weights
        made.intercept_, made.encoder_ = machine.intercept, encoder
        made.classes_, made.n_features_in_ = np.array(classes), n_features
        return made

    def fit(self, X: FloatArray, y: Array) -> KernelClassifier:
        """Not meant to be fitted: :meth:`of` makes it."""
        raise NotImplementedError("a KernelClassifier is what an attack ends with; fit an SVC instead")

    def decision_function(self, X: FloatArray) -> FloatArray:
        """The decision values of the rows of ``X``, shape (len(X),); positive means ``classes_[1]``."""
        Z = self.encoder_.transform(np.asarray(X, dtype=np.float64))
        kernel = Kernel(self.kernel, self.gamma, self.degree, self.coef0)
        return np.asarray(kernel(Z, self.support_vectors_) @ self.dual_coef_ + self.intercept_)

    def predict(self, X: FloatArray) -> Array:
        """The labels of the rows of ``X``."""
        return np.asarray(self.classes_[(self.decision_function(X) > 0).astype(int)])
