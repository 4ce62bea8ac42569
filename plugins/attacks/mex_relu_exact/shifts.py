"""How far each neuron's kink is displaced by the columns that are not moved by small steps."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import BoolArray, FloatArray
from mex_relu_exact.network import Network

NEW = 1e-6
"""How far a slice is to be, in the unit box, from what those seen before span, to tell something new."""


@attrs.define(eq=False)
class _Seen:
    """The slices in which a neuron was seen: the first, a basis of their differences, and all with what they told."""

    basis: FloatArray
    slices: list[FloatArray]
    told: list[float]


class Shifts:
    """Of every neuron equations ``v . z + b = s``: one for each slice z of the domain where its kink was seen.

    ``v`` are its weights on the columns that are not real, of which there are ``width``.
    """

    def __init__(self, n_real: int, width: int) -> None:
        self._n = n_real
        self._width = width
        self._seen = list[_Seen]()

    def add(self) -> int:
        """Begin with another neuron; its number."""
        self._seen.append(_Seen(np.zeros((0, self._width)), [], []))
        return len(self._seen) - 1

    def tell(self, j: int, z: FloatArray, s: float) -> None:
        """Add an equation of a neuron."""
        seen = self._seen[j]
        if seen.slices:
            rest = self._beyond(seen, z)
            if (length := float(np.linalg.norm(rest))) > NEW:
                seen.basis = np.vstack([seen.basis, rest / length])
        seen.slices.append(z)
        seen.told.append(s)

    def slices(self, j: int) -> list[FloatArray]:
        """Where a neuron was seen."""
        return self._seen[j].slices

    def complete(self) -> BoolArray:
        """Of which neurons all weights are determined, shape (h,)."""
        return np.array([len(seen.basis) == self._width for seen in self._seen], dtype=bool)

    def known(self, z: FloatArray) -> BoolArray:
        """Of which neurons it is determined where their kink is in a slice, shape (h,)."""
        return np.array([float(np.linalg.norm(self._beyond(seen, z))) <= NEW for seen in self._seen], dtype=bool)

    def write(self, network: Network, j: int) -> None:
        """Write the least weights that satisfy the equations of a neuron."""
        seen = self._seen[j]
        Z, s = np.array(seen.slices), np.array(seen.told)
        v = np.linalg.lstsq(Z - Z[0], s - s[0], rcond=1e-9)[0]
        network.W[j, self._n :] = v
        network.b[j] = s[0] - float(v @ Z[0])

    def _beyond(self, seen: _Seen, z: FloatArray) -> FloatArray:
        """The part of the way to a slice that is orthogonal to all ways seen."""
        way = z - seen.slices[0]
        for _ in range(2):
            way = way - seen.basis.T @ (seen.basis @ way)
        return np.asarray(way)
