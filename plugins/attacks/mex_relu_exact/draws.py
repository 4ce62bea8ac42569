"""Random points of three kinds, on which a network is checked."""

from __future__ import annotations

import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.checking.rows import natural
from mex.types import FloatArray
from mex_relu_exact.chart import Chart

KINDS = 3


class Draws:
    """Draws points: uniform on the domain, at corners of it, and near the data; all a little inside of the box.

    Without data the last are between the middle of the domain and a corner.
    """

    def __init__(self, chart: Chart, known: Knowledge, rng: np.random.Generator) -> None:
        self.rng = rng
        self.has_data = known.pool is not None and len(known.pool) > 0
        self._chart = chart
        self._known = known

    def draw(self, kind: int) -> FloatArray:
        """A point of one kind, shape (d,)."""
        return np.asarray(self.several(1, kind)[0])

    def several(self, n: int, first: int = 0) -> FloatArray:
        """Points of each kind in turn, shape (n, d)."""
        return self._chart.inside(np.concatenate([self._draw((first + i) % KINDS) for i in range(n)]))

    def corner(self, W: FloatArray) -> FloatArray:
        """The corner that is farthest in a random mixture of directions, shape (d,), with random levels.

        Hyperplanes that cut off few corners are seldom unlike all others: they are met there more often than elsewhere.

        Args:
            W: the directions, shape (h, d).
        """
        U, n = self._draw(1), self._chart.n_real
        if len(W):
            U[:, :n] = self.rng.standard_normal(len(W)) @ W[:, :n] > 0
        return np.asarray(self._chart.inside(U)[0])

    def _draw(self, kind: int) -> FloatArray:
        chart, domain = self._chart, self._known.domain
        if kind == 2 and self.has_data:
            return chart.encode(domain.clip(natural(self._known, 1, self.rng)))
        U = chart.encode(domain.sample(1, self.rng))
        if kind > 0:
            real = slice(0, chart.n_real)
            corner = self.rng.integers(0, 2, chart.n_real)
            U[:, real] = corner if kind == 1 else 0.5 + (corner - 0.5) * self.rng.random()
        return U
