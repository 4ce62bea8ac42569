"""The end of a search: rows where the network is known worst, random rows that certify it, and answers left over."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.certificate import Certificate
from mex_relu_exact.jumps import Steps
from mex_relu_exact.search import COARSE, Search

STAGE = 25
"""How many rows that certify are asked at a time."""
BATCHES, SHORTER, SHARP = 4, 3, 2e-10
"""How many batches certify at most as long as the network is off by more than a share of the size on the last, and how
many times as short the later ones are, which measure how far it is off after it was fitted to the first."""
SHARPENED, DRAWN, WORST = 6, 600, 12
"""How often the worst of random rows are asked, of how many, and how many are."""
MENDED = 4
"""How many rows are searched at most that are not exact in the end."""


class Certifying:
    """Certifies the network of a search; what turns out to be missing the search is told to find.

    Args:
        search: the search.
        certificate: what is found out.
        part: of all rows at least one of so many certifies the network.
    """

    def __init__(self, search: Search, certificate: Certificate, part: int) -> None:
        self._search = search
        self._certificate = certificate
        self._part = part

    def sharpened(self) -> Steps[bool]:
        """Ask random rows at which the network is known worst and fit it to them; whether it explains them."""
        told, found, search = self._search.told, self._certificate, self._search
        found.doubt = 0.0
        for turn in range(SHARPENED + 1 if told.fine < COARSE else 0):
            if search.fits.doubt is None:
                break
            Z = search.draws.several(DRAWN)
            doubt = search.fits.doubt(Z)
            found.doubt = float(doubt.max()) / told.size
            worst = np.argsort(-doubt)[:WORST]
            if turn == SHARPENED or found.doubt <= SHARP:
                break
            if not (yield from self._explained(Z[worst]))[0]:
                return False
            search.fits.fit()
        return True

    def certified(self, checks: int) -> Steps[bool]:
        """Whether random rows are explained all, the last of them exactly or nearly so; else those are explained."""
        told, found, search = self._search.told, self._certificate, self._search
        found.trials += 1
        found.certified = found.saturated = 0
        found.hidden = 0.0
        for batch in range(BATCHES):
            n = max(checks, len(told) // self._part)
            n, found.fresh = n if batch == 0 else -(-n // SHORTER), 0.0
            for first in range(0, n, STAGE):
                Z = search.draws.several(min(STAGE, n - first), first)
                explained, noise = yield from self._explained(Z)
                if not explained:
                    return False
                found.certified += len(Z)
                found.saturated += int((~told.visible(noise)).sum())
            if found.fresh <= SHARP:
                break
            search.fits.polish()
        return True

    def _explained(self, Z: FloatArray) -> Steps[tuple[bool, FloatArray]]:
        """Whether the network is right at all of some points, and their rounding; else what is missing is sought."""
        off, noise = yield from self._search.rows.off(Z)
        for z, own in zip(Z[off], noise[off], strict=True):
            yield from self._search.explain(z, float(own))
        return not off.any(), noise

    def mended(self) -> Steps[bool]:
        """Search rows that the network does not explain exactly although it was fitted to them; whether that helped."""
        helped = False
        for _ in range(MENDED):
            worst = self.not_exact()
            if worst is None or not (yield from self._search.line(*worst, past=True)):
                break
            helped = True
            self._search.fits.fit()
        return helped

    def not_exact(self) -> tuple[FloatArray, float] | None:
        """The worst row as a point, and its rounding as a share of the size; None if all are explained."""
        search, told, found = self._search, self._search.told, self._certificate
        over, off, noise = search.fits.polish()
        U, _, every = told.table()
        U = U[told.visible(every)]
        usual = told.visible(noise, told.fine) | (over > 1)
        found.largest = max(found.fresh, float(off[usual].max(initial=0.0)) / told.size)
        worst = int(over.argmax())
        if over[worst] <= 1:
            return None
        return U[worst], max(told.fine, 1.1 * float(noise[worst]) / told.size)
