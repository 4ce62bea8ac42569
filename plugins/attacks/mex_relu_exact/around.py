"""Neurons by their values where they are on: around a point, or at all rows that are off."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.clear import Clear
from mex_relu_exact.comparing import CALM
from mex_relu_exact.draws import Draws
from mex_relu_exact.jumps import Steps
from mex_relu_exact.regimes import agreed
from mex_relu_exact.slices import SINGLE, Slices
from mex_relu_exact.transcript import Transcript

NEARBY = 0.05
"""How far columns are moved around a point."""
EXACTLY = 1e-9
"""Up to which share of the size a row is off that is explained by an affine function."""
ROWS = 1500
"""How many answers are looked at for an affine function that explains most of them."""
GAINED = 30, 0.2
"""How many answers more, and which part of those that are off, a neuron found by values is to explain."""


class Around:
    """Asks around points, and adds a neuron to the network if it is all that is missing at most of some rows."""

    def __init__(self, told: Transcript, draws: Draws, clear: Clear, slices: list[Slices]) -> None:
        self._told = told
        self._draws = draws
        self._clear = clear
        self._slices = slices

    def ask(self, centre: FloatArray) -> Steps[tuple[FloatArray, FloatArray]]:
        """Points around one, with other real columns a little and another whole number or level, and their scores."""
        chart, n, rng = self._told.chart, self._told.chart.n_real, self._draws.rng
        rows = [row for _ in range(2) for row in self._neighbours(centre)] + [centre] * (2 * n + 8)
        U = np.array(rows)
        U[:, :n] = np.clip(U[:, :n] + NEARBY * rng.uniform(-1, 1, (len(U), n)), 0.0, 1.0)
        U = chart.snapped(U)
        Y, noise = yield from self._told.ask(U)
        clear = self._clear.which(noise)
        return U[clear], Y[clear]

    def _neighbours(self, centre: FloatArray) -> list[FloatArray]:
        """A point for each other level, and for each column of whole numbers, with that changed."""
        chart, found = self._told.chart, list[FloatArray]()
        for group in chart.groups:
            for level in (*group, -1):
                other = centre.copy()
                other[group] = 0.0
                if level >= 0:
                    other[level] = 1.0
                if (other != centre).any():
                    found.append(other)
        for i in range(chart.n_real, len(chart)):
            if i not in chart.grouped:
                other, step = centre.copy(), 1 / float(chart.span[i])
                move = max(round(NEARBY / step), 1) * step * self._draws.rng.choice([-1.0, 1.0])
                other[i] = centre[i] + move if -1e-9 < centre[i] + move < 1 + 1e-9 else centre[i] - move
                found.append(other)
        return found

    def search(self, z: FloatArray) -> Steps[bool]:
        """Whether a neuron was added: it explains what is left at most rows that are off, or at most around a point."""
        return self._added(*self._clear.some(ROWS)) or self._added(*(yield from self.ask(z)))

    def _added(self, U: FloatArray, Y: FloatArray) -> bool:
        """Whether a neuron was added that explains what is left at most of some points."""
        left, network = Y - self._told.network(U), self._told.network
        rows = np.abs(left).max(axis=1) > CALM[0] * self._told.size
        part = agreed(U[rows], left[rows], EXACTLY * self._told.size)
        if part is None:
            return False
        affine, explained = part
        out, singular, both = np.linalg.svd(np.column_stack([affine.J, affine.c]), full_matrices=False)
        if len(singular) > 1 and singular[1] > SINGLE * singular[0]:
            return False
        w, a = both[0] * singular[0], out[:, 0]
        if (U[rows][explained] @ w[:-1] + w[-1]).mean() < 0:
            w, a = -w, -a
        scale = float(np.abs(a).max())
        w, a = w * scale, a / scale
        partial = [slices for slices in self._slices if len(slices.partial)]
        if partial and not any(slices.partial.like(w[:-1], a).any() for slices in partial):
            return False  # several at once
        before = self._clear.explained()
        network.add(w[:-1], float(w[-1]), a)
        if self._clear.explained() - before < max(GAINED[0], GAINED[1] * (len(self._told) - before)):
            network.keep(np.arange(len(network)) < len(network) - 1)
            return False
        return True
