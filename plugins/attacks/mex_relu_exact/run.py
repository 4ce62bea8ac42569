"""A run: a search from a point, and the random rows that certify its end; where answers are coarse, several."""

from __future__ import annotations

import numpy as np

from mex.toolkit.generators import relay
from mex.types import Array, FloatArray
from mex_relu_exact.certificate import Certificate
from mex_relu_exact.certifying import Certifying
from mex_relu_exact.clear import FAINT
from mex_relu_exact.comparing import CALM, Comparing
from mex_relu_exact.draws import Draws
from mex_relu_exact.jumps import GivenUp, Steps
from mex_relu_exact.mixed import FEWEST, MixedSearch
from mex_relu_exact.network import Network
from mex_relu_exact.search import COARSE, Search
from mex_relu_exact.transcript import Transcript

ATTEMPTS, LONGEST = 3, 60
"""How many searches are begun where answers are coarse and a network does not fit, and how many rows a feature each of
them may take."""
SEARCHED, PART, PART_MIXED = 14, 25, 5
"""How many rows are explained before others are drawn that certify the network; of all rows at least one of so many is
such, and so where not all columns are real: neurons that show in few slices are easily missed."""
FINAL = 4
"""How often it is tried to mend a network that is certified but is not exact at all answers."""


class Run:
    """Finds the network.

    Attributes:
        told, draws: the answers, and where random rows come from.
        certificate: how well it is certified.
        reason: why the end is none, a sentence; "" if it is.
        ended: whether there is an end.
    """

    def __init__(self, told: Transcript, draws: Draws) -> None:
        self.told = told
        self.draws = draws
        self.certificate = Certificate()
        self.reason = ""
        self.ended = False
        self._search: Search | None = None
        self._again = False

    @property
    def network(self) -> Network:
        """The network so far."""
        return self.told.network

    @property
    def begun(self) -> bool:
        """Whether there is a network at all."""
        return self._again or (self._search is not None and self._search.begun)

    def verdict(self) -> str:
        """What was found, and how sure that is."""
        search = self._search
        assert search is not None
        neurons = f"{search.distinct()} neurons" + (", of which several may be one," if search.coarse else "")
        return self.certificate.verdict(neurons, "values" if self.told.scores.classes == 0 else "log-odds")

    def steps(self, checks: int) -> Steps[None]:
        """Peel until ``checks`` random rows or more are explained, which are drawn when all seems to be.

        Where not all columns are real neurons are known again by 10 digits at least, and 300 rows or more certify.
        """
        told = self.told
        if told.chart.mixed and told.fine > FAINT:
            self.reason = (
                f"answers are right to {-np.log10(told.fine):.1f} digits: too few to know neurons again where"
                " columns of whole numbers or levels displace their kinks"
            )
            return
        coarse = told.fine > COARSE
        for attempt in range(ATTEMPTS if coarse else 1):
            self._again = attempt > 0
            yield from self._try(max(checks, FEWEST) if told.chart.mixed else checks)
            if not self.reason:
                self.ended = True
                return
        if coarse:
            self.reason = (
                f"no network of one hidden layer was found that fits answers of {-np.log10(told.fine):.1f} digits:"
                " its kinks may be too near to each other for these, or there may be another layer"
            )

    def _try(self, checks: int) -> Steps[None]:
        """Search from one point; the reason is set if that does not end."""
        told = self.told
        self.reason, self.certificate = "", Certificate()
        rows = Comparing(told, self.certificate)
        search = self._search = (MixedSearch if told.chart.mixed else Search)(told, self.draws, rows)
        try:
            yield from relay(self._to_the_end(search, checks), self._not_too_long)
        except GivenUp as why:
            self.reason = str(why)
        largest = self.certificate.largest
        if largest > max(CALM[0], CALM[1] * told.fine) and not self.reason:
            self.reason = f"a row is off by {largest:.1g} of the size of answers, and no kink shows why"

    def _not_too_long(self, X: FloatArray) -> Steps[Array]:
        """Pass rows on; where answers are coarse kinks may be found without end.

        Raises:
            GivenUp: if they are too many.
        """
        told, search = self.told, self._search
        assert search is not None
        if search.coarse and len(told) + len(X) - search.began > LONGEST * (len(told.chart) + 2):
            raise GivenUp("the end is not in sight")
        return (yield X)

    def _to_the_end(self, search: Search, checks: int) -> Steps[None]:
        """From the first line until the network is certified and exact at all answers, or as exact as it gets."""
        end = Certifying(search, self.certificate, PART_MIXED if self.told.chart.mixed else PART)
        yield from search.first_line()
        for final in range(FINAL + 1):
            certified = False
            while not certified:
                yield from self._until_calm(search)
                yield from end.mended()
                certified = (yield from end.sharpened()) and (yield from end.certified(checks))
            if final == FINAL:
                end.not_exact()
            elif not (yield from end.mended()):
                return

    def _until_calm(self, search: Search) -> Steps[None]:
        """Explain rows that are likely to be off until some, one after the other, are not."""
        calm = 0
        while calm < SEARCHED:
            z = self.draws.draw(calm // 2) if calm % 2 else self.draws.corner(self.network.W)
            off, noise = yield from search.rows.off(z[None])
            calm = 0 if off[0] and (yield from search.explain(z, float(noise[0]))) else calm + 1
