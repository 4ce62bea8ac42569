"""A run: a first line, random rows that check, and another line to each row that the network does not explain."""

from __future__ import annotations

import numpy as np

from mex.toolkit.generators import relay
from mex.types import Array, FloatArray
from mex_relu_exact.certificate import Certificate
from mex_relu_exact.comparing import CALM, Comparing
from mex_relu_exact.draws import Draws
from mex_relu_exact.fits import Fits
from mex_relu_exact.jumps import GivenUp, Steps
from mex_relu_exact.network import Network
from mex_relu_exact.peeling import Peeler
from mex_relu_exact.transcript import FIRST, VISIBLE, Transcript

MISFITS, IDLE, VAIN = 6, 20, 40
"""How many fits may be undone, how many lines may find nothing, and how many what does not explain the row."""
BENT, FEWEST_BENT = 0.3, 5
"""The share of known hyperplanes, of so many at least, that may bend answers anew."""
COARSE, ATTEMPTS, ROUGH = 1e-7, 3, (1e-5, 1e-3)
"""From which rounding on, as a share of the size, other starts are tried where a network does not fit, and how many;
what the error of known kinks is then taken for, and how near they are taken for the same (:class:`.kinks.Known`)."""
LONGEST = 60
"""How many rows a feature such a start may take."""
SEARCHED, PART, STAGE = 14, 25, 25
"""How many rows are explained before others are drawn that certify the network; of all rows at least one of so many is
such; how many of these are asked at a time."""
GROWN = 1.1
"""How many times as many neurons a network has that is fitted again."""
PARTS = (1 / 16, 1 / 4, 1.0)
"""The parts of the way to a corner that are searched first, so that a second hidden layer shows early."""
BATCHES, SHORTER, SHARP = 4, 3, 2e-10
"""How many batches certify at most as long as the network is off by more than a share of the size on the last, and how
many times as short the later ones are, which measure how far it is off after it was fitted to the first."""
SHARPENED, DRAWN, WORST = 6, 600, 12
"""How often the worst of random rows are asked, of how many, and how many are."""
TRIES = 40
FINAL, PAST = 4, 0.01
"""How often rows that are not exact in the end are searched, and how far lines go past them: kinks may be near."""


class Run:
    """Finds the network.

    Attributes:
        told, draws: the answers, and where random rows come from.
        base: the point from which all lines start.
        certificate: how well it is certified.
        begun: whether there is a network at all.
        reason: why the end is none, a sentence; "" if it is.
        part: of all rows at least one of so many certifies the network.
    """

    part = PART

    def __init__(self, told: Transcript, draws: Draws) -> None:
        self.told = told
        self.draws = draws
        self.base = np.zeros(0)
        self.certificate = Certificate()
        self.reason = ""
        self.begun = False
        self._peeler = Peeler(told, draws)
        self._fits = Fits(told, self._peeler)
        self._rows = Comparing(told, self.certificate)
        self._coarse = False
        self._began = 0
        self._misfits = 0
        self._idle = 0
        self._vain = 0

    @property
    def network(self) -> Network:
        """The network so far."""
        return self.told.network

    def verdict(self) -> str:
        """What was found, and how sure that is."""
        neurons = f"{self.distinct()} neurons" + (", of which several may be one," if self._coarse else "")
        return self.certificate.verdict(neurons, "values" if self.told.scores.classes == 0 else "log-odds")

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
            largest = self.certificate.largest
            if largest > max(CALM[0], CALM[1] * told.fine) and not self.reason:
                self.reason = f"a row is off by {largest:.1g} of the size of answers, and no kink shows why"
            if not self.reason:
                return
        if self._coarse:
            self.reason = (
                f"no network of one hidden layer was found that fits answers of {-np.log10(told.fine):.1f} digits:"
                " its kinks may be too near to each other for these, or there may be another layer"
            )

    def _start_again(self) -> None:
        self.reason = ""
        self.certificate = self._rows.certificate = Certificate()
        self._misfits = self._idle = self._vain = 0
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
        for final in range(FINAL + 1):
            certified = False
            while not certified:
                yield from self._until_calm()
                yield from self._mended()
                certified = (yield from self._sharpened()) and (yield from self._certified(checks))
            if final == FINAL:
                self._not_exact()
            elif not (yield from self._mended()):
                return

    def _line(self, z: FloatArray, limit: float) -> Steps[int]:
        """Find what is missing on the way to a point; how many neurons that are."""
        return (yield from self._peeler.line(self.base, z, limit))

    def _first_line(self) -> Steps[None]:
        """The base, and the line from there to a corner; then the rows that were asked before that."""
        told = self.told
        for _ in range(TRIES):
            self.base = self.draws.draw(2 if self.draws.has_data else 0)
            if (yield from self._rows.is_fine(self.base)):
                break
        else:
            raise GivenUp("all random rows are answered with probabilities that are nearly 0 or 1")
        z = self.draws.draw(1)
        z[told.chart.n_real :] = self.base[told.chart.n_real :]
        if not (yield from self._rows.is_fine(z)):
            z = yield from self._rows.shortened(self.base, z)
        for share in PARTS:
            yield from self._peeler.line(
                self.base, self.base + share * (z - self.base), told.fine, first=share == PARTS[0]
            )
            self.begun = True
            self._fits.fit()
        for i in range(1, min(FIRST, self._began), 3):
            U, _, noise = told.table()
            if told.visible(noise[i], told.fine) and self._rows.is_wrong(U[i]):
                yield from self._explain(U[i], float(noise[i]))

    def _until_calm(self) -> Steps[None]:
        """Explain rows that are likely to be off until some, one after the other, are not."""
        calm = 0
        while calm < SEARCHED:
            z = self.draws.draw(calm // 2) if calm % 2 else self.draws.corner(self.network.W)
            off, noise = yield from self._rows.off(z[None])
            calm = 0 if off[0] and (yield from self._explain(z, float(noise[0]))) else calm + 1

    def _sharpened(self) -> Steps[bool]:
        """Ask random rows at which the network is known worst and fit it to them; whether it explains them."""
        told = self.told
        self.certificate.doubt = 0.0
        for turn in range(SHARPENED + 1 if told.fine < COARSE else 0):
            if self._fits.doubt is None:
                break
            Z = self.draws.several(DRAWN)
            doubt = self._fits.doubt(Z)
            self.certificate.doubt = float(doubt.max()) / told.size
            worst = np.argsort(-doubt)[:WORST]
            if turn == SHARPENED or self.certificate.doubt <= SHARP:
                break
            off, noise = yield from self._rows.off(Z[worst])
            if off.any():
                for z, own in zip(Z[worst][off], noise[off], strict=True):
                    yield from self._explain(z, float(own))
                return False
            self._fits.fit()
        return True

    def _certified(self, checks: int) -> Steps[bool]:
        """Whether random rows are explained all, the last of them exactly or nearly so; else those are explained."""
        told, found = self.told, self.certificate
        found.trials += 1
        found.certified = found.saturated = 0
        found.hidden = 0.0
        for batch in range(BATCHES):
            n = max(checks, len(told) // self.part)
            n, found.fresh = n if batch == 0 else -(-n // SHORTER), 0.0
            for first in range(0, n, STAGE):
                Z = self.draws.several(min(STAGE, n - first), first)
                off, noise = yield from self._rows.off(Z)
                if off.any():
                    for z, own in zip(Z[off], noise[off], strict=True):
                        yield from self._explain(z, float(own))
                    return False
                found.certified += len(Z)
                found.saturated += int((~told.visible(noise)).sum())
            if found.fresh <= SHARP:
                break
            self._fits.polish()
        return True

    def _mended(self) -> Steps[bool]:
        """Search rows that the network does not explain exactly although it was fitted to them; whether that helped."""
        helped = False
        for _ in range(FINAL):
            z = self._not_exact()
            if z is None or not (yield from self._line(*z)):
                break
            helped = True
            self._fits.fit()
        return helped

    def _explain(self, z: FloatArray, noise: float) -> Steps[int]:
        """Find what is missing at a row that is off; how many neurons that are."""
        told, peeler = self.told, self._peeler
        limit, saturated = told.fine, noise > VISIBLE * told.size
        if noise > limit * told.size:
            end = yield from self._rows.shortened(self.base, z)
            if (yield from self._rows.off(end[None]))[0][0]:
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
        if found and not saturated:
            self._vain += self._rows.is_wrong(z)
        if self._idle > IDLE or self._misfits > MISFITS or self._vain > VAIN:
            raise GivenUp("no network of one hidden layer with the kinks that were found fits the answers")
        if peeler.bent > max(FEWEST_BENT, BENT * peeler.crossed):
            raise GivenUp(
                f"{peeler.bent} of {peeler.crossed} known hyperplanes bend answers otherwise where lines cross them"
                " again: there is more than one hidden layer"
            )
        return found

    def _not_exact(self) -> tuple[FloatArray, float] | None:
        """A point past the worst row, and that row's rounding as a share of the size; None if all are explained."""
        over, off, noise = self._fits.polish()
        told, found = self.told, self.certificate
        U, _, every = told.table()
        U = U[told.visible(every)]
        usual = told.visible(noise, told.fine) | (over > 1)
        found.largest = max(found.fresh, float(off[usual].max(initial=0.0)) / told.size)
        worst = int(over.argmax())
        if over[worst] <= 1:
            return None
        return self._past(U[worst]), max(told.fine, 1.1 * float(noise[worst]) / told.size)

    def _past(self, z: FloatArray) -> FloatArray:
        """A point a little past another, as seen from the base, if the domain has it."""
        way = z - self.base
        if self.told.chart.mixed or not way.any():
            return z
        room = np.where(way > 0, 1 - z, z)[way != 0] / np.abs(way[way != 0])
        return np.asarray(np.clip(z + min(PAST, float(room.min())) * way, 0.0, 1.0))
