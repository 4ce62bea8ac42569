"""Neurons that are known but for a few weights, the output weights of all neurons, and the affine part."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.around import EXACTLY, ROWS
from mex_relu_exact.clear import Clear
from mex_relu_exact.network import Network
from mex_relu_exact.regimes import agreed
from mex_relu_exact.slices import Slices
from mex_relu_exact.transcript import Transcript

KNOWN = (-1, -1)
"""What neurons are of which all weights are known."""
VANISHED = 1e-7
"""Up to which share of the size a neuron adds to scores that is none."""
NEARLY = 0.9
"""Which share of all answers the network explains at least after all its output weights were found anew."""


class Assumed:
    """Which neurons of the network are known, and which are taken as on or off where weights that are unknown count.

    Attributes:
        which: of each neuron of the network the numbers of the slices and of the neuron there that it is taken for, or
            :data:`KNOWN`.
    """

    def __init__(self, told: Transcript, clear: Clear, slices: list[Slices]) -> None:
        self.which = list[tuple[int, int]]()
        self._told = told
        self._clear = clear
        self._slices = slices

    def distinct(self) -> int:
        """How many neurons the network has; one that is taken as on or off counts once."""
        return self.which.count(KNOWN) + len(set(self.which) - {KNOWN})

    def known(self) -> Network:
        """The neurons of the network that are known, those among them that were added since."""
        network, taken = self._told.network.copy(), len(self._told.network) - len(self.which)
        network.keep(np.array([which == KNOWN for which in self.which] + [True] * taken, dtype=bool))
        return network

    def settle(self, U: FloatArray, Y: FloatArray) -> None:
        """Find the affine part by scores around a point, and by others: that which explains more; then all weights."""
        network = self._told.network
        best = self._clear.explained()
        for Z, told in ((U, Y), self._clear.some(ROWS)):
            part = agreed(Z, told - network.bent(Z), EXACTLY * self._told.size)
            if part is None:
                continue
            kept = network.G, network.c
            network.G, network.c = part[0].J, part[0].c
            if (explained := self._clear.explained()) > best:
                best = explained
            else:
                network.G, network.c = kept
        self.weigh(best)

    def weigh(self, explained: int) -> None:
        """Find weights of neurons that are known but for a few, or all output weights anew, if so more is explained.

        The former are taken as on or off where these few count (see :meth:`.partial.Partial.versions`). With output
        weights found anew neurons that are none get none and are dropped; that nearly all answers have to confirm.
        """
        network = self._told.network
        kept, which = network.copy(), self.which
        for anew, least in ((False, explained), (True, int(NEARLY * self._clear.count()))):
            network.take(kept.copy())
            n = self._take(which)
            if self._weighed(0 if anew else n) and (now := self._clear.explained()) >= max(explained, least):
                explained, kept, which = now, network.copy(), self.which
        network.take(kept)
        self.which = which

    def _take(self, which: list[tuple[int, int]]) -> int:
        """Put the versions of neurons that are known but for a few weights in the place of earlier ones; how many not.

        These have no output weights.
        """
        network = self._told.network
        network.keep(np.array([neuron == KNOWN for neuron in which], dtype=bool))
        n = len(network)
        self.which = [KNOWN] * n
        for i, slices in enumerate(self._slices):
            versions, of = slices.partial.versions()
            for w, b in zip(versions.W, versions.b, strict=True):
                network.add(w, float(b), np.zeros(network.A.shape[1]))
            self.which += [(i, j) for j in of]
        return n

    def _weighed(self, first: int) -> bool:
        """Find the affine part and output weights, from one neuron on, that explain most; False if there are none."""
        network, d = self._told.network, len(self._told.chart)
        U, Y = self._clear.some(ROWS)
        active = np.maximum(U @ network.W.T + network.b, 0)
        left = Y - active[:, :first] @ network.A[:first]
        part = agreed(np.hstack([U, active[:, first:]]), left, EXACTLY * self._told.size)
        if part is None:
            return False
        network.G, network.c = part[0].J[:, :d], part[0].c
        network.A = np.vstack([network.A[:first], part[0].J[:, d:].T])
        weight = np.abs(network.A).max(axis=1, initial=0.0) * active.max(axis=0, initial=0.0)
        keep = (weight > VANISHED * self._told.size) | (np.arange(len(network)) < first)
        network.keep(keep)
        self.which = [neuron for neuron, kept in zip(self.which, keep, strict=True) if kept]
        return True
