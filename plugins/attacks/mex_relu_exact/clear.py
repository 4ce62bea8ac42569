"""The answers that tell of kinks to ten digits, as searches on mixed interfaces need them."""

from __future__ import annotations

import numpy as np

from mex.types import BoolArray, FloatArray
from mex_relu_exact.comparing import CALM
from mex_relu_exact.transcript import Transcript

FAINT = 1e-10
"""Up to which rounding, as a share of the size, scores are used."""


class Clear:
    """The clear answers of a transcript."""

    def __init__(self, told: Transcript, rng: np.random.Generator) -> None:
        self._told = told
        self._rng = rng

    def which(self, noise: FloatArray) -> BoolArray:
        """Which answers are clear, by their rounding."""
        return np.asarray(self._told.visible(noise, FAINT))

    def count(self) -> int:
        """How many there are."""
        return int(self.which(self._told.table()[2]).sum())

    def some(self, most: int) -> tuple[FloatArray, FloatArray]:
        """Random ones: points, shape (n, d), and scores, shape (n, m)."""
        U, Y, noise = self._told.table()
        rows = np.flatnonzero(self.which(noise))
        rows = self._rng.choice(rows, min(most, len(rows)), replace=False)
        return U[rows], Y[rows]

    def explained(self) -> int:
        """How many of them the network explains."""
        U, Y, noise = self._told.table()
        off = np.abs(np.nan_to_num(Y) - self._told.network(U)).max(axis=1)
        return int((self.which(noise) & (off <= CALM[0] * self._told.size)).sum())
