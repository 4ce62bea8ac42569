"""A run: a first line, random rows that check, and another line to each row that the network does not explain."""

from __future__ import annotations

import numpy as np

from mex.toolkit.generators import relay
from mex.types import Array, BoolArray, FloatArray
from mex_relu_exact.draws import Draws
from mex_relu_exact.fits import EXACT, Fits
from mex_relu_exact.jumps import GivenUp, Steps
from mex_relu_exact.network import Network
from mex_relu_exact.peeling import Peeler
from mex_relu_exact.scores import answers_of
from mex_relu_exact.transcript import VISIBLE, Transcript

CALM = 1e-6, 1e3
"""Up to which share of the size, and how many times its rounding, a row may be off that counts as explained."""
MISFITS, IDLE = 6, 20
BENT, FEWEST_BENT = 0.3, 5
"""The share of known hyperplanes, of so many at least, that may bend answers anew."""
COARSE, ATTEMPTS, ROUGH = 1e-7, 3, (1e-5, 1e-3)
"""From which rounding on, as a share of the size, other starts are tried where a network does not fit, and how many;
what the error of known kinks is then taken for, and how near they are taken for the same (:class:`.kinks.Known`)."""
LONGEST = 60
"""How many rows a feature such a start may take."""
HIDDEN = 1e-9
"""How far probabilities of nearly 0 or 1 may be off that count as explained."""
SEARCHED, PART, CHANCE = 30, 25, 0.05
"""How many rows are explained before others are drawn that certify the network; of all rows at least one of so many is
such; the chance that a network is wrong on more rows than it says."""
GROWN = 1.1
"""How many times as many neurons a network has that is fitted again."""
FIRST = (1 / 16, 1 / 4, 1.0)
"""The parts of the way to a corner that are searched first, so that a second hidden layer shows early."""
BATCHES, SHORTER = 4, 3
"""How many batches are drawn at most as long as the network is not exact on the last, and how many times as short the
later ones are, which measure how far it is off after it was fitted to the first."""
HALVINGS, TRIES = 8, 40
FINAL = 4
"""How often rows that are not exact at the end are searched."""


class Run:
    """Finds the network.

    Attributes:
        told, draws: the answers, and where random rows come from.
        base: the point from which all lines start.
        certified: how many random rows were explained by the network as it was found; they were drawn after that.
        trials: how many networks were tried on such rows.
        saturated: how many of them told nothing of kinks.
        hidden: how far the network is off at one of these at most, in probability.
        fresh: how far the network was off, as a share of the size of scores, at the rows asked last, before it was
            fitted to them too.
        largest: how far the network is off at most, as a share of the size of scores, at any row that is answered as
            exactly as usual; it is also that at others, if it is more than their rounding.
        begun: whether there is a network at all.
        reason: why the end is none, a sentence; "" if it is.
        part: of all rows at least one of so many certifies the network.
    """

    part = PART

    def __init__(self, told: Transcript, draws: Draws) -> None:
        self.told = told
        self.draws = draws
        self.base = np.zeros(0)
        self.certified = 0
        self.trials = 0
        self.saturated = 0
        self.hidden = 0.0
        self.fresh = np.inf
        self.largest = np.inf
        self.reason = ""
        self.begun = False
        self._peeler = Peeler(told, draws)
        self._fits = Fits(told, self._peeler)
        self._coarse = False
        self._began = 0
        self._misfits = 0
        self._idle = 0

    @property
    def network(self) -> Network:
        """The network so far."""
        return self.told.network

    def wrong(self) -> float:
        """Below which share of random rows the network is off (95 % confidence): those of the three kinds in turn.

        Of the k-th network that is tried on such rows the chance that it passes although it is off on more is 0.05 / k
        (k + 1), which add up to 0.05.
        """
        return float(1 - (CHANCE / (self.trials * (self.trials + 1))) ** (1 / self.certified))

    def verdict(self) -> str:
        """What was found, and how sure that is."""
        off = max(self.largest, float(np.finfo(np.float64).eps))
        answers = "values" if self.told.scores.classes == 0 else "log-odds"
        several = ", of which several may be one," if self._coarse else ""
        dim = ""
        if self.saturated:
            dim = f"; {self.saturated} of these are too near to 0 or 1 to tell, and right to {self.hidden:.1g}"
        kind = "exact" if off <= EXACT[0] * 10 and self.hidden <= HIDDEN else "done"
        return (
            f"{kind}: {self.distinct()} neurons{several} have their kink inside the domain;"
            f" {answers} right to {off:.1g} of their size at all answers,"
            f" the last {self.certified} random rows among them{dim}; so off on less than"
            f" {self.wrong():.1%} of rows like these (95 % confidence): a neuron that shows on fewer may be missing"
        )

    def distinct(self) -> int:
        """How many neurons the network has."""
        return len(self.network)

    def steps(self, checks: int) -> Steps[None]:
        """Peel until ``checks`` random rows or more are explained, which are drawn when all seems to be."""
        told = self.told
        self._coarse = told.fine > COARSE
        for _ in range(ATTEMPTS if self._coarse else 1):
            self._start_again()
            try:
                yield from relay(self._attempt(checks), self._not_too_long)
            except GivenUp as why:
                self.reason = str(why)
            if self.largest > max(CALM[0], CALM[1] * told.fine) and not self.reason:
                self.reason = f"a row is off by {self.largest:.1g} of the size of answers, and no kink shows why"
            if not self.reason:
                return
        if self._coarse:
            self.reason = (
                f"no network of one hidden layer was found that fits answers of {-np.log10(told.fine):.1f} digits:"
                " its kinks may be too near to each other for these, or there may be another layer"
            )

    def _start_again(self) -> None:
        self.reason = ""
        self.largest = np.inf
        self._misfits = self._idle = self.trials = 0
        self.told.network = Network.empty(len(self.told.chart), self.told.scores.width)
        self._peeler = Peeler(self.told, self.draws)
        self._fits = Fits(self.told, self._peeler)
        self._began = len(self.told)
        if self._coarse:
            self._peeler.rough, self._peeler.close = ROUGH

    def _not_too_long(self, X: FloatArray) -> Steps[Array]:
        """Pass rows on; where answers are coarse kinks may be found without end.

        Raises:
            GivenUp: if they are too many.
        """
        told = self.told
        if self._coarse and len(told) + len(X) - self._began > LONGEST * (len(told.chart) + 2):
            raise GivenUp("the end is not in sight")
        return (yield X)

    def _attempt(self, checks: int) -> Steps[None]:
        """From one base to the end."""
        yield from self._first_line()
        for _ in range(FINAL):
            yield from self._until_certified(checks)
            if (z := self._not_exact()) is None:
                return
            if not (yield from self._line(*z)):
                break
            self._fits.fit()
        self._not_exact()

    def _line(self, z: FloatArray, limit: float) -> Steps[int]:
        """Find what is missing on the way to a point; how many neurons that are."""
        return (yield from self._peeler.line(self.base, z, limit))

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
        for share in FIRST:
            yield from self._peeler.line(
                self.base, self.base + share * (z - self.base), self.told.fine, first=share == FIRST[0]
            )
            self.begun = True
            self._fits.fit()

    def _until_certified(self, checks: int) -> Steps[None]:
        """Explain random rows until batches of others are explained all, the last of them exactly or nearly so."""
        while True:
            yield from self._until_calm()
            self._fits.polish()
            self.trials += 1
            self.certified = self.saturated = 0
            for batch in range(BATCHES):
                n = max(checks, len(self.told) // self.part)
                Z = self.draws.several(n if batch == 0 else -(-n // SHORTER))
                off, noise = yield from self._off(Z)
                if off.any():
                    for z, own in zip(Z[off], noise[off], strict=True):
                        yield from self._explain(z, float(own))
                    break
                self.certified += len(Z)
                self.saturated += int((~self.told.visible(noise)).sum())
                if self.fresh <= EXACT[0]:
                    return
                self._fits.polish()
            else:
                return

    def _until_calm(self) -> Steps[None]:
        """Explain rows that are likely to be off until some, one after the other, are not."""
        calm = 0
        while calm < SEARCHED:
            z = self.draws.draw(calm // 2) if calm % 2 else self.draws.corner(self.network.W)
            off, noise = yield from self._off(z[None])
            calm = 0 if off[0] and (yield from self._explain(z, float(noise[0]))) else calm + 1

    def _explain(self, z: FloatArray, noise: float) -> Steps[int]:
        """Find what is missing at a row that is off; how many neurons that are."""
        told, peeler = self.told, self._peeler
        limit, saturated = told.fine, noise > VISIBLE * told.size
        if noise > limit * told.size:
            end = yield from self._shortened(z)
            if (yield from self._off(end[None]))[0][0]:
                z = end
            else:
                limit = min(1.1 * noise / told.size, VISIBLE)
        found = yield from self._line(z, limit)
        if not found or self._coarse or len(told.network) > GROWN * self._fits.fitted:
            fits = self._fits.fit()
            self._misfits += not (fits or found)
        if not found and not saturated and not self._fits.mend():
            self._idle += 1
            peeler.rough /= 30
        if self._idle > IDLE or self._misfits > MISFITS:
            raise GivenUp("no network of one hidden layer with the kinks that were found fits the answers")
        if peeler.bent > max(FEWEST_BENT, BENT * peeler.crossed):
            raise GivenUp(
                f"{peeler.bent} of {peeler.crossed} known hyperplanes bend answers otherwise where lines cross them"
                " again: there is more than one hidden layer"
            )
        return found

    def _off(self, Z: FloatArray) -> Steps[tuple[BoolArray, FloatArray]]:
        """Which points are answered otherwise than by the network, and how far scores may be off by rounding.

        Of scores that are but bounds the probabilities are compared.
        """
        told = self.told
        off, noise = yield from told.ask_residual(Z)
        clear, usual = told.visible(noise), told.visible(noise, told.fine)
        self.fresh = float(np.abs(off[usual]).max(initial=0.0)) / told.size
        wrong = np.abs(off).max(axis=1) > np.maximum(CALM[0] * told.size, CALM[1] * noise)
        if not clear.all():
            U, Y, _ = told.table()
            p, own = (answers_of(S[-len(Z) :], told.scores.classes) for S in (Y, told.network(U[-len(Z) :])))
            apart = np.abs(p - own).max(axis=1)
            self.hidden = float(apart[~clear].max())
            wrong = np.where(clear, wrong, apart > HIDDEN)
        return np.asarray(wrong), noise

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
        over, off, noise = self._fits.polish()
        told = self.told
        U, _, every = told.table()
        U = U[told.visible(every)]
        usual = told.visible(noise, told.fine) | (over > 1)
        self.largest = max(self.fresh, float(off[usual].max(initial=0.0)) / told.size)
        worst = int(over.argmax())
        if over[worst] <= 1:
            return None
        return U[worst], max(told.fine, 1.1 * float(noise[worst]) / told.size)
