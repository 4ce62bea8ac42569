"""Neurons that are known but for some of their weights, and what lines in other slices tell of these."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from mex.types import BoolArray, FloatArray
from mex_relu_exact.network import Network
from mex_relu_exact.shifts import Shifts

SAME = 1e-6
"""How near the weights of one neuron are that is met twice."""
UNKNOWN, FAR = 3, 3.0
"""How many weights of a neuron may be unknown that is on or off where they count, and by how many times its largest
value it is displaced then."""


class Partial:
    """Neurons whose weights on the coordinates ``moving`` are known, and on the others as far as slices told them.

    Attributes:
        moving, held: the coordinates along which lines are searched, and the others.
        network: the neurons; of the weights that are not known these are the least that explain where kinks were seen.
        shifts: where that was.
        errors: how far their weights on the coordinates that move may be off, times the output weights, shape (h,).
    """

    def __init__(self, d: int, m: int, moving: Sequence[int]) -> None:
        self.moving = np.array(moving)
        self.held = np.setdiff1d(np.arange(d), self.moving)
        self.network = Network.empty(d, m)
        self.shifts = Shifts(len(self.held))
        self.errors = np.zeros(0)

    def __len__(self) -> int:
        return len(self.network)

    def add(self, w: FloatArray, a: FloatArray, error: float, kink: FloatArray) -> None:
        """Begin with a neuron that has its kink at a point: its weights, shape (d,), and output weights, shape (m,)."""
        self.network.add(w, 0.0, a)
        self.errors = np.append(self.errors, error)
        self.tell(self.shifts.add(), kink)

    def tell(self, j: int, kink: FloatArray) -> None:
        """A neuron has its kink at a point."""
        network = self.network
        self.shifts.tell(j, kink[self.held], -float(network.W[j, self.moving] @ kink[self.moving]))
        network.W[j, self.held], network.b[j] = self.shifts.solution(j)

    def sharpen(self, j: int, a: FloatArray, w: float, error: float) -> None:
        """Take a better measurement of a neuron along the coordinate that moves: its weight, and output weights."""
        column, network = int(self.moving[0]), self.network
        factor = abs(w / network.W[j, column])
        self.shifts.stretch(j, factor)
        network.W[j] *= factor
        network.b[j] *= factor
        network.A[j], self.errors[j] = a, error

    def known(self, at: FloatArray) -> BoolArray:
        """Of which neurons it is known where they have their kink in the slice of a point, shape (h,)."""
        return self.shifts.known(at[self.held])

    def complete(self) -> Network:
        """Take out the neurons of which all weights are known; those that contradict themselves are dropped."""
        self.keep(~self.shifts.refuted())
        ready, found = self.shifts.complete(), self.network.copy()
        found.keep(ready)
        self.keep(~ready)
        return found

    def forget(self, w: FloatArray, a: FloatArray) -> None:
        """Drop a neuron that was found otherwise meanwhile."""
        self.keep(~self.like(w, a))

    def keep(self, which: BoolArray) -> None:
        """Drop all other neurons."""
        self.network.keep(which)
        self.shifts.keep(which)
        self.errors = self.errors[which]

    def like(self, w: FloatArray, a: FloatArray) -> BoolArray:
        """Which of the neurons may be one of these weights, shape (h,)."""
        other = np.outer(a, w[self.moving])
        products = self.network.A[:, :, None] * self.network.W[:, None, self.moving]
        apart = np.minimum(*(np.abs(products - s * other).max(axis=(1, 2)) for s in (1, -1)))
        return np.asarray(apart <= SAME * float(np.abs(other).max()))

    def versions(self) -> tuple[Network, list[int]]:
        """What each neuron is of which few weights are not known, as they displace it too far for lines to cross it.

        Where such a column has another value it is on or off everywhere; for any large weights on these columns the
        difference is affine.

        Returns:
            the versions, and the number of the neuron that each is one of.
        """
        network, of = self.network, list[int]()
        found = Network.empty(network.W.shape[1], network.A.shape[1])
        for j in np.flatnonzero(len(self.held) - self.shifts.ranks() <= UNKNOWN).tolist():
            w, b = network.W[j], float(network.b[j])
            far = FAR * (float(np.abs(w).sum()) + abs(b))
            missing = self.shifts.missing(j)
            first = self.shifts.slices(j)[0]
            for signs in itertools.product((-far, far), repeat=len(missing)):
                v, extra = w.copy(), np.array(signs) @ missing
                v[self.held] += extra
                found.add(v, b - float(extra @ first), network.A[j])
                of.append(j)
        return found, of
