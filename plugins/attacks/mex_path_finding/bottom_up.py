"""Path finding from leaves: the box of each, feature by feature."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator
from itertools import groupby, pairwise
from typing import Any

import attrs
import numpy as np

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps, without_noise
from mex.toolkit.trees.branches import around, from_ids, ids_of
from mex.toolkit.trees.grid import Grid
from mex.types import Array, Estimator, FloatArray


@attrs.define(eq=False)
class _Leaf:
    """A leaf met in ``row``; all from ``lower`` to ``upper`` is in it."""

    row: FloatArray
    answer: Any
    lower: FloatArray = attrs.field(init=False)
    upper: FloatArray = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.lower, self.upper = self.row.copy(), self.row.copy()

    def grow(self, row: FloatArray) -> None:
        self.lower, self.upper = np.minimum(self.lower, row), np.maximum(self.upper, row)


@attrs.define(eq=False)
class _Line:
    """Rows asked along one column through a leaf, the first of them the one it was met in."""

    leaf: _Leaf
    column: int
    rows: list[FloatArray] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.rows = [self.leaf.row]

    def at(self, value: float) -> FloatArray:
        row = self.leaf.row.copy()
        row[self.column] = value
        self.rows.append(row)
        return row


class BottomUp(GeneratorLearner):
    """Search the leaves met, several side by side, for the other leaves next to them."""

    def __init__(self, known: Knowledge, rng: np.random.Generator, epsilon: float) -> None:
        self._known, self._rng, self._grid = known, rng, Grid(known.domain, epsilon)
        self.note = without_noise("path-finding", known.rho)
        self._columns = sorted(
            set(range(known.domain.n_features)) - {j for group in known.domain.groups for j in group}
        )
        self._slack = np.where(self._grid.whole, 0.0, 2 * epsilon * known.domain.half_width)
        self._leaves: dict[Any, list[_Leaf]] = defaultdict(list)
        self._answers: dict[bytes, Any] = {}
        self._shown: dict[Any, Any] = {}

    def steps(self) -> Steps:
        """Search the leaves of the rows in a queue, several at once; that adds to the queue."""
        start = self._known.domain.sample(1, self._rng).astype(np.float32)
        queue = list(np.clip(start, self._grid.lower, self._grid.upper))
        while queue:
            yield from self._ask(queue)
            queue = [row for row in queue if not self._found(row)]
            new = [_Leaf(row, answer) for answer, row in {self._told(row): row for row in queue}.items()]
            for leaf in new:
                self._leaves[leaf.answer].append(leaf)
            queue += yield from self._explore(new)

    def _explore(self, leaves: list[_Leaf]) -> Generator[FloatArray, Array, list[FloatArray]]:
        """Find where leaves end along each feature; return rows of the other leaves met."""
        lines = [_Line(leaf, j) for leaf in leaves for j in self._columns]
        # From end to end, wherever the leaf is, so that lines through several leaves have rows in common.
        ends = [
            (line, line.at(self._grid.lower[line.column]), line.at(self._grid.upper[line.column])) for line in lines
        ]
        switched = [(leaf, row) for leaf in leaves for row in self._switched(leaf.row)]
        yield from self._ask([row for _, row in switched] + [row for _, *rows in ends for row in rows])
        yield from self._halve(ends)
        # An id of two leaves hides those between them: then the row that the leaf was met in is alone.
        yield from self._halve([(line, *pair) for line in lines for pair in pairwise(self._sorted(line))])
        met = []
        for leaf, row in switched:
            if self._told(row) == leaf.answer:
                leaf.grow(row)
            else:
                met.append(row)
        return met + [row for line in lines for row in self._end(line)]

    def _halve(self, stretches: list[tuple[_Line, FloatArray, FloatArray]]) -> Steps:
        """Close in on the thresholds between rows with different answers, on all lines at once."""
        while stretches:
            halves = []
            for line, a, b in stretches:
                j = line.column
                if (
                    self._told(a) != self._told(b)
                    and (mid := self._grid.middle(j, float(a[j]), float(b[j]))) is not None
                ):
                    halves.append((line, a, line.at(mid), b))
            yield from self._ask([middle for _, _, middle, _ in halves])
            stretches = [half for line, a, m, b in halves for half in ((line, a, m), (line, m, b))]

    def _sorted(self, line: _Line) -> list[FloatArray]:
        return sorted(line.rows, key=lambda row: float(row[line.column]))

    def _end(self, line: _Line) -> list[FloatArray]:
        """Let the leaf grow as far as it goes along a line; return a row of each stretch beyond."""
        stretches = [list(rows) for _, rows in groupby(self._sorted(line), key=self._told)]
        met = []
        for rows in stretches:
            if any(row is line.leaf.row for row in rows):
                line.leaf.grow(rows[0])
                line.leaf.grow(rows[-1])
            else:
                met.append(rows[-1])
        return met

    def _switched(self, row: FloatArray) -> Iterator[FloatArray]:
        """The row with each other category in turn."""
        for group in self._known.domain.groups:
            for j in group:
                if row[j] == 0 and self._grid.upper[j] == 1:
                    other = row.copy()
                    other[list(group)] = 0
                    other[j] = 1
                    yield other

    def _ask(self, rows: list[FloatArray]) -> Steps:
        """Learn the answers to the rows not asked before."""
        fresh = {row.tobytes(): row for row in rows if row.tobytes() not in self._answers}
        if fresh:
            answers = yield self._grid.rows(np.array(list(fresh.values())))
            self._answers.update(zip(fresh, ids_of(answers, self._shown), strict=True))

    def _told(self, row: FloatArray) -> Any:
        return self._answers[row.tobytes()]

    def _found(self, row: FloatArray) -> bool:
        """Whether a row is in a leaf that was searched, or within epsilon of it: not another with the same id."""
        return any(
            (leaf.lower - self._slack <= row).all() and (row <= leaf.upper + self._slack).all()
            for leaf in self._leaves[self._told(row)]
        )

    def hypothesis(self) -> Estimator:
        """A tree around the boxes found."""
        leaves = [leaf for known in self._leaves.values() for leaf in known]
        d = self._known.domain.n_features
        tree, box_of = around(
            *(np.array([getattr(leaf, end) for leaf in leaves]).reshape(-1, d) for end in ("lower", "upper"))
        )
        return from_ids(tree, {node: leaves[box].answer for node, box in box_of.items()}, self._known, self._shown)
