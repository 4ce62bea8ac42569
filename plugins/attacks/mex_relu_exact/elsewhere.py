"""Whether the first neurons are there elsewhere on their hyperplanes; with a second hidden layer they are not."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.draws import Draws
from mex_relu_exact.jumps import GivenUp, Jump, Steps
from mex_relu_exact.transcript import Transcript

COARSE = 1e-11
"""From which rounding on, as a share of the size, steps are longer."""
CHECKED, PLACES, GONE = 6, 6, 2
"""Neurons that are sought elsewhere on their hyperplanes, as many again for each that is gone; at how many places each
at most; and at how many a neuron is not that is gone, and how many gone are too many."""
ACROSS, BENT = (1e-5, 0.01), (0.01, 0.2)
"""How far across a hyperplane is asked, and the share of its bend that may miss; then where answers are coarse."""
FARTHER = (1.0, 1 / 8, 100.0)
"""How many times as far is asked again where the bend is another: there may be a second hyperplane, or there are two in
place of one, which were too near to each other to be told apart where they were found."""
DRAWN = 60
"""Pairs of random rows among which those on either side of a hyperplane are sought."""


class Elsewhere:
    """Seeks the first neurons of a run elsewhere on their hyperplanes."""

    def __init__(self, told: Transcript, draws: Draws) -> None:
        self._told = told
        self._draws = draws
        self._sought = list[bool]()  # of the first neurons, whether they are gone

    def seek(self, jumps: list[Jump], start: FloatArray, way: FloatArray, limit: float | None = None) -> Steps[None]:
        """Ask across hyperplanes just found, far away from where that was, if they are known well enough for that.

        Args:
            jumps: those found.
            start, way: the line on which that was; coordinates that are not real are held.
            limit: up to which rounding, as a share of the size, answers were used; the finest by default.

        Raises:
            GivenUp: if several of the first of them are gone there.
        """
        coarse = (self._told.fine if limit is None else limit) >= COARSE
        for jump in jumps:
            if len(self._sought) >= CHECKED * (1 + sum(self._sought)):
                break
            beside = jump.blur() * np.sqrt(len(start)) / ACROSS[coarse]
            if beside > 0.5:
                continue
            w, b, a = jump.neuron(way)
            length = float(np.linalg.norm(w))
            w, b, a = w / length, b / length, a * length
            missed = met = 0
            for z in self._on(w, b, start):
                bends = yield from self._bends(z, w, a, coarse, BENT[coarse] + beside)
                missed, met = missed + (bends is False), met + (bends is True)
                if met > missed or missed == GONE:
                    break
            self._sought.append(missed == GONE)
        if sum(self._sought) >= GONE:
            raise GivenUp(
                f"{sum(self._sought)} of {len(self._sought)} kinks found on lines are gone elsewhere on their"
                " hyperplanes: there is more than one hidden layer"
            )

    def _bends(self, z: FloatArray, w: FloatArray, a: FloatArray, coarse: bool, loose: float) -> Steps[bool | None]:
        """Whether answers are bent by ``a``, but for a share of it, across a point; None where they do not tell."""
        told, h = self._told, ACROSS[coarse]
        middle, own = yield from told.ask(z[None])
        if not told.visible(own)[0]:
            return None
        for step in h * np.array(FARTHER):
            Y, noise = yield from told.ask(z + step * np.array([[-1.0], [1.0]]) * w)
            most = max(float(noise.max()), float(own[0]))
            if not told.visible(noise).all():
                return None
            bend = np.abs(Y[0] + Y[1] - 2 * middle[0])
            if np.abs(bend - np.abs(a) * step).max() <= loose * np.abs(a).max() * step + 4 * most:
                return True
        return False

    def _on(self, w: FloatArray, b: float, start: FloatArray) -> list[FloatArray]:
        """Points on a hyperplane, far apart: between rows on either side of it, corners and rows like the data."""
        n, found = self._told.chart.n_real, list[FloatArray]()
        for turn in range(DRAWN):
            first, second = self._draws.draw(turn), self._draws.draw(1 + turn % 2)
            first[n:] = second[n:] = start[n:]
            before, after = float(w @ first + b), float(w @ second + b)
            if before * after < 0:
                found.append(first + before / (before - after) * (second - first))
                if len(found) == PLACES:
                    break
        return found
