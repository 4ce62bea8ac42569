"""What is known of the leaves inside a box."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import Array, BoolArray, FloatArray
from mex_tree_structure.hulls import Hulls


@attrs.frozen
class Plane:
    """Between two neighbouring numbers of a column."""

    column: int
    below: float
    above: float


@attrs.frozen
class Box:
    """The rows ``lower <= x <= upper``; the upper bounds of a one-hot group's columns tell the categories it holds."""

    lower: FloatArray
    upper: FloatArray

    @classmethod
    def whole(cls, hulls: Hulls) -> Box:
        """The domain."""
        lower, upper = hulls.grid.lower.copy(), hulls.grid.upper.copy()
        for group in hulls.groups:
            lower[group] = 0
        return cls(lower, upper)._settled(hulls)

    def split(self, hulls: Hulls, plane: Plane) -> tuple[Box, Box]:
        """The rows on the two sides of a plane, those below it first."""
        j = plane.column
        left, right = (Box(self.lower.copy(), self.upper.copy()) for _ in range(2))
        left.upper[j], right.lower[j] = plane.below, plane.above
        for group in hulls.groups:
            if j in group:
                right.upper[group[group != j]] = 0
        return left._settled(hulls), right

    def _settled(self, hulls: Hulls) -> Box:
        """Of a group with one category left, the column is 1 throughout."""
        for group in hulls.groups:
            if self.upper[group].sum() == 1:
                self.lower[group] = self.upper[group]
        return self


@attrs.frozen
class Gaps:
    """Where a plane can pass through a box and cut no hull: between ``below`` and ``above`` on a column."""

    column: Array
    below: FloatArray
    above: FloatArray

    def __len__(self) -> int:
        return len(self.column)


@attrs.frozen
class Limits:
    """Where a leaf must end: before the leaves that it would overlap if it were longer along one feature.

    ``floor`` and ``ceiling`` are numbers beyond it, ``closed`` the categories that it cannot hold.
    """

    floor: FloatArray
    ceiling: FloatArray
    closed: BoolArray


class Region:
    """The hulls that meet a box, cut to it.

    Attributes:
        members: which hulls.
        lower, upper: their bounds inside the box, a row per member.
    """

    def __init__(self, hulls: Hulls, box: Box, members: Array) -> None:
        self.hulls, self.box = hulls, box
        low, high = np.maximum(hulls.lower[members], box.lower), np.minimum(hulls.upper[members], box.upper)
        meets = (low[:, hulls.ordered] <= high[:, hulls.ordered]).all(axis=1)
        for group in hulls.groups:
            categories = high[:, group].sum(axis=1)
            meets &= categories > 0
            # Where one category of the hull is in the box, its column is 1 throughout.
            low[:, group] = np.where(categories[:, None] == 1, high[:, group], low[:, group])
        self.members, self.lower, self.upper = members[meets], low[meets], high[meets]
        width = box.upper - box.lower
        share = (self.upper - self.lower) / np.where(width > 0, width, 1)
        self.sizes: FloatArray = share.mean(axis=1)  # of a volume there would be nothing left in many dimensions

    def covered(self) -> bool:
        """Whether the first leaf holds the whole box."""
        return bool((self.lower[0] <= self.box.lower).all() and (self.upper[0] >= self.box.upper).all())

    def gaps(self) -> Gaps:
        """The gaps between hulls."""
        order = np.argsort(self.lower, axis=0, kind="stable")
        low = np.take_along_axis(self.lower, order, axis=0)
        reach = np.maximum.accumulate(np.take_along_axis(self.upper, order, axis=0), axis=0)
        column, row = np.nonzero((low[1:] > reach[:-1]).T)
        return Gaps(column, reach[row, column], low[row + 1, column])

    def limits(self, k: int) -> Limits:
        """Where member ``k`` must end."""
        across, feature = self._across(k)
        ordered, d = self.hulls.ordered, self.lower.shape[1]
        floor, ceiling, closed = np.full(d, -np.inf), np.full(d, np.inf), np.zeros(d, dtype=bool)
        plain = feature < len(ordered)
        rows, columns = across[plain], ordered[feature[plain]]
        above = self.lower[rows, columns] > self.upper[k, columns]
        np.minimum.at(ceiling, columns[above], self.lower[rows[above], columns[above]])
        np.maximum.at(floor, columns[~above], self.upper[rows[~above], columns[~above]])
        for u in np.unique(feature[~plain]):
            group = self.hulls.groups[u - len(ordered)]
            closed[group] = (self.upper[across[feature == u]][:, group] > 0).any(axis=0)
        return Limits(floor, ceiling, closed)

    def _across(self, k: int) -> tuple[Array, Array]:
        """The members that overlap member ``k`` in all features but one, and which one (groups come last)."""
        apart = self._apart(k)
        across = np.flatnonzero(apart.sum(axis=1) == 1)
        return across, apart[across].argmax(axis=1)

    def _apart(self, k: int) -> BoolArray:
        """In which features each member does not overlap member ``k``, shape (members, features)."""
        columns = self.hulls.ordered
        low, high = self.lower[:, columns], self.upper[:, columns]
        apart = (low > high[k]) | (high < low[k])
        groups = [~(self.upper[:, g] * self.upper[k, g]).any(axis=1) for g in self.hulls.groups]
        return np.column_stack([apart, *groups])

    def overlap(self) -> tuple[int, int, FloatArray] | None:
        """Two hulls that overlap, and a row in both: a contradiction, if their ids differ. None if no two do."""
        for k in range(len(self.members)):
            same = np.flatnonzero(~self._apart(k).any(axis=1))
            for other in same[same > k]:
                row: FloatArray = np.maximum(self.lower[k], self.lower[other])
                for group in self.hulls.groups:
                    row[group] = 0
                    row[group[np.argmax(self.upper[k, group] * self.upper[other, group])]] = 1
                return int(self.members[k]), int(self.members[other]), row
        return None
