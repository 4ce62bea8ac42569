"""Support vector machines that learn label by label: refitted from where they were, not from scratch."""

from __future__ import annotations

import copy

import numpy as np
from scipy.optimize import brentq

from mex.toolkit.kernels.cholesky import PackedFactor
from mex.toolkit.kernels.functions import Covariance
from mex.types import BoolArray, FloatArray

STEPS = 100
"""The most Newton steps of one fit; a few do, but for labels that contradict each other."""


class KernelMachine:
    """A support vector machine with squared hinge loss, grown row by row.

    Minimises 1/2 beta' K beta + C/2 sum max(0, 1 - y f)^2 with f = K beta + b by Newton's method in the primal
    (Keerthi and DeCoste 2005; Chapelle 2007). Each step solves (K_AA + I/C) beta + b = y on the active rows
    A = {y f < 1}, and exact line search makes it converge from anywhere. A refit after a few new labels starts
    from the last solution: only new kernel rows are computed, and only the rows that enter or leave A change
    the factor of K_AA + I/C. Contradicting labels and a single class are fine.

    Attributes:
        X, y: the rows so far, shape (n, d), and their signs, shape (n,).
        beta, intercept, f: the expansion in the rows, the bias, and the decision values at the rows.

    >>> from mex.toolkit.kernels.functions import Kernel
    >>> machine = KernelMachine(Kernel("rbf", 1.0), C=10.0)
    >>> machine = machine.add(np.array([[0.0], [1.0]]), np.array([-1.0, 1.0])).fit()
    >>> machine.decide(np.array([[0.0], [1.0]])).round(2)
    array([-0.86,  0.86])
    """

    def __init__(self, kernel: Covariance, C: float) -> None:
        self.kernel, self.C = kernel, C
        self.X, self.y = np.empty((0, 0)), np.empty(0)
        self.beta, self.f, self.intercept = np.empty(0), np.empty(0), 0.0
        self._K = np.empty((0, 0))  # rows and columns beyond len(y) are room to grow
        self._factor = PackedFactor(1 / C)

    @property
    def K(self) -> FloatArray:
        """The kernel matrix of the rows, shape (n, n)."""
        n = len(self.y)
        return self._K[:n, :n]

    @property
    def active(self) -> BoolArray:
        """Which rows are inside the margin or on the wrong side of it, shape (n,)."""
        return np.asarray(self.y * self.f < 1)

    @property
    def objective(self) -> float:
        """What the fit minimises."""
        short = np.maximum(1 - self.y * self.f, 0)
        return float(self.beta @ (self.f - self.intercept) + self.C * short @ short) / 2

    def add(self, X: FloatArray, y: FloatArray) -> KernelMachine:
        """Add rows with their signs; :meth:`fit` takes them into account."""
        n, m = len(self.y), len(X)
        if n + m > len(self._K):
            room = np.empty((max(64, 3 * (n + m) // 2),) * 2)
            room[:n, :n] = self.K
            self._K = room
        f = np.zeros(m)
        if n:
            between = self.kernel(self.X, X)
            self._K[:n, n : n + m], self._K[n : n + m, :n] = between, between.T
            f = self.beta @ between + self.intercept
        self._K[n : n + m, n : n + m] = self.kernel(X, X)
        self.X = np.concatenate([self.X, X]) if n else np.array(X)
        self.y = np.concatenate([self.y, y])
        self.f, self.beta = np.concatenate([self.f, f]), np.concatenate([self.beta, np.zeros(m)])
        return self

    def penalise(self, C: float) -> KernelMachine:
        """Change the penalty; :meth:`fit` takes it into account."""
        self.C, self._factor = C, PackedFactor(1 / C)
        return self

    def fit(self) -> KernelMachine:
        """Go on to the optimum."""
        value = self.objective
        for _ in range(STEPS):
            active = self.active
            beta, intercept = self._newton(active)
            f = self.K @ beta + intercept
            t = self._step(beta - self.beta, intercept - self.intercept, f - self.f)
            self.beta = self.beta + t * (beta - self.beta)
            self.intercept += t * (intercept - self.intercept)
            self.f = self.f + t * (f - self.f)
            if t == 1 and np.array_equal(self.active, active):
                break
            value, before = self.objective, value
            if before - value <= 1e-12 * before:
                break
        return self

    def _newton(self, active: BoolArray) -> tuple[FloatArray, float]:
        """The optimum if no row entered or left the active ones."""
        if not active.any():
            return np.zeros(len(active)), self.intercept
        self._factor.follow(self.K, self.y, active)
        return self._factor.solve(active)

    def _step(self, beta: FloatArray, intercept: float, f: FloatArray) -> float:
        """How far to go in a direction: the zero of the slope of the objective, at most 1."""
        linear, quadratic = float(beta @ (self.f - self.intercept)), float(beta @ (f - intercept))

        def slope(t: float) -> float:
            short = np.maximum(1 - self.y * (self.f + t * f), 0)
            return linear + t * quadratic - self.C * float(short @ (self.y * f))

        tolerance = 1e-9 * abs(slope(0.0))
        return float(brentq(slope, 0.0, 1.0)) if slope(0.0) < 0 and slope(1.0) > tolerance else 1.0

    def decide(self, X: FloatArray) -> FloatArray:
        """The decision values of the rows of ``X``, shape (len(X),)."""
        support = np.flatnonzero(self.beta)
        if len(support) == 0:
            return np.full(len(X), self.intercept)
        kernel, rows, weights = self.kernel.expand(self.X[support], self.beta[support])
        return np.asarray(kernel(X, rows) @ weights + self.intercept)

    def variance(self, X: FloatArray) -> FloatArray:
        """How free the decision values of the rows of ``X`` are, given those of the active rows, shape (len(X),)."""
        support = self.X[self.active]
        k = len(support)
        bordered = np.ones((k + 1, k + 1))
        bordered[:k, :k] = self.kernel(support, support) + np.eye(k) / self.C
        bordered[k, k] = 0.0
        at = np.vstack([self.kernel(support, X), np.ones(len(X))])
        explained = (at * np.linalg.solve(bordered, at)).sum(axis=0) if k else 0.0
        return np.asarray(np.maximum(self.kernel.diagonal(X) - explained, 0.0))

    def what_if(self, x: FloatArray, sign: float) -> float:
        """The objective if the row ``x``, shape (d,), had that sign; the machine stays as it is.

        The copy shares the matrices, and writes only where they have room to grow.
        """
        trial = copy.copy(self)
        trial._factor = copy.copy(self._factor)
        return trial.add(x[None], np.array([sign])).fit().objective

    def leave_one_out(self) -> FloatArray:
        """The decision value of each row if it had been left out, shape (n,).

        Exact where the other rows stay active or not as they are (as for least-squares machines, Cawley 2006).
        """
        left_out, active = self.f.copy(), np.flatnonzero(self.active)
        if len(active):
            inverse = np.linalg.inv(self.K[np.ix_(active, active)] + np.eye(len(active)) / self.C)
            ones = inverse.sum(axis=1)
            diagonal = np.diag(inverse) - ones**2 / max(float(ones.sum()), 1e-12)
            left_out[active] = self.y[active] - self.beta[active] / np.maximum(diagonal, 1e-12)
        return left_out
