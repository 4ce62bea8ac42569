"""What is known of each leaf."""

from __future__ import annotations

from typing import Any

import numpy as np

from mex.toolkit.trees.grid import Grid
from mex.types import FloatArray

ROOM = 256
"""How many hulls to make room for at once."""


class Hulls:
    """For each leaf the smallest box around the rows that were answered with its id.

    A leaf is a box, so the whole hull is inside the leaf: rows beyond that need not be remembered, as long as an
    id is one leaf's. In a one-hot group the hull holds the categories seen, as columns that span 0 to 1, or are 1
    where only one was seen.

    Attributes:
        ids: the id of each hull.
        lower, upper: bounds, at least one row per hull.
        shared: the ids that have turned out to be of several leaves, each with a hull of its own.
    """

    def __init__(self, grid: Grid) -> None:
        d = grid.domain.n_features
        self.grid = grid
        self.groups = [np.array(group) for group in grid.domain.groups]
        self.ordered = np.setdiff1d(np.arange(d), np.concatenate([np.empty(0, dtype=int), *self.groups]))
        self.ids: list[Any] = []
        self.shared: set[Any] = set()
        self.lower, self.upper, self._rows = np.empty((0, d)), np.empty((0, d)), np.empty((0, d))
        self._of_id: dict[Any, list[int]] = {}
        self._asked: list[tuple[FloatArray, list[Any]]] = []
        self._answers = np.empty(0)
        self._grown: set[int] = set()
        self._checked = 0

    def add(self, X: FloatArray, ids: list[Any], origins: list[int]) -> list[int]:
        """Let the hulls grow to the rows of ``X``, which were looked for from the hulls ``origins``.

        Returns the hull of each row.
        """
        self._asked.append((X, ids))
        if self.shared:
            self._gather()
        return [self._place(*place) for place in zip(X, ids, origins, strict=True)]

    def _gather(self) -> None:
        self._rows = np.concatenate([X for X, _ in self._asked])
        self._answers = np.concatenate([ids for _, ids in self._asked])

    def part(self) -> bool:
        """Part the hulls that hold rows with other ids, as those ids must be of several leaves; False if none does.

        Their rows are hulls of their own from here on, which grow by what is asked from them.
        """
        self._gather()
        mixed = [name for name, own in self._of_id.items() if any(self._holds_strangers(k) for k in own)]
        self._grown, self._checked = set(), len(self._rows)
        self.shared.update(mixed)
        for name in mixed:
            self._drop(self._of_id.pop(name))
            for x in self._rows[self._answers == name]:
                self._place(x, name, -1)
        return bool(mixed)

    def _holds_strangers(self, k: int) -> bool:
        """Look at all rows if the hull has grown since the last time, else at the new ones."""
        first = 0 if k in self._grown else self._checked
        return self._strangers(self.lower[k], self.upper[k], self.ids[k], first)

    def _place(self, x: FloatArray, name: Any, origin: int) -> int:
        own = self._of_id.setdefault(name, [])
        if name not in self.shared:
            candidates = own
        else:
            candidates = [k for k in own if (self.lower[k] <= x).all() and (x <= self.upper[k]).all()]
            candidates += [origin] if origin in own else []
        for k in candidates:
            lower, upper = np.minimum(self.lower[k], x), np.maximum(self.upper[k], x)
            if name not in self.shared or not self._strangers(lower, upper, name):
                self.lower[k], self.upper[k] = lower, upper
                self._grown.add(k)
                return k
        return self._new(x, name)

    def _new(self, x: FloatArray, name: Any) -> int:
        k = len(self.ids)
        if k == len(self.lower):
            room = np.empty((ROOM, len(x)))
            self.lower, self.upper = np.concatenate([self.lower, room]), np.concatenate([self.upper, room])
        self.ids.append(name)
        self._of_id[name].append(k)
        self.lower[k] = self.upper[k] = x
        self._grown.add(k)
        return k

    def _drop(self, gone: list[int]) -> None:
        self.lower[gone], self.upper[gone] = np.inf, -np.inf  # meets nothing any more

    def _strangers(self, lower: FloatArray, upper: FloatArray, name: Any, first: int = 0) -> bool:
        """Whether a row with another id lies in a box, among those from ``first`` on."""
        rows = self._rows[first:]
        inside = np.all((rows >= lower) & (rows <= upper), axis=1)
        return bool(np.any(self._answers[first:][inside] != name))

    def join(self, k: int, other: int) -> bool:
        """Make one of two overlapping hulls with the same id, as leaves do not overlap; False if that cannot be."""
        lower, upper = np.minimum(self.lower[k], self.lower[other]), np.maximum(self.upper[k], self.upper[other])
        if self.ids[k] != self.ids[other] or self._strangers(lower, upper, self.ids[k]):
            return False
        self.lower[k], self.upper[k] = lower, upper
        self._grown.add(k)
        self._of_id[self.ids[k]].remove(other)
        self._drop([other])
        return True
