"""A run: a first line, random rows that check, and another line to each row that the network does not explain."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.draws import Draws
from mex_relu_exact.fitting import refined
from mex_relu_exact.network import Network
from mex_relu_exact.peeling import GivenUp, Peeler, Steps
from mex_relu_exact.transcript import VISIBLE, Transcript

CALM = 1e-6, 1e3
"""Up to which share of the size, and how many times its rounding, a row may be off that counts as explained."""
EXACT = 1e-9, 100.0
"""The same at the end, when the network has been fitted to all answers."""
CLOSE, OUTLYING = 1e-9, 50.0
"""Answers that are off by more than a share of the size, and so many times the median, are explained by no fit."""
MOST, GROSS = 0.9, 1e3
"""The share of answers that may be off a fit by no more than so many times their rounding, or it is undone."""
SHARP = 1e-10
"""How far a hyperplane may be off that was fitted."""
MISFITS, IDLE = 6, 20
BENT, FEWEST_BENT = 0.3, 5
"""The share of known hyperplanes, of so many at least, that may bend answers anew."""
SATURATED = 20.0
"""From which score on a bound tells whether a network is right where probabilities are 0 or 1."""
GROWN = 1.1
"""How many times as many neurons a network has that is fitted again."""
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
        self._fitted = 0  # how many neurons there were at the last fit

    @property
    def network(self) -> Network:
        """The network so far."""
        return self.told.network

    def verdict(self) -> str:
        """What was found, and how sure that is."""
        network, off = self.network, max(self.largest, float(np.finfo(np.float64).eps))
        answers = "values" if self.told.scores.classes == 0 else "log-odds"
        dim = f"; {self.saturated} of them were too near to 0 or 1 to tell" if self.saturated else ""
        kind = "exact" if off <= EXACT[0] * 10 else "done"
        return (
            f"{kind}: {len(network)} neurons have their kink inside the domain; {answers} right to {off:.1g} of their"
            f" size at all answers, {self.calm} random rows among them{dim}; so wrong on less than {3 / self.calm:.0%}"
            " of such rows (95 % confidence)"
        )

    def steps(self, checks: int) -> Steps[None]:
        """Peel until ``checks`` random rows, one after the other, are explained."""
        told = self.told
        try:
            yield from self._first_line()
            for _ in range(FINAL):
                yield from self._until_calm(checks)
                if (z := self._not_exact()) is None:
                    return
                if not (yield from self._peeler.line(self.base, *z)):
                    break
                self._fit()
                self.calm = 0
            self._not_exact()
        except GivenUp as why:
            self.reason = str(why)
            return
        if self.largest > max(CALM[0], CALM[1] * told.fine):
            self.reason = f"a row is off by {self.largest:.1g} of the size of answers, and no kink shows why"

    def _first_line(self) -> Steps[None]:
        """The base, and the line from there to a corner."""
        for _ in range(TRIES):
            self.base = self.draws.draw(2 if self.draws.has_data else 0)
            if (yield from self._is_fine(self.base)):
                break
        else:
            raise GivenUp("all random rows are answered with probabilities that are nearly 0 or 1")
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
                self.saturated += not told.visible(noise)[0]
                continue
            limit = told.fine
            if not told.visible(noise, limit):
                end = yield from self._shortened(z)
                if (yield from self._off(end))[0]:
                    z = end
                else:
                    limit = min(1.1 * float(noise[0]) / told.size, VISIBLE)
            found = yield from peeler.line(self.base, z, limit)
            if not found or len(told.network) > GROWN * self._fitted:
                self._fit()
            if found:
                self.calm = 0
            else:
                self._idle += 1
                peeler.rough /= 30
            if self._idle > IDLE or self._misfits > MISFITS:
                raise GivenUp("no network of one hidden layer with the kinks that were found fits the answers")
            if peeler.bent > max(FEWEST_BENT, BENT * peeler.crossed):
                raise GivenUp(
                    f"{peeler.bent} of {peeler.crossed} known hyperplanes bend answers otherwise where lines cross them"
                    " again: there is more than one hidden layer"
                )

    def _off(self, z: FloatArray) -> Steps[tuple[bool, FloatArray]]:
        """Whether a point is answered otherwise than by the network, and how far its score may be off by rounding."""
        told = self.told
        off, noise = yield from told.ask_residual(z[None])
        if not told.visible(noise)[0]:  # the score is a bound
            score, own = told.table()[1][-1], told.network(told.table()[0][-1:])[0]
            return bool(((np.abs(score) > SATURATED) & (np.sign(score) * own < np.abs(score) / 2)).any()), noise
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
        if over[worst] <= 1:
            return None
        return U[rows][worst], max(told.fine, 1.1 * float(noise[rows][worst]) / told.size)

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
        found = refined(network, U, Y, 1 / noise, sure)
        if found is None:
            return
        if np.quantile(np.abs(Y - found(U)).max(axis=1) / noise, MOST) > GROSS:
            self._misfits += 1
            return
        self._fitted = len(network)
        network.W, network.b, network.A, network.G, network.c = found.W, found.b, found.A, found.G, found.c
        self._peeler.blur = [min(blur, SHARP) for blur in self._peeler.blur]
