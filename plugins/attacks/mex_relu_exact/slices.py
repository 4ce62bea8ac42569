"""Neurons by lines along some columns, in slices of the domain where all other columns are held fixed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from mex.toolkit.generators import relay
from mex.types import BoolArray, FloatArray
from mex_relu_exact.draws import Draws
from mex_relu_exact.gradients import REACH, Affine, affine_piece, orthonormal
from mex_relu_exact.kinks import Known, Line, Lost, find_kinks
from mex_relu_exact.network import Network
from mex_relu_exact.peeling import ETA, RETRIES, SHORTER, Jump, Steps
from mex_relu_exact.shifts import Shifts
from mex_relu_exact.transcript import Asking, Transcript
from mex_relu_exact.variations import moved, varied

FAINT = 1e-10
"""Up to which rounding, as a share of the size, scores are used on lines."""
CANDIDATES, WAYS = 48, 8
"""Slices, and lines in each, among which the next one is chosen."""
MARGIN = 0.03
"""How far from its ends a line is expected to cross a hyperplane that it is to cross."""
VAIN, VISITS = 4, 6
"""After how many lines that tell nothing others are taken, and for each column how many there are at most."""
COVERED = 0.3
"""How far the value of a neuron in a slice is to be from those tried, as a share of what it changes by on a line."""
QUIET = 2
"""How many lines through the first slice find nothing new before others are searched."""
SINGLE = 1e-4
"""How near a jump is to one of a single neuron."""
SAME = 1e-6
"""How near the weights of one neuron are that is met twice."""
UNKNOWN, FAR = 3, 3.0
"""How many weights of a neuron may be unknown that is on or off where they count, and by how many times its largest
value it is displaced then."""
SHORTEST = 20
"""How many places on a grid a line has at least."""


class Slices:
    """Finds neurons by lines along the columns ``moving`` and hands them to the network of a transcript.

    With the others held fixed a network of one hidden layer has the same weights on those that move and other biases.
    A neuron is known again in another slice by how much it bends scores along a line; the place of its kink there is an
    equation for its weights on the other columns. Until all these are known it is kept here.

    Attributes:
        moving: the coordinates that move.
        partial: the neurons of which not all weights are known.
    """

    def __init__(
        self,
        told: Transcript,
        draws: Draws,
        moving: Sequence[int],
        grid: float,
        check: Callable[[list[Jump], FloatArray, FloatArray], Steps[None]],
    ) -> None:
        self.moving = np.array(moving)
        self._held = np.setdiff1d(np.arange(len(told.chart)), self.moving)
        self._grid = grid
        self._told = told
        self._draws = draws
        self._check = check
        self._shifts = Shifts(len(self._held))
        self.partial = Network.empty(len(told.chart), told.scores.width)

    def search(self, at: FloatArray, right: FloatArray | None = None) -> Steps[int]:
        """Find neurons that show in the slice of a point; how many are known in the end that were not.

        Args:
            at: the point.
            right: another of the slice at which the network is right while it is not at ``at``.
        """
        quiet, several = 0, len(self.moving) > 1
        if right is not None and several:
            yield from self._visit(right, at)
        if not (yield from self._visit_through(at, several and len(self._told.network) > 0)):
            while quiet < (QUIET if several else 1):
                before = len(self.partial)
                yield from self._visit(*self._ends(at, self._corner()))
                quiet = 0 if len(self.partial) > before and several else quiet + 1
        return (yield from self._complete())

    def _visit_through(self, at: FloatArray, several: bool) -> Steps[int]:
        """Search lines from random corners to a point, if there are several columns that move."""
        found = 0
        for _ in range(QUIET if several else 0):
            found += yield from self._visit(self._ends(at, self._corner())[0], at)
        return found

    def like(self, w: FloatArray, a: FloatArray) -> BoolArray:
        """Which of the neurons that are not known entirely may be one of these weights, shape (h,)."""
        other = np.outer(a, w[self.moving])
        products = self.partial.A[:, :, None] * self.partial.W[:, None, self.moving]
        apart = np.minimum(*(np.abs(products - s * other).max(axis=(1, 2)) for s in (1, -1)))
        return np.asarray(apart <= SAME * float(np.abs(other).max()))

    def versions(self) -> Network:
        """What each neuron is of which few weights are not known, as they displace it too far for lines to cross it.

        Where such a column has another value it is on or off everywhere; for any large weights on these columns the
        difference is affine.
        """
        found = Network.empty(len(self._told.chart), self._told.scores.width)
        for j in np.flatnonzero(len(self._held) - self._shifts.ranks() <= UNKNOWN):
            w, b = self.partial.W[j], float(self.partial.b[j])
            far = FAR * (float(np.abs(w).sum()) + abs(b))
            missing = self._shifts.missing(int(j))
            first = self._shifts.slices(int(j))[0]
            for signs in itertools.product((-far, far), repeat=len(missing)):
                v, extra = w.copy(), np.array(signs) @ missing
                v[self._held] += extra
                found.add(v, b - float(extra @ first), self.partial.A[j])
        return found

    def forget(self, w: FloatArray, a: FloatArray) -> None:
        """Drop a neuron that was found otherwise meanwhile."""
        self._keep(~self.like(w, a))

    # -- lines

    def _corner(self) -> FloatArray:
        """A random corner of the columns that move."""
        return self._draws.rng.integers(0, 2, len(self.moving)).astype(np.float64)

    def _ends(self, at: FloatArray, corner: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Both ends of a line in the slice of a point, from a corner to the one opposite."""
        ends = np.tile(at, (2, 1))
        ends[:, self.moving] = corner, 1 - corner
        if not self._grid:
            ends = self._told.chart.inside(ends)
        ends[:, self._held] = at[self._held]
        return ends[0], ends[1]

    def _visit(self, start: FloatArray, end: FloatArray) -> Steps[int]:
        """Search a line in a slice; how many neurons are found there, or found displaced."""
        z = start[self._held]
        known = self._shifts.known(z)
        searched = yield from self._searched(start, end, known)
        if searched is None:
            return 0
        line, way, bends, placed = searched
        unknown = np.flatnonzero(~known)
        told, fresh = dict[int, list[float]](), list[int]()
        for k, kink in enumerate(line.kinks):
            if not np.isfinite(kink.error):
                continue
            match = bends.alike(kink.change, kink.error)
            if match is not None:
                told.setdefault(int(unknown[match]), []).append(kink.t)
            elif not bends.near(kink.t):
                fresh.append(k)
        found = 0
        for j, places in told.items():
            if len(places) == 1:
                self._tell(j, start + places[0] * way)
                found += 1
        return found + (yield from self._add(fresh, line, start, way, placed))

    def _tell(self, j: int, kink: FloatArray) -> None:
        """A neuron has a kink at a point."""
        w = self.partial.W[j, self.moving]
        self._shifts.tell(j, kink[self._held], -float(w @ kink[self.moving]))
        self.partial.W[j, self._held], self.partial.b[j] = self._shifts.solution(j)

    def _searched(
        self, start: FloatArray, end: FloatArray, known: BoolArray
    ) -> Steps[tuple[Line, FloatArray, Known, Network] | None]:
        """The kinks on a line but those of neurons of which it is known where they are."""
        told, way = self._told, end - start
        placed, others = told.network.copy(), self.partial.copy()
        for j in np.flatnonzero(known):
            placed.add(self.partial.W[j], float(self.partial.b[j]), self.partial.A[j])
        others.keep(~known)
        limit = max(told.fine, FAINT)

        def ask(t: FloatArray) -> Asking:
            U = start + t[:, None] * way
            Y, noise = yield from told.ask(U)
            clear = told.visible(noise, limit)
            sums = np.maximum(U @ placed.W.T + placed.b, 0) @ np.abs(placed.A).max(axis=1, initial=0.0)
            noise = np.where(clear, noise + 4 * np.finfo(np.float64).eps * sums, np.inf)
            return np.where(clear[:, None], Y, 0.0) - placed.bent(U), noise

        for _ in range(RETRIES):
            grid = self._grid / float(np.abs(way).max()) if self._grid else 0.0
            changes = np.abs(others.W @ way)[:, None] * others.A
            bends = Known(*placed.crossings(start, way), 1e-7, 1e-5, changes, grid)
            try:
                line = yield from relay(find_kinks(max(ETA, limit ** (1 / 3)), bends, self._draws.rng), ask)
            except Lost as lost:
                way = told.chart.snapped((start + SHORTER * lost.args[0] * way)[None])[0] - start
                if float(np.abs(way).max()) <= max(SHORTEST * self._grid, 1e-3):
                    return None
            else:
                return line, way, bends, placed
        return None

    def _add(self, fresh: list[int], line: Line, start: FloatArray, way: FloatArray, placed: Network) -> Steps[int]:
        """Add the neurons of kinks that are those of none."""
        t = np.array([0.0, *(kink.t for kink in line.kinks), 1.0])
        pieces, jumps = dict[int, Affine](), list[Jump]()
        for k in fresh:
            kink = line.kinks[k]
            change = Affine(np.outer(kink.change, way) / float(way @ way), np.zeros(len(kink.change)))
            if len(self.moving) > 1:
                for piece in (k, k + 1):
                    if piece not in pieces:
                        pieces[piece] = yield from self._affine(start, way, t[piece : piece + 2], placed)
                change = pieces[k + 1] - pieces[k]
            singular = np.linalg.svd(change.J, compute_uv=False)
            if np.abs(change.J @ way - kink.change).max() > SINGLE * np.abs(kink.change).max() or (
                len(singular) > 1 and singular[1] > SINGLE * singular[0]
            ):
                continue  # steps crossed a hyperplane, or there are several kinks in one place
            jumps.append(Jump(change, kink.t, 0.0))
            w, _, a = jumps[-1].neuron(way)
            self.partial.add(w, 0.0, a)
            self._tell(self._shifts.add(), start + kink.t * way)
        if len(self.moving) > 1:
            yield from self._check(jumps, start, way)
        return len(jumps)

    def _affine(self, start: FloatArray, way: FloatArray, piece: FloatArray, placed: Network) -> Steps[Affine]:
        """The affine function that scores less a network are on a piece of a line."""
        told = self._told
        places = piece[0] + np.array([0.25, 0.75]) * (piece[1] - piece[0])

        def ask(U: FloatArray) -> Asking:
            Y, noise = yield from told.ask(U)
            return Y - placed.bent(U), np.where(told.visible(noise), noise, np.inf)

        Y, _ = yield from ask(start + places[:, None] * way)
        search = affine_piece(
            start,
            way,
            orthonormal(way[: len(self.moving)]),
            ((places[0], Y[0]), (places[1], Y[1])),
            reach=REACH,
            neurons=len(placed) + len(self.partial),
            rng=self._draws.rng,
            doubt=told.doubt,
        )
        return (yield from relay(search, ask))

    # -- weights on the other columns

    def _complete(self) -> Steps[int]:
        """Search lines in other slices until all weights of all neurons are known, as far as lines tell them."""
        complete = visits = vain = 0
        while len(self.partial) and visits < VISITS * (len(self._held) + 10):
            line = self._most_telling() if vain < VAIN else self._spread()
            if line is None and (vain >= VAIN or (line := self._spread()) is None):
                break
            assert line is not None
            n, visits = len(self.partial), visits + 1
            found = yield from self._visit(*line)
            vain = 0 if found > len(self.partial) - n else vain + 1
            complete += self._hand_over()
        return complete

    def _hand_over(self) -> int:
        """Give complete neurons to the network."""
        self._keep(~self._shifts.refuted())
        ready = self._shifts.complete()
        for j in np.flatnonzero(ready):
            self._told.network.add(self.partial.W[j], float(self.partial.b[j]), self.partial.A[j])
        self._keep(~ready)
        return int(ready.sum())

    def _keep(self, which: BoolArray) -> None:
        self.partial.keep(which)
        self._shifts.keep(which)

    def _most_telling(self) -> tuple[FloatArray, FloatArray] | None:
        """The line that is expected to tell the weights of most neurons."""
        rng, partial, chart = self._draws.rng, self.partial, self._told.chart
        best, most = None, 0.0
        for _ in range(CANDIDATES):
            j = int(rng.integers(len(partial)))
            slices = self._shifts.slices(j)
            at = np.zeros(len(chart))
            at[self._held] = slices[rng.integers(len(slices))]
            at = moved(chart, at, self._held, rng)
            new = ~self._shifts.known(at[self._held])
            if not new[j]:
                continue
            for way in range(WAYS if len(self.moving) > 1 else 1):
                corner = self._corner() if way else (partial.W[j, self.moving] < 0).astype(np.float64)
                first, last = self._ends(at, corner)
                t, _ = partial.crossings(first, last - first)
                score = float((new & (t > MARGIN) & (t < 1 - MARGIN)).sum()) + 0.1 * rng.random()
                if score > most:
                    best, most = (first, last), score
        return best

    def _spread(self) -> tuple[FloatArray, FloatArray] | None:
        """A line in a slice with another value of a column of which a neuron's weight is not known.

        The other columns are such that the neuron, but for that weight, has a value that it had not in slices tried
        before. None if lines through these cover all values: where the column has that value, no slice has the kink.
        """
        partial, chart = self.partial, self._told.chart
        for j in np.argsort(-self._shifts.ranks(), kind="stable"):
            w = partial.W[j]
            corner = (w[self.moving] < 0).astype(np.float64)
            reach = float(np.abs(w[self.moving]).sum())
            missing = self._shifts.missing(int(j))
            at = np.zeros(len(chart))
            at[self._held] = self._shifts.slices(int(j))[0]
            for direction in missing:
                column = int(self._held[np.abs(direction).argmax()])
                tried = self._shifts.tried(int(j), column)
                unknown = set(self._held[np.abs(missing).max(axis=0) > 1e-9].tolist())
                full = np.zeros(len(chart))
                full[self._held] = direction
                Z = varied(chart, at, w, column, full, unknown, self._draws.rng)
                Z[:, self.moving] = corner
                values = Z @ w + float(partial.b[j])
                apart = np.abs(values[:, None] - np.array([*tried, np.inf])).min(axis=1)
                best = int(apart.argmax()) if tried else 0
                if apart[best] >= COVERED * reach:
                    tried.append(float(values[best]))
                    return self._ends(Z[best], corner)
        return None
