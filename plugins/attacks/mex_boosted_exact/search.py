"""Where along a move a mixed difference changes: by halving the axes that move, the steps known, and then numbers."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.differences import Difference
from mex_boosted_exact.sums import BoxSum, Step

T = TypeVar("T")
Finding: TypeAlias = Generator[FloatArray, tuple[FloatArray, FloatArray], T]
"""A search that yields points, receives their residuals and rounding errors, and returns what it finds."""
VALUE = Difference(())
"""The residual itself."""


class Searcher:
    """Searches for steps of the residual of a sum of boxes.

    Attributes:
        total: the sum; steps found are put into it.
    """

    def __init__(self, axes: Axes, total: BoxSum, rng: np.random.Generator) -> None:
        self.axes = axes
        self.total = total
        self.rng = rng

    def walk(self, start: FloatArray, end: FloatArray) -> Finding[tuple[Step, FloatArray]]:
        """A step and a point where the residual leaves 0, between a point where it is 0 and one where it is not."""
        moved = self.rng.permutation(np.flatnonzero(start != end))
        z, _, axis = yield from self.halve(VALUE, start, end, moved, 0.0)
        step = yield from self.cross(VALUE, z, axis, end[axis], 0.0)
        return step, z

    def halve(
        self, difference: Difference, z: FloatArray, goal: FloatArray, order: Array, jump: float
    ) -> Finding[tuple[FloatArray, FloatArray, int]]:
        """The last point at which the difference is ``jump`` as the axes go to ``goal`` in ``order``, and the next.

        With all axes moved the difference is another. Returned are the two points and the axis in which they differ.
        """
        low, high = 0, len(order)

        def moved(n: int) -> FloatArray:
            point = z.copy()
            point[order[:n]] = goal[order[:n]]
            return point

        while high - low > 1:
            middle = (low + high) // 2
            if (yield from difference.like(moved(middle), jump)):
                low = middle
            else:
                high = middle
        return moved(low), moved(high), int(order[low])

    def cross(self, difference: Difference, z: FloatArray, axis: int, goal: float, jump: float) -> Finding[Step]:
        """The first step of an axis, from ``z`` to ``goal``, beyond which the difference is not ``jump``."""
        start, z = float(z[axis]), z.copy()
        up = goal > start
        steps = [s for s in self.total.steps[axis] if min(start, goal) < s.above <= max(start, goal)]
        steps = steps if up else steps[::-1]
        low, high = 0, len(steps) + 1  # steps crossed
        while high - low > 1:
            middle = (low + high) // 2
            z[axis] = beyond(steps[middle - 1], up)
            if (yield from difference.like(z, jump)):
                low = middle
            else:
                high = middle
        near = float(beyond(steps[low - 1], up)) if low else start
        if high <= len(steps):
            step = steps[high - 1]
            z[axis] = before(step, up)
            if (z[axis] <= near if up else z[axis] >= near) or (yield from difference.like(z, jump)):
                return step
            goal = float(z[axis])
        return (yield from self._bisect(difference, z, axis, near, goal, jump))

    def _bisect(
        self, difference: Difference, z: FloatArray, axis: int, near: float, far: float, jump: float
    ) -> Finding[Step]:
        """A new step between two numbers of an axis, with the difference ``jump`` at the first and not at the second.

        One corner of the difference is bisected, which takes one row for each bit.
        """
        n = len(difference.signs)
        while True:
            rows = np.concatenate([difference.rows(z), difference.rows(z)])
            rows[:n, axis], rows[n:, axis] = near, far
            residuals, errors = yield rows
            change = np.abs(residuals[:n] - residuals[n:]) - errors[:n] - errors[n:]
            corner = int(np.argmax(change))
            low, high = near, far
            while (middle := self.axes.middle(axis, min(low, high), max(low, high))) is not None:
                if change[corner] > 0:
                    row = rows[corner : corner + 1].copy()
                    row[:, axis] = middle
                    residual, error = yield row
                    alike = abs(residual[0] - residuals[corner]) <= 2 * error[0]
                else:  # only rounding parts the ends
                    z[axis] = middle
                    alike = (yield from difference.like(z, jump)) is True
                low, high = (middle, high) if alike else (low, middle)
            step = self._found(axis, float(min(low, high)), float(max(low, high)))
            if change[corner] <= 0:
                return step
            z[axis] = low
            if low != near and not (yield from difference.like(z, jump)):
                far = low
                continue
            z[axis] = high
            if high == far or not (yield from difference.like(z, jump)):
                return step
            near = high

    def _found(self, axis: int, below: float, above: float) -> Step:
        """The step between two numbers; one that is known to be there, if less exactly, is narrowed."""
        for step in self.total.steps[axis]:
            if max(step.below, below) < min(step.above, above):
                self.total.narrow(step, max(step.below, below), min(step.above, above))
                return step
        return self.total.step(axis, below, above)


def beyond(step: Step, up: bool) -> float:
    """The number just beyond a step, on the way up or down."""
    return step.above if up else step.below


def before(step: Step, up: bool) -> float:
    """The number just before a step, on the way up or down."""
    return step.below if up else step.above
