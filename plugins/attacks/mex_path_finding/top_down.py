"""Path finding from the root, with rows that leave features out."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeAlias

import attrs
import numpy as np

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps, without_noise
from mex.toolkit.trees.branches import Branches, from_ids, ids_of, threshold_between
from mex.toolkit.trees.grid import Grid
from mex.toolkit.trees.walks import Walk, together
from mex.types import Array, Estimator, FloatArray

Told: TypeAlias = Generator[FloatArray, Any, int]
"""Yields a row, shape (d,), receives its answer, and returns the node it stops at."""


@attrs.frozen(eq=False)
class _Box:
    """Rows ``lower <= x <= upper`` of the features given so far.

    Attributes:
        lower, upper: bounds, shape (d,); the upper bounds of a group's columns tell the categories it holds.
        given: the features that rows of this box do not leave out, as places in the domain's units.
        leaf: the node of the tree under construction that stands for it.
    """

    lower: FloatArray
    upper: FloatArray
    given: tuple[int, ...]
    leaf: int


class TopDown(GeneratorLearner):
    """Divide boxes until each stops at a single node, then give one feature more: the one which that node splits on."""

    def __init__(self, known: Knowledge, epsilon: float, *, in_turn: bool) -> None:
        self._known, self._in_turn = known, in_turn
        self._grid = Grid(known.domain, epsilon)
        self._units = [np.array(unit) for unit in known.domain.units()]
        self._tree = Branches()
        self._ids: dict[int, int] = {}
        self._closed = 0
        self._answers: dict[bytes, int] = {}
        self._shown: dict[Any, Any] = {}
        lower = self._grid.lower.copy()
        lower[[j for group in known.domain.groups for j in group]] = 0
        self._boxes = [_Box(lower, self._grid.upper.copy(), (), leaf=0)]

    @property
    def note(self) -> str:
        """Whether the tree is certain."""
        if self._known.rho != 0:
            return without_noise("path-finding", self._known.rho)
        left = len(self._tree.leaves()) - self._closed
        if left:
            return f"not certified: {left} boxes were not searched to the end"
        return "certified: all rows of each box of the tree end in one leaf"

    def steps(self) -> Steps:
        """Explore the open boxes side by side; that opens others."""
        while self._boxes:
            boxes, self._boxes = self._boxes, []
            yield from together(self._explore(box) for box in boxes)

    def _explore(self, box: _Box) -> Walk:
        first, *others = self._ends(box)
        node = self._ids[box.leaf] = yield from self._told(first)
        for other in others:
            if (yield from self._told(other)) != node:
                unit, at = yield from self._apart(box, first, other, node)
                yield from self._divide(box, unit, at, other, node)
                return
        further = yield from self._splits_on(box, first, node)
        if further is None:
            self._closed += 1
        else:
            self._boxes.append(attrs.evolve(box, given=(*box.given, further)))

    def _ends(self, box: _Box) -> FloatArray:
        """Rows that stop at one node only if all rows of the box do: its opposite corners, and every category."""
        groups = [self._units[unit] for unit in box.given if len(self._units[unit]) > 1]
        held = [group[box.upper[group] > 0] for group in groups]
        rows = np.full((max([2, *map(len, held)]), len(box.lower)), np.nan)
        for unit in box.given:
            rows[0, self._units[unit]], rows[1:, self._units[unit]] = (
                bound[self._units[unit]] for bound in (box.lower, box.upper)
            )
        for group, categories in zip(groups, held, strict=True):
            rows[:, group] = 0
            rows[np.arange(len(rows)), np.resize(categories, len(rows))] = 1
        return rows

    def _splits_on(self, box: _Box, row: FloatArray, node: int) -> Generator[FloatArray, Any, int | None]:
        """The feature that a node splits on: given it, a row moves on. None at a leaf."""
        left = [unit for unit in range(len(self._units)) if unit not in box.given]
        if self._in_turn:
            for unit in left:
                if (yield from self._told(self._with(box, row, [unit]))) != node:
                    return unit
            return None
        if not left or (yield from self._told(self._with(box, row, left))) == node:
            return None
        while len(left) > 1:
            half, rest = left[: len(left) // 2], left[len(left) // 2 :]
            left = rest if (yield from self._told(self._with(box, row, half))) == node else half
        return left[0]

    def _with(self, box: _Box, row: FloatArray, units: list[int]) -> FloatArray:
        """The row with further features given."""
        row = row.copy()
        for columns in (self._units[unit] for unit in units):
            row[columns] = box.lower[columns]
            if len(columns) > 1:
                row[columns[np.argmax(box.upper[columns])]] = 1
        return row

    def _apart(
        self, box: _Box, one: FloatArray, other: FloatArray, node: int
    ) -> Generator[FloatArray, Any, tuple[int, FloatArray]]:
        """A feature, and a row that stops at ``node`` unless it has the value of ``other`` there.

        The feature given last comes first: it is the one which the node above splits on.
        """
        at, last = one.copy(), self._units[box.given[-1]]
        units = [unit for unit in box.given[::-1] if (one[self._units[unit]] != other[self._units[unit]]).any()]
        size = 1 if (one[last] != other[last]).any() else len(units) // 2
        while len(units) > 1:
            row = at.copy()
            columns = np.concatenate([self._units[unit] for unit in units[:size]])
            row[columns] = other[columns]
            if (yield from self._told(row)) == node:
                at, units = row, units[size:]
            else:
                units = units[:size]
            size = len(units) // 2
        return units[0], at

    def _divide(self, box: _Box, unit: int, at: FloatArray, other: FloatArray, node: int) -> Walk:
        """Cut a box where rows between ``at``, which stops at ``node``, and ``other`` cease to do so."""
        columns = self._units[unit]
        if len(columns) > 1:
            column = yield from self._stands_out(box, columns, at, other, node)
            below, above = 0.0, 1.0
        else:
            column, row = int(columns[0]), at.copy()
            near, far = float(at[column]), float(other[column])
            while (middle := self._grid.middle(column, min(near, far), max(near, far))) is not None:
                row[column] = middle
                near, far = (middle, far) if (yield from self._told(row)) == node else (near, middle)
            below, above = min(near, far), max(near, far)
        left, right = self._tree.split(box.leaf, column, threshold_between(below, above))
        self._ids[left] = self._ids[right] = self._ids.pop(box.leaf)
        upper, lower = box.upper.copy(), box.lower.copy()
        upper[column], lower[column] = below, above
        self._boxes.append(attrs.evolve(box, upper=upper, leaf=left))
        upper = box.upper.copy()
        if len(columns) > 1:
            upper[columns] = lower[columns]
        self._boxes.append(attrs.evolve(box, lower=lower, upper=upper, leaf=right))

    def _stands_out(self, box: _Box, group: Array, at: FloatArray, other: FloatArray, node: int) -> Told:
        """Which of two categories has a node of its own: the one whose node no third category shares."""
        one, two = (int(group[np.argmax(row[group])]) for row in (at, other))
        theirs = at.copy()
        theirs[group] = other[group]
        elsewhere = yield from self._told(theirs)
        for third in group[(box.upper[group] > 0) & ~np.isin(group, [one, two])]:
            row = at.copy()
            row[group] = group == third
            stop = yield from self._told(row)
            if stop in (node, elsewhere):
                return two if stop == node else one
        return one

    def _told(self, row: FloatArray) -> Told:
        """The node where a row stops, asked only once."""
        key = row.tobytes()
        if key not in self._answers:
            answer = yield self._grid.rows(row)
            self._answers[key] = ids_of(answer[None], self._shown)[0]
        return self._answers[key]

    def hypothesis(self) -> Estimator:
        """The tree so far; an open box answers as the node its rows were last seen at."""
        return from_ids(self._tree, dict(self._ids), self._known, self._shown)
