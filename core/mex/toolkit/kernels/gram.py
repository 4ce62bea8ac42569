"""A kernel matrix that grows with its rows."""

from __future__ import annotations

import copy

import numpy as np

from mex.types import FloatArray


class GramMatrix:
    """The kernel matrix of n rows, in an array with spare rows and columns so that most appends copy nothing.

    >>> gram = GramMatrix()
    >>> gram.append(np.empty((0, 1)), np.array([[1.0]]))
    >>> view = gram.view()
    >>> view.append(np.array([[0.5]]), np.array([[1.0]]))
    >>> view.values.tolist(), gram.values.tolist()
    ([[1.0, 0.5], [0.5, 1.0]], [[1.0]])
    """

    def __init__(self) -> None:
        self.n = 0
        self._array: FloatArray = np.empty((0, 0))

    @property
    def values(self) -> FloatArray:
        """The matrix, shape (n, n)."""
        return self._array[: self.n, : self.n]

    def append(self, between: FloatArray, within: FloatArray) -> None:
        """Append m rows.

        Args:
            between: the kernel of the rows so far with the new ones, shape (n, m).
            within: the kernel of the new rows, shape (m, m).
        """
        n, m = between.shape
        if n + m > len(self._array):
            array = np.empty((max(64, 3 * (n + m) // 2),) * 2)
            array[:n, :n] = self.values
            self._array = array
        self._array[:n, n : n + m] = between
        self._array[n : n + m, :n] = between.T
        self._array[n : n + m, n : n + m] = within
        self.n = n + m

    def view(self) -> GramMatrix:
        """A matrix that shares the array: rows appended to it are in the spare part, which the next append here reuses.

        So it is valid until then.
        """
        return copy.copy(self)
