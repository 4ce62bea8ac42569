"""Paths from point to point, along one axis after the other, as the places at which a function may have changed."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import TypeAlias

import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.sums import BoxSum, Step

UNUSED = 0.3
"""The weight of a step that no term has yet; that of others is the number of terms with it, and this."""
MOST_NEW = 0.95
"""The share of new steps among all is taken to be at most this."""


Place: TypeAlias = tuple[int, float]
"""An axis and a coordinate on it."""
Told: TypeAlias = dict[Place, bool | None]
"""Whether a difference is the same at places of a path as at its start; None if answers are too coarse to tell."""


class Path:
    """The way from a point to a goal: axes move in some order, each across the steps known on it and to its end.

    Attributes:
        steps: the step that the way to each place crosses last, or None.
        told: what is known of each place, by how many places are passed.
    """

    def __init__(
        self, total: BoxSum, start: FloatArray, goal: FloatArray, order: Array, new: float, told: Told
    ) -> None:
        """``new`` is the share of changes that are at steps not known yet; ``told`` is added to."""
        self.steps: list[Step | None] = []
        self._start = start
        self._goal = goal
        self._order = order
        self._axes: list[int] = []  # the place of each in the order
        self._coordinates: list[float] = []
        weights: list[float] = []
        for k, axis in enumerate(order.tolist()):
            here, end = float(start[axis]), float(goal[axis])
            up = end > here
            for step in ahead(total.steps[axis], here, end):
                here = beyond(step, up)
                self._put(k, here, step)
                weights.append(UNUSED + step.uses)
            if here != end:
                self._put(k, end, None)
                weights.append(0.0)
        new = min(new, MOST_NEW)
        weight = np.array(weights)
        fresh = new / (1 - new) * weight.sum() / max(len(weight), 1)
        self._told = told
        self.told = {n: told[place] for n in range(1, len(self) + 1) if (place := self.place(n)) in told}
        self._until = np.concatenate([[0.0], np.cumsum(weight + (fresh or 1.0))])

    def _put(self, k: int, coordinate: float, step: Step | None) -> None:
        self._axes.append(k)
        self._coordinates.append(coordinate)
        self.steps.append(step)

    def __len__(self) -> int:
        return len(self.steps)

    def point(self, n: int) -> FloatArray:
        """The point after ``n`` places."""
        z = self._start.copy()
        if n:
            k = self._axes[n - 1]
            passed = self._order[:k]
            z[passed] = self._goal[passed]
            z[self._order[k]] = self._coordinates[n - 1]
        return z

    def tell(self, n: int, same: bool | None) -> None:
        """Whether the difference is the same at the n-th place."""
        self.told[n] = self._told[self.place(n)] = same

    def place(self, n: int) -> Place:
        """The axis and the coordinate on it."""
        return self.axis(n), self._coordinates[n - 1]

    def axis(self, n: int) -> int:
        """The axis on which the n-th place is."""
        return int(self._order[self._axes[n - 1]])

    def coordinate(self, n: int) -> float:
        """Where on its axis the n-th place is."""
        return self._coordinates[n - 1]

    def up(self, n: int) -> bool:
        """Whether the axis of the n-th place moves up."""
        axis = self.axis(n)
        return bool(self._goal[axis] > self._start[axis])

    def between(self) -> tuple[int, int]:
        """The first place at which the difference is known to be another, and the last before at which it is not."""
        high = min(n for n, same in self.told.items() if not same)
        return max([n for n, same in self.told.items() if same and n < high], default=0), high

    def middle(self, low: int, high: int) -> int:
        """The place between two that halves the weight of the steps between."""
        half = (self._until[low] + self._until[high]) / 2
        n = int(np.searchsorted(self._until, half))
        n = n if self._until[n] - half <= half - self._until[n - 1] else n - 1
        return min(max(n, low + 1), high - 1)


def ahead(steps: list[Step], here: float, end: float) -> list[Step]:
    """The steps between two numbers, in the order in which they are passed."""
    low, high = (bisect_right(steps, place, key=attrgetter("above")) for place in sorted((here, end)))
    passed = steps[low:high]
    return passed if end > here else passed[::-1]


def beyond(step: Step, up: bool) -> float:
    """The number just beyond a step, on the way up or down."""
    return step.above if up else step.below


def before(step: Step, up: bool) -> float:
    """The number just before a step, on the way up or down."""
    return step.below if up else step.above
