"""A run of the peeling: many tasks side by side, the rows of all of them in one batch, and random rows that check."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

import attrs
import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.confirmation import Confirmation
from mex_boosted_exact.draws import Draws, outside
from mex_boosted_exact.peeling import Peeler
from mex_boosted_exact.refine import Refinement
from mex_boosted_exact.scores import Scores
from mex_boosted_exact.search import Finding, Searcher
from mex_boosted_exact.tasks import Task
from mex_boosted_exact.transcript import FIRST, Transcript

Asking: TypeAlias = Generator[FloatArray, Array, None]
WIDTH = 16
"""How many tasks are under way side by side."""
WALKS = 2
"""How many of them come from wrong rows at most: such may lead to the same steps."""
NEAREST = 100
"""Among how many points without residual the start of a walk is sought."""
FIRST_BATCH, LAST_BATCH = 16, 1024
SETTLED, IDLE = 200, 5
"""After how many rows without residual steps are narrowed, and how often in a row unseen ones are sought."""


@attrs.define(eq=False)
class Strand:
    """A task under way: its search, the points that this waits for, and the wrong row that it comes from."""

    task: Task
    search: Finding[None]
    rows: FloatArray
    number: int
    walks: bool = True  # on its way to a step


class Run:
    """Finds the sum of boxes that the scores of a target are.

    Attributes:
        told, axes, store, total: the answers, and of these the coordinates, the points asked, and the sum so far.
        clean: on how many rows, one after the other, it was right since it changed last.
        reason: why the end is none, a sentence; "" if it is.
    """

    def __init__(self, axes: Axes, scores: Scores, draws: Draws) -> None:
        """``scores`` gives the scores of answers and the bounds of their rounding."""
        self.told = Transcript(axes, scores)
        self.axes = axes
        self.store = self.told.store
        self.total = self.told.total
        self.clean = 0
        self.reason = ""
        self._draws = draws
        self._rng = draws.rng
        self._search = Searcher(axes, self.total, draws.rng)
        self._refinement = Refinement(axes, self.total, draws)
        self._confirmation = Confirmation(axes, self.total, draws)
        self._probed = False  # whether it is known in which precision the target compares
        self._peeler = Peeler(self._search, self.told.again)
        self._wrong: list[int] = []  # numbers of points at which something was left
        self._right: list[int] = []  # and at which nothing was
        self._unclear: list[int] = []  # wrong ones that are between the two ends of a step
        self._stuck: list[int] = []  # wrong ones that led to nothing
        self._tried: dict[int, int] = {}  # by which version of the sum a wrong one was followed last
        self._live: list[Strand] = []

    def steps(self, checks: int) -> Asking:
        """Peel until ``checks`` random rows, one after the other, leave no residual."""
        Z = np.concatenate([self._draws.middle(), self._draws.points(FIRST - 1, self.total)])
        numbers = yield from self.told.ask(Z)
        error = self.store.error[numbers]
        start = 0 if error[0] <= 3 * error.min() else int(np.argmin(error))
        self._search.origin = Z[start]
        self.total.add(float(self.store.score[numbers[start]]), float(error[start] ** 2), ())
        self._sort(numbers)
        batch = FIRST_BATCH
        while self._wrong or self.clean < checks:
            if self._wrong:
                version = len(self.total)
                yield from self._peel()
                if len(self.total) > version:
                    self.clean, batch = 0, max(batch // 2, FIRST_BATCH)
                numbers, self._stuck = np.array(self._stuck, dtype=np.int64), []
                self._sort(numbers)
                if self._wrong and len(self.total) == version:
                    self.reason = f"at {len(self._wrong)} rows something is left that leads to no step"
                    return
            elif self.clean >= min(SETTLED, checks) and self._refinement.open():
                yield from self._refine()
                if not self._wrong:
                    Z = self._confirmation.rows(self.store.Z)
                    self._sort((yield from self.told.ask(Z)))
                numbers, self._unclear = np.array(self._unclear, dtype=np.int64), []
                self._sort(numbers)
                self.clean = 0
            elif self.clean >= min(SETTLED, checks) and not self._probed and not self.axes.double:
                yield from self._probe()
            else:
                Z = self._draws.points(min(batch, checks - self.clean) if self.clean else batch, self.total)
                self._sort((yield from self.told.ask(Z)))
                self.clean += len(Z)
                batch = min(2 * batch, LAST_BATCH)
        numbers, self._unclear = np.array(self._unclear, dtype=np.int64), []
        self._sort(numbers)
        if self._wrong:
            self.reason = f"{len(self._wrong)} rows lie between the two ends of a step that was not found exactly"

    def _refine(self) -> Asking:
        """Narrow all steps to the last bit that the target compares."""
        refinement, idle = self._refinement, 0
        while steps := refinement.open():
            if not (groups := refinement.groups(steps)):
                idle += 1
                if idle == IDLE:
                    for step in steps:
                        refinement.settle(step)
                continue
            idle = 0
            Z = refinement.rows(groups)
            numbers = yield from self.told.ask(Z)
            refinement.narrow(groups, Z, self.store.score[numbers], self.store.error[numbers])
            if refinement.doubts:
                numbers = yield from self.told.ask(refinement.beside())
                residuals, errors = self.told.residuals(numbers, None)
                right = np.abs(residuals) <= errors
                refinement.split(right.reshape(-1, 2))
                self._sort(numbers)
                if not right.all():
                    return

    def _probe(self) -> Asking:
        """Find out whether the target compares in float64, by rows that float32 rounds to the ends of steps."""
        Z, expected, slack = self._refinement.probe()
        self._probed = True
        if len(Z):
            numbers = yield from self.told.ask(Z)
            off = np.abs(self.store.score[numbers] - expected)
            if np.any(off > self.store.error[numbers] + slack):
                self.axes.compare(double=True)

    def _sort(self, numbers: Array) -> None:
        residuals, errors = self.told.residuals(numbers, None)
        wrong = np.abs(residuals) > errors
        self._wrong += numbers[wrong].tolist()
        self._right += numbers[~wrong].tolist()

    def _peel(self) -> Asking:
        """Peel until nothing is left at the points asked."""
        live = self._live
        while True:
            while len(live) < WIDTH and (strand := self._start()):
                live.append(strand)
            if not live:
                return
            numbers = yield from self.told.ask(np.concatenate([strand.rows for strand in live]))
            lengths = [len(strand.rows) for strand in live]
            versions = np.repeat([strand.task.version for strand in live], lengths)
            ends = np.cumsum(lengths)[:-1]
            told = [np.split(part, ends) for part in self.told.residuals(numbers, versions)]
            for strand, residuals, errors in zip(tuple(live), *told, strict=True):
                try:
                    strand.rows = strand.search.send((residuals, errors))
                except StopIteration:
                    live.remove(strand)
                    self._wrong.append(strand.number)

    def _start(self) -> Strand | None:
        """A walk from a row that is right to one that is not, unless enough are on their way."""
        if sum(strand.walks for strand in self._live) >= WALKS:
            return None
        return self._from_wrong()

    def _from_wrong(self) -> Strand | None:
        """A walk to the last wrong row from the right one that shares most coordinates with it."""
        version = len(self.total)
        while self._wrong:
            number = self._wrong.pop()
            residuals, errors = self.told.residuals(np.array([number]), None)
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
        some = np.array(self._right[-NEAREST:] + self._right[:1])
        residuals, errors = self.told.residuals(some, None)
        some = some[(np.abs(residuals) <= errors) & self._outside(some)]
        if len(some) == 0:  # then the constant is wrong
            self.total.add(float(self.told.residuals(np.array([number]), None)[0][0]), 0.0, ())
            self._right.append(number)
            return self._from_wrong()
        Z, end = self.store.Z[some], self.store.Z[number]
        start = Z[np.argmin((end != Z).sum(axis=1))]
        task = Task(version=version)
        strand = Strand(task, search := self._walk(task, start, end), end[:0], number)
        strand.rows = next(search)
        return strand

    def _outside(self, numbers: Array) -> Array:
        """Which points are not between the two ends of a step, where its side is not known."""
        Z = self.store.Z[numbers]
        return np.asarray((outside(Z, self.total) == Z).all(axis=1))

    def _walk(self, task: Task, start: FloatArray, end: FloatArray) -> Finding[None]:
        found = yield from self._search.walk(start, end)
        strand = next(strand for strand in self._live if strand.task is task)
        strand.walks = False
        if found is not None:
            yield from self._peeler.climb(task, *found)
