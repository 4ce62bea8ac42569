"""The covariance of kernel machines that were trained on data like the attacker's."""

from __future__ import annotations

import attrs
import numpy as np

from mex.toolkit.kernels.functions import Kernel
from mex.types import FloatArray

ROWS = 250
"""The most rows that are taken as a sample of the training data of f*."""
KERNEL_SHARE = 0.1
"""The share of the plain kernel in the covariance, since f* is an expansion in other rows of the same distribution."""


@attrs.frozen(eq=False)
class DataCovariance:
    """The covariance of kernel machines that were trained on data distributed as ``rows``.

    f* is an expansion sum_i w_i k(u_i, .) in rows u_i of its training data. With independent weights of mean 0 the
    covariance of f*(x) and f*(z) is a constant times the mean of k(x, u) k(u, z) over the data (Rasmussen and
    Williams 2006, Section 2.2: a Gaussian process as a linear model with these basis functions). A machine with
    this covariance as its kernel is smoother than one with k, most of all where data are scarce.

    >>> kernel = DataCovariance.of(Kernel("rbf", 1.0), np.array([[0.0], [0.2], [5.0]]))
    >>> kernel(np.array([[0.1]]), np.array([[1.0], [-1.0], [5.0]])).round(2)
    array([[0.54, 0.36, 0.  ]])

    Attributes:
        kernel: the kernel of f*.
        rows: encoded rows from the same distribution as the training data of f*, shape (m, d).
    """

    kernel: Kernel
    rows: FloatArray
    _factor: float  # of the mean over the rows

    @classmethod
    def of(cls, kernel: Kernel, rows: FloatArray) -> DataCovariance:
        """The covariance on the first :data:`ROWS` of ``rows``, with the mean diagonal that ``kernel`` has there."""
        rows = rows[:ROWS]
        diagonal = float((kernel(rows, rows) ** 2).sum(axis=1).mean())
        return cls(kernel, rows, (1 - KERNEL_SHARE) * float(kernel.diagonal(rows).mean()) / max(diagonal, 1e-12))

    def __call__(self, A: FloatArray, B: FloatArray) -> FloatArray:
        """The kernel matrix of the rows of ``A`` and ``B``, shape (len(A), len(B))."""
        over_rows = self.kernel(A, self.rows) @ self.kernel(self.rows, B)
        return np.asarray(self._factor * over_rows + KERNEL_SHARE * self.kernel(A, B))

    def diagonal(self, A: FloatArray) -> FloatArray:
        """The kernel of each row of ``A`` with itself, shape (len(A),)."""
        over_rows = np.square(self.kernel(A, self.rows)).sum(axis=1)
        return np.asarray(self._factor * over_rows + KERNEL_SHARE * self.kernel.diagonal(A))

    def expand(self, rows: FloatArray, weights: FloatArray) -> tuple[Kernel, FloatArray, FloatArray]:
        """The same expansion in the kernel of f*."""
        over_rows = self._factor * (self.kernel(self.rows, rows) @ weights)
        return self.kernel, np.vstack([self.rows, rows]), np.concatenate([over_rows, KERNEL_SHARE * weights])
