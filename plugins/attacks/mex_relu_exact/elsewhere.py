"""Whether the first neurons are there elsewhere on their hyperplanes; with a second hidden layer they are not."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.draws import Draws
from mex_relu_exact.jumps import GivenUp, Jump, Steps
from mex_relu_exact.transcript import Transcript

COARSE = 1e-11
"""From which rounding on, as a share of the size, steps are longer."""
CHECKED, PLACES, GONE = 6, 2, 2
"""Neurons that are sought elsewhere on their hyperplanes, at how many places each, and how many gone are too many."""
ACROSS, BENT = (1e-5, 0.01), (0.1, 0.2)
"""How far across a hyperplane is asked, and the share of its bend that may miss; then where answers are coarse."""
CLOSER = 8
"""How much nearer is asked again where the bend is another, as there may be a second hyperplane."""
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
        for jump in jumps[: CHECKED - len(self._sought)]:
            if jump.blur() * np.sqrt(len(start)) > ACROSS[coarse] / 2:
                continue
            w, b, a = jump.neuron(way)
            length = float(np.linalg.norm(w))
            w, b, a = w / length, b / length, a * length
            gone = False
            for z in self._on(w, b, start):
                gone = gone or not (yield from self._bends(z, w, a, coarse))
            self._sought.append(gone)
        if sum(self._sought) >= GONE:
            raise GivenUp(
                f"{sum(self._sought)} of {len(self._sought)} kinks found on lines are gone elsewhere on their"
                " hyperplanes: there is more than one hidden layer"
            )

    def _bends(self, z: FloatArray, w: FloatArray, a: FloatArray, coarse: bool) -> Steps[bool]:
        """Whether answers are bent by ``a`` across a point; they are where they do not tell."""
        told, h = self._told, ACROSS[coarse]
        for step in (h, h / CLOSER):
            Y, noise = yield from told.ask(z + step * np.array([[-1.0], [0.0], [1.0]]) * w)
            bend = np.abs(Y[0] + Y[2] - 2 * Y[1]) if told.visible(noise).all() else np.abs(a) * step
            if np.abs(bend - np.abs(a) * step).max() <= BENT[coarse] * np.abs(a).max() * step + 4 * noise.max():
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
