"""The search for a network from one point: a first line, and another line to each row that the network is off at."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.comparing import CALM, Comparing
from mex_relu_exact.draws import Draws
from mex_relu_exact.fits import Fits
from mex_relu_exact.jumps import GivenUp, Steps
from mex_relu_exact.network import Network
from mex_relu_exact.neurons import Neurons
from mex_relu_exact.peeling import Peeler
from mex_relu_exact.transcript import FIRST, VISIBLE, Transcript

COARSE, ROUGH = 1e-7, (1e-5, 1e-3)
"""From which rounding on, as a share of the size, answers are coarse; what the error of known kinks is then taken for,
and how near they are taken for the same (:class:`.line.Known`)."""
MISFITS, IDLE, VAIN = 6, 20, 40
"""How many fits may be undone, how many lines may find nothing, and how many what does not explain the row."""
BENT, FEWEST_BENT = 0.3, 5
"""The share of known hyperplanes, of so many at least, that may bend answers anew."""
GROWN = 1.1
"""How many times as many neurons a network has that is fitted again."""
PARTS = (1 / 16, 1 / 4, 1.0)
"""The parts of the way to a corner that are searched first, so that a second hidden layer shows early."""
TRIES = 40
PAST, ACROSS = 0.01, 3e-3
"""How far lines go past rows that are not exact in the end: kinks may be near; and how far on either side of a known
hyperplane one that nearly coincides is sought."""


class Search:
    """Finds the neurons of a network of no neurons yet.

    Attributes:
        told, draws: the answers, and where random rows come from.
        rows: compares answers with the network.
        base: the point from which all lines start.
        began: how many rows were asked before.
        begun: whether there is a network.
        neurons, fits: what is known of each neuron, and fits of all to all answers.
    """

    def __init__(self, told: Transcript, draws: Draws, rows: Comparing) -> None:
        self.told = told
        self.draws = draws
        self.rows = rows
        self.base = np.zeros(0)
        self.began = len(told)
        self.begun = False
        told.network = Network.empty(len(told.chart), told.scores.width)
        self.neurons = Neurons(told)
        self.fits = Fits(told, self.neurons)
        self._peeler = Peeler(told, draws, self.neurons)
        if self.coarse:
            self.neurons.rough, self.neurons.close = ROUGH
        self._misfits = 0
        self._idle = 0
        self._vain = 0

    @property
    def coarse(self) -> bool:
        """Whether answers have so few digits that kinks are not always told apart."""
        return self.told.fine > COARSE

    @property
    def network(self) -> Network:
        """The network so far."""
        return self.told.network

    def distinct(self) -> int:
        """How many neurons the network has."""
        return len(self.network)

    def first_line(self) -> Steps[None]:
        """The base, and the line from there to a corner; then the rows that were asked before that.

        Raises:
            GivenUp: if no network of one hidden layer is there.
        """
        told = self.told
        for _ in range(TRIES):
            self.base = self.draws.draw(2 if self.draws.has_data else 0)
            if (yield from self.rows.is_fine(self.base)):
                break
        else:
            raise GivenUp("all random rows are answered with probabilities that are nearly 0 or 1")
        z = self.draws.draw(1)
        z[told.chart.n_real :] = self.base[told.chart.n_real :]
        if not (yield from self.rows.is_fine(z)):
            z = yield from self.rows.shortened(self.base, z)
        for share in PARTS:
            yield from self._peeler.line(
                self.base, self.base + share * (z - self.base), told.fine, first=share == PARTS[0]
            )
            self.begun = True
            self.fits.fit()
        for i in range(1, min(FIRST, self.began), 3):
            U, _, noise = told.table()
            if told.visible(noise[i], told.fine) and self.rows.is_wrong(U[i]):
                yield from self.explain(U[i], float(noise[i]))

    def line(self, z: FloatArray, limit: float, *, past: bool = False) -> Steps[int]:
        """Find what is missing on the way to a point, or across the hyperplane beside it; how many neurons that are.

        Args:
            z: the point.
            limit: up to which rounding, as a share of the size, answers are used.
            past: whether to go a little past the point.
        """
        found = yield from self._peeler.line(self.base, self._past(z) if past else z, limit)
        return found or (yield from self._across(z, limit))

    def _across(self, z: FloatArray, limit: float) -> Steps[int]:
        """Find what is missing on a short line across the known hyperplane next to a point; how many neurons that are.

        Two that nearly coincide are found as one on long lines, which is right but between them.
        """
        told, network = self.told, self.network
        if self.coarse or len(network) == 0:
            return 0
        lengths = np.linalg.norm(network.W, axis=1)
        apart = (network.W @ z + network.b) / lengths
        j = int(np.abs(apart).argmin())
        w = network.W[j] / lengths[j]
        start, end = z - (apart[j] + ACROSS) * w, z - (apart[j] - ACROSS) * w
        if abs(apart[j]) > ACROSS or (np.abs([start - 0.5, end - 0.5]) > 0.5).any():
            return 0
        off, noise = yield from told.ask_residual(start[None], limit)
        most = float(np.abs(off).max())
        if not np.isfinite(noise[0]) or most > CALM[0] * told.size:
            return 0
        known = self.neurons.taken(np.arange(len(network)) == j)
        found = yield from self._peeler.line(start, end, limit, off=max(2 * most, float(noise[0])))
        if not found:
            self.neurons.add(*known)
        return found if found > 1 else 0

    def explain(self, z: FloatArray, noise: float) -> Steps[int]:
        """Find what is missing at a row that is off; how many neurons that are.

        Args:
            z: the row, as a point.
            noise: how far its scores may be off.

        Raises:
            GivenUp: if no network of one hidden layer explains the answers.
        """
        told = self.told
        limit, saturated = told.fine, noise > VISIBLE * told.size
        if noise > limit * told.size:
            end = yield from self.rows.shortened(self.base, z)
            if (yield from self.rows.off(end[None]))[0][0]:
                z = end
            else:
                limit = min(1.1 * noise / told.size, VISIBLE)
        found = yield from self.line(z, limit)
        if not found or self.coarse or len(told.network) > GROWN * self.fits.fitted:
            fits = self.fits.fit()
            self._misfits += not (fits or found)
        if not found and not saturated and not self.fits.mend():
            self._idle += 1
            self.neurons.rough /= 30
        if found and not saturated:
            self._vain += self.rows.is_wrong(z)
        self._judge()
        return found

    def _judge(self) -> None:
        """Give up where fits fail, lines find nothing, or known hyperplanes are none."""
        if self._idle > IDLE or self._misfits > MISFITS or self._vain > VAIN:
            raise GivenUp("no network of one hidden layer with the kinks that were found fits the answers")
        bent, crossed = self.neurons.bent, self.neurons.crossed
        if bent > max(FEWEST_BENT, BENT * crossed):
            raise GivenUp(
                f"{bent} of {crossed} known hyperplanes bend answers otherwise where lines cross them"
                " again: there is more than one hidden layer"
            )

    def _past(self, z: FloatArray) -> FloatArray:
        """A point a little past another, as seen from the base, if the domain has it."""
        way = z - self.base
        if not way.any():
            return z
        room = np.where(way > 0, 1 - z, z)[way != 0] / np.abs(way[way != 0])
        return np.asarray(np.clip(z + min(PAST, float(room.min())) * way, 0.0, 1.0))
