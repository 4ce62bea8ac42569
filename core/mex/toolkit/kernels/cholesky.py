"""A Cholesky factor that follows a changing set of rows."""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import dtpsv

from mex.types import Array, BoolArray, FloatArray


class PackedFactor:
    """The factor U'U of K_AA + ridge I for a set A of rows that changes little from one solve to the next.

    U is packed column by column, so a row that enters is appended. A row that leaves stays in U and is put
    under the constraint that its coefficient is zero, which takes a projection; where many leave or enter,
    U is computed afresh. The half-solved right-hand sides U'^-1 1 and U'^-1 y are appended as well, which
    leaves a single triangular solve, O(|A|^2), per change of few rows.

    Attributes:
        order: the rows in U, those that left included, shape (k,).
    """

    def __init__(self, ridge: float) -> None:
        self._ridge = ridge
        self.order: Array = np.empty(0, dtype=np.intp)
        self._gone = np.empty(0, dtype=np.intp)  # positions in order
        self._packed = np.empty(0)  # entries beyond k (k + 1) / 2 are room to grow
        self._halves = np.empty((0, 2))  # U'^-1 [1, y]
        self._walls = np.empty((0, 0))  # U'^-1 e of each row that left

    def follow(self, K: FloatArray, y: FloatArray, active: BoolArray) -> None:
        """Make the active rows of the matrix ``K``, with right-hand side ``y``, those that are solved for."""
        inside = np.zeros(len(active), dtype=bool)
        inside[self.order] = True
        enter, left = np.flatnonzero(active & ~inside), np.flatnonzero(~active[self.order])
        if len(enter) + len(left) > 8 + len(self.order) // 8:
            self._refactor(K, y, np.flatnonzero(active))
            return
        still = ~active[self.order[self._gone]]
        new = np.setdiff1d(left, self._gone, assume_unique=True) if len(self._gone) else left
        units = np.zeros((len(self.order), len(new)))
        units[new, np.arange(len(new))] = 1.0
        walls = [self._forward(unit) for unit in units.T]
        self._walls = np.column_stack([self._walls[:, still], *walls])
        self._gone = np.concatenate([self._gone[still], new])
        for i in enter:
            self._append(K, y, int(i))

    def solve(self, active: BoolArray) -> tuple[FloatArray, float]:
        """The solution (beta, b) of (K_AA + ridge I) beta + b = y with beta summing to 0; beta is 0 outside A."""
        halves = self._halves
        if len(self._gone):
            gram = self._walls.T @ self._walls
            halves = halves - self._walls @ np.linalg.solve(gram, self._walls.T @ halves)
        ones, signs = halves.T
        b = float(ones @ signs / (ones @ ones))
        beta = np.zeros(len(active))
        beta[self.order] = dtpsv(len(ones), self._packed[: _size(len(ones))], signs - b * ones)
        beta[~active] = 0.0  # it is, but for rounding
        return beta, b

    def _forward(self, v: FloatArray) -> FloatArray:
        """U'^-1 v."""
        k = len(v)
        return np.asarray(dtpsv(k, self._packed[: _size(k)], v, trans=1)) if k else v

    def _append(self, K: FloatArray, y: FloatArray, i: int) -> None:
        k = len(self.order)
        u = self._forward(K[i, self.order])
        pivot = float(np.sqrt(max(K[i, i] + self._ridge - u @ u, self._ridge / 1e3)))
        if _size(k + 1) > len(self._packed):
            self._packed = np.concatenate([self._packed, np.empty(_size(k + 1) + 64)])
        self._packed[_size(k) : _size(k + 1)] = np.append(u, pivot)
        self._halves = np.vstack([self._halves, (np.array([1.0, y[i]]) - u @ self._halves) / pivot])
        self._walls = np.vstack([self._walls, -(u @ self._walls) / pivot])
        self.order = np.append(self.order, i)

    def _refactor(self, K: FloatArray, y: FloatArray, rows: Array) -> None:
        k = len(rows)
        M = K[np.ix_(rows, rows)]
        M.flat[:: k + 1] += self._ridge
        self._packed = np.linalg.cholesky(M)[np.tri(k, dtype=bool)]
        self.order, self._gone, self._walls = rows, np.empty(0, dtype=np.intp), np.empty((k, 0))
        self._halves = np.column_stack([self._forward(np.ones(k)), self._forward(y[rows])])


def _size(k: int) -> int:
    return k * (k + 1) // 2
