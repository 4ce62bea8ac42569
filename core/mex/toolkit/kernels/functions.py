"""Kernels."""

from __future__ import annotations

from typing import Protocol

import attrs
import numpy as np

from mex.types import FloatArray


class Covariance(Protocol):
    """A covariance function that expands in a plain kernel."""

    def __call__(self, A: FloatArray, B: FloatArray) -> FloatArray:
        """The kernel matrix of the rows of ``A`` and ``B``, shape (len(A), len(B))."""
        ...

    def diagonal(self, A: FloatArray) -> FloatArray:
        """The kernel of each row of ``A`` with itself, shape (len(A),)."""
        ...

    def expand(self, rows: FloatArray, weights: FloatArray) -> tuple[Kernel, FloatArray, FloatArray]:
        """The plain kernel k, rows z_j and weights v_j with sum_i weights_i K(rows_i, .) = sum_j v_j k(z_j, .)."""
        ...


@attrs.frozen
class Kernel:
    """``rbf``: exp(-gamma |x - z|^2), or ``poly``: (gamma <x, z> + coef0)^degree.

    >>> Kernel("rbf", gamma=0.5)(np.array([[0.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])).round(3)
    array([[1.   , 0.368]])
    """

    name: str = "rbf"
    gamma: float = 1.0
    degree: int = 3
    coef0: float = 0.0

    def __call__(self, A: FloatArray, B: FloatArray) -> FloatArray:
        """The kernel matrix of the rows of ``A`` and ``B``, shape (len(A), len(B))."""
        if self.name == "poly":
            return np.asarray((self.gamma * (A @ B.T) + self.coef0) ** self.degree)
        D = A @ (-2.0 * B.T)
        D += np.einsum("ij,ij->i", A, A)[:, None]
        D += np.einsum("ij,ij->i", B, B)
        np.maximum(D, 0.0, out=D)  # rounding makes the distance of a row to itself negative
        D *= -self.gamma
        return np.asarray(np.exp(D, out=D))

    def diagonal(self, A: FloatArray) -> FloatArray:
        """The kernel of each row of ``A`` with itself, shape (len(A),)."""
        if self.name == "poly":
            return np.asarray((self.gamma * np.einsum("ij,ij->i", A, A) + self.coef0) ** self.degree)
        return np.ones(len(A))

    def expand(self, rows: FloatArray, weights: FloatArray) -> tuple[Kernel, FloatArray, FloatArray]:
        """The kernel itself, with the rows and weights as they are."""
        return self, rows, weights
