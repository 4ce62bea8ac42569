"""Searches side by side: each from a row at which something is left of the scores, the rows of all in one batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from typing import TypeAlias

import attrs
import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.guesses import Guesses
from mex_boosted_exact.likely import Likely
from mex_boosted_exact.monomials import Crossed, Monomials
from mex_boosted_exact.search import Finding, Hunt, Searcher
from mex_boosted_exact.transcript import Transcript

Asking: TypeAlias = Generator[FloatArray, Array, None]
WIDTH = 26
"""How many searches are under way side by side."""
ROUNDS, PATIENCE = 16, 2000
"""How often a search goes on at once that needs no new row, and how often in a row until it is given up."""
LOOKED_AT = 48
"""At how many points it is looked for further terms at once."""
LOOKS, NO_ROW = -2, -1
"""Instead of the number of a wrong row: of a search that looks where something is left, and of one from there."""
WORTH, START = 1 / 15, 50
"""Beyond terms of so many steps it is looked if so many of the points there had something left, and at first: found
otherwise, from a wrong row, a term costs more than that many rows."""


@attrs.define(eq=False)
class Strand:
    """A search under way: what it is after, the points that it waits for, and the number of the wrong row."""

    hunt: Hunt
    search: Finding[None]
    rows: FloatArray
    number: int
    idle: int = 0  # how often in a row it went on without a new row


class Searches:
    """Takes off what is left at the rows asked, until at none of them anything is left, or what is leads to no step.

    Attributes:
        searcher: searches for steps of the residual.
        wrong: numbers of points at which something was left.
    """

    def __init__(self, told: Transcript, guesses: Guesses, rng: np.random.Generator) -> None:
        self.wrong: list[int] = []
        self.searcher = Searcher(told, guesses)
        self._monomials = Monomials(told, self.searcher, rng)
        self._told = told
        self._rng = rng
        self._stuck: list[int] = []  # wrong ones that led to nothing
        self._unclear: list[int] = []  # wrong ones that are between the two ends of a step
        self._tried: dict[int, int] = {}  # by which version of the sum a wrong one was followed last
        self._seen = 0  # how many terms were considered as places to look beyond
        self._places: list[Crossed] = []  # beyond which it is to be looked
        self._likely = Likely()
        self._guessed: list[Crossed] = []  # likely terms
        self._beyond: list[tuple[Crossed, FloatArray]] = []  # where something was left there
        self._looked = Counter[int]()  # at how many points beyond terms of so many steps it was looked
        self._found = Counter[int]()  # and at how many of these something was left
        self._live: list[Strand] = []

    def sort(self, numbers: Array) -> None:
        """Add the points asked at which something is left to the wrong ones."""
        residuals, errors = self._told.residuals(numbers)
        self.wrong += numbers[np.abs(residuals) > errors].tolist()

    def sort_unclear(self) -> None:
        """Sort the points again that were between the two ends of a step."""
        numbers, self._unclear = np.array(self._unclear, dtype=np.int64), []
        self.sort(numbers)

    def sort_again(self) -> None:
        """Sort all points again, after the sum has changed by more than further terms."""
        self.wrong, self._tried = [], {}
        numbers = np.arange(len(self._told.store))
        self.sort(numbers[self._outside(numbers)])

    def peel(self) -> Asking:
        """Search until nothing is left at the points asked, or what is leads to no step."""
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
        residuals, errors = self._told.residuals(numbers)
        end, version = 0, len(self._told.total)
        for strand in strands:
            start, end = end, end + len(strand.rows)
            if asked[start:end].any():
                strand.idle = 0
            elif len(strand.rows) or not asked.any():
                strand.idle += 1
            if len(self._told.total) > version:
                version = len(self._told.total)
                residuals[start:], errors[start:] = self._told.residuals(numbers[start:])
            try:
                strand.rows = strand.search.send((residuals[start:end], errors[start:end]))
            except StopIteration:
                self._end(strand)

    def _is_ready(self, strand: Strand) -> bool:
        """Whether all points that a search waits for were asked before."""
        return len(strand.rows) > 0 and self._told.store.has(strand.rows)

    def _end(self, strand: Strand) -> None:
        strand.hunt.done = True
        strand.hunt.others.clear()
        self._live.remove(strand)
        self.wrong += [strand.number] if strand.number > NO_ROW else []

    def _start(self) -> Strand | None:
        """A search beyond a term, of few steps first; or else from a wrong row."""
        self._learn()
        if (self._guessed or not self._beyond) and not any(strand.number == LOOKS for strand in self._live):
            ends = self._next_ends()
            if ends:
                return self._begun(Hunt(self.searcher.anchor), self._look(ends), LOOKS)
        if self._beyond:
            crossed, end = self._beyond.pop()
            hunt = Hunt(end, [strand.hunt for strand in self._live])
            return self._begun(hunt, self._monomials.take_off(hunt, crossed), NO_ROW)
        return self._from_wrong()

    def _begun(self, hunt: Hunt, search: Finding[None], number: int) -> Strand:
        return Strand(hunt, search, next(search), number)

    def _learn(self) -> None:
        """Take note of the terms that were added: there may be others beyond them, and some are likely."""
        if self._seen == 0:
            self._places.append({})
        for term in self._told.total.terms[self._seen :]:
            if term:
                self._places.append({step.axis: step for step, _ in term})
                self._guessed += [{step.axis: step for step in likely} for likely in self._likely.learn(term)]
        self._seen = len(self._told.total.terms)

    def _next_ends(self) -> list[tuple[Crossed, FloatArray]]:
        """Where to look for terms next: at likely ones, and beyond those of the fewest steps."""
        ends = [(crossed, self._monomials.place(crossed)) for crossed in self._guessed]
        self._guessed = []
        self._places.sort(key=len, reverse=True)
        while self._places and len(ends) < LOOKED_AT and not self._beyond:
            crossed = self._places.pop()
            size = len(crossed)
            if self._found[size] + WORTH * START >= WORTH * self._looked[size]:
                ends += [(crossed, goal) for goal in self._monomials.goals(crossed)]
                self._looked[size] += 2
        return ends

    def _look(self, ends: list[tuple[Crossed, FloatArray]]) -> Finding[None]:
        """Find out at which points something is left."""
        residuals, errors = yield np.array([end for _, end in ends])
        wrong = np.flatnonzero(np.abs(residuals) > errors)
        self._beyond += [ends[n] for n in wrong.tolist()[::-1]]
        for n in wrong.tolist():
            crossed, end = ends[n]
            self._found[len(crossed)] += not np.array_equal(end, self._monomials.place(crossed))

    def _from_wrong(self) -> Strand | None:
        """A search from the last wrong row."""
        version = len(self._told.total)
        while self.wrong:
            number = self.wrong.pop()
            residuals, errors = self._told.residuals(np.array([number]))
            if abs(residuals[0]) <= errors[0]:
                continue
            if not self._outside(np.array([number]))[0]:
                self._unclear.append(number)
            elif self._tried.get(number) == version:
                self._stuck.append(number)
            else:
                self._tried[number] = version
                hunt = Hunt(self._told.store.Z[number].copy(), [strand.hunt for strand in self._live])
                return self._begun(hunt, self._monomials.take_off(hunt, {}), number)
        return None

    def _outside(self, numbers: Array) -> Array:
        """Which points are not between the two ends of a step, where its side is not known."""
        Z = self._told.store.Z[numbers]
        return np.asarray((self._told.total.thresholds.outside(Z) == Z).all(axis=1))
