"""The search on an interface that has other columns than real ones."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.around import Around
from mex_relu_exact.assumed import KNOWN, Assumed
from mex_relu_exact.clear import FAINT, Clear
from mex_relu_exact.comparing import Comparing
from mex_relu_exact.draws import Draws
from mex_relu_exact.elsewhere import Elsewhere
from mex_relu_exact.jumps import GivenUp, Steps
from mex_relu_exact.search import Search
from mex_relu_exact.slices import Slices
from mex_relu_exact.transcript import Transcript

FEWEST = 300
"""How many random rows certify the network at least."""
LONG = 100
"""From how many whole numbers on lines are searched along a column."""
BLUR = 1e-8
"""How far a hyperplane may be off at first."""
FRUITLESS = 8
"""How many rows in succession may be off without a neuron being found."""
MOST = 3000, 20
"""How many rows are asked at most, and for each parameter of neurons that are known."""
STRANGE = 5
"""How many times as many neurons of the first slice as others may not be met in others."""
OTHERS = 6
"""Among how many rows of a slice one is sought that is explained."""


class MixedSearch(Search):
    """Finds a network some columns of which are whole numbers or levels.

    Lines are searched along the real columns, and along each one of many whole numbers; see :class:`.slices.Slices`.
    What these do not find is found by its values around a row where it is on.
    """

    def __init__(self, told: Transcript, draws: Draws, rows: Comparing) -> None:
        super().__init__(told, draws, rows)
        chart, elsewhere = told.chart, Elsewhere(told, draws)
        blocks = [(list(range(chart.n_real)), chart.grid)] if chart.n_real else []
        long = [i for i in range(chart.n_real, len(chart)) if chart.span[i] >= LONG]
        blocks += [([i], 1 / float(chart.span[i])) for i in sorted(long, key=lambda i: -chart.span[i])]
        self._slices = [Slices(told, draws, *block, elsewhere.seek, lambda: self._assumed.known()) for block in blocks]
        self._clear = Clear(told, draws.rng)
        self._around = Around(told, draws, self._clear, self._slices)
        self._assumed = Assumed(told, self._clear, self._slices)
        self._fruitless = 0

    def distinct(self) -> int:
        """How many neurons the network has; one that is taken as on or off counts once."""
        return self._assumed.distinct()

    def first_line(self) -> Steps[None]:
        """The neurons of one slice, then their weights on the other columns, and those of neurons met meanwhile."""
        self.base = self.draws.draw(2 if self.draws.has_data else 0)
        if len(self._slices[0].partial.moving) == 1:
            yield from self._slices[0].begin(self.base)
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
        before = len(self.network)
        yield from slices.search(at, right)
        self._found_since(before)
        return len(self.network) - before

    def _found_since(self, before: int) -> None:
        """Take the neurons of the network from one on as known: no slices seek them any more."""
        network = self.network
        self._assumed.which[before:] = [KNOWN] * (len(network) - before)
        for j in range(before, len(network)):
            self.neurons.blur.append(BLUR)
            for slices in self._slices:
                slices.partial.forget(network.W[j], network.A[j])

    def _settle(self) -> Steps[None]:
        """Find the affine part and output weights by rows around the base and all others."""
        self._assumed.settle(*(yield from self._around.ask(self.base)))
        self._fit()

    def _fit(self) -> None:
        self.neurons.blur = [BLUR] * len(self.network)
        self.fits.fit()

    def line(self, z: FloatArray, limit: float, *, past: bool = False) -> Steps[int]:
        """Search along all columns for what is missing at a point; how many neurons are found."""
        found = 0
        for slices in self._slices:
            found = yield from self._searched(slices, z, (yield from self._right(slices, z)))
            if found:
                break
        if not found and (yield from self._around.search(z)):
            self._found_since(len(self.network) - 1)
            found = 1
        if found:
            self._assumed.weigh(self._clear.explained())
            self._fit()
        return found

    def _right(self, slices: Slices, z: FloatArray) -> Steps[FloatArray | None]:
        """A row of the slice of another at which the network is right, if several columns move and there is one."""
        if len(slices.partial.moving) == 1:
            return None
        others = np.tile(z, (OTHERS, 1))
        others[:, slices.partial.moving] = self.draws.several(OTHERS)[:, slices.partial.moving]
        off, _ = yield from self.rows.off(others)
        return others[~off][0] if not off.all() else None

    def explain(self, z: FloatArray, noise: float) -> Steps[int]:
        """As that of all searches."""
        off, _ = yield from self.rows.off(z[None])
        if not off[0]:
            return 0
        found = yield from self.line(z, FAINT)
        self._fruitless = 0 if found else self._fruitless + 1
        if not found:
            yield from self._settle()
        most = MOST[0] + MOST[1] * (len(self.told.chart) + 1) * len(self.network)
        if self._fruitless > FRUITLESS or len(self.told) - self.began > most:
            left = sum(len(slices.partial) for slices in self._slices)
            raise GivenUp(
                f"{len(self.network)} neurons were found and {left} in part, which do not explain all answers: others"
                " show along no line, or there is more than one hidden layer"
            )
        return found
