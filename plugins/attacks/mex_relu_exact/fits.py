"""Fits of the network that was found to all answers, while more of it is being found."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.fitting import refined
from mex_relu_exact.peeling import Peeler
from mex_relu_exact.transcript import Transcript

EXACT = 1e-9, 100.0
"""Up to which share of the size, and how many times its rounding, a row may be off that a fit explains exactly."""
CLOSE, OUTLYING = 1e-9, 50.0
"""Answers that are off by more than a share of the size, and so many times the median, are explained by no fit."""
MOST, GROSS = 0.9, 1e3
"""The share of answers that may be off a fit by no more than so many times their rounding, or it is undone."""
SHARP = 1e-10
"""How far a hyperplane may be off that was fitted."""
POLISHED = 3
"""How often the network is fitted anew at most, as long as an answer is not explained."""


class Fits:
    """Fits the network of a transcript, whose kinks a peeler has found.

    Attributes:
        fitted: how many neurons there were at the last fit.
    """

    def __init__(self, told: Transcript, peeler: Peeler) -> None:
        self._told = told
        self._peeler = peeler
        self.fitted = 0

    def polish(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Fit to all answers until these are explained.

        Returns of those that tell of kinks by how many times too much they are off, how far, and how far they may be.
        """
        told = self._told
        for fits in range(POLISHED + 1):
            U, Y, noise = told.table()
            rows = told.visible(noise)
            off, noise = np.abs(Y[rows] - told.network(U[rows])).max(axis=1), noise[rows]
            over = off / np.maximum(EXACT[0] * told.size, EXACT[1] * noise)
            if fits == POLISHED or (fits and over.max() <= 1):
                break
            self.fit()
        return over, off, noise

    def fit(self) -> bool:
        """Fit the network to all answers that it can explain; undone, and False, if that leaves more than rounding."""
        told, network = self._told, self._told.network
        U, Y, noise = told.table()
        rows = told.explicable()
        before = U @ network.W.T + network.b
        steepness = np.linalg.norm(network.W, axis=1)
        blur = np.array(self._peeler.blur) * steepness
        off = np.where(rows, np.abs(np.nan_to_num(Y) - network(U)).max(axis=1), np.inf)
        expected = (before > 0) @ (blur * np.abs(network.A).max(axis=1, initial=0.0))
        rows &= off <= np.maximum(expected, max(CLOSE * told.size, OUTLYING * float(np.median(off[rows]))))
        sure = (np.abs(before) > blur).all(axis=1)[rows]
        U, Y, noise = U[rows], Y[rows], noise[rows]
        found = refined(network, U, Y, 1 / noise, sure)
        if found is None:
            return True
        if np.quantile(np.abs(Y - found(U)).max(axis=1) / noise, MOST) > GROSS:
            return False
        self.fitted = len(network)
        network.W, network.b, network.A, network.G, network.c = found.W, found.b, found.A, found.G, found.c
        self._peeler.blur = [min(blur, SHARP) for blur in self._peeler.blur]
        return True
