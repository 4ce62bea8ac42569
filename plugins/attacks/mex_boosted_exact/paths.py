"""Paths from point to point, along one axis after the other, as the places at which a function may have changed."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.thresholds import Step, Thresholds

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
        self, thresholds: Thresholds, start: FloatArray, goal: FloatArray, order: Array, new: float, told: Told
    ) -> None:
        """``new`` is the share of changes that are at steps not known yet; ``told`` is added to."""
        self._start = start
        self._goal = goal
        self._order = order
        self._turn: Array = np.full(len(start), -1)  # of each axis, -1 for those that do not move
        self._turn[order] = np.arange(len(order))
        axis, above = thresholds.axis, thresholds.above
        low, high = np.minimum(start, goal), np.maximum(start, goal)
        crossed = np.flatnonzero((self._turn[axis] >= 0) & (low[axis] < above) & (above <= high[axis]))
        up = goal > start
        beyond = np.where(up[axis[crossed]], above[crossed], thresholds.below[crossed])
        arrives: Array = np.zeros(len(start), dtype=bool)  # where the goal is the number just beyond a step
        arrives[axis[crossed[beyond == goal[axis[crossed]]]]] = True
        ends = order[~arrives[order]]
        axes = np.concatenate([axis[crossed], ends])
        coordinates = np.concatenate([beyond, goal[ends]])
        crossed = np.concatenate([crossed, np.full(len(ends), -1)])
        sequence = np.lexsort((np.where(up[axes], coordinates, -coordinates), self._turn[axes]))
        crossed = crossed[sequence]
        self.steps = [thresholds.steps[number] if number >= 0 else None for number in crossed.tolist()]
        self._places = list(zip(axes[sequence].tolist(), coordinates[sequence].tolist(), strict=True))
        weight: FloatArray = np.zeros(len(crossed))
        weight[crossed >= 0] = UNUSED + thresholds.uses[crossed[crossed >= 0]]
        new = min(new, MOST_NEW)
        fresh = new / (1 - new) * weight.sum() / max(len(weight), 1)
        self._until = np.concatenate([[0.0], np.cumsum(weight + (fresh or 1.0))])
        self._told = told
        self.told = {n: told[place] for n, place in enumerate(self._places, 1) if place in told} if told else {}

    def __len__(self) -> int:
        return len(self.steps)

    def point(self, n: int) -> FloatArray:
        """The point after ``n`` places."""
        z = self._start.copy()
        if n:
            axis, coordinate = self._places[n - 1]
            passed = self._order[: self._turn[axis]]
            z[passed] = self._goal[passed]
            z[axis] = coordinate
        return z

    def tell(self, n: int, same: bool | None) -> None:
        """Whether the difference is the same at the n-th place."""
        self.told[n] = self._told[self.place(n)] = same

    def place(self, n: int) -> Place:
        """The axis and the coordinate on it."""
        return self._places[n - 1]

    def up(self, n: int) -> bool:
        """Whether the axis of the n-th place moves up."""
        axis, _ = self.place(n)
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


def beyond(step: Step, up: bool) -> float:
    """The number just beyond a step, on the way up or down."""
    return step.above if up else step.below


def before(step: Step, up: bool) -> float:
    """The number just before a step, on the way up or down."""
    return step.below if up else step.above
