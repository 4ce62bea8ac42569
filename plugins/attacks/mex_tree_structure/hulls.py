"""The hulls of the rows of each leaf."""

from __future__ import annotations

from typing import Any

import numpy as np

from mex.toolkit.trees.grid import Grid
from mex.types import FloatArray

CAPACITY = 256
"""By how many hulls the arrays grow at a time."""


class Hulls:
    """The hull of each leaf: the smallest box around the rows that were answered with its id.

    A leaf is a box, so its hull is inside of it. In a one-hot group the columns of the categories seen span 0 to 1, or
    are 1 if only one was seen.

    Attributes:
        grid: the numbers of each column.
        groups: the columns of each one-hot group.
        ordered: all other columns.
        ids: the id of each hull.
        lower, upper: the bounds of the hulls, at least as many rows as hulls.
        shared: the ids that turned out to belong to several leaves; each of these has a hull of its own.
    """

    def __init__(self, grid: Grid) -> None:
        d = grid.domain.n_features
        self.grid = grid
        self.groups = [np.array(group) for group in grid.domain.groups]
        self.ordered = np.setdiff1d(np.arange(d), np.concatenate([np.empty(0, dtype=int), *self.groups]))
        self.ids: list[Any] = []
        self.shared: set[Any] = set()
        self.lower: FloatArray = np.empty((0, d))
        self.upper: FloatArray = np.empty((0, d))
        self._of_id: dict[Any, list[int]] = {}
        self._asked: list[tuple[FloatArray, list[Any]]] = []
        self._rows: FloatArray = np.empty((0, d))  # all rows asked, once an id is shared
        self._answers = np.empty(0)
        self._grown: set[int] = set()  # the hulls that have grown since the last check for other ids inside
        self._checked = 0  # how many rows there were at that check

    def add(self, X: FloatArray, ids: list[Any], origins: list[int]) -> list[int]:
        """Extend the hulls to rows that were asked.

        Args:
            X: the rows, shape (n, d).
            ids: their answers.
            origins: the hull that each row was an extension of, -1 for none.

        Returns:
            The hull of each row.
        """
        self._asked.append((X, ids))
        if self.shared:
            self._concatenate()
        return [self._place(x, name, origin) for x, name, origin in zip(X, ids, origins, strict=True)]

    def _concatenate(self) -> None:
        self._rows = np.concatenate([X for X, _ in self._asked])
        self._answers = np.concatenate([ids for _, ids in self._asked])

    def split_shared(self) -> bool:
        """Split the hulls with rows of other ids inside, since their ids must be shared; False if there are none.

        Each row of such a hull starts a hull of its own, unless it fits into one.
        """
        self._concatenate()
        mixed = [name for name, own in self._of_id.items() if any(self._has_other_inside(k) for k in own)]
        self._grown = set()
        self._checked = len(self._rows)
        self.shared.update(mixed)
        for name in mixed:
            self._remove(self._of_id.pop(name))
            for x in self._rows[self._answers == name]:
                self._place(x, name, -1)
        return bool(mixed)

    def _has_other_inside(self, k: int) -> bool:
        """Whether a row with another id lies in hull ``k``; if it has not grown, only new rows can."""
        first = 0 if k in self._grown else self._checked
        return self._any_other(self.lower[k], self.upper[k], self.ids[k], first)

    def _place(self, x: FloatArray, name: Any, origin: int) -> int:
        """Extend a hull to a row, or start a new one; return it."""
        own = self._of_id.setdefault(name, [])
        if name not in self.shared:
            candidates = own
        else:
            candidates = [k for k in own if (self.lower[k] <= x).all() and (x <= self.upper[k]).all()]
            candidates += [origin] if origin in own else []
        for k in candidates:
            lower, upper = np.minimum(self.lower[k], x), np.maximum(self.upper[k], x)
            if name not in self.shared or not self._any_other(lower, upper, name):
                self.lower[k], self.upper[k] = lower, upper
                self._grown.add(k)
                return k
        return self._new(x, name)

    def _new(self, x: FloatArray, name: Any) -> int:
        k = len(self.ids)
        if k == len(self.lower):
            spare = np.empty((CAPACITY, len(x)))
            self.lower = np.concatenate([self.lower, spare])
            self.upper = np.concatenate([self.upper, spare])
        self.ids.append(name)
        self._of_id[name].append(k)
        self.lower[k] = self.upper[k] = x
        self._grown.add(k)
        return k

    def _remove(self, hulls: list[int]) -> None:
        self.lower[hulls], self.upper[hulls] = np.inf, -np.inf  # so that they meet no box

    def _any_other(self, lower: FloatArray, upper: FloatArray, name: Any, first: int = 0) -> bool:
        """Whether a row with another id than ``name`` lies in a box, among the rows from ``first`` on."""
        rows = self._rows[first:]
        inside = np.all((rows >= lower) & (rows <= upper), axis=1)
        return bool(np.any(self._answers[first:][inside] != name))

    def merge(self, k: int, other: int) -> bool:
        """Merge two overlapping hulls of one id, since leaves do not overlap; False if another id lies in between."""
        lower, upper = np.minimum(self.lower[k], self.lower[other]), np.maximum(self.upper[k], self.upper[other])
        if self.ids[k] != self.ids[other] or self._any_other(lower, upper, self.ids[k]):
            return False
        self.lower[k], self.upper[k] = lower, upper
        self._grown.add(k)
        self._of_id[self.ids[k]].remove(other)
        self._remove([other])
        return True
