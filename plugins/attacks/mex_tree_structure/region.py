"""The hulls inside a box of the domain, and the gaps between them."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import Array, BoolArray, FloatArray
from mex_tree_structure.hulls import Hulls


@attrs.frozen
class Plane:
    """A split of a column between two neighbouring numbers."""

    column: int
    below: float
    above: float


@attrs.frozen
class Box:
    """The rows ``lower <= x <= upper``; of a one-hot group the categories with an upper bound of 1 are inside."""

    lower: FloatArray
    upper: FloatArray

    @classmethod
    def whole(cls, hulls: Hulls) -> Box:
        """The whole domain."""
        lower, upper = hulls.grid.lower.copy(), hulls.grid.upper.copy()
        for group in hulls.groups:
            lower[group] = 0
        return cls(lower, upper)._with_groups_settled(hulls)

    def split(self, hulls: Hulls, plane: Plane) -> tuple[Box, Box]:
        """The rows on the two sides of a plane, those below it first."""
        j = plane.column
        left, right = (Box(self.lower.copy(), self.upper.copy()) for _ in range(2))
        left.upper[j], right.lower[j] = plane.below, plane.above
        for group in hulls.groups:
            if j in group:
                right.upper[group[group != j]] = 0
        return left._with_groups_settled(hulls), right

    def _with_groups_settled(self, hulls: Hulls) -> Box:
        """Set the lower bound in place: if a group has one category left, its column is 1 throughout."""
        for group in hulls.groups:
            if self.upper[group].sum() == 1:
                self.lower[group] = self.upper[group]
        return self


@attrs.frozen
class Gaps:
    """Where planes cut no hull: between ``below`` and ``above`` on a column, each of shape (number of gaps,)."""

    column: Array
    below: FloatArray
    above: FloatArray

    def __len__(self) -> int:
        return len(self.column)


@attrs.frozen
class Limits:
    """Where a leaf must end, because it would overlap another hull if it extended further along one feature.

    Attributes:
        floor, ceiling: numbers below and above the leaf, infinite where nothing limits it, shape (d,).
        closed: the categories that are not in the leaf, as columns, shape (d,).
    """

    floor: FloatArray
    ceiling: FloatArray
    closed: BoolArray


class Region:
    """The hulls that meet a box, cut to it.

    Attributes:
        hulls, box: all hulls, and the box.
        members: the indices of the hulls that meet the box.
        lower, upper: their bounds inside the box, shape (members, d).
        sizes: the mean width of each, as a share of that of the box, shape (members,).
    """

    def __init__(self, hulls: Hulls, box: Box, members: Array) -> None:
        self.hulls = hulls
        self.box = box
        low, high = np.maximum(hulls.lower[members], box.lower), np.minimum(hulls.upper[members], box.upper)
        meets = (low[:, hulls.ordered] <= high[:, hulls.ordered]).all(axis=1)
        for group in hulls.groups:
            categories = high[:, group].sum(axis=1)
            meets &= categories > 0
            # If one category of the hull is in the box, its column is 1 throughout.
            low[:, group] = np.where(categories[:, None] == 1, high[:, group], low[:, group])
        self.members = members[meets]
        self.lower = low[meets]
        self.upper = high[meets]
        width = box.upper - box.lower
        share = (self.upper - self.lower) / np.where(width > 0, width, 1)
        self.sizes: FloatArray = share.mean(axis=1)  # a volume would vanish in many dimensions

    def covered(self) -> bool:
        """Whether the first hull is the whole box."""
        return bool((self.lower[0] <= self.box.lower).all() and (self.upper[0] >= self.box.upper).all())

    def gaps(self) -> Gaps:
        """The gaps between hulls."""
        order = np.argsort(self.lower, axis=0, kind="stable")
        low = np.take_along_axis(self.lower, order, axis=0)
        reach = np.maximum.accumulate(np.take_along_axis(self.upper, order, axis=0), axis=0)
        column, row = np.nonzero((low[1:] > reach[:-1]).T)
        return Gaps(column, reach[row, column], low[row + 1, column])

    def limits(self, k: int) -> Limits:
        """Where the leaf of member ``k`` must end."""
        neighbours, feature = self._neighbours(k)
        ordered, d = self.hulls.ordered, self.lower.shape[1]
        floor, ceiling, closed = np.full(d, -np.inf), np.full(d, np.inf), np.zeros(d, dtype=bool)
        plain = feature < len(ordered)
        rows, columns = neighbours[plain], ordered[feature[plain]]
        above = self.lower[rows, columns] > self.upper[k, columns]
        np.minimum.at(ceiling, columns[above], self.lower[rows[above], columns[above]])
        np.maximum.at(floor, columns[~above], self.upper[rows[~above], columns[~above]])
        for u in np.unique(feature[~plain]):
            group = self.hulls.groups[u - len(ordered)]
            closed[group] = (self.upper[neighbours[feature == u]][:, group] > 0).any(axis=0)
        return Limits(floor, ceiling, closed)

    def _neighbours(self, k: int) -> tuple[Array, Array]:
        """The members that overlap member ``k`` in all features but one, and that feature; groups are the last ones."""
        apart = self._apart(k)
        neighbours = np.flatnonzero(apart.sum(axis=1) == 1)
        return neighbours, apart[neighbours].argmax(axis=1)

    def _apart(self, k: int) -> BoolArray:
        """In which features each member does not overlap member ``k``, shape (members, features)."""
        columns = self.hulls.ordered
        low, high = self.lower[:, columns], self.upper[:, columns]
        apart = (low > high[k]) | (high < low[k])
        groups = [~(self.upper[:, g] * self.upper[k, g]).any(axis=1) for g in self.hulls.groups]
        return np.column_stack([apart, *groups])

    def overlap(self) -> tuple[int, int, FloatArray] | None:
        """Two hulls that overlap, a contradiction if their ids differ, and a row in both; None if no two overlap."""
        for k in range(len(self.members)):
            same = np.flatnonzero(~self._apart(k).any(axis=1))
            for other in same[same > k]:
                row: FloatArray = np.maximum(self.lower[k], self.lower[other])
                for group in self.hulls.groups:
                    row[group] = 0
                    row[group[np.argmax(self.upper[k, group] * self.upper[other, group])]] = 1
                return int(self.members[k]), int(self.members[other]), row
        return None
