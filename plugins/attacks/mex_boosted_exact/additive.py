"""Sums of functions of one axis each, such as boosted stumps: the steps of many axes are bisected in one row.

A row in the middle of intervals of several axes is answered with the sum of what each has there. In an interval with
one step left that is the value at one of its two ends, so that the answer is one of 2^n sums, and tells a bit of each.
An answer that is no such sum, or more than one, is taken apart by rows in half of the intervals.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator

import attrs
import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.guesses import Guesses
from mex_boosted_exact.search import COARSE
from mex_boosted_exact.searches import Asking
from mex_boosted_exact.transcript import Transcript

EXCHANGES = 4
"""How many pairs of rows tell whether a target is such a sum."""
PLAIN = 1e-3
"""Rows are of use for that if rounding is less than this share of the spread of the scores."""
TOGETHER = 12
"""How many intervals are in one row at most."""
MISTAKEN = 1e-4
"""How likely an answer may be one of the sums by chance."""
SURPRISES = 0.6
"""How many intervals of one row are expected to have a value that is not that of an end."""
SURPRISE, WEIGHT = 0.7, 3
"""How likely that is of an interval at first, half as much after each halving, and how many intervals that counts."""


@attrs.frozen(eq=False)
class Interval:
    """A part of an axis, and the place in it that is asked next.

    Attributes:
        axis, ends: the axis, and the two ends, the first of them nearer to the origin.
        place: what is asked next: a number between the ends, or the second of them if that was not asked.
        values: those that the function of the axis may have there: that at each end that was asked.
        error: how far rounding may have moved them.
        age: how often it was halved since it had a value that was not that of an end.
    """

    axis: int
    ends: tuple[float, float]
    place: float
    values: tuple[float, ...]
    error: float
    age: int


Answered = tuple[list[Interval], float, float]
"""Intervals, the sum of their values at their places, and how far rounding may have moved it."""


class Additive:
    """Finds the steps of a sum of functions of one axis each, and puts them into the sum of a transcript."""

    def __init__(self, told: Transcript, guesses: Guesses, rng: np.random.Generator) -> None:
        self._told = told
        self._guesses = guesses
        self._rng = rng
        self._waiting = defaultdict[int, list[Interval]](list)  # by axis
        self._most = TOGETHER
        self._surprises, self._halved = Counter[int](), Counter[int]()

    def holds(self, numbers: Array) -> Generator[FloatArray, Array, bool]:
        """Whether scores add up when points that were asked exchange some of their coordinates."""
        store, spread = self._told.store, self._told.spread(numbers)
        plain = numbers[store.error[numbers] < PLAIN * spread]
        if len(plain) < 2 * EXCHANGES:
            return False
        for a, b in self._rng.permutation(plain)[: 2 * EXCHANGES].reshape(-1, 2).tolist():
            swap = self._rng.random(store.Z.shape[1]) < 0.5
            mixed = np.array([np.where(swap, store.Z[i], store.Z[j]) for i, j in ((a, b), (b, a))])
            four = np.concatenate([[a, b], (yield from self._told.ask(mixed))])
            scores, errors = store.score[four], store.error[four]
            if abs(scores[:2].sum() - scores[2:].sum()) > errors.sum() or errors.max() > PLAIN * spread:
                return False
        return True

    def steps(self, origin: int, *, adds_up: bool) -> Asking:
        """Find all steps; the sum has the score of the point of number ``origin`` as its only term.

        Of a target that does not add up those that show from that point are found, each axis by itself.
        """
        store, axes = self._told.store, self._told.axes
        self._origin, self._score, self._error = store.Z[origin].copy(), store.score[origin], store.error[origin]
        doubt = (float(np.median(store.error)) + self._error) / max(self._told.spread(np.arange(len(store))), 1e-300)
        self._most = int(np.clip(np.log2(MISTAKEN / doubt), 1, TOGETHER)) if adds_up else 1
        for axis, start in enumerate(self._origin.tolist()):
            for end in {float(axes.first[axis]), float(axes.upper[axis])} - {start}:
                self._waiting[axis].append(Interval(axis, (start, end), end, (0.0,), 0.0, 0))
        while self._waiting:
            yield from self._resolve(self._groups())

    def _groups(self) -> list[list[Interval]]:
        """All waiting intervals, in groups on different axes."""
        groups = list[list[Interval]]()
        while self._waiting:
            group, surprises = list[Interval](), 0.0
            for axis in sorted(self._waiting, key=lambda axis: -len(self._waiting[axis])):
                chance = self._chance(self._waiting[axis][-1].age)
                if not group or (len(group) < self._most and surprises + chance <= SURPRISES):
                    group.append(self._waiting[axis].pop())
                    surprises += chance
                    if not self._waiting[axis]:
                        del self._waiting[axis]
            groups.append(group)
        return groups

    def _chance(self, age: int) -> float:
        """How likely an interval has a value in its middle that is not that of an end."""
        return (self._surprises[age] + WEIGHT * SURPRISE * 0.5**age) / (self._halved[age] + WEIGHT)

    def _resolve(self, groups: list[list[Interval]]) -> Asking:
        """Ask groups, and as long as answers leave open which values they sum up, halves of them."""
        answered = yield from self._ask(groups)
        while answered:
            open_ones = [one for one in answered if not self._settled(*one)]
            answered = yield from self._ask([group[: len(group) // 2] for group, _, _ in open_ones])
            for (group, total, error), (half, part, off) in zip(open_ones, list(answered), strict=True):
                answered.append((group[len(half) :], total - part, error + off))

    def _ask(self, groups: list[list[Interval]]) -> Generator[FloatArray, Array, list[Answered]]:
        if not groups:
            return []
        Z = np.repeat(self._origin[None], len(groups), axis=0)
        for z, group in zip(Z, groups, strict=True):
            z[[interval.axis for interval in group]] = [interval.place for interval in group]
        numbers = yield from self._told.ask(Z)
        totals = (self._told.store.score[numbers] - self._score).tolist()
        errors = (self._told.store.error[numbers] + self._error).tolist()
        return list(zip(groups, totals, errors, strict=True))

    def _settled(self, group: list[Interval], total: float, error: float) -> bool:
        """Whether the value of each interval of a group is known now."""
        sums = np.zeros(1)
        for interval in group:
            sums = np.add.outer(sums, interval.values).ravel()
        fits = np.flatnonzero(np.abs(sums - total) <= error + sum(interval.error for interval in group))
        if len(fits) != 1 and len(group) > 1:
            return False
        surprise = len(fits) == 0
        which = np.unravel_index(fits[0] if len(fits) else 0, [len(interval.values) for interval in group])
        for interval, k in zip(group, which, strict=True):
            self._halved[interval.age] += 1
            self._surprises[interval.age] += surprise
            self._part(interval, None if surprise else int(k), total, error)
        return True

    def _part(self, interval: Interval, end: int | None, value: float, error: float) -> None:
        """Go on with what is left of an interval: it has the value of an end at its place, or else a new ``value``."""
        ends, values = interval.ends, interval.values
        if len(values) == 1:  # its second end was asked
            if end is None:
                self._add(interval.axis, ends, (values[0], value), error, 0)
        elif end is not None:
            ends = (interval.place, ends[1]) if end == 0 else (ends[0], interval.place)
            self._add(interval.axis, ends, (values[0], values[1]), interval.error, interval.age + 1)
        else:
            error = max(error, interval.error)
            self._add(interval.axis, (ends[0], interval.place), (values[0], value), error, 0)
            self._add(interval.axis, (interval.place, ends[1]), (value, values[1]), error, 0)

    def _add(self, axis: int, ends: tuple[float, float], values: tuple[float, float], error: float, age: int) -> None:
        """Let an interval wait to be halved, or if it cannot be, put its step into the sum."""
        jump = values[1] - values[0]
        if abs(jump) <= 2 * COARSE * error:
            return
        below, above = min(ends), max(ends)
        place = self._guesses.middle(axis, below, above)
        if place is not None:
            self._waiting[axis].append(Interval(axis, ends, place, values, error, age))
            return
        step = self._told.total.step(axis, below, above)
        self._guesses.learn(axis, below, above)
        self._told.total.add(jump, error**2, ((step, 1 if ends[1] > ends[0] else -1),))
