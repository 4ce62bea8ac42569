"""Every point that was asked, its score and how far rounding may have moved that."""

from __future__ import annotations

import numpy as np

from mex.types import Array, FloatArray


class Store:
    """Points by their coordinates, each once.

    Attributes:
        Z, score, error: the points, shape (n, axes), their scores and the bounds of their rounding, shape (n,).
    """

    def __init__(self, n_axes: int) -> None:
        self._room = 1024
        self._Z = np.empty((self._room, n_axes))
        self._scores = np.empty((self._room, 2))
        self._index: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._index)

    @property
    def Z(self) -> FloatArray:
        return self._Z[: len(self)]

    @property
    def score(self) -> FloatArray:
        return self._scores[: len(self), 0]

    @property
    def error(self) -> FloatArray:
        return self._scores[: len(self), 1]

    def has(self, Z: FloatArray) -> bool:
        """Whether all points were asked."""
        return all(row.tobytes() in self._index for row in Z + 0.0)

    def numbers(self, Z: FloatArray) -> Array:
        """The number of each point, shape (n,), -1 for those not asked."""
        step, index = Z.shape[1] * Z.itemsize, self._index
        data = np.ascontiguousarray(Z + 0.0).tobytes()
        return np.array([index.get(data[i : i + step], -1) for i in range(0, len(data), step)], dtype=np.int64)

    def find(self, Z: FloatArray) -> tuple[Array, FloatArray]:
        """The number of each point, shape (n,), and the new ones among them.

        These :meth:`add` or :meth:`withdraw` has to take next.
        """
        step = Z.shape[1] * Z.itemsize
        data = np.ascontiguousarray(Z + 0.0).tobytes()  # -0 is 0
        numbers, new, known = np.empty(len(Z), dtype=np.int64), list[int](), len(self._index)
        index = self._index
        for i in range(len(Z)):
            key = data[i * step : (i + 1) * step]
            number = index.setdefault(key, len(index))
            if number == known + len(new):
                new.append(i)
            numbers[i] = number
        return numbers, Z[new]

    def add(self, Z: FloatArray, score: FloatArray, error: FloatArray) -> None:
        """Take the scores of the new points of the last :meth:`find`."""
        end = len(self._index)
        while end > self._room:
            self._room *= 2
            self._Z = np.concatenate([self._Z, np.empty_like(self._Z)])
            self._scores = np.concatenate([self._scores, np.empty_like(self._scores)])
        self._Z[end - len(Z) : end] = Z
        self._scores[end - len(Z) : end] = np.column_stack([score, error])

    def withdraw(self, n: int) -> None:
        """Take back the ``n`` new points of the last :meth:`find`, which get no answers."""
        for _ in range(n):
            self._index.popitem()
