"""Walks: from two rows that differ in label to one exact threshold between them."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, TypeAlias

import attrs
import numpy as np

from mex.domain import Domain
from mex.toolkit.trees.grid import number, rank
from mex.toolkit.trees.thresholds import Thresholds
from mex.types import Array, FloatArray

Walk: TypeAlias = Generator[FloatArray, Any, None]
"""Yields one row, shape (d,), receives its answer; what it finds goes into the :class:`Thresholds` it was given."""
HALVINGS = 30
"""How often an interval is halved by value; what is not over by then is next to zero, and halved by exponent."""


@attrs.frozen(eq=False, kw_only=True)
class Resolution:
    """Where to cut an interval of one feature that holds a threshold, and when it is narrow enough.

    Attributes:
        domain: tells which features are whole numbers.
        eps: how wide the last interval may be, as a share of the feature's range; 0 means neighbours.
        rows: where data are, each column sorted: intervals are cut at the median row inside, which takes the
            logarithm of their number; between two rows the last interval is 2^-bits of what is between them.

    >>> from mex import Domain
    >>> fine, coarse = (Resolution(domain=Domain([0], [1]), eps=eps) for eps in (0, 1e-3))
    >>> fine.middle(0, 0.5, 0.5005, 9), coarse.middle(0, 0.5, 0.5005, 9)
    (0.500249981880188, 0.5)
    """

    domain: Domain
    eps: float = 0.0
    rows: FloatArray | None = None
    bits: int = 4

    def middle(self, column: int, near: float, far: float, halvings: int) -> float:
        """A value between two, or one of the two when they are close enough."""
        low, high, width = min(near, far), max(near, far), self.eps * 2 * float(self.domain.half_width[column])
        if self.rows is not None:
            values = self.rows[:, column]
            first, last = int(np.searchsorted(values, low, side="right")), int(np.searchsorted(values, high))
            if first < last:
                return float(values[(first + last) // 2])
            below, above = values[max(first - 1, 0)], values[min(last, len(values) - 1)]
            width = max(width, float(above - below) / 2**self.bits)
        if high - low <= max(width, float(self.domain.integer[column])):
            return near
        if self.domain.integer[column]:
            return float(np.floor((low + high) / 2))
        if halvings < HALVINGS:
            return float(np.float32(low / 2 + high / 2))
        return number((rank(low) + rank(high)) // 2)


def walk(
    known: Thresholds, start: FloatArray, end: FloatArray, label: int, rng: np.random.Generator, resolution: Resolution
) -> Walk:
    """Find a threshold between ``start``, which has ``label``, and ``end``, which has another.

    Half of the units that differ are switched at a time, in random order, until one is left; then that one is
    bisected: log2 d + b questions. Nothing is found where a known threshold explains the difference.
    Under wrong labels it ends all the same, with a threshold that need not be one.

    >>> from mex import Domain
    >>> known = Thresholds(Domain([0.0], [1.0]))
    >>> exact = Resolution(domain=known.domain)
    >>> search = walk(known, np.array([0.0]), np.array([1.0]), 0, np.random.default_rng(0), exact)
    >>> row = next(search)
    >>> try:
    ...     while True:
    ...         row = search.send(int(row[0] > 0.3))
    ... except StopIteration:
    ...     bool(known.below[0] <= 0.3 < known.above[0]), float(known.above[0] - known.below[0]) < 1e-7
    (True, True)
    """
    apart = np.flatnonzero(np.bincount(known.unit_of[start != end], minlength=len(known.units)))
    order = [known.units[i] for i in rng.permutation(apart)]
    at = start.copy()
    while len(order) > 1:
        half, row = len(order) // 2, at.copy()
        columns = np.concatenate(order[:half])
        row[columns] = end[columns]
        if (yield row) == label:
            at, order = row, order[half:]
        else:
            order = order[:half]
    if order and len(order[0]) > 1:
        yield from _category(known, at, end, order[0], label, rng)
    elif order:
        yield from _bisect(known, at, end, int(order[0][0]), label, resolution)


def _category(
    known: Thresholds, at: FloatArray, end: FloatArray, group: Array, label: int, rng: np.random.Generator
) -> Walk:
    """Which of two categories stands out: the one that differs from a third."""
    one, other = (int(group[np.argmax(row[group])]) for row in (at, end))
    if np.isin([one, other], known.column).any():
        return
    others = group[~np.isin(group, [one, other, *known.column]) & (known.domain.upper[group] > 0)]
    column = min(one, other)
    if len(others):
        row = at.copy()
        row[group] = 0
        row[rng.choice(others)] = 1
        column = other if (yield row) == label else one
    known.add(column, 0.0, 1.0)


def _bisect(
    known: Thresholds, at: FloatArray, end: FloatArray, column: int, label: int, resolution: Resolution
) -> Walk:
    near, far, row = float(at[column]), float(end[column]), at.copy()
    while len(between := _between(known, column, near, far)):  # the known thresholds first: most pairs end here
        k = between[len(between) // 2]
        sides = [known.below[k], known.above[k]] if near < far else [known.above[k], known.below[k]]
        row[column] = sides[0]
        if sides[0] != near and (yield row) != label:
            far = sides[0]
            continue
        row[column] = sides[1]
        if sides[1] == far or (yield row) != label:
            return
        near = sides[1]
    halvings = 0
    while (middle := resolution.middle(column, near, far, halvings)) not in (near, far):
        row[column] = middle
        near, far = (middle, far) if (yield row) == label else (near, middle)
        halvings += 1
    known.add(column, min(near, far), max(near, far))


def _between(known: Thresholds, column: int, near: float, far: float) -> Array:
    inside = (known.column == column) & (min(near, far) <= known.below) & (known.above <= max(near, far))
    return np.asarray(np.flatnonzero(inside)[np.argsort(known.below[inside])])


def together(walks: Iterable[Walk]) -> Generator[FloatArray, Array, None]:
    """Run walks side by side: yields a row for each that is under way, shape (n, d), receives their answers."""
    waiting: list[tuple[Walk, FloatArray]] = []
    for walk in walks:
        row = next(walk, None)
        if row is not None:
            waiting.append((walk, row.copy()))
    while waiting:
        answers = yield np.array([row for _, row in waiting])
        still = []
        for (walk, _), answer in zip(waiting, answers, strict=True):
            try:
                still.append((walk, walk.send(answer).copy()))
            except StopIteration:
                continue
        waiting = still
