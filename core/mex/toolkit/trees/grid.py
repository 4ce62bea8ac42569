"""The rows of a domain that a float32 model distinguishes, and halving between them."""

from __future__ import annotations

import attrs
import numpy as np

from mex.domain import Domain
from mex.types import BoolArray, FloatArray

LARGEST = 2.0**100
"""The bound of a column without one: beyond it, sums that servers compute over rows overflow float32."""


@attrs.frozen(eq=False)
class Grid:
    """The numbers in each column of a domain: float32 numbers, whole numbers, or 0 and 1 in one-hot groups.

    scikit-learn's trees cast rows to float32, so no finer thresholds exist. A column without bound has the float32
    numbers up to :data:`LARGEST`. A bound that is no float32 number is cast to one, inside or outside of the bound, as
    the target casts a row at the bound.

    Attributes:
        domain: the rows the interface accepts.
        double: whether the target compares in float64, so that no number is cast.
        resolution: numbers of a bounded continuous column count as neighbours within this share of its range.
        lower, upper: the first and last number of each column, shape (d,).
        whole: which columns take whole numbers only, those of groups included, shape (d,).

    >>> grid = Grid(Domain([0.1, 0], [0.9, 9], integer=[False, True]))
    >>> grid.middle(1, 3, 9), grid.middle(1, 3, 4), round(grid.middle(0, 0.25, 0.75), 3)
    (6.0, None, 0.5)
    """

    domain: Domain
    resolution: float = 0.0
    double: bool = attrs.field(default=False, kw_only=True)
    lower: FloatArray = attrs.field(init=False)
    upper: FloatArray = attrs.field(init=False)
    whole: BoolArray = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        domain = self.domain
        exact = domain.discrete | self.double
        for name, bound in (("lower", domain.lower), ("upper", domain.upper)):
            cut = np.clip(bound, -LARGEST, LARGEST)
            object.__setattr__(self, name, np.where(exact, cut, cut.astype(np.float32).astype(np.float64)))
        object.__setattr__(self, "whole", domain.discrete)

    def cast(self, X: FloatArray) -> FloatArray:
        """The rows ``X`` of the domain as the target casts them, shape (n, d)."""
        near = np.clip(X, -LARGEST, LARGEST).astype(np.float32).astype(np.float64)
        return np.clip(np.where(self.whole | self.double, X, near), self.lower, self.upper)

    def rows(self, X: FloatArray) -> FloatArray:
        """Rows of the domain that are cast to ``X``, shape (n, d): at the ends of the grid the bounds themselves."""
        domain = self.domain
        lower = np.where(np.abs(domain.lower) <= LARGEST, domain.lower, self.lower)
        upper = np.where(np.abs(domain.upper) <= LARGEST, domain.upper, self.upper)
        return np.where(self.lower >= X, lower, np.where(self.upper <= X, upper, X))

    def middle(self, column: int, below: float, above: float) -> float | None:
        """The number in the middle of two numbers of a column, or None if they are neighbours.

        In a column without bounds it is the median of the float32 numbers between them.
        """
        if np.isfinite(self.domain.lower[column]) and np.isfinite(self.domain.upper[column]):
            if above - below <= self.resolution * (self.upper[column] - self.lower[column]) and not self.whole[column]:
                return None
            mid = below / 2 + above / 2
        else:
            mid = number((rank(below) + rank(above)) // 2)
        if not self.whole[column]:
            mid = mid if self.double else float(np.float32(mid))
        elif (mid := float(np.floor(mid))) <= below:
            mid = below + 1
        return mid if below < mid < above else None


def rank(value: float) -> int:
    """The rank of a float32 number among all float32 numbers, 0 for 0; neighbours differ by 1.

    >>> rank(0.0), rank(1.0) - rank(np.nextafter(np.float32(1), np.float32(0))), number(rank(-2.5))
    (0, 1, -2.5)
    """
    bits = int(np.float32(value).view(np.int32))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF)


def number(rank: int) -> float:
    """The float32 number of a rank: the inverse of :func:`rank`."""
    return float(np.copysign(np.int32(abs(rank)).view(np.float32), rank))
