"""Whether kinks move with the columns that are held as those of one hidden layer do; with a second one they do not."""

from __future__ import annotations

import itertools

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.jumps import GivenUp, Steps
from mex_relu_exact.partial import Partial
from mex_relu_exact.transcript import Transcript

STEPS, PLACES = (1e-4, 1e-5), (8, 2)
"""How far on either side of an expected kink is asked, then again; and how many places on a grid."""
CHECKED, TRIED = 5, 3
"""Neurons of which that is asked, as many again for each slice where one is not as expected; in how many slices."""
GONE, MISSED = 2, 3
"""So many neurons that are not where they should be, in so many slices together, are too many."""
BENT = 0.01
"""Which share of a bend may miss."""


class Additive:
    """Seeks neurons in slices where two columns have values that displaced each by itself.

    If one column displaces a kink by p and another by q, both together displace it by p + q, and it bends answers as
    before. Of a second hidden layer other neurons are on there.

    Args:
        told: the answers.
        partial: the neurons; a single coordinate moves.
        grid: the spacing of the places that can be asked along it, 0 if all can be.
    """

    def __init__(self, told: Transcript, partial: Partial, grid: float) -> None:
        self._told = told
        self._partial = partial
        self._grid = grid
        self._missed = list[int]()  # of each neuron that was sought, in how many slices it was not

    def seek(self) -> Steps[None]:
        """Ask next to the expected kinks of neurons that were seen in slices enough, if not of many before.

        Raises:
            GivenUp: if they are not there.
        """
        for j in range(len(self._partial)):
            if len(self._missed) >= CHECKED * (1 + sum(self._missed)):
                return
            if self._partial.shifts.sought(j):
                continue
            missed = met = 0
            for point in itertools.islice(self._expected(j), TRIED):
                there = yield from self._is_there(j, point)
                missed, met = missed + (there is False), met + (there is True)
                if met > missed or missed == GONE:
                    break
            if missed or met:
                self._partial.shifts.seek(j)
                self._missed.append(missed)
            gone = sum(times > 0 for times in self._missed)
            if gone >= GONE and sum(self._missed) >= MISSED:
                raise GivenUp(
                    f"{gone} of {len(self._missed)} kinks are not displaced by two columns as by each of them: there is"
                    " more than one hidden layer"
                )

    def _expected(self, j: int) -> list[FloatArray]:
        """Where a neuron has its kink if two ways to slices where it was seen are gone together."""
        partial, network, found = self._partial, self._partial.network, list[FloatArray]()
        slices, column = partial.shifts.slices(j), int(partial.moving[0])
        ways = [z - slices[0] for z in slices[1:]]
        for one, other in itertools.combinations(ways, 2):
            if (self._units(one) & self._units(other)) or not one.any() or not other.any():
                continue
            point = np.zeros(network.W.shape[1])
            point[partial.held] = slices[0] + one + other
            point[column] = -(float(network.W[j] @ point) + network.b[j]) / network.W[j, column]
            room = max(PLACES[0] * self._grid, STEPS[0])
            if room < point[column] < 1 - room:
                found.append(point)
        return found[::-1]

    def _units(self, way: FloatArray) -> set[int]:
        """The columns, or of levels the first of their group, that a way changes."""
        first = {i: group[0] for group in self._told.chart.groups for i in group}
        return {first.get(int(i), int(i)) for i in self._partial.held[np.flatnonzero(way)]}

    def _is_there(self, j: int, point: FloatArray) -> Steps[bool | None]:
        """Whether answers are bent around a point as by a neuron; None where they do not tell."""
        told, network, column = self._told, self._partial.network, int(self._partial.moving[0])
        for step, places in zip(STEPS, PLACES, strict=True):
            step = places * self._grid if self._grid else step
            U = np.tile(point, (3, 1))
            U[:, column] += step * np.array([-1.0, 0.0, 1.0])
            U = told.chart.snapped(U)
            Y, noise = yield from told.ask(U)
            if not told.visible(noise).all():
                return None
            active = np.maximum(U @ network.W[j] + network.b[j], 0)
            bend = np.array([1.0, -2.0, 1.0])
            most = abs(network.W[j, column]) * step * float(np.abs(network.A[j]).max())
            apart = np.abs(np.abs(bend @ Y) - np.abs(bend @ active) * np.abs(network.A[j])).max()
            if apart <= BENT * most + 4 * float(noise.max()):
                return True
        return False
