"""Where something is first left of the scores on a way: at a step that is known, or at a new one, which is bisected."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeAlias, TypeVar

import attrs
import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.guesses import Guesses
from mex_boosted_exact.opposites import Opposites
from mex_boosted_exact.paths import Path, beyond
from mex_boosted_exact.sums import Conditions
from mex_boosted_exact.thresholds import Step
from mex_boosted_exact.transcript import Transcript

T = TypeVar("T")
Finding: TypeAlias = Generator[FloatArray, tuple[FloatArray, FloatArray], T]
"""A search that yields points, receives their residuals and rounding errors, and returns what it finds."""
Cell: TypeAlias = tuple[int, float, float]
"""An axis and two numbers of it."""
COARSE = 3
"""Answers are too coarse to tell a jump from none if they may be off by more than the jump over this."""
RECENT = 20
"""Over how many searches the share of steps that are new is averaged."""


@attrs.define(eq=False)
class Hunt:
    """A search for what is left at a point, among others that are under way.

    Attributes:
        end: the point, which moves nearer as it is searched for what matters.
        others: the hunts that were begun before, some of which may have ended.
        at, left, slack: the last point at which something was left, what is left there, and how far rounding may have
            moved that.
        opposite: a term of which the opposite was left at that point, since the search for a monomial began; or ().
        done: whether it has ended.
    """

    end: FloatArray
    others: list[Hunt] = attrs.field(factory=list)
    at: FloatArray = attrs.field(factory=lambda: np.empty(0))
    left: float = np.nan
    slack: float = 0.0
    opposite: Conditions = ()
    done: bool = False

    def found(self, at: FloatArray, left: float, slack: float) -> None:
        """Take note that something is left at a point."""
        self.at, self.left, self.slack = at.copy(), float(left), float(slack)

    def forget(self) -> None:
        """Let a term be found anew of which the opposite is left."""
        self.opposite = ()

    def twins(self) -> list[Hunt]:
        """The earlier hunts for which as much is left, which are then likely to be after the same."""
        return [o for o in self.others if not o.done and abs(o.left - self.left) <= o.slack + self.slack]


class Searcher:
    """Searches for steps of the residual of a sum.

    Attributes:
        anchor: the point from which steps are crossed.
        opposites: finds terms of which the opposite is left.
        new: the share of the steps found of late that were not known.
    """

    def __init__(self, told: Transcript, guesses: Guesses) -> None:
        self.anchor: FloatArray = np.zeros(len(told.axes.units))
        self.opposites = Opposites(told)
        self.new = 1.0
        self._told = told
        self._guesses = guesses
        self._open = set[Cell]()  # parts of axes that are bisected

    def first(self, hunt: Hunt, start: FloatArray, order: Array, company: Sequence[Step] = ()) -> Finding[Step | None]:
        """The step at which something is left first, on the way from a point where nothing is to the end of a hunt.

        That end is then the point just beyond it. None if nothing is left at the end, or no answer tells where, or if
        it was seen on the way that the opposite of a term is left, for the first time: the end is then where.

        Args:
            hunt: what is searched for.
            start: where nothing is left.
            order: all axes, in the order in which they move.
            company: steps that are likely to be in a term with it.
        """
        thresholds = self._told.total.thresholds
        while True:
            hunt.end = thresholds.outside(hunt.end[None])[0]
            moved = order[start[order] != hunt.end[order]]
            if len(moved) == 0:
                return None
            path = Path(thresholds, start, hunt.end, moved, self.new, company)
            if not self._told.store.has(hunt.end[None]):
                yield hunt.end[None]
            low, high = yield from self._between(hunt, path)
            if high == 0:
                return None
            hunt.end = path.points[high - 1].copy()
            step = path.steps[high - 1]
            if step is not None:
                self.new -= self.new / RECENT
                return step
            axis = int(path.axes[high - 1])
            near, far = float(path.points[low - 1][axis] if low else start[axis]), float(hunt.end[axis])
            cell = axis, min(near, far), max(near, far)
            while any(axis == a and cell[1] < top and bottom < cell[2] for a, bottom, top in self._open):
                yield hunt.end[None][:0]
            if self._known(cell):  # since the path was made
                continue
            self._open.add(cell)
            try:
                step = yield from self._bisect(hunt.end, axis, near)
            finally:
                self._open.remove(cell)
            if step is None:
                return None
            self.new += (1 - self.new) / RECENT
            hunt.end[axis] = beyond(step, far > near)
            return step

    def _between(self, hunt: Hunt, path: Path) -> Finding[tuple[int, int]]:
        """The last place before, and the first, at which something is left, counted from 1; 0 if :meth:`first` ends."""
        numbers = self._told.store.numbers(path.points)
        places = np.flatnonzero(numbers >= 0)
        residuals, errors = self._told.residuals(numbers[places])
        wrong = np.abs(residuals) > errors
        if not wrong[-1]:
            return 0, 0
        first = int(np.argmax(wrong))
        low, high = int(places[first - 1]) + 1 if first else 0, int(places[first]) + 1
        left, slack = residuals[first], errors[first]
        while True:
            hunt.found(path.points[high - 1], left, slack)
            if not hunt.opposite and (opposite := self.opposites.around(hunt.at, hunt.left, hunt.slack)):
                hunt.opposite, hunt.end = opposite, hunt.at.copy()
                return 0, 0
            if high - low == 1:
                return low, high
            if (yield from self.waited(hunt)):
                (left, *_), (slack, *_) = yield path.points[high - 1][None]
            else:
                middle = path.middle(low, high)
                residuals, errors = yield path.points[[high - 1, middle - 1]]
                wrong = np.abs(residuals) > errors
                low, high = (low, middle) if wrong[1] else (middle, high)
                left, slack = residuals[int(wrong[1])], errors[int(wrong[1])]
            if abs(left) <= slack:  # explained meanwhile
                return 0, 0

    def waited(self, hunt: Hunt) -> Finding[bool]:
        """Wait for earlier hunts that are after the same; whether there were any.

        Where different terms are often equal, as in forests, something has to be left where both cross a step.
        """
        waited = False
        for twin in hunt.twins():
            if self._told.scores.link == "mean":
                meet = self._told.total.thresholds.outside(self._meet(hunt.at, twin.at)[None])
                residuals, errors = yield meet
                if abs(residuals[0]) <= errors[0]:
                    continue
            while twin in hunt.twins():
                waited = True
                yield hunt.end[None][:0]
        return waited

    def _meet(self, one: FloatArray, other: FloatArray) -> FloatArray:
        """The point at which the steps are crossed that are at both of two."""
        up, down = np.maximum(other, self.anchor), np.minimum(other, self.anchor)
        return np.where(one > self.anchor, np.minimum(one, up), np.maximum(one, down))

    def _known(self, cell: Cell) -> bool:
        """Whether a step has been found in a cell."""
        axis, low, high = cell
        return any(low < step.above and step.below < high for step in self._told.total.thresholds.by_axis[axis])

    def _bisect(self, end: FloatArray, axis: int, near: float) -> Finding[Step | None]:
        """A new step between two numbers of an axis: one row for each bit. None if rounding hides it."""
        low, high = near, float(end[axis])
        middle = self._guesses.middle(axis, min(low, high), max(low, high))
        while middle is not None:
            rows = np.repeat(end[None], 3, axis=0)
            rows[:, axis] = low, middle, high
            residuals, errors = yield rows
            if abs(residuals[0] - residuals[2]) <= COARSE * (errors[0] + errors[2]):
                return None
            alike = abs(residuals[1] - residuals[0]) <= errors[0] + errors[1]
            low, high = (middle, high) if alike else (low, middle)
            middle = self._guesses.middle(axis, min(low, high), max(low, high))
        step = self._told.total.step(axis, min(low, high), max(low, high))
        self._guesses.learn(axis, step.below, step.above)
        return step
