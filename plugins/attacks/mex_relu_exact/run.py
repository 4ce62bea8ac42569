"""A run: a first line, random rows that check, and another line to each row that the network does not explain."""

from __future__ import annotations

import numpy as np

from mex.types import Array, FloatArray
from mex_relu_exact.draws import Draws
from mex_relu_exact.fitting import refined
from mex_relu_exact.network import Network
from mex_relu_exact.peeling import NotOneLayer, Peeler, Steps
from mex_relu_exact.transcript import Transcript

CALM = 1e-6, 1e3
"""Up to which share of the size, and how many times its rounding, a row may be off that counts as explained."""
EXACT = 1e-9, 100.0
"""The same at the end, when the network has been fitted to all answers."""
GROSS = 1e3
"""How many times their rounding answers may be off a fit, in the mean, before it is undone."""
CLOSE, OUTLYING = 1e-9, 50.0
"""Answers that are off by more than a share of the size, and so many times the median, are explained by no fit."""
MOST = 0.98
"""The share of answers that a fit has to explain where it cannot explain all."""
SHARP = 1e-10
"""How far a hyperplane may be off that was fitted."""
MISFITS, IDLE = 6, 20
BENT, FEWEST_BENT = 0.3, 10
"""The share of known hyperplanes, of so many at least, that may bend answers anew."""
HALVINGS, TRIES = 8, 40
FINAL = 4
"""How often rows that are not exact at the end are searched."""


class Run:
    """Finds the network.

    Attributes:
        told, draws: the answers, and where random rows come from.
        base: the point from which all lines start.
        calm: how many random rows, one after the other, were explained.
        saturated: how many random rows told nothing of kinks.
        largest: how far the network is off at any row at most, as a share of the size of scores.
        begun: whether there is a network at all.
        reason: why the end is none, a sentence; "" if it is.
    """

    def __init__(self, told: Transcript, draws: Draws) -> None:
        self.told = told
        self.draws = draws
        self.base = np.zeros(0)
        self.calm = 0
        self.saturated = 0
        self.largest = np.inf
        self.reason = ""
        self.begun = False
        self._peeler = Peeler(told, draws)
        self._misfits = 0
        self._idle = 0

    @property
    def network(self) -> Network:
        """The network so far."""
        return self.told.network

    def verdict(self) -> str:
        """What was found, and how sure that is."""
        network, off = self.network, max(self.largest, float(np.finfo(np.float64).eps))
        answers = "values" if self.told.scores.classes == 0 else "log-odds"
        dim = f"; {self.saturated} of them were too near to 0 or 1 to tell" if self.saturated else ""
        return (
            f"exact: {len(network)} neurons have their kink inside the domain; {answers} right to {off:.1g} of their size"
            f" at all answers, {self.calm} random rows among them{dim}, so wrong on less than {3 / self.calm:.0%} of such"
            " rows (95 % confidence)"
        )

    def steps(self, checks: int) -> Steps[None]:
        """Peel until ``checks`` random rows, one after the other, are explained."""
        told = self.told
        try:
            yield from self._first_line()
            if self.reason:
                return
            for _ in range(FINAL):
                yield from self._until_calm(checks)
                if self.reason:
                    return
                if (z := self._not_exact()) is None:
                    return
                if not (yield from self._peeler.line(self.base, *z)):
                    break
                self._fit()
                self.calm = 0
        except NotOneLayer as why:
            self.reason = str(why)
            return
        self.reason = f"a row is off by {self.largest:.1g} of the size of answers, and no kink shows why"

    def _first_line(self) -> Steps[None]:
        """The base, and the line from there to a corner."""
        for _ in range(TRIES):
            self.base = self.draws.draw(2 if self.draws.has_data else 0)
            if (yield from self._is_fine(self.base)):
                break
        else:
            self.reason = "all random rows are answered with probabilities that are nearly 0 or 1"
            return
        z = self.draws.draw(1)
        z[self.told.chart.n_real :] = self.base[self.told.chart.n_real :]
        if not (yield from self._is_fine(z)):
            z = yield from self._shortened(z)
        yield from self._peeler.line(self.base, z, self.told.fine, first=True)
        self.begun = True
        self._fit()

    def _until_calm(self, checks: int) -> Steps[None]:
        told, peeler = self.told, self._peeler
        while self.calm < checks:
            z = self.draws.draw(self.calm)
            off, noise = yield from self._off(z)
            if not off:
                self.calm += 1
                self.saturated += not told.visible(noise)
                continue
            limit = told.fine
            if not told.visible(noise, limit):
                end = yield from self._shortened(z)
                if (yield from self._off(end))[0]:
                    z = end
                else:
                    limit = 1.1 * float(noise[0]) / told.size
            found = yield from peeler.line(self.base, z, limit)
            self._fit()
            if found:
                self.calm = 0
            else:
                self._idle += 1
                peeler.rough /= 30
            if self._idle > IDLE or self._misfits > MISFITS:
                self.reason = "no network of one hidden layer with the kinks that were found fits the answers"
                return
            if peeler.bent > max(FEWEST_BENT, BENT * peeler.crossed):
                raise NotOneLayer(
                    f"{peeler.bent} of {peeler.crossed} known hyperplanes bend answers otherwise where lines cross them"
                    " again: there is more than one hidden layer"
                )

    def _off(self, z: FloatArray) -> Steps[tuple[bool, FloatArray]]:
        """Whether a point is answered otherwise than by the network, and how far its score may be off by rounding."""
        told = self.told
        off, noise = yield from told.ask_residual(z[None])
        if not told.visible(noise)[0]:
            return False, noise
        return bool(np.abs(off).max() > max(CALM[0] * told.size, CALM[1] * float(noise[0]))), noise

    def _is_fine(self, z: FloatArray) -> Steps[bool]:
        """Whether a point is answered as exactly as any."""
        _, noise = yield from self.told.ask(z[None])
        return bool(self.told.visible(noise, self.told.fine)[0])

    def _shortened(self, z: FloatArray) -> Steps[FloatArray]:
        """The last point on the way from the base to another that is answered as exactly as any, or nearly so."""
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            t = (low + high) / 2
            fine = yield from self._is_fine(self.base + t * (z - self.base))
            low, high = (t, high) if fine else (low, t)
        return self.base + low * (z - self.base)

    def _not_exact(self) -> tuple[FloatArray, float] | None:
        """The row that is worst explained in the end, and its rounding as a share of the size; None if all are well."""
        for _ in range(3):
            self._fit()
        told = self.told
        U, Y, noise = told.table()
        rows = told.visible(noise)
        off = np.abs(Y[rows] - told.network(U[rows])).max(axis=1)
        over = off / np.maximum(EXACT[0] * told.size, EXACT[1] * noise[rows])
        self.largest = float(off.max()) / told.size
        worst = int(over.argmax())
        return None if over[worst] <= 1 else (U[rows][worst], max(told.fine, 1.1 * float(noise[rows][worst]) / told.size))

    def _fit(self) -> None:
        """Fit the network to all answers that it can explain; undone where that leaves more than rounding."""
        told, network = self.told, self.told.network
        U, Y, noise = told.table()
        rows = told.explicable()
        before = U @ network.W.T + network.b
        steepness = np.linalg.norm(network.W, axis=1)
        blur = np.array(self._peeler.blur) * steepness
        off = np.where(rows, np.abs(np.nan_to_num(Y) - network(U)).max(axis=1), np.inf)
        expected = (before > 0) @ (blur * np.abs(network.A).max(axis=1, initial=0.0))
        rows &= off <= np.maximum(expected, max(CLOSE * told.size, OUTLYING * float(np.median(off[rows]))))
        sure = (np.abs(before) > blur).all(axis=1)[rows]
        U, Y, noise = U[rows], Y[rows], noise[rows]
        weight = 1 / noise
        for _ in range(2):
            found = refined(network, U, Y, weight, sure)
            if found is None:
                return
            left = np.abs(Y - found(U)).max(axis=1) / noise
            if float(np.sqrt(np.mean(left**2))) <= GROSS:
                break
            weight = 1 / (noise * np.maximum(1, left / (10 * np.median(left))))  # some may have a kink not known
        else:
            if np.quantile(left, MOST) > GROSS:
                self._misfits += 1
                return
        network.W, network.b, network.A, network.G, network.c = found.W, found.b, found.A, found.G, found.c
        self._peeler.blur = [min(blur, SHARP) for blur in self._peeler.blur]
