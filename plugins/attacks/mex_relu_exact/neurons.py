"""The neurons found so far, with how well each was measured; what jumps of the gradient add to them."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import BoolArray, FloatArray
from mex_relu_exact.gradients import Affine
from mex_relu_exact.jumps import BLUR, Jump
from mex_relu_exact.line import Known
from mex_relu_exact.transcript import Transcript

FINER = 100.0
"""How many times finer answers are by which a neuron is measured anew."""
LEAST, ASKEW = 1e-5, 0.1
"""Up to which share of a known neuron a jump at its hyperplane is taken for an error of it, and the sine of the angle
by which other jumps are of another neuron."""
SAME, CHANGED = 1e-3, 0.05
"""By how much the second measurement of a neuron changes it that is the same, and that is another."""


@attrs.frozen(eq=False)
class Neuron:
    """A neuron as the attributes of :class:`Neurons` describe it."""

    w: FloatArray
    b: float
    a: FloatArray
    room: float
    blur: float
    limit: float


class Neurons:
    """The neurons of the network of a transcript, and how they were measured.

    Attributes:
        rooms: of each neuron, over how long a piece its gradient was measured.
        blur: of each neuron, how far its hyperplane may be from where it is thought, in the box.
        limits: of each neuron, up to which rounding answers were used to measure it.
        rough: which share of their bends is left where known neurons are a little off.
        close: how near a kink is to where a known one is expected that is that one.
        crossed, bent: how many known hyperplanes lines crossed, and at how many of them the answers were bent anew.
    """

    def __init__(self, told: Transcript) -> None:
        self.rooms: list[float] = []
        self.blur: list[float] = []
        self.limits: list[float] = []
        self.rough = 1e-7
        self.close = 1e-5
        self.crossed = 0
        self.bent = 0
        self._told = told

    def expected(self, start: FloatArray, way: FloatArray) -> Known:
        """The kinks that a line may show again, as neurons are known with errors."""
        places = self._told.chart.places
        known = Known(*self._told.network.crossings(start, way), self.rough, self.close)
        return attrs.evolve(known, grid=1 / places) if places else known

    def count_crossed(self, start: FloatArray, way: FloatArray) -> None:
        """Count the hyperplanes that a line crosses."""
        t, _ = self._told.network.crossings(start, way)
        self.crossed += int(((t > 0) & (t < 1)).sum())

    def take_out(self, start: FloatArray, way: FloatArray, limit: float) -> list[Neuron]:
        """Take out neurons that a line crosses and that were measured where answers are coarser than they are here."""
        t, _ = self._told.network.crossings(start, way)
        return self.taken((np.array(self.limits) > FINER * limit) & (t > 0) & (t < 1))

    def put_back(self, neurons: list[Neuron], start: FloatArray, way: FloatArray) -> None:
        """Add neurons again that a line does not cross, which became shorter."""
        for neuron in neurons:
            if not 0 < -(neuron.w @ start + neuron.b) < neuron.w @ way:
                self.add(neuron)

    def errors_between(self, start: FloatArray, way: FloatArray, low: float, high: float) -> float:
        """How far known neurons that a part of a line crosses may be off: the residual has that, too."""
        network, blur = self._told.network, np.array(self.blur)
        t, _ = network.crossings(start, way)
        error = blur / BLUR * np.linalg.norm(network.W, axis=1) * np.abs(network.A).max(axis=1, initial=0.0)
        return float(error[(t > low) & (t < high)].sum())

    def take(self, jumps: list[Jump], start: FloatArray, way: FloatArray, limit: float) -> None:
        """Add the neurons of jumps; one at a known hyperplane is known neuron and jump together."""
        network, n = self._told.network, self._told.chart.n_real
        t, _ = network.crossings(start, way)
        drop, fresh = set[int](), list[tuple[Jump, FloatArray]]()
        for jump in jumps:
            rest = np.zeros(len(start) - n)
            if Known(t, t, 0.0, self.close).near(jump.t):
                j = int(np.abs(t - jump.t).argmin())
                if j not in drop and not self._beside(jump, j):
                    own, a = network.W[j].copy(), network.A[j]
                    rest, own[n:] = own[n:], 0.0
                    old = Affine(np.outer(a, own), a * float(network.b[j] + rest @ start[n:]))
                    both = Affine(jump.change.J + old.J, jump.change.c + old.c, jump.change.error)
                    share = float(np.linalg.norm(jump.change.J)) / max(float(np.linalg.norm(old.J)), 1e-300)
                    self.bent += share > CHANGED
                    if share < SAME and jump.room < self.rooms[j]:
                        continue
                    drop.add(j)
                    if np.linalg.norm(both.J) < SAME * np.linalg.norm(old.J):
                        continue
                    jump = attrs.evolve(jump, change=both)
            fresh.append((jump, rest))
        self.taken(np.isin(np.arange(len(network)), list(drop)))
        for jump, rest in fresh:
            w, b, a = jump.neuron(way)
            w[n:] = rest
            self.add(Neuron(w, b - float(rest @ start[n:]), a, jump.room, jump.blur(), limit))

    def _beside(self, jump: Jump, j: int) -> bool:
        """Whether a jump at the hyperplane of a known neuron is by another: too large for an error, and askew."""
        w, a = self._told.network.W[j].copy(), self._told.network.A[j]
        w[self._told.chart.n_real :] = 0.0
        length = float(np.linalg.norm(w))
        J, own = jump.change.J, length * float(np.linalg.norm(a))
        size = float(np.linalg.norm(J))
        askew = float(np.linalg.norm(J - np.outer(J @ w, w) / length**2))
        return size > max(self.blur[j] * np.sqrt(len(w)), LEAST) * own and askew > ASKEW * size

    def taken(self, which: BoolArray) -> list[Neuron]:
        """Take neurons out of the network."""
        network, lists = self._told.network, (self.rooms, self.blur, self.limits)
        taken = [
            Neuron(network.W[j], float(network.b[j]), network.A[j], *(column[j] for column in lists))
            for j in np.flatnonzero(which)
        ]
        network.keep(~which)
        for column in lists:
            column[:] = [value for value, out in zip(column, which, strict=True) if not out]
        return taken

    def add(self, neuron: Neuron) -> None:
        """Add a neuron."""
        self._told.network.add(neuron.w, neuron.b, neuron.a)
        self.rooms.append(neuron.room)
        self.blur.append(neuron.blur)
        self.limits.append(neuron.limit)
