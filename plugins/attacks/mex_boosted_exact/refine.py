"""Thresholds to the last bit, several in one row: the answer tells on which side of each of them the row is.

Between the two ends of a step, which are known, lies the threshold. A row in the middle of the brackets of several
steps, each on another axis, is answered with one of 2^n sums that the terms predict; which one tells a bit of each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator

import attrs
import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.draws import Draws
from mex_boosted_exact.sums import BoxSum, Conditions
from mex_boosted_exact.thresholds import Step

TOGETHER = 6
"""How many steps are in one row at most."""
PROBED = 12
"""How many steps tell whether a target compares in float64."""
TRIES = 8
"""After how many rows that do not tell its side a step is left as it is: it has next to no effect."""
LOOKED_AT = 12
"""At how many points a jump of a step is sought before the others take their turn."""
CLEAR = 20
"""How many times its rounding a jump has to be to be told by a sum."""

Ask = Callable[[FloatArray], Generator[FloatArray, Array, Array]]


@attrs.define(eq=False)
class Group:
    """Steps on different axes, and a point on the left of all of them at which each has a jump of its own."""

    z: FloatArray
    steps: list[Step]


class Refinement:
    """Narrows the steps of a sum that is right outside of them.

    Attributes:
        failed: how many rows were answered otherwise than any side of their steps explains.
        doubts: steps that failed by themselves, and where.
    """

    def __init__(self, axes: Axes, total: BoxSum, draws: Draws) -> None:
        self.failed = 0
        self.doubts: list[tuple[Group, float]] = []
        self._axes = axes
        self._total = total
        self._draws = draws
        self._tries = Counter[Step]()  # rows in a row that did not narrow a step
        self._alone = set[Step]()  # steps that have failed together with others

    def open(self) -> dict[Step, list[Conditions]]:
        """The steps that can be narrowed, each with the terms that have it."""
        found = dict[Step, list[Conditions]]()
        for term in self._total.terms:
            for step, _ in term:
                if self._middle(step) is not None:
                    found.setdefault(step, []).append(term)
        order = self._draws.rng.permutation(len(found))
        return {step: found[step] for step in np.array(list(found), dtype=object)[order]} if found else {}

    def settle(self, step: Step) -> None:
        """Put a step whose jump is not seen at the upper end of its bracket: the sum is the same wherever it is."""
        middle = self._middle(step)
        while middle is not None:
            self._total.thresholds.narrow(step, middle, step.above)
            middle = self._middle(step)

    def _middle(self, step: Step) -> float | None:
        return self._axes.middle(step.axis, step.below, step.above)

    def groups(self, steps: dict[Step, list[Conditions]]) -> list[Group]:
        """Every step in a group, or in none if its jump is not seen at some random points."""
        waiting, groups = dict(steps), list[Group]()
        while waiting:
            step, terms = waiting.popitem()
            for z in self._points(LOOKED_AT):
                used = self._enter(z, terms[self._draws.rng.integers(len(terms))])
                chosen = [step]
                if step not in self._alone:
                    by_axis = {s.axis: s for s in waiting if s.axis not in used and s not in self._alone}
                    chosen += by_axis.values()
                visible = self._visible(z, chosen)
                if step in visible:
                    break
            else:
                continue
            for other in visible:
                z[other.axis] = other.below
                waiting.pop(other, None)
            groups.append(Group(z, visible))
        return groups

    def _points(self, n: int) -> FloatArray:
        """Random points with no coordinate next to a step, where that may be somewhere else."""
        return self._total.thresholds.outside(self._draws.in_cells(n, self._total, 0.0))

    def _enter(self, z: FloatArray, term: Conditions) -> set[int]:
        """Move a point into the box of a term; the axes that this one has."""
        bounds = dict[int, tuple[float, float]]()
        for step, side in term:
            low, high = bounds.get(step.axis, (self._axes.lower[step.axis], self._axes.upper[step.axis]))
            bounds[step.axis] = (max(low, step.above), high) if side > 0 else (low, min(high, step.below))
        for axis, (low, high) in bounds.items():
            if not low <= z[axis] <= high and np.isfinite(high):
                inside = low + self._draws.rng.random() * (high - low)
                z[axis] = np.floor(inside) if self._axes.whole[axis] else self._axes.number(np.array([inside]))[0]
            elif z[axis] > high:
                z[axis] = high
        z[:] = self._total.thresholds.outside(z[None])[0]
        return set(bounds)

    def _visible(self, z: FloatArray, steps: list[Step]) -> list[Step]:
        """The first few steps, one for each axis, that have a jump at ``z``."""
        left, right = np.repeat(z[None], len(steps), axis=0), np.repeat(z[None], len(steps), axis=0)
        for k, step in enumerate(steps):
            left[k, step.axis], right[k, step.axis] = step.below, step.above
        values, variances = (part.reshape(2, -1) for part in self._total(np.concatenate([left, right])))
        clear = np.abs(values[1] - values[0]) > CLEAR * np.sqrt(variances.sum(axis=0))
        return [step for step, seen in zip(steps, clear, strict=True) if seen][:TOGETHER]

    def rows(self, groups: list[Group]) -> FloatArray:
        """The row of each group: in the middle of its steps."""
        Z = np.array([group.z for group in groups])
        for row, group in zip(Z, groups, strict=True):
            for step in group.steps:
                row[step.axis] = self._middle(step)
        return Z

    def narrow(self, groups: list[Group], Z: FloatArray, scores: FloatArray, errors: FloatArray) -> None:
        """Take the scores of the rows of groups."""
        corners = [self._corners(group) for group in groups]
        ends = np.cumsum([len(corner) for corner in corners])[:-1]
        values, variances = self._total(np.concatenate(corners))
        predicted, off = np.split(values, ends), np.split(3 * np.sqrt(variances), ends)
        for group, row, score, error, value, slack in zip(groups, Z, scores, errors, predicted, off, strict=True):
            fits = np.flatnonzero(np.abs(value - score) <= error + slack)
            if len(fits) == 0:
                self._fail(group, row)
                continue
            self._alone.difference_update(group.steps)
            sides = (fits[:, None] >> np.arange(len(group.steps))) & 1
            for k, step in enumerate(group.steps):
                middle = float(row[step.axis])
                self._tries[step] += 1
                if sides[:, k].all():
                    self._total.thresholds.narrow(step, step.below, middle)
                    del self._tries[step]
                elif not sides[:, k].any():
                    self._total.thresholds.narrow(step, middle, step.above)
                    del self._tries[step]
                elif self._tries[step] == TRIES:
                    self.settle(step)

    def probe(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Rows on both sides of the middle of a few steps known to float32, and what a target is to answer that casts.

        Returned are the points, the scores and how far rounding may have moved them.
        """
        found: dict[Step, list[Conditions]] = {}
        for term in self._total.terms:
            found |= {step: [term] for step, _ in term if np.isfinite(step.below) and not self._axes.whole[step.axis]}
        some = dict(list(found.items())[:PROBED])
        groups = [group for group in self.groups(some) if group.steps]
        Z, ends = np.empty((0, len(self._axes.units))), np.empty((0, len(self._axes.units)))
        for group in groups:
            rows = np.repeat(group.z[None], 2, axis=0)
            beside = rows.copy()
            for step in group.steps:
                middle = step.below / 2 + step.above / 2
                rows[:, step.axis] = np.nextafter(middle, -np.inf), np.nextafter(middle, np.inf)
                beside[:, step.axis] = step.below, step.above
            Z, ends = np.concatenate([Z, rows]), np.concatenate([ends, beside])
        values, variances = self._total(ends)
        return Z, values, 3 * np.sqrt(variances)

    def _corners(self, group: Group) -> FloatArray:
        n = len(group.steps)
        right = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
        Z = np.repeat(group.z[None], 1 << n, axis=0)
        for k, step in enumerate(group.steps):
            Z[:, step.axis] = np.where(right[:, k], step.above, step.below)
        return Z

    def _fail(self, group: Group, row: FloatArray) -> None:
        """Take steps apart next time; of a step by itself it has to be seen whether the sum is right beside it."""
        self.failed += 1
        if len(group.steps) > 1:
            self._alone.update(group.steps)
        else:
            self.doubts.append((group, float(row[group.steps[0].axis])))

    def beside(self) -> FloatArray:
        """The ends of the steps that failed by themselves, two rows for each."""
        return np.concatenate([self._corners(group) for group, _ in self.doubts])

    def split(self, right: Array) -> None:
        """Take the steps apart that are right at both ends, shape (n, 2), but not between: they are two."""
        for (group, middle), ends in zip(self.doubts, right, strict=True):
            step = group.steps[0]
            if ends.all() and step.below < middle < step.above:
                above = step.above
                self._total.thresholds.narrow(step, step.below, middle)
                self._total.step(step.axis, middle, above)
        self.doubts.clear()
