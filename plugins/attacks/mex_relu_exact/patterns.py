"""Neurons by activation patterns: which are on is told by slopes along one column, and that makes scores linear."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mex.types import Array, FloatArray
from mex_relu_exact.clear import Clear
from mex_relu_exact.comparing import CALM
from mex_relu_exact.draws import Draws
from mex_relu_exact.equations import Equations
from mex_relu_exact.jumps import Steps
from mex_relu_exact.network import Network
from mex_relu_exact.partial import Partial
from mex_relu_exact.slopes import MOST, Slopes
from mex_relu_exact.transcript import Transcript
from mex_relu_exact.variations import moved

PAIRS, STEP = 30, 1e-3
"""How many pairs of rows are asked at a time, and how far from each other the rows of a pair are."""
RANDOM, CHOSEN, LEAST = 1.0, 0.7, 0.1
"""How many equations a pair is taken to tell at first, of random ones and of such as are chosen; how many it is to."""
ROWS = 4
"""How many rows are asked for patterns at a time, for each weight there may be."""
AGAIN = 60
"""After how many rows more patterns are looked at again."""
SAME = 1e-7
"""How near two slopes are that are one, as a share of the most that a neuron adds to one."""
PROMISING, APART, AGREE = 0.5, 0.95, 0.98
"""Of which share of rows the pattern is to be told for more to be asked, and for neurons to be taken; which share of
rows the equations then are to satisfy."""
CANDIDATES, CLIMB, NEW = 100, 40, 1e-2
"""Among how many points are chosen those that tell more, by how many changes each is found, and which part of its
equation is to be new."""
SPANNED = 1e-6
"""How far a point is from what others span that is told by these."""


class Patterns:
    """Finds the neurons that show in slopes along one column, with all their weights at once.

    A neuron that is on adds its share to the slope along a column, and each set of few neurons has a slope of its own.
    A pair of rows next to each other so tells the pattern there: which neurons are on. Some neurons lines have shown,
    what others add is told by the slopes themselves. At rows of a known pattern scores are linear in all weights.

    Args:
        told, draws: the answers, and where random points come from.
        partial: the neurons that lines have shown; a single coordinate moves.
        grid: the spacing of the places that can be asked along it, 0 if all can be.
        known: the neurons of the network that are known.
    """

    def __init__(
        self, told: Transcript, draws: Draws, partial: Partial, grid: float, known: Callable[[], Network]
    ) -> None:
        self._told = told
        self._draws = draws
        self._clear = Clear(told, draws.rng)
        self._partial = partial
        self._step = max(round(STEP / grid), 1) * grid if grid else STEP
        self._known = known
        self._column = int(partial.moving[0])
        self._equations: Equations | None = None
        self._apart = 0.0
        self._left = 0
        self._looked = 0
        self._random = RANDOM

    @property
    def due(self) -> bool:
        """Whether there are rows enough since patterns were looked at."""
        return len(self._told) > self._looked + AGAIN

    def find(self) -> Steps[int]:
        """Ask pairs of rows as long as they tell more, and add neurons of which all is told to the network; how many.

        Pairs are random, or where neurons are as they seldom are.
        """
        began, before, found = len(self._told), self._missing(), self._solve()
        if self._missing() > before:
            self._random = RANDOM
        gains, most = [self._random, CHOSEN], ROWS * (MOST + 1) * (len(self._told.chart) + 1)
        while max(gains) > LEAST and self._apart >= PROMISING and len(self._told) - began < most:
            if not len(self._partial) and not self._left:
                break
            kind, missing = int(np.argmax(gains)), self._missing()
            U = self._telling(PAIRS) if kind else self._draws.several(PAIRS)
            gains[kind] = 0.0
            if len(U):
                beside = U.copy()
                beside[:, self._column] += np.where(U[:, self._column] < 0.5, self._step, -self._step)
                yield from self._told.ask(np.concatenate([U, beside]))
                found += self._solve()
                gain = (missing - self._missing()) / len(U)
                gains[kind] = gain if gain >= 0 else RANDOM  # another neuron shows, of which nothing else is told
        self._random = gains[0]
        return found

    def _missing(self) -> int:
        return 0 if self._equations is None else self._equations.missing

    def _solve(self) -> int:
        """Add the neurons of which the answers so far tell all weights; how many."""
        told, partial = self._told, self._partial
        U, Y, noise = told.table()
        rows, known = self._clear.which(noise), self._known()
        U, Y, noise = U[rows], Y[rows] - known.bent(U[rows]), noise[rows]
        self._looked, self._apart, self._left, self._equations = len(told), 0.0, 0, None
        mixture = np.ones(1) if Y.shape[1] == 1 else self._draws.rng.standard_normal(Y.shape[1])
        oftenest = np.argsort(-partial.shifts.ranks(), kind="stable")
        shares = (partial.network.A @ mixture * partial.network.W[:, self._column])[oftenest]
        most = np.abs(np.append(shares, known.A @ mixture * known.W[:, self._column])).max(initial=0.0)
        slices = np.unique(np.round(U[:, partial.held], 9), axis=0, return_inverse=True)[1].ravel()
        slopes = Slopes.of(U[:, self._column], Y @ mixture, noise, slices, SAME * float(most))
        if not len(slopes.value):
            return 0
        sets, found, used = slopes.sets(shares)
        pattern = np.full(len(U), -1)
        clear = sets[slopes.which] >= 0
        for rows in (slopes.first, slopes.second):
            pattern[rows[clear]] = sets[slopes.which[clear]]
        self._apart = float((pattern[np.union1d(slopes.first, slopes.second)] >= 0).mean())
        ends = _ends(U[:, self._column], slices, pattern)
        on = np.column_stack([(pattern[ends, None] >> np.arange(len(found))) & 1, np.ones(len(ends))])
        solved = self._equations = Equations.solved(U[ends], on.astype(np.float64), Y[ends])
        right = np.abs(solved.left).max(axis=1) <= CALM[0] * told.size
        if self._apart < APART or right.mean() < AGREE:
            return 0
        added, drop = 0, np.full(len(partial), not len(found))  # where nothing is missing what lines have shown is none
        for j in np.flatnonzero(solved.determined()):
            if (neuron := solved.neuron(int(j))) is not None:
                told.network.add(*neuron)
                added += 1
                if j < len(used):
                    drop[oftenest[used[j]]] = True
        partial.keep(~drop)
        self._left = len(found) - added
        return added

    def _telling(self, n: int) -> FloatArray:
        """Points next to such where neurons are as they seldom are, that are to tell weights that are not told."""
        solved, rng, chart = self._equations, self._draws.rng, self._told.chart
        bases, found = list[int](), list[FloatArray]()
        unknown = np.zeros(0, dtype=int) if solved is None else np.flatnonzero(~solved.determined())
        for j in unknown:
            assert solved is not None
            rows, w = solved.seldom(int(j))
            if not len(rows):
                continue
            ones = np.column_stack([solved.U[rows], np.ones(len(rows))])
            _, size, basis = np.linalg.svd(ones, full_matrices=False)
            basis = basis[size > SPANNED * size[0]]
            for i in rng.choice(rows, CANDIDATES // len(unknown)):
                bases.append(int(i))
                found.append(moved(chart, self._climbed(solved.U[i], w, basis), self._partial.held, rng))
        if solved is None or not found:
            return np.zeros((0, len(chart)))
        U = np.array(found)
        return U[solved.most_telling(U, solved.on[bases], n, NEW)]

    def _climbed(self, z: FloatArray, w: FloatArray, basis: FloatArray) -> FloatArray:
        """From a point to one where a neuron has a larger value, among those where that is told."""
        z = z.copy()
        z[self._column] = float(w[self._column] > 0)
        for _ in range(CLIMB):
            other = moved(self._told.chart, z, self._partial.held, self._draws.rng)
            one = np.append(other, 1.0)
            if (other - z) @ w[:-1] > 0 and np.abs(one - basis.T @ (basis @ one)).max() < SPANNED:
                z = other
        return z


def _ends(places: FloatArray, slices: Array, pattern: Array) -> Array:
    """The first and the last row of each pattern of a slice, which tell what all of them do."""
    rows = np.flatnonzero(pattern >= 0)
    rows = rows[np.argsort(places[rows], kind="stable")]
    key = slices[rows] * 2**MOST + pattern[rows]
    last = len(key) - 1 - np.unique(key[::-1], return_index=True)[1]
    return np.asarray(rows[np.union1d(np.unique(key, return_index=True)[1], last)])
