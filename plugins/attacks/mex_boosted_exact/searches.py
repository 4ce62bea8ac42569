"""Searches side by side: each from a row at which something is left of the scores, the rows of all in one batch."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeAlias

import attrs
import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.guesses import Guesses
from mex_boosted_exact.peeling import Peeler
from mex_boosted_exact.search import Finding, Searcher
from mex_boosted_exact.tasks import Task
from mex_boosted_exact.transcript import Transcript

Asking: TypeAlias = Generator[FloatArray, Array, None]
WIDTH = 24
"""How many searches are under way side by side."""
WALKS = 4
"""How many of them are on their way to a first step at most: such may lead to the same one."""
ROUNDS, PATIENCE = 16, 2000
"""How often a search goes on at once that needs no new row, and how often in a row until it is given up."""
NEAREST, OTHERS = 100, 100
"""Among how many points without residual the start of a walk is sought."""


@attrs.define(eq=False)
class Strand:
    """A task under way: its search, the points that this waits for, and the wrong row that it comes from."""

    task: Task
    search: Finding[None]
    rows: FloatArray
    number: int
    walks: bool = True  # on its way to a step
    idle: int = 0  # how often in a row it went on without a new row


class Searches:
    """Peels what is left at the rows asked, until at none of them anything is left, or what is leads to no step.

    Attributes:
        searcher: searches for steps of the residual.
        wrong: numbers of points at which something was left.
    """

    def __init__(self, told: Transcript, guesses: Guesses, rng: np.random.Generator) -> None:
        self.wrong: list[int] = []
        self.searcher = Searcher(told.axes, told.total, guesses, rng)
        self._told = told
        self._rng = rng
        self._peeler = Peeler(self.searcher, told.again)
        self._stuck: list[int] = []  # wrong ones that led to nothing
        self._unclear: list[int] = []  # wrong ones that are between the two ends of a step
        self._right: list[int] = []  # numbers of points at which nothing was left
        self._tried: dict[int, int] = {}  # by which version of the sum a wrong one was followed last
        self._live: list[Strand] = []

    def sort(self, numbers: Array) -> None:
        """Tell the points asked at which something is left from the others."""
        residuals, errors = self._told.residuals(numbers, None)
        wrong = np.abs(residuals) > errors
        self.wrong += numbers[wrong].tolist()
        self._right += numbers[~wrong].tolist()

    def sort_unclear(self) -> None:
        """Sort the points again that were between the two ends of a step."""
        numbers, self._unclear = np.array(self._unclear, dtype=np.int64), []
        self.sort(numbers)

    def sort_again(self) -> None:
        """Sort all points again, after the sum has changed by more than further terms."""
        self.wrong, self._right, self._tried = [], [], {}
        numbers = np.arange(len(self._told.store))
        self.sort(numbers[self._outside(numbers)])

    def peel(self) -> Asking:
        """Peel until nothing is left at the points asked, or what is leads to no step."""
        live = self._live
        while True:
            while len(live) < WIDTH and (strand := self._start()):
                live.append(strand)
            if not live:
                break
            ready = [strand for strand in live if self._is_ready(strand)]
            for _ in range(ROUNDS):
                yield from self._advance(ready)
                ready = [strand for strand in ready if strand in live and self._is_ready(strand)]
            yield from self._advance(tuple(live))
            for strand in [strand for strand in live if strand.idle > PATIENCE]:
                strand.search.close()
                self._end(strand)
        numbers, self._stuck = np.array(self._stuck, dtype=np.int64), []
        self.sort(numbers)

    def _advance(self, strands: Sequence[Strand]) -> Asking:
        """Ask what some strands wait for, and let each go on."""
        if not strands:
            return
        before = len(self._told.store)
        numbers = yield from self._told.ask(np.concatenate([strand.rows for strand in strands]))
        asked = numbers >= before
        lengths = [len(strand.rows) for strand in strands]
        versions = np.repeat([strand.task.version for strand in strands], lengths)
        residuals, errors = self._told.residuals(numbers, versions)
        end = 0
        for strand, length in zip(strands, lengths, strict=True):
            start, end = end, end + length
            if asked[start:end].any():
                strand.idle = 0
            elif length or not asked.any():
                strand.idle += 1
            try:
                strand.rows = strand.search.send((residuals[start:end], errors[start:end]))
            except StopIteration:
                self._end(strand)

    def _is_ready(self, strand: Strand) -> bool:
        """Whether all points that a search waits for were asked before."""
        return len(strand.rows) > 0 and self._told.store.has(strand.rows)

    def _end(self, strand: Strand) -> None:
        self._live.remove(strand)
        self.wrong.append(strand.number)

    def _start(self) -> Strand | None:
        """A walk from a row that is right to one that is not, unless enough are on their way."""
        if sum(strand.walks for strand in self._live) >= WALKS:
            return None
        return self._from_wrong()

    def _from_wrong(self) -> Strand | None:
        """A walk to the last wrong row from the right one that shares most coordinates with it."""
        version = len(self._told.total)
        while self.wrong:
            number = self.wrong.pop()
            residuals, errors = self._told.residuals(np.array([number]), None)
            if abs(residuals[0]) <= errors[0]:
                self._right.append(number)
            elif not self._outside(np.array([number]))[0]:
                self._unclear.append(number)
            elif self._tried.get(number) == version:
                self._stuck.append(number)
            else:
                break
        else:
            return None
        self._tried[number] = version
        right = self._right[-NEAREST:] + self._right[:1]
        some = np.array(right + self._rng.integers(len(self._told.store), size=OTHERS).tolist())
        there, slack = self._told.residuals(some, None)
        there = np.where(np.abs(there) <= slack, 0.0, there)
        other = np.abs(there - residuals[0]) > 2 * (slack + errors[0])
        fit = ((there == 0) | other) & self._outside(some)
        some, there = some[fit], there[fit]
        if len(some) == 0:  # then the constant is wrong
            self._told.total.add(float(residuals[0]), 0.0, ())
            self._right.append(number)
            return self._from_wrong()
        Z, end = self._told.store.Z[some], self._told.store.Z[number]
        nearest = np.argmin((end != Z).sum(axis=1))
        task = Task(version=version)
        strand = Strand(task, search := self._walk(task, Z[nearest], end, float(there[nearest])), end[:0], number)
        strand.rows = next(search)
        return strand

    def _outside(self, numbers: Array) -> Array:
        """Which points are not between the two ends of a step, where its side is not known."""
        Z = self._told.store.Z[numbers]
        return np.asarray((self._told.total.thresholds.outside(Z) == Z).all(axis=1))

    def _walk(self, task: Task, start: FloatArray, end: FloatArray, there: float) -> Finding[None]:
        found = yield from self.searcher.walk(start, end, there)
        strand = next(strand for strand in self._live if strand.task is task)
        strand.walks = False
        if found is not None:
            yield from self._peeler.climb(task, *found)
