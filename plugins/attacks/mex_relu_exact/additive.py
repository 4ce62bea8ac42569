"""Whether kinks move with the columns that are held as those of one hidden layer do; with a second one they do not."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.jumps import GivenUp, Steps
from mex_relu_exact.partial import Partial
from mex_relu_exact.transcript import Transcript

STEPS, PLACES = (1e-4, 1e-5), (8, 2)
"""How far on either side of an expected kink is asked, then again; and how many places on a grid."""
CHECKED, TRIED = 5, 3
"""Neurons of which that is asked, as many again for each slice where one is not as expected; in how many slices."""
DRAWN = 60
"""Among how many slices the farthest are taken."""
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

    def __init__(self, told: Transcript, partial: Partial, grid: float, rng: np.random.Generator) -> None:
        self._told = told
        self._partial = partial
        self._grid = grid
        self._rng = rng
        self._met = 0
        self._missed = 0
        self._gone = 0

    def seek(self) -> Steps[None]:
        """Ask next to the expected kinks of neurons that were seen in slices enough, if not of many before.

        Raises:
            GivenUp: if they are not there.
        """
        for j in range(len(self._partial)):
            yield from self._seek(j)
            if self._gone >= GONE and self._missed >= MISSED:
                raise GivenUp(
                    f"{self._gone} kinks are not displaced by columns as by a part of the way or by each of them, at"
                    f" {self._missed} of {self._met + self._missed} places: there is more than one hidden layer"
                )

    def _seek(self, j: int) -> Steps[None]:
        """Ask for a neuron until it is there."""
        sought = self._partial.shifts.sought(j)
        for point in self._expected(j):
            if len(sought) == TRIED or self._met >= CHECKED * (1 + self._missed):
                return
            there = yield from self._is_there(j, point)
            if there is None:
                continue
            sought.append(there)
            if there:
                self._met += 1
                return
            self._missed += 1
            self._gone += sought.count(False) == 1

    def _expected(self, j: int) -> list[FloatArray]:
        """Where a neuron has its kink after several of the ways to slices where it was seen, the farthest first."""
        partial, network, found = self._partial, self._partial.network, list[tuple[float, FloatArray]]()
        slices, column = partial.shifts.slices(j), int(partial.moving[0])
        ways = [way for z in slices[1:] if (way := z - slices[0]).any()]
        room = max(PLACES[0] * self._grid, STEPS[0])
        for _ in range(DRAWN if ways else 0):
            z, used = slices[0].copy(), set[int]()
            for k in self._rng.permutation(len(ways)):
                units = self._units(ways[k])
                if not units & used:
                    z, used = self._gone_part(z, ways[k]), used | units
            point = np.zeros(network.W.shape[1])
            point[partial.held] = z
            point[column] = -(float(network.W[j] @ point) + network.b[j]) / network.W[j, column]
            far = float(np.abs(np.array(slices) - z).max(axis=1).min())
            if room < point[column] < 1 - room and far > 0:
                found.append((far, point))
        return [point for _, point in sorted(found, key=lambda pair: -pair[0])[:TRIED]]

    def _gone_part(self, z: FloatArray, way: FloatArray) -> FloatArray:
        """Where a way leads to from a slice, or if it changes a single column of numbers a random multiple of it."""
        chart, changed = self._told.chart, np.flatnonzero(way)
        i = int(self._partial.held[changed[0]])
        if len(changed) > 1 or i in chart.grouped:
            return z + way
        z, whole = z.copy(), i >= chart.n_real or chart.grid
        z[changed[0]] = self._rng.integers(0, round(chart.span[i]) + 1) / chart.span[i] if whole else self._rng.random()
        return z

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
