"""Paths from point to point, along one axis after the other, as the places at which a function may change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.thresholds import Step, Thresholds

UNUSED = 0.3
"""The weight of a step that no term has yet; that of others is the number of terms with it, and this."""
MOST_NEW = 0.95
"""The share of new steps among all is taken to be at most this."""
COMPANY = 10
"""How much more each step that is in a term with one makes it likely to be in another with it."""


class Path:
    """The way from a point to a goal: axes move in some order, each across the steps known on it and to its end.

    Attributes:
        steps: the step that the way to each place crosses last, or None.
        axes: the axis on which each place is reached, shape (n,).
        points: the places, shape (n, number of axes).
    """

    def __init__(
        self,
        thresholds: Thresholds,
        start: FloatArray,
        goal: FloatArray,
        order: Array,
        new: float,
        company: Sequence[Step] = (),
    ) -> None:
        """Lay out the places.

        Args:
            thresholds: the steps known.
            start, goal: the two ends.
            order: the axes that move, one after the other.
            new: the share of changes that are at steps not known yet.
            company: steps that are likely to be in a term with the one that is sought.
        """
        turn: Array = np.full(len(start), -1)  # of each axis, -1 for those that do not move
        turn[order] = np.arange(len(order))
        axis, above = thresholds.axis, thresholds.above
        low, high = np.minimum(start, goal), np.maximum(start, goal)
        crossed = np.flatnonzero((turn[axis] >= 0) & (low[axis] < above) & (above <= high[axis]))
        up = goal > start
        beyond = np.where(up[axis[crossed]], above[crossed], thresholds.below[crossed])
        arrives: Array = np.zeros(len(start), dtype=bool)  # where the goal is the number just beyond a step
        arrives[axis[crossed[beyond == goal[axis[crossed]]]]] = True
        ends = order[~arrives[order]]
        axes = np.concatenate([axis[crossed], ends])
        coordinates = np.concatenate([beyond, goal[ends]])
        crossed = np.concatenate([crossed, np.full(len(ends), -1)])
        sequence = np.lexsort((np.where(up[axes], coordinates, -coordinates), turn[axes]))
        crossed = crossed[sequence]
        self.axes = axes[sequence]
        self.steps = [thresholds.steps[number] if number >= 0 else None for number in crossed.tolist()]
        self.points = np.where((turn >= 0) & (turn < turn[self.axes][:, None]), goal, start)
        self.points[np.arange(len(crossed)), self.axes] = coordinates[sequence]
        weight: FloatArray = np.zeros(len(crossed))
        known = crossed[crossed >= 0]
        weight[crossed >= 0] = (UNUSED + thresholds.uses[known]) * (1 + COMPANY * thresholds.met(company)[known])
        new = min(new, MOST_NEW)
        fresh = new / (1 - new) * weight.sum() / max(len(weight), 1)
        self._until = np.concatenate([[0.0], np.cumsum(weight + (fresh or 1.0))])

    def __len__(self) -> int:
        return len(self.steps)

    def middle(self, low: int, high: int) -> int:
        """The place between two, counted from 1, that halves the weight of the steps between."""
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
