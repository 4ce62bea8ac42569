"""A run on an interface that has other columns than real ones."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.comparing import CALM
from mex_relu_exact.draws import Draws
from mex_relu_exact.elsewhere import Elsewhere
from mex_relu_exact.jumps import GivenUp, Steps
from mex_relu_exact.regimes import agreed
from mex_relu_exact.run import Run
from mex_relu_exact.slices import FAINT, SINGLE, Slices
from mex_relu_exact.transcript import Transcript

PART, FEWEST = 5, 300
"""Of all rows at least one of so many certifies the network, and so many at least."""
LONG = 100
"""From how many whole numbers on lines are searched along a column."""
KNOWN = (-1, -1)
"""What neurons are of which all weights are known."""
BLUR = 1e-8
"""How far a hyperplane may be off at first."""
NEARBY = 0.05
"""How far columns are moved around a point."""
EXACTLY = 1e-9
"""Up to which share of the size a row is off that is explained by an affine function."""
FRUITLESS = 8
"""How many rows in succession may be off without a neuron being found."""
MOST = 3000, 20
"""How many rows are asked at most, and for each parameter of neurons that are known."""
GAINED = 30, 0.2
"""How many answers more, and which part of those that are off, a neuron found by values is to explain."""
VANISHED = 1e-7
"""Up to which share of the size a neuron adds to scores that is none."""
NEARLY = 0.9
"""Which share of all answers the network explains at least after all its output weights were found anew."""
ROWS = 1500
"""How many answers are looked at for an affine function that explains most of them."""
STRANGE = 5
"""How many times as many neurons of the first slice as others may not be met in others."""
OTHERS = 6
"""Among how many rows of a slice one is sought that is explained."""


class MixedRun(Run):
    """Finds a network some columns of which are whole numbers or levels.

    Lines are searched along the real columns, and along each one of many whole numbers; see :class:`.slices.Slices`.
    What these do not find is found by its values around a row where it is on. Neurons that show in few slices are
    easily missed, so that more rows certify the end.
    """

    part = PART

    def __init__(self, told: Transcript, draws: Draws) -> None:
        super().__init__(told, draws)
        self._slices = list[Slices]()
        self._assumed = list[tuple[int, int]]()  # which neuron of which slices each is taken for

    def _start_again(self) -> None:
        super()._start_again()
        self._assumed = []
        chart = self.told.chart
        blocks = [(list(range(chart.n_real)), chart.grid)] if chart.n_real else []
        long = [i for i in range(chart.n_real, len(chart)) if chart.span[i] >= LONG]
        blocks += [([i], 1 / float(chart.span[i])) for i in sorted(long, key=lambda i: -chart.span[i])]
        elsewhere = Elsewhere(self.told, self.draws)
        self._slices = [Slices(self.told, self.draws, *block, elsewhere.seek) for block in blocks]

    def distinct(self) -> int:
        """How many neurons the network has; one that is taken as on or off counts once."""
        return self._assumed.count(KNOWN) + len(set(self._assumed) - {KNOWN})

    def steps(self, checks: int) -> Steps[None]:
        """Peel until 300 random rows or more are explained; neurons are known again by 10 digits at least."""
        if self.told.fine > FAINT:
            self.reason = (
                f"answers are right to {-np.log10(self.told.fine):.1f} digits: too few to know neurons again where"
                " columns of whole numbers or levels displace their kinks"
            )
        else:
            yield from super().steps(max(checks, FEWEST))

    def _first_line(self) -> Steps[None]:
        """The neurons of one slice, then their weights on the other columns, and those of neurons met meanwhile."""
        self.base = self.draws.draw(2 if self.draws.has_data else 0)
        for slices in self._slices:
            yield from self._searched(slices, self.base)
            if slices is self._slices[0] and len(slices.partial) >= STRANGE * (1 + len(self.network)):
                raise GivenUp(
                    f"of the neurons of one slice {len(slices.partial)} are not met in others, and"
                    f" {len(self.network)} are: there is more than one hidden layer, or columns displace them too far"
                )
        yield from self._settle()
        self.begun = True

    def _searched(self, slices: Slices, at: FloatArray, right: FloatArray | None = None) -> Steps[int]:
        """Search along some columns; how many neurons are found."""
        before, network = len(self.network), self.network
        yield from slices.search(at, right)
        for j in range(before, len(network)):
            self._peeler.blur.append(BLUR)
            self._assumed.append(KNOWN)
            for other in self._slices:
                other.partial.forget(network.W[j], network.A[j])
        return len(network) - before

    def _settle(self) -> Steps[None]:
        """Find the affine part: by all answers, and by rows around the base, that which explains more."""
        around, network = (yield from self._around(self.base)), self.network
        best = self._explained()
        for U, Y in (around, self._told(ROWS)):
            part = agreed(U, Y - network.bent(U), EXACTLY * self.told.size)
            if part is None:
                continue
            kept = network.G, network.c
            network.G, network.c = part[0].J, part[0].c
            if (explained := self._explained()) > best:
                best = explained
            else:
                network.G, network.c = kept
        self._weigh(best)
        self._fits.fit()

    def _weigh(self, explained: int) -> None:
        """Find weights of neurons that are known but for a few, or all output weights anew, if so more is explained.

        The former are taken as on or off where these few count (see :meth:`.partial.Partial.versions`). With output
        weights found anew neurons that are none get none and are dropped; that nearly all answers have to confirm.
        """
        network = self.network
        kept, assumed = network.copy(), self._assumed
        for anew, least in ((False, explained), (True, int(NEARLY * self._clear()))):
            network.take(kept.copy())
            n = self._assume(assumed)
            if self._weighed(0 if anew else n) and (now := self._explained()) >= max(explained, least):
                explained, kept, assumed = now, network.copy(), self._assumed
        network.take(kept)
        self._assumed = assumed
        self._peeler.blur = [BLUR] * len(network)

    def _assume(self, assumed: list[tuple[int, int]]) -> int:
        """Put the versions of neurons that are known but for a few weights in the place of earlier ones; how many not.

        These have no output weights.
        """
        network = self.network
        network.keep(np.array([neuron == KNOWN for neuron in assumed], dtype=bool))
        n = len(network)
        self._assumed = [KNOWN] * n
        for i, slices in enumerate(self._slices):
            versions, of = slices.partial.versions()
            for w, b in zip(versions.W, versions.b, strict=True):
                network.add(w, float(b), np.zeros(network.A.shape[1]))
            self._assumed += [(i, j) for j in of]
        return n

    def _weighed(self, first: int) -> bool:
        """Find the affine part and output weights, from one neuron on, that explain most; False if there are none."""
        network, d = self.network, len(self.told.chart)
        U, Y = self._told(ROWS)
        active = np.maximum(U @ network.W.T + network.b, 0)
        left = Y - active[:, :first] @ network.A[:first]
        part = agreed(np.hstack([U, active[:, first:]]), left, EXACTLY * self.told.size)
        if part is None:
            return False
        network.G, network.c = part[0].J[:, :d], part[0].c
        network.A = np.vstack([network.A[:first], part[0].J[:, d:].T])
        weight = np.abs(network.A).max(axis=1, initial=0.0) * active.max(axis=0, initial=0.0)
        keep = (weight > VANISHED * self.told.size) | (np.arange(len(network)) < first)
        network.keep(keep)
        self._assumed = [assumed for assumed, kept in zip(self._assumed, keep, strict=True) if kept]
        return True

    def _clear(self) -> int:
        """How many answers tell of kinks."""
        return int(self.told.visible(self.told.table()[2], FAINT).sum())

    def _told(self, most: int) -> tuple[FloatArray, FloatArray]:
        """Points that were asked, and their scores: so many of them."""
        U, Y, noise = self.told.table()
        rows = np.flatnonzero(self.told.visible(noise, FAINT))
        rows = self.draws.rng.choice(rows, min(most, len(rows)), replace=False)
        return U[rows], Y[rows]

    def _around(self, centre: FloatArray) -> Steps[tuple[FloatArray, FloatArray]]:
        """Points around one, with other real columns a little and another whole number or level, and their scores."""
        chart, n, rng = self.told.chart, self.told.chart.n_real, self.draws.rng
        rows = [row for _ in range(2) for row in self._neighbours(centre)] + [centre] * (2 * n + 8)
        U = np.array(rows)
        U[:, :n] = np.clip(U[:, :n] + NEARBY * rng.uniform(-1, 1, (len(U), n)), 0.0, 1.0)
        U = chart.snapped(U)
        Y, noise = yield from self.told.ask(U)
        clear = self.told.visible(noise, FAINT)
        return U[clear], Y[clear]

    def _neighbours(self, centre: FloatArray) -> list[FloatArray]:
        """A point for each other level, and for each column of whole numbers, with that changed."""
        chart, found = self.told.chart, list[FloatArray]()
        for group in chart.groups:
            for level in (*group, -1):
                other = centre.copy()
                other[group] = 0.0
                if level >= 0:
                    other[level] = 1.0
                if (other != centre).any():
                    found.append(other)
        for i in range(chart.n_real, len(chart)):
            if i not in chart.grouped:
                other, step = centre.copy(), 1 / float(chart.span[i])
                move = max(round(NEARBY / step), 1) * step * self.draws.rng.choice([-1.0, 1.0])
                other[i] = centre[i] + move if -1e-9 < centre[i] + move < 1 + 1e-9 else centre[i] - move
                found.append(other)
        return found

    def _by_values(self, z: FloatArray) -> Steps[int]:
        """A neuron by what the others leave where it is on: at all rows that are off, or around one; how many."""
        if self._added(*self._told(ROWS)):
            return 1
        return int(self._added(*(yield from self._around(z))))

    def _added(self, U: FloatArray, Y: FloatArray) -> bool:
        """Whether a neuron was added that explains what is left at most of some points."""
        left, network = Y - self.network(U), self.network
        rows = np.abs(left).max(axis=1) > CALM[0] * self.told.size
        part = agreed(U[rows], left[rows], EXACTLY * self.told.size)
        if part is None:
            return False
        affine, explained = part
        out, singular, both = np.linalg.svd(np.column_stack([affine.J, affine.c]), full_matrices=False)
        if len(singular) > 1 and singular[1] > SINGLE * singular[0]:
            return False
        w, a = both[0] * singular[0], out[:, 0]
        if (U[rows][explained] @ w[:-1] + w[-1]).mean() < 0:
            w, a = -w, -a
        scale = float(np.abs(a).max())
        w, a = w * scale, a / scale
        partial = [slices for slices in self._slices if len(slices.partial)]
        if partial and not any(slices.partial.like(w[:-1], a).any() for slices in partial):
            return False  # several at once
        before = self._explained()
        network.add(w[:-1], float(w[-1]), a)
        if self._explained() - before < max(GAINED[0], GAINED[1] * (len(self.told) - before)):
            network.keep(np.arange(len(network)) < len(network) - 1)
            return False
        self._peeler.blur.append(BLUR)
        self._assumed.append(KNOWN)
        for slices in self._slices:
            slices.partial.forget(w[:-1], a)
        return True

    def _explained(self) -> int:
        """How many answers are explained."""
        U, Y, noise = self.told.table()
        off = np.abs(np.nan_to_num(Y) - self.network(U)).max(axis=1)
        return int((self.told.visible(noise, FAINT) & (off <= CALM[0] * self.told.size)).sum())

    def _line(self, z: FloatArray, limit: float) -> Steps[int]:
        """Search along all columns for what is missing at a point; how many neurons are found."""
        found = 0
        for slices in self._slices:
            right = None
            if len(slices.partial.moving) > 1:
                others = np.tile(z, (OTHERS, 1))
                others[:, slices.partial.moving] = self.draws.several(OTHERS)[:, slices.partial.moving]
                off, _ = yield from self._rows.off(others)
                right = others[~off][0] if not off.all() else None
            found = yield from self._searched(slices, z, right)
            if found:
                break
        found = found or (yield from self._by_values(z))
        if found:
            self._weigh(self._explained())
            self._fits.fit()
        return found

    def _explain(self, z: FloatArray, noise: float) -> Steps[int]:
        off, _ = yield from self._rows.off(z[None])
        if not off[0]:
            return 0
        found = yield from self._line(z, FAINT)
        self._idle = 0 if found else self._idle + 1
        if not found:
            yield from self._settle()
        most = MOST[0] + MOST[1] * (len(self.told.chart) + 1) * len(self.network)
        if self._idle > FRUITLESS or len(self.told) - self._began > most:
            left = sum(len(slices.partial) for slices in self._slices)
            raise GivenUp(
                f"{len(self.network)} neurons were found and {left} in part, which do not explain all answers: others"
                " show along no line, or there is more than one hidden layer"
            )
        return found
