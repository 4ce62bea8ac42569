"""A Cholesky factor that follows a changing set of rows."""

from __future__ import annotations

import copy

import numpy as np
from scipy.linalg.blas import dtpsv

from mex.types import Array, BoolArray, FloatArray


class PackedFactor:
    """The factor U'U of K_AA + ridge I for a set A of rows that changes little from one solve to the next.

    U is packed column by column, so a row that enters A is appended. A row that leaves A stays in U, with the
    constraint that its coefficient is 0, which costs a projection. If many rows enter or leave, U is computed
    afresh. The half-solved right-hand sides U'^-1 1 and U'^-1 y are appended to as well, so that a change of few
    rows takes a single triangular solve, O(|A|^2).

    Attributes:
        order: the rows in U, those that left included, shape (k,).
    """

    def __init__(self, ridge: float) -> None:
        self._ridge = ridge
        self.order: Array = np.empty(0, dtype=np.intp)
        self._removed = np.empty(0, dtype=np.intp)  # the positions in order of the rows that left
        self._packed = np.empty(0)  # U, with spare entries beyond k (k + 1) / 2
        self._half_solved = np.empty((0, 2))  # U'^-1 [1, y]
        self._constraints = np.empty((0, 0))  # U'^-1 e for the unit vector e of each row that left

    def view(self) -> PackedFactor:
        """A factor that shares the arrays: rows that enter it are in the spare part, which :meth:`update` here reuses.

        So it is valid until then.
        """
        return copy.copy(self)

    def update(self, K: FloatArray, y: FloatArray, active: BoolArray) -> None:
        """Make A the ``active`` rows, shape (n,), of the matrix ``K`` with right-hand side ``y``."""
        inside = np.zeros(len(active), dtype=bool)
        inside[self.order] = True
        entered, left = np.flatnonzero(active & ~inside), np.flatnonzero(~active[self.order])
        if len(entered) + len(left) > 8 + len(self.order) // 8:
            self._refactor(K, y, np.flatnonzero(active))
            return
        still = ~active[self.order[self._removed]]
        new = np.setdiff1d(left, self._removed, assume_unique=True) if len(self._removed) else left
        units = np.zeros((len(self.order), len(new)))
        units[new, np.arange(len(new))] = 1.0
        solved = [self._forward(unit) for unit in units.T]
        self._constraints = np.column_stack([self._constraints[:, still], *solved])
        self._removed = np.concatenate([self._removed[still], new])
        for i in entered:
            self._append(K, y, int(i))

    def solve(self, active: BoolArray) -> tuple[FloatArray, float]:
        """The solution (beta, b) of (K_AA + ridge I) beta + b = y with beta summing to 0; beta is 0 outside A."""
        half_solved = self._half_solved
        if len(self._removed):
            gram = self._constraints.T @ self._constraints
            half_solved = half_solved - self._constraints @ np.linalg.solve(gram, self._constraints.T @ half_solved)
        ones, signs = half_solved.T
        b = float(ones @ signs / (ones @ ones))
        beta = np.zeros(len(active))
        beta[self.order] = dtpsv(len(ones), self._packed[: _size(len(ones))], signs - b * ones)
        beta[~active] = 0.0  # up to rounding it is
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
        self._half_solved = np.vstack([self._half_solved, (np.array([1.0, y[i]]) - u @ self._half_solved) / pivot])
        self._constraints = np.vstack([self._constraints, -(u @ self._constraints) / pivot])
        self.order = np.append(self.order, i)

    def _refactor(self, K: FloatArray, y: FloatArray, rows: Array) -> None:
        k = len(rows)
        M = K[np.ix_(rows, rows)]
        M.flat[:: k + 1] += self._ridge
        self.order = rows
        self._removed = np.empty(0, dtype=np.intp)
        self._packed = np.linalg.cholesky(M)[np.tri(k, dtype=bool)]
        self._constraints = np.empty((k, 0))
        self._half_solved = np.column_stack([self._forward(np.ones(k)), self._forward(y[rows])])


def _size(k: int) -> int:
    """The number of entries of a packed factor of k rows."""
    return k * (k + 1) // 2
