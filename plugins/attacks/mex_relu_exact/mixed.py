"""A run on an interface that has other columns than real ones: lines in many slices, and neurons known again by bends."""

from __future__ import annotations

from collections import Counter

import numpy as np

from mex.toolkit.generators import relay
from mex.types import FloatArray
from mex_relu_exact.draws import Draws
from mex_relu_exact.gradients import REACH, Affine, affine_piece, orthonormal
from mex_relu_exact.kinks import Kink, Known, Line, Lost, find_kinks
from mex_relu_exact.network import Network
from mex_relu_exact.peeling import ETA, RETRIES, SHORTER, GivenUp, Jump, Steps
from mex_relu_exact.run import IDLE, Run
from mex_relu_exact.shifts import Shifts
from mex_relu_exact.transcript import Asking, Transcript

FAINT = 1e-10
"""Up to which rounding, as a share of the size, scores are used on lines."""
CANDIDATES, WAYS = 48, 8
"""Slices, and lines in each, among which the next one is chosen."""
MARGIN = 0.03
"""How far from its ends a line is expected to cross a hyperplane that it is to cross."""
VAIN = 25
"""How many lines in succession may tell nothing new."""
QUIET = 2
"""How many lines through the first slice find nothing new before others are searched."""
OTHERS = 6
"""Among how many rows of a slice one is sought that is explained."""
SINGLE = 1e-4
"""How near a jump is to one of a single neuron."""
SHARPNESS = 1e-8
"""How far a hyperplane may be off at first."""


class MixedRun(Run):
    """Finds a network some columns of which are whole numbers or levels.

    With these held fixed, in a *slice* of the domain, the network has one hidden layer with the same weights on the real
    columns and other biases. A neuron is known again in another slice by how much it bends answers along a line; the
    place of its kink there is an equation for its weights on the other columns.
    """

    def __init__(self, told: Transcript, draws: Draws) -> None:
        super().__init__(told, draws)
        self._n = told.chart.n_real
        self._vain = Counter[tuple[int, int]]()
        self._shifts = Shifts(self._n, len(told.chart) - self._n)

    def _start_again(self) -> None:
        super()._start_again()
        self._shifts = Shifts(self._n, len(self.told.chart) - self._n)
        self._vain.clear()

    def _first_line(self) -> Steps[None]:
        """The neurons of one slice, then their weights on the other columns, and those of neurons met meanwhile."""
        self.base = self.draws.draw(2 if self.draws.has_data else 0)
        z, quiet = self.base[self._n :], 0
        while quiet < QUIET:
            found = yield from self._visit(z, *self._way(self._corner()))
            quiet = 0 if found else quiet + 1
            if self._n == 1:
                break
        yield from self._complete()
        self.begun = True

    # -- lines

    def _corner(self) -> FloatArray:
        """A random corner of the real columns."""
        return self.draws.rng.integers(0, 2, self._n).astype(np.float64)

    def _way(self, corner: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The real coordinates of both ends of a line from a corner to the one opposite."""
        ends = np.zeros((2, len(self.told.chart)))
        ends[:, : self._n] = corner, 1 - corner
        if not self.told.chart.grid:
            ends = self.told.chart.inside(ends)
        return ends[0, : self._n], ends[1, : self._n]

    def _visit(self, z: FloatArray, first: FloatArray, last: FloatArray) -> Steps[int]:
        """Search a line in a slice; how many neurons are found there, or found displaced."""
        start, end = np.concatenate([first, z]), np.concatenate([last, z])
        known = self._shifts.known(z)
        searched = yield from self._search(start, end, known)
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
        network, found = self.network, 0
        for j, places in told.items():
            if len(places) == 1:
                self._shifts.tell(j, z, -float(network.W[j, : self._n] @ (start + places[0] * way)[: self._n]))
                self._shifts.write(network, j)
                found += 1
        return found + (yield from self._add(fresh, line, start, way, placed))

    def _search(
        self, start: FloatArray, end: FloatArray, known: FloatArray
    ) -> Steps[tuple[Line, FloatArray, Known, Network] | None]:
        """The kinks on a line but those of neurons of which it is known where they are."""
        told, way, network = self.told, end - start, self.network
        placed, others = network.copy(), network.copy()
        placed.keep(known)
        others.keep(~known)
        limit = max(told.fine, FAINT)

        def ask(t: FloatArray) -> Asking:
            U = start + t[:, None] * way
            Y, noise = yield from told.ask(U)
            clear = told.visible(noise, limit)
            return np.where(clear[:, None], Y, 0.0) - placed.bent(U), np.where(clear, noise, np.inf)

        for _ in range(RETRIES):
            grid = told.chart.grid / float(np.abs(way).max()) if told.chart.grid else 0.0
            bends = np.abs(others.W @ way)[:, None] * others.A
            bends = Known(*placed.crossings(start, way), 1e-7, 1e-5, bends, grid)
            try:
                line = yield from relay(find_kinks(max(ETA, limit ** (1 / 3)), bends, self.draws.rng), ask)
            except Lost as lost:
                way = told.chart.snapped((start + SHORTER * lost.args[0] * way)[None])[0] - start
                if np.abs(way).max() <= 100 * told.chart.grid:
                    return None
            else:
                return line, way, bends, placed
        return None

    def _add(
        self, fresh: list[int], line: Line, start: FloatArray, way: FloatArray, placed: Network
    ) -> Steps[int]:
        """Add the neurons of kinks that are those of none."""
        t = np.array([0.0, *(kink.t for kink in line.kinks), 1.0])
        pieces, found = dict[int, Affine](), 0
        for k in fresh:
            kink = line.kinks[k]
            if self._n == 1:
                change = Affine(np.zeros((len(kink.change), len(start))), np.zeros(len(kink.change)), 0.0)
                change.J[:, 0] = kink.change / way[0]
            else:
                for piece in (k, k + 1):
                    if piece not in pieces:
                        pieces[piece] = yield from self._affine(start, way, t[piece : piece + 2], placed)
                change = pieces[k + 1] - pieces[k]
            expected = change.J @ way
            if np.abs(expected - kink.change).max() > SINGLE * np.abs(kink.change).max():
                continue  # steps that crossed a hyperplane
            singular = np.linalg.svd(change.J, compute_uv=False)
            if len(singular) > 1 and singular[1] > SINGLE * singular[0]:
                continue  # several kinks in one place
            w, _, a = Jump(change, kink.t, 0.0).neuron(way)
            w[self._n :] = 0.0
            self.network.add(w, 0.0, a)
            self._peeler.blur.append(SHARPNESS)
            self._peeler.quality.append(0.0)
            j = self._shifts.add()
            self._shifts.tell(j, start[self._n :], -float(w[: self._n] @ (start + kink.t * way)[: self._n]))
            self._shifts.write(self.network, j)
            found += 1
        return found

    def _affine(self, start: FloatArray, way: FloatArray, piece: FloatArray, placed: Network) -> Steps[Affine]:
        """The affine function that scores less a network are on a piece of a line."""
        told = self.told
        places = piece[0] + np.array([0.25, 0.75]) * (piece[1] - piece[0])

        def ask(U: FloatArray) -> Asking:
            Y, noise = yield from told.ask(U)
            return Y - placed.bent(U), np.where(told.visible(noise), noise, np.inf)

        Y, _ = yield from ask(start + places[:, None] * way)
        search = affine_piece(
            start,
            way,
            orthonormal(way[: self._n]),
            ((places[0], Y[0]), (places[1], Y[1])),
            reach=REACH,
            neurons=len(self.network),
            rng=self.draws.rng,
            doubt=told.doubt,
        )
        return (yield from relay(search, ask))

    # -- weights on the other columns

    def _complete(self) -> Steps[None]:
        """Search lines in other slices until all weights of all neurons are known, as far as lines tell them."""
        vain = 0
        while vain < VAIN and not self._shifts.complete().all():
            line = self._most_telling()
            if line is None:
                break
            before = sum(len(self._shifts.slices(j)) for j in range(len(self.network)))
            yield from self._visit(*line)
            after = sum(len(self._shifts.slices(j)) for j in range(len(self.network)))
            vain = vain + 1 if after == before else 0
        self._settle()

    def _most_telling(self) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """The slice and line that are expected to tell the weights of most neurons."""
        rng, network, n = self.draws.rng, self.network, self._n
        open_ = np.flatnonzero(~self._shifts.complete())
        best, most = None, 0.0
        for _ in range(CANDIDATES):
            j = int(rng.choice(open_))
            slices = self._shifts.slices(j)
            z = self._moved(slices[rng.integers(len(slices))])
            new = ~self._shifts.known(z)
            if not new[j]:
                continue
            for way in range(WAYS if n > 1 else 1):
                corner = self._corner() if way else (network.W[j, :n] < 0).astype(np.float64)
                if n == 1:
                    corner = np.zeros(1)
                first, last = self._way(corner)
                t, _ = network.crossings(np.concatenate([first, z]), np.concatenate([last - first, 0 * z]))
                score = float((new & (t > MARGIN) & (t < 1 - MARGIN)).sum()) + 0.1 * rng.random()
                if score > most:
                    best, most = (z, first, last), score
        return best

    def _moved(self, z: FloatArray) -> FloatArray:
        """A slice with another whole number or another level in one column."""
        chart, rng, n = self.told.chart, self.draws.rng, self._n
        grouped = {i for group in chart.groups for i in group}
        units = [[i] for i in range(n, len(chart)) if i not in grouped] + chart.groups
        sizes = np.array([len(unit) if unit[0] in grouped else 1 for unit in units], dtype=np.float64)
        unit = units[int(rng.choice(len(units), p=sizes / sizes.sum()))]
        z = z.copy()
        if unit[0] in grouped:
            levels = [i for i in (*unit, -1) if (z[i - n] if i >= 0 else 1 - z[[k - n for k in unit]].sum()) < 0.5]
            z[[k - n for k in unit]] = 0.0
            if (level := int(rng.choice(levels))) >= 0:
                z[level - n] = 1.0
            return z
        i, step = unit[0] - n, float(chart.steps[unit[0] - n])
        move = max(round(0.5 ** rng.integers(1, 4) / step), 1) * step * rng.choice([-1.0, 1.0])
        z[i] = z[i] + move if -1e-9 < z[i] + move < 1 + 1e-9 else z[i] - move
        z[i] = np.clip(z[i], 0.0, 1.0)
        return z

    # -- the affine part, and rows that are off

    def _settle(self) -> None:
        """Fit the affine part to the answers, with most of them right, and then all parameters."""
        U, Y, noise = self.told.table()
        rows = self.told.visible(noise, max(self.told.fine, FAINT))
        U, left = U[rows], Y[rows] - self.network.bent(U[rows])
        ones = np.column_stack([U, np.ones(len(U))])
        weight = np.ones(len(U))
        for _ in range(30):
            x = np.linalg.lstsq(ones * weight[:, None], left * weight[:, None], rcond=1e-12)[0]
            off = np.abs(left - ones @ x).max(axis=1)
            weight = 1 / np.sqrt(np.maximum(off, 1e-10 * self.told.size))
            weight /= weight.max()
        self.network.G, self.network.c = x[:-1].T.copy(), x[-1].copy()
        self._fits.fit()

    def _line(self, z: FloatArray, limit: float) -> Steps[int]:
        """A line through a point, along which another neuron may show."""
        n, found = self._n, 0
        others = np.tile(z, (OTHERS, 1))
        for i, other in enumerate(others):
            other[:n] = self._way(self._corner())[0] if i % 2 else self.draws.draw(0)[:n]
        off, _ = yield from self._off(others)
        right = others[~off][:, :n]
        if n == 1:
            found = yield from self._visit(z[n:], *self._way(np.zeros(1)))
        elif len(right):
            found = yield from self._visit(z[n:], right[0], z[:n])
        else:
            found = yield from self._visit(z[n:], *self._way(self._corner()))
        if found:
            yield from self._complete()
        return found

    def _explain(self, z: FloatArray, noise: float) -> Steps[int]:
        off, _ = yield from self._off(z[None])
        if not off[0]:
            return 0
        found = yield from self._line(z, FAINT)
        if not found:
            self._idle += 1
            self._settle()
        if self._idle > IDLE:
            raise GivenUp("no network of one hidden layer with the kinks that were found fits the answers")
        return found
