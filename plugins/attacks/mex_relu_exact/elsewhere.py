"""Whether the first neurons are there elsewhere on their hyperplanes; with a second hidden layer they are not."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.draws import Draws
from mex_relu_exact.jumps import GivenUp, Jump, Steps
from mex_relu_exact.transcript import Transcript

COARSE = 1e-11
"""From which rounding on, as a share of the size, steps are longer."""
CHECKED, PLACES = 4, 6
"""Neurons that are sought elsewhere on their hyperplanes, as many again for each place where one is not; at how many
places each is sought at most."""
GONE, MISSED = 2, 3
"""So many that are not where they should be, at so many places together, are too many; and at how many places a neuron
is sought no more."""
ACROSS, BENT = (1e-5, 0.01), (0.01, 0.2)
"""How far across a hyperplane is asked, and the share of its bend that may miss; then where answers are coarse."""
AGAIN = (1.0, 1 / 8, 100.0), (1.0, 1 / 8)
"""How many times as far is asked where the bend is another: there may be a second hyperplane, or there are two in place
of one, which were too near to each other to be told apart where they were found; then where answers are coarse."""
ASIDE = 0.1
"""How far rows are moved, as a share of the way to others: many hyperplanes may meet in the middle of the domain."""
DRAWN = 60
"""Pairs of random rows among which those on either side of a hyperplane are sought."""


class Elsewhere:
    """Seeks the first neurons of a run elsewhere on their hyperplanes."""

    def __init__(self, told: Transcript, draws: Draws) -> None:
        self._told = told
        self._draws = draws
        self._sought = list[int]()  # of the first neurons, at how many places they are not

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
            self._sought.append(missed)
        gone = sum(missed > 0 for missed in self._sought)
        if gone >= GONE and sum(self._sought) >= MISSED:
            raise GivenUp(
                f"{gone} of {len(self._sought)} kinks found on lines are gone elsewhere on their hyperplanes: there is"
                " more than one hidden layer, or many pairs of hyperplanes nearly coincide"
            )

    def _bends(self, z: FloatArray, w: FloatArray, a: FloatArray, coarse: bool, loose: float) -> Steps[bool | None]:
        """Whether answers are bent by ``a``, but for a share of it, across a point; None where they do not tell."""
        told, h = self._told, ACROSS[coarse]
        z = told.chart.snapped(z[None])[0]
        middle, own = yield from told.ask(z[None])
        if not told.visible(own)[0]:
            return None
        for step in h * np.array(AGAIN[coarse]):
            Y, noise = yield from told.ask(z + np.array([[-1.0], [1.0]]) * told.chart.parted(step * w, 1))
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
            second += ASIDE * (self._draws.draw(0) - second)
            first[n:] = second[n:] = start[n:]
            before, after = float(w @ first + b), float(w @ second + b)
            if before * after < 0:
                found.append(first + before / (before - after) * (second - first))
                if len(found) == PLACES:
                    break
        return found
