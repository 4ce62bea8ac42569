"""Answers beside what the network so far says: which rows are off, and which tell anything."""

from __future__ import annotations

import numpy as np

from mex.types import BoolArray, FloatArray
from mex_relu_exact.certificate import EXACT, Certificate
from mex_relu_exact.jumps import Steps
from mex_relu_exact.scores import answers_of
from mex_relu_exact.transcript import Told, Transcript

CALM = 1e-6, 1e3
"""Up to which share of the size, and how many times its rounding, a row may be off that counts as explained."""
HALVINGS = 8


class Comparing:
    """Asks points and compares the answers with the network of a transcript.

    Attributes:
        certificate: is told by how much they differ.
    """

    def __init__(self, told: Transcript, certificate: Certificate) -> None:
        self.certificate = certificate
        self._told = told

    def off(self, Z: FloatArray) -> Steps[tuple[BoolArray, FloatArray]]:
        """Which points are answered otherwise than by the network, and how far scores may be off by rounding."""
        told, found = self._told, self.certificate
        Y, noise = yield from told.ask(Z)
        U = told.table()[0][-len(Z) :]
        usual = told.visible(noise, told.fine)
        off = float(np.abs(Y[usual] - told.network(U[usual])).max(initial=0.0))
        found.fresh = max(found.fresh, off / told.size)
        hidden = ~told.visible(noise)
        found.hidden = max(found.hidden, float(self._apart(U, Y)[hidden].max(initial=0.0)))
        return self._wrong(U, (Y, noise)), noise

    def is_wrong(self, z: FloatArray) -> bool:
        """Whether a point that was asked is answered otherwise than by the network."""
        U, Y, noise = self._told.table()
        i = int(np.abs(U - z).max(axis=1).argmin())
        return bool(self._wrong(U[i : i + 1], (Y[i : i + 1], noise[i : i + 1]))[0])

    def _wrong(self, U: FloatArray, answers: Told) -> BoolArray:
        """Which points were answered otherwise; of scores that are but bounds the probabilities are compared."""
        told, (Y, noise) = self._told, answers
        off = np.abs(np.nan_to_num(Y) - told.network(U)).max(axis=1)
        wrong = off > np.maximum(CALM[0] * told.size, CALM[1] * noise)
        return np.asarray(np.where(told.visible(noise), wrong, self._apart(U, Y) > EXACT[1]))

    def _apart(self, U: FloatArray, Y: FloatArray) -> FloatArray:
        """How far probabilities are off."""
        told, own = (answers_of(S, self._told.scores.classes) for S in (Y, self._told.network(U)))
        return np.asarray(np.abs(told - own).reshape(len(U), -1).max(axis=1))

    def is_fine(self, z: FloatArray) -> Steps[bool]:
        """Whether a point is answered as exactly as any."""
        _, noise = yield from self._told.ask(z[None])
        return bool(self._told.visible(noise, self._told.fine)[0])

    def shortened(self, base: FloatArray, z: FloatArray) -> Steps[FloatArray]:
        """The last point on the way from one to another that is answered as exactly as any, or nearly so."""
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            t = (low + high) / 2
            fine = yield from self.is_fine(base + t * (z - base))
            low, high = (t, high) if fine else (low, t)
        return base + low * (z - base)
