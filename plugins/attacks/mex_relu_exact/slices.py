"""Neurons by lines along some columns, in slices of the domain where all other columns are held fixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.additive import Additive
from mex_relu_exact.choice import Choice
from mex_relu_exact.draws import Draws
from mex_relu_exact.elsewhere import GONE
from mex_relu_exact.gradients import Affine
from mex_relu_exact.jumps import Jump, Steps
from mex_relu_exact.network import Network
from mex_relu_exact.partial import Partial
from mex_relu_exact.patterns import Patterns
from mex_relu_exact.slice_lines import Searched, SliceLines
from mex_relu_exact.transcript import Transcript

VAIN, VISITS = 4, 6
"""After how many lines that tell nothing others are taken, and for each column how many there are at most."""
TRIED, STRANGE = 20, 0.3
"""After how many lines none is searched any more if more neurons are new than so many of those that are met again."""
SHORTLY = 60
"""After how many rows a column no lines are searched any more where none is real: the others seldom tell more."""
BESIDE = 2
"""How many lines are beside the first one, where a single column moves: they tell where else its kinks should be."""
EARLY = 10
"""After how many lines neurons are not sought elsewhere any more: the more there are, the more may be none. Where the
weights of one are known, and confirmed, there is no other layer."""
BEGUN, FEW = 4, 2
"""How many lines are searched first at most, until so many kinks are found."""
QUIET = 2
"""How many lines through the first slice find nothing new before others are searched."""
SINGLE = 1e-4
"""How near a jump is to one of a single neuron."""
CLEAR = 1e-8
"""How well, as a share of it, a change of slope is known that is taken for a new neuron where a single column moves."""
TINY = 1e-5
"""Which share of the size a neuron adds at least that is taken for one before the affine part is known."""
BETTER = 3.0
"""How many times better a neuron's change of slope is known by a line that is taken for it then."""


class Slices:
    """Finds neurons by lines along the columns ``moving`` and hands them to the network of a transcript.

    With the others held fixed a network of one hidden layer has the same weights on those that move and other biases.
    A neuron is known again in another slice by how much it bends scores along a line; the place of its kink there is an
    equation for its weights on the other columns. Until all these are known it is one of ``partial``.

    Attributes:
        partial: the neurons of which not all weights are known.
    """

    def __init__(
        self,
        told: Transcript,
        draws: Draws,
        moving: Sequence[int],
        grid: float,
        check: Callable[[list[Jump], FloatArray, FloatArray], Steps[None]],
        known: Callable[[], Network],
    ) -> None:
        self.partial = Partial(len(told.chart), told.scores.width, moving)
        self._additive = Additive(told, self.partial, grid, draws.rng)
        self._choice = Choice(self.partial, told.chart, draws, real=not grid)
        self._several = len(moving) > 1
        self._lines = SliceLines(told, self.partial, grid, draws.rng)
        self._told = told
        self._draws = draws
        self._check = check
        only = not self._several and told.chart.n_real == 1 and moving[0] == 0
        self._patterns = Patterns(told, draws, self.partial, grid, known) if only else None

    def begin(self, at: FloatArray) -> Steps[None]:
        """Search a few lines next to each other, where a single column moves: that tells a second hidden layer.

        Raises:
            GivenUp: if there is one.
        """
        for turn in range(BEGUN):
            if len(self.partial) >= FEW:
                break
            start = self._draws.draw(turn) if turn else at
            yield from self._visit(*self._choice.ends(start, self._choice.corner()), either=True)
        for k in range(BESIDE):
            line = self._choice.beside(k) if len(self.partial) else None
            if line is not None:
                yield from self._visit(*line, either=True)
                yield from self._additive.seek()

    def search(self, at: FloatArray, right: FloatArray | None = None) -> Steps[int]:
        """Find neurons that show in the slice of a point; how many are known in the end that were not.

        Args:
            at: the point.
            right: another of the slice at which the network is right while it is not at ``at``.
        """
        quiet, choice = 0, self._choice
        if right is not None and self._several:
            yield from self._visit(right, at)
        if not (yield from self._visit_through(at)):
            while quiet < (QUIET if self._several else 1):
                before = len(self.partial)
                yield from self._visit(*choice.ends(at, choice.corner()))
                quiet = 0 if len(self.partial) > before and self._several else quiet + 1
        return (yield from self._complete())

    def _visit_through(self, at: FloatArray) -> Steps[int]:
        """Search lines from random corners to a point where there is a network, if there are several columns."""
        found, choice = 0, self._choice
        for _ in range(QUIET if self._several and len(self._told.network) else 0):
            found += yield from self._visit(choice.ends(at, choice.corner())[0], at)
        return found

    def _complete(self) -> Steps[int]:
        """Search lines in other slices until all weights of all neurons are known, as far as lines tell them.

        Where a single column moves patterns are looked at first, and again and again.
        """
        partial, choice, patterns = self.partial, self._choice, self._patterns
        complete = visits = vain = new = met = 0
        if patterns is not None:
            complete += yield from patterns.find()
        while len(partial) and visits < VISITS * (len(partial.held) + 10):
            line = choice.most_telling() if vain < VAIN else choice.spread()
            if line is None and (vain >= VAIN or (line := choice.spread()) is None):
                break
            assert line is not None
            if self._told.chart.grid and len(self._told) > SHORTLY * (len(self._told.chart) + 1):
                break
            n, visits = len(partial), visits + 1
            found = yield from self._visit(*line)
            vain = 0 if found > len(partial) - n else vain + 1
            new, met = new + len(partial) - n, met + found - (len(partial) - n)
            if not self._several and visits <= EARLY and not len(self._told.network):
                yield from self._additive.seek()
            if visits >= TRIED and new > max(TRIED, STRANGE * met):
                break
            ready = partial.complete()
            for w, b, a in zip(ready.W, ready.b, ready.A, strict=True):
                self._told.network.add(w, float(b), a)
            complete += len(ready)
            if patterns is not None and patterns.due:
                complete += yield from patterns.find()
        return complete

    def _visit(self, start: FloatArray, end: FloatArray, *, either: bool = False) -> Steps[int]:
        """Search a line in a slice, from either end if asked; how many neurons are found there, or found displaced."""
        partial, known = self.partial, self.partial.known(start)
        searched = yield from self._lines.search(start, end, known, either=either)
        if searched is None:
            return 0
        unknown = np.flatnonzero(~known)
        told, fresh = dict[int, list[int]](), list[int]()
        for k, kink in enumerate(searched.line.kinks):
            if not np.isfinite(kink.error):
                continue
            alike = searched.known.alike(*searched.change(k))
            if len(alike) == 1:
                told.setdefault(int(unknown[alike[0]]), []).append(k)
            elif len(alike) == 0 and not searched.known.near(kink.t):
                fresh.append(k)
        met = [(j, kinks[0]) for j, kinks in told.items() if len(kinks) == 1]
        for j, k in met:
            jump = searched.jump(k)
            if not self._several and jump.change.error < partial.errors[j] / BETTER:
                w, _, a = jump.neuron(searched.way)
                partial.sharpen(j, a, float(w[partial.moving[0]]), jump.change.error)
            partial.tell(j, start + jump.t * searched.way)
        return len(met) + (yield from self._add(fresh, searched))

    def _add(self, fresh: list[int], searched: Searched) -> Steps[int]:
        """Add the neurons of kinks that are those of none."""
        start, way, kinks = searched.start, searched.way, searched.line.kinks
        t = np.array([0.0, *(kink.t for kink in kinks), 1.0])
        pieces, jumps, sought = dict[int, Affine](), list[Jump](), 0
        for k in fresh:
            jump, (bend, error) = searched.jump(k), searched.change(k)
            most = float(np.abs(bend).max())
            if self._several:
                for piece in (k, k + 1):
                    if piece not in pieces:
                        pieces[piece] = yield from self._lines.affine(start, way, t[piece : piece + 2], searched.placed)
                jump = Jump(pieces[k + 1] - pieces[k], jump.t, 0.0)
            elif error > CLEAR * most:
                continue
            J = jump.change.J
            singular = np.linalg.svd(J, compute_uv=False)
            if np.abs(J @ way - bend).max() > SINGLE * most or (
                len(singular) > 1 and singular[1] > SINGLE * singular[0]
            ):
                continue  # steps crossed a hyperplane, or there are several kinks in one place
            jumps.append(jump)
            w, _, a = jump.neuron(way)
            tiny = float(np.abs(w).sum() * np.abs(a).max()) < TINY * self._told.size
            if self._several and tiny and not self._told.network.G.any():
                continue  # it may be what is left of one that is known with an error
            self.partial.add(w, a, jump.change.error, start + jump.t * way)
            if self._several and len(jumps) >= sought + GONE:
                yield from self._check(jumps[sought:], start, way)
                sought = len(jumps)
        if self._several:
            yield from self._check(jumps[sought:], start, way)
        return len(jumps)
