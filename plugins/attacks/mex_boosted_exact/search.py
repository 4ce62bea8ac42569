"""Where along a path a mixed difference changes: at a step that is known, or at a new one, which is bisected."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

import attrs
import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.differences import Difference
from mex_boosted_exact.guesses import Guesses
from mex_boosted_exact.paths import Path, Told, before
from mex_boosted_exact.sums import BoxSum
from mex_boosted_exact.thresholds import Step

T = TypeVar("T")
Finding: TypeAlias = Generator[FloatArray, tuple[FloatArray, FloatArray], T]
"""A search that yields points, receives their residuals and rounding errors, and returns what it finds."""
Cell: TypeAlias = tuple[int, float, float]
"""An axis and two numbers of it."""
VALUE = Difference(())
"""The residual itself."""
RECENT = 20
"""Over how many searches the share of steps that are new is averaged."""


@attrs.frozen
class Change:
    """Where a difference changes: the last point before, the axis, and the step; None where answers are too coarse."""

    z: FloatArray
    axis: int
    step: Step | None


class Searcher:
    """Searches for steps of the residual of a sum of boxes.

    Attributes:
        total: the sum; steps found are put into it.
        origin: a point at which nothing is left.
        new: the share of the steps found of late that were not known.
    """

    def __init__(self, axes: Axes, total: BoxSum, guesses: Guesses, rng: np.random.Generator) -> None:
        self.axes = axes
        self.guesses = guesses
        self.total = total
        self.rng = rng
        self.origin = np.zeros(len(axes.units))
        self.new = 1.0
        self._open = set[Cell]()  # parts of axes that are bisected

    def walk(self, start: FloatArray, end: FloatArray, there: float) -> Finding[tuple[Step, FloatArray] | None]:
        """A step and a point where the residual changes, between one where it is ``there`` and one where it is not.

        None if it was found meanwhile that one of them is where the side of a step is not known.
        """
        order = self.rng.permutation(np.flatnonzero(start != end))
        change = yield from self.change(VALUE, start, end, order, there, {})
        return None if change is None or change.step is None else (change.step, change.z)

    def change(
        self, difference: Difference, start: FloatArray, goal: FloatArray, order: Array, jump: float, told: Told
    ) -> Finding[Change | None]:
        """Where the difference is not ``jump`` any more, as the axes of ``order`` go to a goal one after the other.

        None if it still is at the goal. ``told`` has what is known of places on the way, and is added to.
        """
        while True:
            path = Path(self.total.thresholds, start, goal, order, self.new, told)
            n = len(path)
            if n not in path.told:
                path.tell(n, (yield from difference.like(path.point(n), jump)))
            if path.told[n]:
                return None
            low, high = path.between()
            while high - low > 1:
                middle = path.middle(low, high)
                path.tell(middle, (yield from difference.like(path.point(middle), jump)))
                low, high = (middle, high) if path.told[middle] else (low, middle)
            (axis, far), z = path.place(high), path.point(low)
            if path.told[high] is None:
                return Change(z, axis, None)
            near, step, up = float(z[axis]), path.steps[high - 1], path.up(high)
            if step is not None:
                z[axis] = before(step, up)
                if (z[axis] <= near if up else z[axis] >= near) or (yield from difference.like(z, jump)):
                    self.new -= self.new / RECENT
                    z[axis] = max(near, z[axis]) if up else min(near, z[axis])
                    return Change(z, axis, step)
                far = float(z[axis])
            cell = axis, min(near, far), max(near, far)
            yield from self._free(cell)
            if (known := self._known(cell)) is not None:  # since the path was made
                if known.below < near < known.above or known.below < far < known.above:
                    return Change(z, axis, None)
                continue
            self._open.add(cell)
            self.new += (1 - self.new) / RECENT
            try:
                step = yield from self._bisect(difference, path.point(low), axis, near, far, jump)
            finally:
                self._open.remove(cell)
            z[axis] = before(step, up)
            return Change(z, axis, step)

    def _free(self, cell: Cell) -> Finding[None]:
        """Wait until no other search bisects where a cell is."""
        while any(axis == cell[0] and low < cell[2] and cell[1] < high for axis, low, high in self._open):
            yield np.empty((0, len(self.axes.units)))

    def _known(self, cell: Cell) -> Step | None:
        """A step that has been found in a cell."""
        axis, low, high = cell
        steps = self.total.thresholds.by_axis[axis]
        return next((step for step in steps if low < step.above and step.below < high), None)

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
            while (middle := self.guesses.middle(axis, min(low, high), max(low, high))) is not None:
                if change[corner] > 0:
                    row = rows[corner : corner + 1].copy()
                    row[:, axis] = middle
                    residual, error = yield row
                    alike = abs(residual[0] - residuals[corner]) <= 2 * error[0]
                else:  # only rounding parts the ends
                    z[axis] = middle
                    alike = (yield from difference.like(z, jump)) is True
                low, high = (middle, high) if alike else (low, middle)
            step = self.total.step(axis, float(min(low, high)), float(max(low, high)))
            self.guesses.learn(axis, step.below, step.above)
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
