"""Bottom-up path finding: the box of each leaf, feature by feature."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator
from itertools import groupby, pairwise
from typing import Any

import attrs
import numpy as np

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps, without_noise
from mex.toolkit.trees.builder import ids_of, tree_around_boxes, tree_from_ids
from mex.toolkit.trees.grid import Grid
from mex.types import Array, Estimator, FloatArray


@attrs.define(eq=False)
class _Leaf:
    """A leaf, found by ``row``; the box from ``lower`` to ``upper``, shape (d,) each, is known to be inside."""

    row: FloatArray
    answer: Any
    lower: FloatArray = attrs.field(init=False)
    upper: FloatArray = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.lower = self.row.copy()
        self.upper = self.row.copy()

    def grow(self, row: FloatArray) -> None:
        """Extend the box to a row of the leaf."""
        self.lower = np.minimum(self.lower, row)
        self.upper = np.maximum(self.upper, row)


@attrs.define(eq=False)
class _Line:
    """The rows asked along one column through a leaf, the row of the leaf first."""

    leaf: _Leaf
    column: int
    rows: list[FloatArray] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.rows = [self.leaf.row]

    def row_at(self, value: float) -> FloatArray:
        """The row with a value in the column, which is added to the rows asked."""
        row = self.leaf.row.copy()
        row[self.column] = value
        self.rows.append(row)
        return row


class BottomUp(GeneratorLearner):
    """Searches around each leaf found for the leaves next to it."""

    def __init__(self, known: Knowledge, rng: np.random.Generator, epsilon: float) -> None:
        self._known = known
        self._rng = rng
        self._grid = Grid(known.domain, epsilon)
        self.note = without_noise("path-finding", known.rho)
        self._columns = sorted(
            set(range(known.domain.n_features)) - {j for group in known.domain.groups for j in group}
        )
        self._slack = np.where(self._grid.whole, 0.0, 2 * epsilon * known.domain.half_width)
        self._leaves: dict[Any, list[_Leaf]] = defaultdict(list)
        self._answers: dict[bytes, Any] = {}
        self._shown: dict[Any, Any] = {}

    def steps(self) -> Steps:
        """Search around the leaves of the rows in a queue, all at once; rows of other leaves found join the queue."""
        start = self._known.domain.sample(1, self._rng).astype(np.float32)
        queue = list(np.clip(start, self._grid.lower, self._grid.upper))
        while queue:
            yield from self._ask(queue)
            queue = [row for row in queue if not self._is_known(row)]
            new = [_Leaf(row, answer) for answer, row in {self._answer_to(row): row for row in queue}.items()]
            for leaf in new:
                self._leaves[leaf.answer].append(leaf)
            queue += yield from self._explore(new)

    def _explore(self, leaves: list[_Leaf]) -> Generator[FloatArray, Array, list[FloatArray]]:
        """Find where leaves end along each feature; return rows of the other leaves found."""
        lines = [_Line(leaf, j) for leaf in leaves for j in self._columns]
        # From bound to bound, so that lines through several leaves have their first rows in common.
        lower, upper = self._grid.lower, self._grid.upper
        ends = [(line, line.row_at(lower[line.column]), line.row_at(upper[line.column])) for line in lines]
        switched = [(leaf, row) for leaf in leaves for row in self._switched(leaf.row)]
        yield from self._ask([row for _, row in switched] + [row for _, *rows in ends for row in rows])
        yield from self._bisect(ends)
        # Where both ends of a line have one id, what lies between them shows by the row of the leaf only.
        yield from self._bisect([(line, *pair) for line in lines for pair in pairwise(self._sorted(line))])
        others = []
        for leaf, row in switched:
            if self._answer_to(row) == leaf.answer:
                leaf.grow(row)
            else:
                others.append(row)
        return others + [row for line in lines for row in self._grow_along(line)]

    def _bisect(self, stretches: list[tuple[_Line, FloatArray, FloatArray]]) -> Steps:
        """Find the thresholds between rows of a line with different answers, on all lines at once."""
        while stretches:
            halves = []
            for line, a, b in stretches:
                j = line.column
                if (
                    self._answer_to(a) != self._answer_to(b)
                    and (mid := self._grid.middle(j, float(a[j]), float(b[j]))) is not None
                ):
                    halves.append((line, a, line.row_at(mid), b))
            yield from self._ask([middle for _, _, middle, _ in halves])
            stretches = [half for line, a, m, b in halves for half in ((line, a, m), (line, m, b))]

    def _sorted(self, line: _Line) -> list[FloatArray]:
        return sorted(line.rows, key=lambda row: float(row[line.column]))

    def _grow_along(self, line: _Line) -> list[FloatArray]:
        """Extend the leaf as far as it goes along a line; return a row of each stretch of other answers."""
        stretches = [list(rows) for _, rows in groupby(self._sorted(line), key=self._answer_to)]
        others = []
        for rows in stretches:
            if any(row is line.leaf.row for row in rows):
                line.leaf.grow(rows[0])
                line.leaf.grow(rows[-1])
            else:
                others.append(rows[-1])
        return others

    def _switched(self, row: FloatArray) -> Iterator[FloatArray]:
        """The row with each other category of each one-hot group in turn."""
        for group in self._known.domain.groups:
            for j in group:
                if row[j] == 0 and self._grid.upper[j] == 1:
                    other = row.copy()
                    other[list(group)] = 0
                    other[j] = 1
                    yield other

    def _ask(self, rows: list[FloatArray]) -> Steps:
        """Ask the rows that were not asked before."""
        fresh = {row.tobytes(): row for row in rows if row.tobytes() not in self._answers}
        if fresh:
            answers = yield self._grid.rows(np.array(list(fresh.values())))
            self._answers.update(zip(fresh, ids_of(answers, self._shown), strict=True))

    def _answer_to(self, row: FloatArray) -> Any:
        return self._answers[row.tobytes()]

    def _is_known(self, row: FloatArray) -> bool:
        """Whether a row is in the box of a leaf of its id, or within epsilon of it, and so in that leaf."""
        return any(
            (leaf.lower - self._slack <= row).all() and (row <= leaf.upper + self._slack).all()
            for leaf in self._leaves[self._answer_to(row)]
        )

    def hypothesis(self) -> Estimator:
        """The tree around the boxes found."""
        leaves = [leaf for known in self._leaves.values() for leaf in known]
        d = self._known.domain.n_features
        tree, box_of = tree_around_boxes(
            *(np.array([getattr(leaf, end) for leaf in leaves]).reshape(-1, d) for end in ("lower", "upper"))
        )
        return tree_from_ids(tree, {node: leaves[box].answer for node, box in box_of.items()}, self._known, self._shown)
