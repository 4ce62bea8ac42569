"""Which line to search next, in which slice of the domain."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.chart import Chart
from mex_relu_exact.draws import Draws
from mex_relu_exact.partial import Partial
from mex_relu_exact.variations import moved, varied

Ends: TypeAlias = tuple[FloatArray, FloatArray]
"""Both ends of a line, shape (d,) each."""

CANDIDATES, WAYS = 48, 8
"""Slices, and lines in each, among which the next one is chosen."""
BESIDE = 0.02
"""How far a column is moved, as a share of its range, so that most kinks of a line are met again."""
MARGIN = 0.03
"""How far from its ends a line is expected to cross a hyperplane that it is to cross."""
COVERED = 0.3
"""How far the value of a neuron in a slice is to be from those tried, as a share of what it changes by on a line."""


class Choice:
    """Chooses lines along the coordinates of partly known neurons that move, so that they tell more of their weights.

    Args:
        partial: these neurons.
        chart, draws: the coordinates, and where random points come from.
        real: whether lines are kept a little inside of the box.
    """

    def __init__(self, partial: Partial, chart: Chart, draws: Draws, *, real: bool) -> None:
        self._partial = partial
        self._chart = chart
        self._draws = draws
        self._real = real

    def corner(self) -> FloatArray:
        """A random corner of the columns that move."""
        return self._draws.rng.integers(0, 2, len(self._partial.moving)).astype(np.float64)

    def ends(self, at: FloatArray, corner: FloatArray) -> Ends:
        """A line in the slice of a point, from a corner to the one opposite."""
        ends, held = np.tile(at, (2, 1)), self._partial.held
        ends[:, self._partial.moving] = corner, 1 - corner
        if self._real:
            ends = self._chart.inside(ends)
        ends[:, held] = at[held]
        return ends[0], ends[1]

    def beside(self, k: int) -> Ends | None:
        """A line beside the first one, with another value of the k-th longest column of numbers; None without such."""
        chart, partial = self._chart, self._partial
        numbers = [i for i in partial.held.tolist() if i not in chart.grouped]
        if k >= len(numbers):
            return None
        i = sorted(numbers, key=lambda i: -chart.span[i] if i >= chart.n_real else -np.inf)[k]
        at = np.zeros(len(chart))
        at[partial.held] = partial.shifts.slices(0)[0]
        step = BESIDE if i < chart.n_real and not chart.grid else max(round(BESIDE * chart.span[i]), 1) / chart.span[i]
        at[i] += step if at[i] < 0.5 else -step
        return self.ends(at, self.corner())

    def most_telling(self) -> Ends | None:
        """The line that is expected to tell the weights of most neurons, in a slice next to one where one was seen."""
        rng, partial, network = self._draws.rng, self._partial, self._partial.network
        best, most = None, 0.0
        for _ in range(CANDIDATES):
            j = int(rng.integers(len(partial)))
            slices = partial.shifts.slices(j)
            at = np.zeros(len(self._chart))
            at[partial.held] = slices[rng.integers(len(slices))]
            at = moved(self._chart, at, partial.held, rng)
            new = ~partial.known(at)
            if not new[j]:
                continue
            for way in range(WAYS if len(partial.moving) > 1 else 1):
                corner = self.corner() if way else (network.W[j, partial.moving] < 0).astype(np.float64)
                first, last = self.ends(at, corner)
                t, _ = network.crossings(first, last - first)
                score = float((new & (t > MARGIN) & (t < 1 - MARGIN)).sum()) + 0.1 * rng.random()
                if score > most:
                    best, most = (first, last), score
        return best

    def spread(self) -> Ends | None:
        """A line in a slice with another value of a column of which a neuron's weight is not known.

        The other columns are such that the neuron, but for that weight, has a value that it had not in slices tried
        before. None if lines through these cover all values: where the column has that value, no slice has the kink.
        """
        partial, network, chart = self._partial, self._partial.network, self._chart
        for j in np.argsort(-partial.shifts.ranks(), kind="stable"):
            w = network.W[j]
            corner = (w[partial.moving] < 0).astype(np.float64)
            reach = float(np.abs(w[partial.moving]).sum())
            missing = partial.shifts.missing(int(j))
            at = np.zeros(len(chart))
            at[partial.held] = partial.shifts.slices(int(j))[0]
            for direction in missing:
                column = int(partial.held[np.abs(direction).argmax()])
                tried = partial.shifts.tried(int(j), column)
                unknown = set(partial.held[np.abs(missing).max(axis=0) > 1e-9].tolist())
                full = np.zeros(len(chart))
                full[partial.held] = direction
                Z = varied(chart, at, w, column, full, unknown, self._draws.rng)
                Z[:, partial.moving] = corner
                values = Z @ w + float(network.b[j])
                apart = np.abs(values[:, None] - np.array([*tried, np.inf])).min(axis=1)
                best = int(apart.argmax()) if tried else 0
                if apart[best] >= COVERED * reach:
                    tried.append(float(values[best]))
                    return self.ends(Z[best], corner)
        return None
