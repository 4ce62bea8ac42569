"""A support vector machine that is refitted incrementally as labelled rows are added."""

from __future__ import annotations

import copy

import numpy as np
from scipy.optimize import brentq

from mex.toolkit.kernels.cholesky import PackedFactor
from mex.toolkit.kernels.functions import Covariance
from mex.toolkit.kernels.gram import GramMatrix
from mex.types import BoolArray, FloatArray

STEPS = 100
"""The most Newton steps of one fit. A few are usual; labels that contradict each other take more."""
MOST_STALLS = 3
"""A fit ends after so many steps in a row that the objective does not show: rows may still enter or leave."""


class KernelMachine:
    """A support vector machine with squared hinge loss.

    Minimises 1/2 beta' K beta + C/2 sum max(0, 1 - y f)^2 with f = K beta + b by Newton's method in the primal
    (Keerthi and DeCoste 2005; Chapelle 2007). Each step solves (K_AA + I/C) beta + b = y on the active rows
    A = {y f < 1}; exact line search makes it converge from any start. A refit after a few new labels starts from
    the last solution: only the kernel of new rows is computed, and only rows that enter or leave A change the factor of
    K_AA + I/C. Labels may contradict each other or be all the same.

    Attributes:
        X, y: the rows so far, shape (n, d), and their signs, shape (n,).
        beta, intercept: the expansion in the rows, shape (n,), and the bias.
        f: the decision values of the rows, shape (n,).

    >>> from mex.toolkit.kernels.functions import Kernel
    >>> machine = KernelMachine(Kernel("rbf", 1.0), C=10.0)
    >>> machine = machine.add(np.array([[0.0], [1.0]]), np.array([-1.0, 1.0])).fit()
    >>> machine.decision_function(np.array([[0.0], [1.0]])).round(2)
    array([-0.86,  0.86])
    """

    def __init__(self, kernel: Covariance, C: float) -> None:
        self.kernel = kernel
        self.C = C
        self.X: FloatArray = np.empty((0, 0))
        self.y: FloatArray = np.empty(0)
        self.beta: FloatArray = np.empty(0)
        self.intercept = 0.0
        self.f: FloatArray = np.empty(0)
        self._gram = GramMatrix()
        self._factor = PackedFactor(1 / C)

    @property
    def K(self) -> FloatArray:
        """The kernel matrix of the rows, shape (n, n)."""
        return self._gram.values

    @property
    def active(self) -> BoolArray:
        """Which rows are inside the margin or on the wrong side of it, shape (n,)."""
        return np.asarray(self.y * self.f < 1)

    @property
    def objective(self) -> float:
        """The value that the fit minimises."""
        short = np.maximum(1 - self.y * self.f, 0)
        return float(self.beta @ (self.f - self.intercept) + self.C * short @ short) / 2

    def add(self, X: FloatArray, y: FloatArray) -> KernelMachine:
        """Add rows with their signs; :meth:`fit` takes them into account."""
        n, m = len(self.y), len(X)
        between = self.kernel(self.X, X) if n else np.empty((0, m))
        self._gram.append(between, self.kernel(X, X))
        f = self.beta @ between + self.intercept if n else np.zeros(m)
        self.X = np.concatenate([self.X, X]) if n else np.array(X)
        self.y = np.concatenate([self.y, y])
        self.f = np.concatenate([self.f, f])
        self.beta = np.concatenate([self.beta, np.zeros(m)])
        return self

    def set_penalty(self, C: float) -> KernelMachine:
        """Change the penalty; :meth:`fit` takes it into account."""
        self.C = C
        self._factor = PackedFactor(1 / C)
        return self

    def fit(self) -> KernelMachine:
        """Go from the present solution to the optimum."""
        value = self.objective
        stalls = 0
        for _ in range(STEPS):
            active = self.active
            beta, intercept = self._newton(active)
            rows = np.flatnonzero(active)  # beta is 0 elsewhere
            f = beta[rows] @ self.K[rows] + intercept
            t = self._step(beta - self.beta, intercept - self.intercept, f - self.f)
            self.beta = self.beta + t * (beta - self.beta)
            self.intercept += t * (intercept - self.intercept)
            self.f = self.f + t * (f - self.f)
            if t == 1 and np.array_equal(self.active, active):
                break
            value, before = self.objective, value
            stalls = stalls + 1 if before - value <= 1e-12 * before else 0
            if stalls == MOST_STALLS:
                break
        return self

    def _newton(self, active: BoolArray) -> tuple[FloatArray, float]:
        """The optimum if no row entered or left the active ones."""
        if not active.any():
            return np.zeros(len(active)), self.intercept
        self._factor.update(self.K, self.y, active)
        return self._factor.solve(active)

    def _step(self, beta: FloatArray, intercept: float, f: FloatArray) -> float:
        """The step along a direction that minimises the objective, at most 1."""
        linear, quadratic = float(beta @ (self.f - self.intercept)), float(beta @ (f - intercept))

        def slope(t: float) -> float:
            short = np.maximum(1 - self.y * (self.f + t * f), 0)
            return linear + t * quadratic - self.C * float(short @ (self.y * f))

        tolerance = 1e-9 * abs(slope(0.0))
        return float(brentq(slope, 0.0, 1.0)) if slope(0.0) < 0 and slope(1.0) > tolerance else 1.0

    def decision_function(self, X: FloatArray) -> FloatArray:
        """The decision values of the rows of ``X``, shape (len(X),)."""
        support = np.flatnonzero(self.beta)
        if len(support) == 0:
            return np.full(len(X), self.intercept)
        kernel, rows, weights = self.kernel.expand(self.X[support], self.beta[support])
        return np.asarray(kernel(X, rows) @ weights + self.intercept)

    def variance(self, X: FloatArray) -> FloatArray:
        """The posterior variance of the decision values of the rows of ``X``, shape (len(X),).

        The machine is taken for a Gaussian process with noise of variance 1/C, observed at its active rows.
        """
        support = self.X[self.active]
        k = len(support)
        bordered = np.ones((k + 1, k + 1))
        bordered[:k, :k] = self.kernel(support, support) + np.eye(k) / self.C
        bordered[k, k] = 0.0
        at = np.vstack([self.kernel(support, X), np.ones(len(X))])
        explained = (at * np.linalg.solve(bordered, at)).sum(axis=0) if k else 0.0
        return np.asarray(np.maximum(self.kernel.diagonal(X) - explained, 0.0))

    def trial(self) -> KernelMachine:
        """A view to which rows can be added, and which can be fitted, while this machine stays as it is.

        It shares the kernel matrix and the factor (:meth:`.GramMatrix.view`), so it is valid until a row is added here.
        """
        view = copy.copy(self)
        view._gram = self._gram.view()
        view._factor = self._factor.view()
        return view

    def objective_with(self, x: FloatArray, sign: float) -> float:
        """The objective of the machine fitted with one row more, ``x`` of shape (d,); the machine stays as it is."""
        return self.trial().add(x[None], np.array([sign])).fit().objective

    def leave_one_out(self) -> FloatArray:
        """The decision value of each row if it is left out, shape (n,).

        Exact if leaving it out changes no other row's being active (as for least-squares machines, Cawley 2006).
        """
        left_out, active = self.f.copy(), np.flatnonzero(self.active)
        if len(active):
            inverse = np.linalg.inv(self.K[np.ix_(active, active)] + np.eye(len(active)) / self.C)
            ones = inverse.sum(axis=1)
            diagonal = np.diag(inverse) - ones**2 / max(float(ones.sum()), 1e-12)
            left_out[active] = self.y[active] - self.beta[active] / np.maximum(diagonal, 1e-12)
        return left_out
