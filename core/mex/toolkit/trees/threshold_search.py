"""The search for a threshold between two rows of different labels, by bisection."""

from __future__ import annotations

import attrs
import numpy as np

from mex.domain import Domain
from mex.toolkit.generators import RowSearch
from mex.toolkit.trees.grid import number, rank
from mex.toolkit.trees.thresholds import Thresholds
from mex.types import Array, FloatArray

HALVINGS = 30
"""How often an interval is halved by value. After that it lies next to 0, and is halved by the rank of its numbers."""


@attrs.frozen(eq=False, kw_only=True)
class Resolution:
    """Where an interval of one feature with a threshold inside is halved, and when it is narrow enough.

    Attributes:
        domain: the domain of the rows.
        eps: the width of the last interval, as a share of the feature's range; 0 means neighbouring numbers.
        rows: data, each column sorted, shape (m, d), or None: an interval is halved at the median of the data inside.
        bits: how often the interval between two neighbouring numbers of the data is halved further.
        spare: an interval that holds at most this share of the data is narrow enough.

    >>> from mex import Domain
    >>> fine, coarse = (Resolution(domain=Domain([0], [1]), eps=eps) for eps in (0, 1e-3))
    >>> fine.middle(0, 0.5, 0.5005, 9), coarse.middle(0, 0.5, 0.5005, 9)
    (0.500249981880188, 0.5)
    """

    domain: Domain
    eps: float = 0.0
    rows: FloatArray | None = None
    bits: int = 4
    spare: float = 0.0

    def middle(self, column: int, near: float, far: float, halvings: int) -> float:
        """A number between two, or one of the two if they are close enough."""
        low, high, width = min(near, far), max(near, far), self.eps * 2 * float(self.domain.half_width[column])
        if self.rows is not None:
            values = self.rows[:, column]
            first, last = int(np.searchsorted(values, low, side="right")), int(np.searchsorted(values, high))
            if first < last:
                wide = last - first > self.spare * len(values)
                return float(values[(first + last) // 2]) if wide else near
            below, above = values[max(first - 1, 0)], values[min(last, len(values) - 1)]
            width = max(width, float(above - below) / 2**self.bits)
        if high - low <= max(width, float(self.domain.integer[column])):
            return near
        if self.domain.integer[column]:
            return float(np.floor((low + high) / 2))
        if halvings < HALVINGS:
            return float(np.float32(low / 2 + high / 2))
        return number((rank(low) + rank(high)) // 2)


def find_threshold(
    thresholds: Thresholds,
    start: FloatArray,
    end: FloatArray,
    label: int,
    rng: np.random.Generator,
    resolution: Resolution,
) -> RowSearch:
    """Find a threshold between two rows of different labels, and add it to ``thresholds``.

    Half of the units in which the rows differ are switched at a time, in random order, until one is left, which is then
    bisected: log2 d + b queries, with b the bits of the threshold. If a known threshold explains the difference, none
    is added. Under wrong labels it ends all the same, with a threshold that may be none of the target's.

    Args:
        thresholds: the thresholds known.
        start, end: the rows, shape (d,).
        label: the label of ``start``; that of ``end`` is another.
        rng: for the order of the units, and the choice of a third category.
        resolution: how exactly the threshold is found.

    >>> from mex import Domain
    >>> thresholds = Thresholds(Domain([0.0], [1.0]))
    >>> exact = Resolution(domain=thresholds.domain)
    >>> search = find_threshold(thresholds, np.array([0.0]), np.array([1.0]), 0, np.random.default_rng(0), exact)
    >>> row = next(search)
    >>> try:
    ...     while True:
    ...         row = search.send(int(row[0] > 0.3))
    ... except StopIteration:
    ...     below, above = thresholds.below[0], thresholds.above[0]
    >>> bool(below <= 0.3 < above), float(above - below) < 1e-7
    (True, True)
    """
    differing = np.flatnonzero(np.bincount(thresholds.unit_of[start != end], minlength=len(thresholds.units)))
    order = [thresholds.units[i] for i in rng.permutation(differing)]
    at = start.copy()  # always a row with ``label``
    while len(order) > 1:
        half, row = len(order) // 2, at.copy()
        columns = np.concatenate(order[:half])
        row[columns] = end[columns]
        if (yield row) == label:
            at, order = row, order[half:]
        else:
            order = order[:half]
    if order and len(order[0]) > 1:
        yield from _find_category(thresholds, at, end, order[0], label, rng)
    elif order:
        yield from _bisect(thresholds, at, end, int(order[0][0]), label, resolution)


def _find_category(
    thresholds: Thresholds, at: FloatArray, end: FloatArray, group: Array, label: int, rng: np.random.Generator
) -> RowSearch:
    """Add the one of two categories whose label differs from that of a third."""
    one, other = (int(group[np.argmax(row[group])]) for row in (at, end))
    if np.isin([one, other], thresholds.column).any():
        return
    others = group[~np.isin(group, [one, other, *thresholds.column]) & (thresholds.domain.upper[group] > 0)]
    column = min(one, other)
    if len(others):
        row = at.copy()
        row[group] = 0
        row[rng.choice(others)] = 1
        column = other if (yield row) == label else one
    thresholds.add(column, 0.0, 1.0)


def _bisect(
    thresholds: Thresholds, at: FloatArray, end: FloatArray, column: int, label: int, resolution: Resolution
) -> RowSearch:
    """Bisect one column between ``at``, which has ``label``, and ``end``."""
    near, far, row = float(at[column]), float(end[column]), at.copy()
    # Known thresholds are asked about first, on either side: they explain most differences.
    while len(between := _between(thresholds, column, near, far)):
        k = between[len(between) // 2]
        below, above = thresholds.below[k], thresholds.above[k]
        near_side, far_side = (below, above) if near < far else (above, below)
        row[column] = near_side
        if near_side != near and (yield row) != label:
            far = near_side
            continue
        row[column] = far_side
        if far_side == far or (yield row) != label:
            return
        near = far_side
    halvings = 0
    while (middle := resolution.middle(column, near, far, halvings)) not in (near, far):
        row[column] = middle
        near, far = (middle, far) if (yield row) == label else (near, middle)
        halvings += 1
    thresholds.add(column, min(near, far), max(near, far))


def _between(thresholds: Thresholds, column: int, near: float, far: float) -> Array:
    """The indices of the known thresholds of a column between two numbers, in order."""
    low, high = min(near, far), max(near, far)
    inside = (thresholds.column == column) & (low <= thresholds.below) & (thresholds.above <= high)
    return np.asarray(np.flatnonzero(inside)[np.argsort(thresholds.below[inside])])
