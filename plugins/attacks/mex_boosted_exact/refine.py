"""Thresholds to the last bit, several in one row: the answer tells on which side of each of them the row is.

Between the two ends of a step, which are known, lies the threshold. A row in the middle of the brackets of several
steps, each on another axis, is answered with one of 2^n sums that the terms predict; which one tells a bit of each.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.draws import Draws
from mex_boosted_exact.groups import Group, Grouping
from mex_boosted_exact.scores import MUTE
from mex_boosted_exact.sums import BoxSum, Conditions
from mex_boosted_exact.thresholds import Step

TRIES, MUTED = 40, 5
"""After how many rows by itself that do not tell its side a step is left as it is: it has next to no effect; and as how
many of those a row counts whose answer says something, as those of 0 or 1 do not."""


class Refinement:
    """Narrows the steps of a sum that is right outside of them.

    Attributes:
        failed: how many rows were answered otherwise than any side of their steps explains.
        doubts: steps that failed by themselves, and where.
        grouping: puts steps into groups.
    """

    def __init__(self, axes: Axes, total: BoxSum, draws: Draws) -> None:
        self.failed = 0
        self.doubts: list[tuple[Group, float]] = []
        self._axes = axes
        self._total = total
        self._rng = draws.rng
        self.grouping = Grouping(axes, total, draws)
        self._tries = Counter[Step]()  # rows in a row that did not narrow a step
        self._alone = set[Step]()  # steps that have failed together with others, or were not told apart

    def open(self) -> dict[Step, list[Conditions]]:
        """The steps that can be narrowed, each with the terms that have it."""
        found = dict[Step, list[Conditions]]()
        for term in self._total.terms:
            for step, _ in term:
                if self._middle(step) is not None:
                    found.setdefault(step, []).append(term)
        order = self._rng.permutation(len(found))
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
        return self.grouping.groups(steps, self._alone)

    def rows(self, groups: list[Group]) -> FloatArray:
        """The row of each group: in the middle of its steps."""
        Z = np.array([group.z for group in groups])
        for row, group in zip(Z, groups, strict=True):
            for step in group.steps:
                row[step.axis] = self._middle(step)
        return Z

    def narrow(self, groups: list[Group], Z: FloatArray, scores: FloatArray, errors: FloatArray) -> None:
        """Take the scores of the rows of groups."""
        corners = [group.corners() for group in groups]
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
                if sides[:, k].all():
                    self._total.thresholds.narrow(step, step.below, middle)
                    del self._tries[step]
                elif not sides[:, k].any():
                    self._total.thresholds.narrow(step, middle, step.above)
                    del self._tries[step]
                elif len(group.steps) > 1:  # another may have the same jump
                    self._alone.add(step)
                else:
                    self._tries[step] += 1 if error > MUTE else MUTED
                    if self._tries[step] >= TRIES:
                        self.settle(step)

    def _fail(self, group: Group, row: FloatArray) -> None:
        """Take steps apart next time; of a step by itself it has to be seen whether the sum is right beside it."""
        self.failed += 1
        if len(group.steps) > 1:
            self._alone.update(group.steps)
        else:
            self.doubts.append((group, float(row[group.steps[0].axis])))

    def beside(self) -> FloatArray:
        """The ends of the steps that failed by themselves, two rows for each."""
        return np.concatenate([group.corners() for group, _ in self.doubts])

    def split(self, right: Array) -> None:
        """Take the steps apart that are right at both ends, shape (n, 2), but not between: they are two."""
        for (group, middle), ends in zip(self.doubts, right, strict=True):
            step = group.steps[0]
            if ends.all() and step.below < middle < step.above:
                above = step.above
                self._total.thresholds.narrow(step, step.below, middle)
                self._total.step(step.axis, middle, above)
        self.doubts.clear()
