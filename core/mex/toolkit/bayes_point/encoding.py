"""Rows of an interface as vectors whose weights are alike beforehand, and weights as a linear classifier of rows."""

from __future__ import annotations

import math

import numpy as np

from mex.domain import Domain
from mex.types import Array, FloatArray

UNIFORM = math.sqrt(3)
"""Half the width of an interval over the standard deviation of what is uniform on it."""
RAREST = 3.0
"""How many times larger the column of a rare category is at most."""
NARROWEST = 0.1
"""Data count as spread over so much of the range of a feature at least."""


class Encoding:
    """The features of a bounded domain, so scaled that a standard normal is a fair prior of their weights.

    A number is scaled to [-1, 1]; a one-hot group of k categories becomes k - 1 orthonormal contrasts of sqrt(2) times
    its columns, so that a group of two is what a number of two values is. The intercept has a constant as long as a
    quarter of the features together. Columns that cannot change are left out.

    Of rows like the data, if there are some, numbers are centred at the mean and scaled by the spread instead, so that
    they are about as long: models are fitted to data, and their boundaries go through them, wherever the domain ends.
    Columns of rare categories are longer then.

    *Wide* vectors have a column for each number and each category, and a last one for the constant: what moving from
    one category to another changes is looked up there.

    Args:
        domain: the domain, bounded.
        intercept: whether the model has one. Without, groups are not centred, as their mean is an intercept.
        pool: rows like the data, shape (n, n_features), or None.

    Attributes:
        d: the number of weights.
        numbers: the columns of the numbers.
        columns: the columns of the domain behind all but the last of the wide ones.
        spans: the first and the last wide column, exclusive, of each group.
        to_wide: what takes the d columns to the wide ones, shape (wide, d).
        metric: what the square of the length of a normal is in weights (:func:`mex.toolkit.metrics.unit_normal`), as a
            quadratic form of them, shape (d, d).
    """

    def __init__(self, domain: Domain, intercept: bool = True, pool: FloatArray | None = None) -> None:
        moving = domain.lower < domain.upper
        groups = [[i for i in group if moving[i]] for group in domain.groups]
        groups = [group for group in groups if len(group) > 1]
        grouped = {i for group in domain.groups for i in group}
        self.domain = domain
        self.numbers: Array = np.array([i for i in np.flatnonzero(moving) if i not in grouped], dtype=int)
        self.columns: Array = np.concatenate([self.numbers, *(np.array(group, dtype=int) for group in groups)])
        n, wide = len(self.numbers), len(self.columns) + 1
        self.scale = np.full(wide - 1, math.sqrt(2))
        middle, spread = domain.middle[self.numbers], domain.half_width[self.numbers]
        if pool is not None and len(pool):
            data = domain.clip(pool.copy())[:, self.columns]
            self.scale[n:] *= _rarities(data[:, n:], [len(group) for group in groups])
            middle, deviation = data[:, :n].mean(axis=0), data[:, :n].std(axis=0)
            spread = spread * np.clip(UNIFORM * deviation / spread, NARROWEST, 1)
        self.scale[:n] = 1 / spread
        centred = intercept or bool(domain.lower[~moving].any())
        self.offset = np.zeros(wide - 1)
        if centred:
            self.offset[:n] = -middle * self.scale[:n]
        self.spans: list[tuple[int, int]] = []
        blocks, at = [np.eye(n)], n
        for group in groups:
            self.spans.append((at, at + len(group)))
            blocks.append(_contrasts(len(group)) if centred else np.eye(len(group)))
            at += len(group)
        if centred:
            blocks.append(np.array([[math.sqrt(max(1.0, (n + len(groups)) / 4))]]))
        self.to_wide = _block_diagonal(blocks, wide)
        self.d = self.to_wide.shape[1]
        self.metric = self._metric()

    def wide(self, X: FloatArray) -> FloatArray:
        """The wide vectors of rows, shape (n, wide)."""
        out = np.ones((len(X), len(self.columns) + 1))
        out[:, :-1] = X[:, self.columns] * self.scale + self.offset
        return out

    def rows(self, P: FloatArray, like: FloatArray) -> FloatArray:
        """The rows of wide vectors, shape (n, n_features); columns that cannot change are those of ``like``."""
        X, domain = like.copy(), self.domain
        X[:, self.columns] = (P[:, :-1] - self.offset) / self.scale
        whole = domain.integer.copy()
        whole[self.columns[len(self.numbers) :]] = True
        X[:, whole] = np.round(X[:, whole])
        return np.clip(X, domain.lower, domain.upper)

    def encode(self, X: FloatArray) -> FloatArray:
        """The vectors of rows, shape (n, d)."""
        return np.asarray(self.wide(X) @ self.to_wide)

    def weights(self, w: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients, shape (k, n_features), and intercepts, shape (k,), of rows, for weights of shape (k, d)."""
        u = w @ self.to_wide.T
        coef = np.zeros((len(w), self.domain.n_features))
        coef[:, self.columns] = u[:, :-1] * self.scale
        return coef, np.asarray(u[:, -1] + u[:, :-1] @ self.offset)

    def _metric(self) -> FloatArray:
        coef, intercept = self.weights(np.eye(self.d))
        for group in [list(group) for group in self.domain.groups]:
            common = coef[:, group].mean(axis=1, keepdims=True)
            coef[:, group] -= common
            intercept = intercept + common[:, 0]
        normals = np.column_stack([coef * self.domain.half_width, intercept + coef @ self.domain.middle])
        return np.asarray(normals @ normals.T)


def _rarities(data: FloatArray, sizes: list[int]) -> FloatArray:
    """How many times larger columns of categories are than where all of a group are as common, by data, shape (n, c).

    Of features that models standardise it is the standard deviation that is as much smaller, of others 1; so its root.
    """
    even = 1 / np.repeat(sizes, sizes).astype(float)
    share = (data.sum(axis=0) + 1) / (len(data) + 2)
    rarities = (even * (1 - even) / (share * (1 - share))) ** 0.25
    return np.asarray(np.clip(rarities, 1 / RAREST, RAREST))


def _contrasts(k: int) -> FloatArray:
    """k - 1 orthonormal vectors orthogonal to the one of equal components, shape (k, k - 1)."""
    return np.asarray(np.linalg.qr(np.column_stack([np.ones(k), np.eye(k)[:, 1:]]))[0][:, 1:])


def _block_diagonal(blocks: list[FloatArray], height: int) -> FloatArray:
    out = np.zeros((height, sum(block.shape[1] for block in blocks)))
    row = column = 0
    for block in blocks:
        out[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return out
