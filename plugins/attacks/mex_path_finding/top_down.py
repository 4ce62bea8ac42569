"""Top-down path finding, with rows that leave features out."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeAlias

import attrs
import numpy as np

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps, without_noise
from mex.toolkit.generators import RowSearch, lockstep
from mex.toolkit.trees.builder import TreeBuilder, ids_of, threshold_between, tree_from_ids
from mex.toolkit.trees.grid import Grid
from mex.types import Array, Estimator, FloatArray

NodeOf: TypeAlias = Generator[FloatArray, Any, int]
"""Yields a row, shape (d,), receives its answer, and returns the node at which its path stops."""


@attrs.frozen(eq=False)
class _Box:
    """The rows ``lower <= x <= upper`` that give some features and leave the others out.

    Attributes:
        lower, upper: bounds, shape (d,); of a one-hot group the categories with an upper bound of 1 are inside.
        given: the features that are given, as indices of the domain's units.
        leaf: its leaf in the tree under construction.
    """

    lower: FloatArray
    upper: FloatArray
    given: tuple[int, ...]
    leaf: int


class TopDown(GeneratorLearner):
    """Splits boxes until all rows of each stop at one node, and then gives the feature of that node as well."""

    def __init__(self, known: Knowledge, epsilon: float, *, in_turn: bool) -> None:
        self._known = known
        self._in_turn = in_turn
        self._grid = Grid(known.domain, epsilon)
        self._units = [np.array(unit) for unit in known.domain.units()]
        self._tree = TreeBuilder()
        self._ids: dict[int, int] = {}  # the node of each leaf of the tree
        self._finished = 0  # boxes whose node is a leaf
        self._answers: dict[bytes, int] = {}
        self._shown: dict[Any, Any] = {}
        lower = self._grid.lower.copy()
        lower[[j for group in known.domain.groups for j in group]] = 0
        self._boxes = [_Box(lower, self._grid.upper.copy(), (), leaf=0)]

    @property
    def note(self) -> str:
        """Whether the tree is certified."""
        if self._known.rho != 0:
            return without_noise("path-finding", self._known.rho)
        left = len(self._tree.leaves()) - self._finished
        if left:
            return f"not certified: {left} boxes were not searched to the end"
        return "certified: all rows of each box of the tree end in one leaf"

    def steps(self) -> Steps:
        """Explore the boxes at hand side by side; they are replaced by others."""
        while self._boxes:
            boxes, self._boxes = self._boxes, []
            yield from lockstep(self._explore(box) for box in boxes)

    def _explore(self, box: _Box) -> RowSearch:
        """Split a box, give one feature more, or finish it."""
        first, *others = self._ends(box)
        node = self._ids[box.leaf] = yield from self._node_of(first)
        for other in others:
            if (yield from self._node_of(other)) != node:
                unit, at = yield from self._deciding_feature(box, first, other, node)
                yield from self._split(box, unit, at, other, node)
                return
        feature = yield from self._feature_of(box, first, node)
        if feature is None:
            self._finished += 1
        else:
            self._boxes.append(attrs.evolve(box, given=(*box.given, feature)))

    def _ends(self, box: _Box) -> FloatArray:
        """Rows of all categories at opposite corners of a box: if all stop at one node, every row of the box does."""
        groups = [self._units[unit] for unit in box.given if len(self._units[unit]) > 1]
        categories_of = [group[box.upper[group] > 0] for group in groups]
        rows = np.full((max([2, *map(len, categories_of)]), len(box.lower)), np.nan)
        for unit in box.given:
            columns = self._units[unit]
            rows[0, columns] = box.lower[columns]
            rows[1:, columns] = box.upper[columns]
        for group, categories in zip(groups, categories_of, strict=True):
            rows[:, group] = 0
            rows[np.arange(len(rows)), np.resize(categories, len(rows))] = 1
        return rows

    def _feature_of(self, box: _Box, row: FloatArray, node: int) -> Generator[FloatArray, Any, int | None]:
        """The feature that a node splits on, with which a path goes on; None if the node is a leaf."""
        left = [unit for unit in range(len(self._units)) if unit not in box.given]
        if self._in_turn:
            for unit in left:
                if (yield from self._node_of(self._with(box, row, [unit]))) != node:
                    return unit
            return None
        if not left or (yield from self._node_of(self._with(box, row, left))) == node:
            return None
        while len(left) > 1:
            half, rest = left[: len(left) // 2], left[len(left) // 2 :]
            left = rest if (yield from self._node_of(self._with(box, row, half))) == node else half
        return left[0]

    def _with(self, box: _Box, row: FloatArray, units: list[int]) -> FloatArray:
        """The row with further features given, at the lower bound of the box or in one of its categories."""
        row = row.copy()
        for columns in (self._units[unit] for unit in units):
            row[columns] = box.lower[columns]
            if len(columns) > 1:
                row[columns[np.argmax(box.upper[columns])]] = 1
        return row

    def _deciding_feature(
        self, box: _Box, one: FloatArray, other: FloatArray, node: int
    ) -> Generator[FloatArray, Any, tuple[int, FloatArray]]:
        """A feature, and a row that stops at ``node`` but does not if the feature has the value it has in ``other``.

        The feature given last is tried first, since it is the one that the node above splits on.
        """
        at, last = one.copy(), self._units[box.given[-1]]
        units = [unit for unit in box.given[::-1] if (one[self._units[unit]] != other[self._units[unit]]).any()]
        size = 1 if (one[last] != other[last]).any() else len(units) // 2
        while len(units) > 1:
            row = at.copy()
            columns = np.concatenate([self._units[unit] for unit in units[:size]])
            row[columns] = other[columns]
            if (yield from self._node_of(row)) == node:
                at, units = row, units[size:]
            else:
                units = units[:size]
            size = len(units) // 2
        return units[0], at

    def _split(self, box: _Box, unit: int, at: FloatArray, other: FloatArray, node: int) -> RowSearch:
        """Split a box at the threshold between ``at``, which stops at ``node``, and the value of ``other``."""
        columns = self._units[unit]
        if len(columns) > 1:
            column = yield from self._deciding_category(box, columns, at, other, node)
            below, above = 0.0, 1.0
        else:
            column, row = int(columns[0]), at.copy()
            near, far = float(at[column]), float(other[column])
            while (middle := self._grid.middle(column, min(near, far), max(near, far))) is not None:
                row[column] = middle
                near, far = (middle, far) if (yield from self._node_of(row)) == node else (near, middle)
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

    def _deciding_category(self, box: _Box, group: Array, at: FloatArray, other: FloatArray, node: int) -> NodeOf:
        """The one of two categories whose node no third category of the box has."""
        one, two = (int(group[np.argmax(row[group])]) for row in (at, other))
        with_other = at.copy()
        with_other[group] = other[group]
        other_node = yield from self._node_of(with_other)
        for third in group[(box.upper[group] > 0) & ~np.isin(group, [one, two])]:
            row = at.copy()
            row[group] = group == third
            stop = yield from self._node_of(row)
            if stop in (node, other_node):
                return two if stop == node else one
        return one

    def _node_of(self, row: FloatArray) -> NodeOf:
        """The node at which the path of a row stops; no row is asked twice."""
        key = row.tobytes()
        if key not in self._answers:
            answer = yield self._grid.rows(row)
            self._answers[key] = ids_of(answer[None], self._shown)[0]
        return self._answers[key]

    def hypothesis(self) -> Estimator:
        """The tree so far; a box that is not finished answers as the node at which its rows were last seen to stop."""
        return tree_from_ids(self._tree, dict(self._ids), self._known, self._shown)
