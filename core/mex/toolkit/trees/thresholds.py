"""The thresholds known of an axis-parallel target, and the boxes between them.

Numbers here are float32 numbers, whatever their dtype: scikit-learn's trees cast rows, so that two neighbouring float32
numbers on either side of a threshold determine it.
"""

from __future__ import annotations

import attrs
import numpy as np

from mex.domain import Domain
from mex.errors import Incompatible
from mex.toolkit.trees.grid import Grid
from mex.types import Array, BoolArray, FloatArray


@attrs.frozen(eq=False)
class Box:
    """The rows ``lower <= x <= upper``; of a one-hot group, those of the categories with ``upper`` 1."""

    lower: FloatArray
    upper: FloatArray

    def holds(self, X: FloatArray) -> BoolArray:
        """Which rows are inside, shape (n,)."""
        return np.asarray(((self.lower <= X) & (self.upper >= X)).all(axis=1))

    @property
    def key(self) -> bytes:
        """A key that is equal for equal boxes."""
        return self.lower.tobytes() + self.upper.tobytes()


class Thresholds:
    """The thresholds known of a target, and the box of its domain.

    A threshold is a column and two of its numbers, of which the larger is on the right of the threshold.

    Attributes:
        domain: the rows that the interface accepts.
        grid: the numbers that the target distinguishes.
        box: the whole domain, on these numbers.
        units: the columns of each feature: one, or those of a one-hot group.
        unit_of: the unit of each column, shape (d,).
        column, below, above: the thresholds, in the order in which they were added, shape (k,).

    >>> thresholds = Thresholds(Domain([0, 0], [9, 1], integer=[True, False]))
    >>> thresholds.add(0, 4.0, 5.0)
    >>> left, right = thresholds.halves(thresholds.box, 0)
    >>> left.upper[0], right.lower[0], thresholds.indicators(np.array([[4.0, 0.3], [5.0, 0.3]])).tolist()
    (np.float64(4.0), np.float64(5.0), [[False], [True]])
    """

    def __init__(self, domain: Domain) -> None:
        """Start without thresholds; raises :class:`mex.Incompatible` for a domain without bounds."""
        if not domain.bounded:
            raise Incompatible("thresholds are looked for between bounds, and this domain has features without")
        self.domain = domain
        self.units = [np.array(unit) for unit in domain.units()]
        self.unit_of = np.zeros(domain.n_features, dtype=np.int64)
        for i, unit in enumerate(self.units):
            self.unit_of[unit] = i
        self.grid = Grid(domain)
        self.box = Box(self.grid.lower.copy(), self.grid.upper.copy())
        self.column: Array = np.zeros(0, dtype=np.int64)
        self.below: FloatArray = np.zeros(0)
        self.above: FloatArray = np.zeros(0)
        self._groups = [np.array(group) for group in domain.groups]

    def __len__(self) -> int:
        return len(self.column)

    def add(self, column: int, below: float, above: float) -> None:
        """Add a threshold, unless it is known."""
        if not ((self.column == column) & (self.below == below) & (self.above == above)).any():
            self.column = np.append(self.column, column)
            self.below = np.append(self.below, below)
            self.above = np.append(self.above, above)

    def indicators(self, X: FloatArray) -> BoolArray:
        """Whether each row is on the right of each threshold, shape (n, k)."""
        return np.asarray(X[:, self.column] > self.below)

    def within(self, box: Box) -> Array:
        """The indices of the thresholds with rows of ``box`` on either side."""
        return np.flatnonzero((box.lower[self.column] <= self.below) & (self.above <= box.upper[self.column]))

    def halves(self, box: Box, k: int) -> tuple[Box, Box]:
        """The two parts of ``box`` on the left and on the right of threshold ``k``."""
        left = Box(box.lower.copy(), box.upper.copy())
        right = Box(box.lower.copy(), box.upper.copy())
        left.upper[self.column[k]] = self.below[k]
        right.lower[self.column[k]] = self.above[k]
        return self._with_groups_settled(left), self._with_groups_settled(right)

    def cell(self, row: FloatArray, box: Box) -> Box:
        """The part of ``box`` on the same side as ``row`` of every threshold."""
        right = row[self.column] > self.below
        lower, upper = box.lower.copy(), box.upper.copy()
        np.maximum.at(lower, self.column[right], self.above[right])
        np.minimum.at(upper, self.column[~right], self.below[~right])
        return self._with_groups_settled(Box(lower, upper))

    def _with_groups_settled(self, box: Box) -> Box:
        """Adjust one-hot groups in place: if one column is 1, or only one can be, the others are 0."""
        for group in self._groups:
            if box.lower[group].any():
                box.upper[group] = box.lower[group]
            elif box.upper[group].sum() == 1:
                box.lower[group] = box.upper[group]
        return box
