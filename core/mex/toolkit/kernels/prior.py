"""What is known of f* before the first answer, as a kernel."""

from __future__ import annotations

import attrs
import numpy as np

from mex.toolkit.kernels.functions import Kernel
from mex.types import FloatArray

ROWS = 250
"""How many rows at most stand for the training data of f*."""
REST = 0.1
"""The share of the prior left to the kernel itself: f* is an expansion in rows *like* these, not in these."""


@attrs.frozen(eq=False)
class TrainedOn:
    """The covariance of the kernel machines that were trained on data like ``rows``.

    f* is an expansion sum_i w_i k(u_i, .) in rows u_i of its training data. If all that is known of the weights is
    that they are independent of each other, the covariance of f*(x) and f*(z) is the mean of k(x, u) k(u, z) over
    the data, times a constant. A machine with this covariance for its kernel, fitted on few answers, is smoother
    than one with k, most of all where data are scarce (Rasmussen and Williams 2006, Section 2.2: a Gaussian process
    as a linear model with these basis functions).

    >>> kernel = TrainedOn.of(Kernel("rbf", 1.0), np.array([[0.0], [0.2], [5.0]]))
    >>> kernel(np.array([[0.1]]), np.array([[1.0], [-1.0], [5.0]])).round(2)
    array([[0.54, 0.36, 0.  ]])

    Attributes:
        kernel: that of f*.
        rows: encoded rows from the same distribution as the training data of f*, shape (m, d).
    """

    kernel: Kernel
    rows: FloatArray
    _data: float  # the factor of what goes through the rows

    @classmethod
    def of(cls, kernel: Kernel, rows: FloatArray) -> TrainedOn:
        """Of the first :data:`ROWS` of ``rows``; the mean of its diagonal over them is that of ``kernel``."""
        rows = rows[:ROWS]
        through = float((kernel(rows, rows) ** 2).sum(axis=1).mean())
        return cls(kernel, rows, (1 - REST) * float(kernel.diagonal(rows).mean()) / max(through, 1e-12))

    def __call__(self, A: FloatArray, B: FloatArray) -> FloatArray:
        """The kernel matrix of the rows of ``A`` and ``B``, shape (len(A), len(B))."""
        through = self.kernel(A, self.rows) @ self.kernel(self.rows, B)
        return np.asarray(self._data * through + REST * self.kernel(A, B))

    def diagonal(self, A: FloatArray) -> FloatArray:
        """The kernel of each row of ``A`` with itself, shape (len(A),)."""
        through = np.square(self.kernel(A, self.rows)).sum(axis=1)
        return np.asarray(self._data * through + REST * self.kernel.diagonal(A))

    def expand(self, rows: FloatArray, weights: FloatArray) -> tuple[Kernel, FloatArray, FloatArray]:
        """The expansion of sum_i weights_i K(rows_i, .) in the kernel of f*."""
        data = self._data * (self.kernel(self.rows, rows) @ weights)
        return self.kernel, np.vstack([self.rows, rows]), np.concatenate([data, REST * weights])
