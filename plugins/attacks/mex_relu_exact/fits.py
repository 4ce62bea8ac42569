"""Fits of the network that was found to all answers, while more of it is being found."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.fitting import Doubt, refined
from mex_relu_exact.jumps import BLUR
from mex_relu_exact.network import Network
from mex_relu_exact.neurons import Neurons
from mex_relu_exact.transcript import Transcript

EXACT = 1e-9, 100.0
"""Up to which share of the size, and how many times its rounding, a row may be off that a fit explains exactly."""
CLOSE, OUTLYING = 1e-9, 50.0
"""Answers that are off by more than a share of the size, and so many times the median, are explained by no fit."""
MOST, GROSS = 0.9, 1e3
"""The share of answers that may be off a fit by no more than so many times their rounding, or it is undone."""
SHARP = 1e-10
"""How far a hyperplane may be off at least that was fitted."""
FAR, ROUGH = 1e-5, 1e-4
"""The same share where hyperplanes may be off by more than is known, and by how much."""
POLISHED = 3
"""How often the network is fitted anew at most, as long as an answer is not explained."""


class Fits:
    """Fits the network of a transcript, whose neurons are known with errors.

    Attributes:
        fitted: how many neurons there were at the last fit.
        doubt: how far the network of the last fit may be off, if that was not undone.
    """

    def __init__(self, told: Transcript, neurons: Neurons) -> None:
        self._told = told
        self._neurons = neurons
        self.fitted = 0
        self.doubt: Doubt | None = None

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
        return self._fitted(np.array(self._neurons.blur), CLOSE) is not False

    def mend(self) -> bool:
        """Fit a network that lacks no neuron, but of which some are off by more than is known; whether that helps."""
        blur, before = self._neurons.blur, self._explained()
        self._fitted(np.maximum(blur, ROUGH), FAR)
        return self._explained() > before

    def _explained(self) -> int:
        """How many answers are explained exactly."""
        return self._explained_by(self._told.network)

    def _explained_by(self, network: Network) -> int:
        U, Y, noise = self._told.table()
        off = np.abs(np.nan_to_num(Y) - network(U)).max(axis=1)
        return int(np.sum(off <= np.maximum(EXACT[0] * self._told.size, EXACT[1] * noise)))

    def _fitted(self, blur: FloatArray, close: float) -> bool | None:
        """Fit the network to answers that are off by no more than a share of the size, or than the hyperplanes may be.

        False if that leaves more than rounding or explains fewer answers, None if there is no fit.
        """
        told, network, self.doubt = self._told, self._told.network, None
        U, Y, noise = told.table()
        rows = told.explicable()
        before = U @ network.W.T + network.b
        blur = blur * np.linalg.norm(network.W, axis=1)
        off = np.where(rows, np.abs(np.nan_to_num(Y) - network(U)).max(axis=1), np.inf)
        expected = (before > 0) @ (blur * np.abs(network.A).max(axis=1, initial=0.0))
        rows &= off <= np.maximum(expected, max(close * told.size, OUTLYING * float(np.median(off[rows]))))
        sure = np.asarray((np.abs(before) > blur).all(axis=1))[rows]
        U, Y, noise = U[rows], Y[rows], noise[rows]
        fit = refined(network, U, Y, 1 / noise, sure)
        if fit is None:
            return None
        found, errors, doubt = fit
        gross = np.quantile(np.abs(Y - found(U)).max(axis=1) / noise, MOST) > GROSS
        if gross or self._explained_by(found) < self._explained_by(network):
            return False
        self.fitted, self.doubt = len(network), doubt
        network.take(found)
        self._neurons.blur = np.minimum(self._neurons.blur, np.maximum(SHARP, BLUR * errors)).tolist()
        return True
