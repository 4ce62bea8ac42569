"""The thresholds of a sum, of all axes in one table."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter

import attrs
import numpy as np

from mex.types import Array, FloatArray


@attrs.define(eq=False)
class Step:
    """A threshold: between ``below``, known to be on its left, and ``above``, known to be on its right.

    Until it is known to the last bit no row is asked between the two. ``uses`` counts the terms that have it, and
    ``order`` the steps that were known before it.
    """

    axis: int
    below: float
    above: float
    uses: int = 0
    order: int = 0


ROOM = 64
"""For how many steps there is room at first."""


class Thresholds:
    """Steps on several axes, those of an axis in order; what steps are is changed by its methods only.

    Attributes:
        by_axis: the steps of each axis.
        steps: all of them, axis after axis.
        axis, below, above, uses: what they are, shape (n,) each.
        first: where each axis begins among all, and at last their number, shape (axes + 1,).

    >>> thresholds = Thresholds(2)
    >>> _ = thresholds.add(1, 0.0, 1.0), thresholds.add(0, 3.0, 4.0), thresholds.add(0, 1.0, 2.0)
    >>> thresholds.above, thresholds.passed(np.array([[2.5, 0.0], [5.0, 1.0]]))
    (array([2., 4., 1.]), array([[1, 0],
           [2, 1]]))
    """

    def __init__(self, n_axes: int) -> None:
        self.by_axis: list[list[Step]] = [[] for _ in range(n_axes)]
        self.steps: list[Step] = []
        self.axis: Array = np.empty(0, dtype=np.intp)
        self.below: FloatArray = np.empty(0)
        self.above: FloatArray = np.empty(0)
        self.uses: FloatArray = np.empty(0)
        self.first: Array = np.zeros(n_axes + 1, dtype=np.intp)
        self._used: Array = np.empty(0, dtype=np.intp)  # axes that have any
        self._order: Array = np.empty(0, dtype=np.intp)
        self._met: Array = np.zeros((ROOM, ROOM), dtype=bool)  # which are in a term together, by their order

    def __len__(self) -> int:
        return len(self.steps)

    def number(self, step: Step) -> int:
        """The place of a step among all."""
        return int(self.first[step.axis]) + self.by_axis[step.axis].index(step)

    def find(self, axis: int, above: float) -> Step | None:
        """The step with this least number on its right."""
        own = self.by_axis[axis]
        place = bisect_left(own, above, key=attrgetter("above"))
        return own[place] if place < len(own) and own[place].above == above else None

    def add(self, axis: int, below: float, above: float) -> Step:
        """A new step."""
        step = Step(axis, below, above, order=len(self.steps))
        if step.order == len(self._met):
            self._met = np.pad(self._met, (0, step.order))
        own = self.by_axis[axis]
        place = bisect_left(own, above, key=attrgetter("above"))
        own.insert(place, step)
        number = int(self.first[axis]) + place
        self.steps.insert(number, step)
        self.axis = np.insert(self.axis, number, axis)
        self.below = np.insert(self.below, number, below)
        self.above = np.insert(self.above, number, above)
        self.uses = np.insert(self.uses, number, 0.0)
        self._order = np.insert(self._order, number, step.order)
        self.first[axis + 1 :] += 1
        self._used = np.flatnonzero(np.diff(self.first))
        return step

    def narrow(self, step: Step, below: float, above: float) -> None:
        """Say more exactly where a step is."""
        number = self.number(step)
        step.below = self.below[number] = below
        step.above = self.above[number] = above

    def use(self, steps: Sequence[Step]) -> None:
        """Count a term that has some steps."""
        for step in steps:
            step.uses += 1
            self.uses[self.number(step)] += 1
        order = [step.order for step in steps]
        self._met[np.ix_(order, order)] = True

    def met(self, steps: Sequence[Step]) -> FloatArray:
        """With how many of some steps each one is in a term, shape (n,)."""
        together = self._met[[step.order for step in steps]].sum(axis=0, dtype=np.float64)
        return np.asarray(together[self._order])

    def passed(self, Z: FloatArray) -> Array:
        """How many steps of each axis have each point on their right, shape (n, axes)."""
        passed: Array = np.zeros((len(Z), len(self.by_axis)), dtype=np.intp)
        if len(self._used):
            right = Z[:, self.axis] >= self.above
            passed[:, self._used] = np.add.reduceat(right, self.first[self._used], axis=1, dtype=np.intp)
        return passed

    def outside(self, Z: FloatArray) -> FloatArray:
        """The points with each coordinate that is between the two ends of a step moved to the upper one."""
        at = Z[:, self.axis]
        row, number = np.nonzero((at > self.below) & (at < self.above))
        Z = Z.copy()
        Z[row, self.axis[number]] = self.above[number]
        return Z
