"""Neurons off a line: the kinks between two points, and the jump of the gradient at each of them."""

from __future__ import annotations

import attrs
import numpy as np

from mex.toolkit.generators import relay
from mex.types import BoolArray, FloatArray
from mex_relu_exact.draws import Draws
from mex_relu_exact.elsewhere import COARSE, GONE, Elsewhere
from mex_relu_exact.gradients import FAR, REACH, Affine, affine_piece, orthonormal
from mex_relu_exact.jumps import BLUR, GivenUp, Jump, Steps
from mex_relu_exact.kinks import find_kinks
from mex_relu_exact.line import Known, Line, Lost
from mex_relu_exact.transcript import Asking, Transcript

ETA = 1e-4
"""Over which share of an interval slopes are measured at least."""
APART = 30.0
"""The largest condition of output weights by which the neurons between two gradients are told apart."""
SHORTER, RETRIES = 0.9, 8
"""How much of the way to a lost place is tried next, and how often."""
FINER = 100.0
"""How many times finer answers are by which a neuron is measured anew."""
LEAST, ASKEW = 1e-5, 0.1
"""Up to which share of a known neuron a jump at its hyperplane is taken for an error of it, and the sine of the angle
by which other jumps are of another neuron."""
SAME, CHANGED = 1e-3, 0.05
"""By how much the second measurement of a neuron changes it that is the same, and that is another."""


@attrs.frozen(eq=False)
class _Neuron:
    """A neuron as the attributes of :class:`Peeler` describe it."""

    w: FloatArray
    b: float
    a: FloatArray
    room: float
    blur: float
    limit: float


class Peeler:
    """Adds neurons to the network of a transcript.

    Attributes:
        quality: of each neuron, over how long a piece its gradient was measured.
        blur: of each neuron, how far its hyperplane may be from where it is thought, in the box.
        limits: of each neuron, up to which rounding answers were used to measure it.
        crossed, bent: how many known hyperplanes lines crossed, and at how many of them the answers were bent anew.
    """

    def __init__(self, told: Transcript, draws: Draws) -> None:
        self.quality: list[float] = []
        self.blur: list[float] = []
        self.limits: list[float] = []
        self.crossed = 0
        self.bent = 0
        self.rough = 1e-7
        self.close = 1e-5
        self._told = told
        self._draws = draws
        self._zero = np.inf  # how far the score may be off where all lines start
        self._most = 0
        self._limit = told.fine
        self._eta = ETA
        self._elsewhere = Elsewhere(told, draws)

    def line(self, start: FloatArray, end: FloatArray, limit: float, *, first: bool = False) -> Steps[int]:
        """Add every neuron that the residual shows between two points that differ in real coordinates; how many.

        Args:
            start: where the residual is 0, or with ``first`` anything, and the network is to be affine as there; the
                same for all lines.
            end: how far to go, as long as scores are not off by more than ``limit``, a share of their size.
            limit: this share, by which steps are chosen.
            first: whether there is no network yet.

        Raises:
            GivenUp: if hyperplanes are none.
        """
        self._limit = limit
        self._eta = max(ETA, min(limit ** (1 / 3), 0.02))
        taken = self._taken_out(start, end - start)
        found = yield from self._kinks(start, end, first=first)
        self._put_back(taken, start, np.zeros_like(start) if found is None else found[1])
        if found is None:
            return 0
        line, way = found
        network, told = self._told.network, self._told
        if not line.kinks and not first:
            return 0
        self._most = max(self._most, len(line.kinks) + len(network))
        n = told.chart.n_real
        basis = orthonormal(way[:n])
        here = Affine(np.zeros_like(network.G), np.zeros_like(network.c))
        if first:
            here = yield from self._affine(start, way, basis, line, 0)
        jumps = yield from self._jumps(start, way, basis, line, here)
        network.G, network.c = network.G + here.J, network.c + here.c
        self._take(jumps, start, way)
        return len(jumps)

    def _taken_out(self, start: FloatArray, way: FloatArray) -> list[_Neuron]:
        """Take out neurons that a line crosses and that were measured where answers are coarser than they are here."""
        t, _ = self._told.network.crossings(start, way)
        return self._taken((np.array(self.limits) > FINER * self._limit) & (t > 0) & (t < 1))

    def _put_back(self, neurons: list[_Neuron], start: FloatArray, way: FloatArray) -> None:
        """Add neurons again that a line does not cross, which became shorter."""
        for neuron in neurons:
            if not 0 < -(neuron.w @ start + neuron.b) < neuron.w @ way:
                self._add(neuron)

    def _taken(self, which: BoolArray) -> list[_Neuron]:
        """Take neurons out of the network."""
        network, lists = self._told.network, (self.quality, self.blur, self.limits)
        taken = [
            _Neuron(network.W[j], float(network.b[j]), network.A[j], *(column[j] for column in lists))
            for j in np.flatnonzero(which)
        ]
        network.keep(~which)
        for column in lists:
            column[:] = [value for value, out in zip(column, which, strict=True) if not out]
        return taken

    def _add(self, neuron: _Neuron) -> None:
        self._told.network.add(neuron.w, neuron.b, neuron.a)
        self.quality.append(neuron.room)
        self.blur.append(neuron.blur)
        self.limits.append(neuron.limit)

    def _kinks(self, start: FloatArray, end: FloatArray, *, first: bool) -> Steps[tuple[Line, FloatArray] | None]:
        """The kinks between two points, or as far as scores tell any, and the way."""
        told, way = self._told, end - start

        def ask(t: FloatArray) -> Asking:
            Y, noise = yield from told.ask_residual(start + t[:, None] * way, self._limit)
            if first and t[0] == 0:
                self._zero = float(noise[0])
            return Y, noise

        for _ in range(RETRIES):
            known = Known(*told.network.crossings(start, way), self.rough, self.close)
            try:
                zero = np.inf if first else self._zero
                line = yield from relay(find_kinks(self._eta, known, self._draws.rng, zero=zero), ask)
            except Lost as lost:
                way = SHORTER * lost.args[0] * way
                if not way.any():
                    break
            else:
                self.crossed += int(((known.t > 0) & (known.t < 1)).sum())
                return line, way
        return None

    def _affine(self, start: FloatArray, way: FloatArray, basis: FloatArray, line: Line, k: int) -> Steps[Affine]:
        """The affine function that the residual is on a piece of the line."""
        told = self._told
        reach = REACH if self._limit < COARSE else FAR
        piece = line.pieces()[k]
        search = affine_piece(
            start, way, basis, piece, reach=reach, neurons=self._most, rng=self._draws.rng, doubt=told.doubt
        )
        found = yield from relay(search, told.ask_residual)
        if not (np.isfinite(found.J).all() and np.isfinite(found.error)):
            raise GivenUp("answers beside a kink do not tell the gradient there")
        return found

    def _jumps(
        self, start: FloatArray, way: FloatArray, basis: FloatArray, line: Line, here: Affine
    ) -> Steps[list[Jump]]:
        """The jump at each kink; where the output weights of several are independent, of these by one gradient."""
        bends = np.diff(line.slopes(), axis=0)
        t = np.array([0.0, *(kink.t for kink in line.kinks), 1.0])
        room = np.minimum(np.diff(t)[:-1], np.diff(t)[1:]) * float(np.linalg.norm(way))
        jumps, k, sought = list[Jump](), 0, 0
        while k < len(bends):
            r = 1
            while r < bends.shape[1] and k + r < len(bends) and _apart(bends[k : k + r + 1]):
                r += 1
            there = yield from self._affine(start, way, basis, line, k + r)
            change = there - here
            change = attrs.evolve(change, error=change.error + self._left(start, way, t[k], t[k + r + 1]))
            if r == 1:
                jumps.append(Jump(change, t[k + 1], room[k]))
            else:
                out = bends[k : k + r].T / np.abs(bends[k : k + r]).max(axis=1)
                parts = np.linalg.lstsq(out, change.J, rcond=None)[0]
                for i, part in enumerate(parts):
                    at = float(part @ (start + t[k + i + 1] * way))
                    one = Affine(np.outer(out[:, i], part), -out[:, i] * at, APART * change.error)
                    jumps.append(Jump(one, t[k + i + 1], room[k + i]))
            here, k = there, k + r
            if len(jumps) >= sought + GONE or k == len(bends):
                yield from self._elsewhere.seek(jumps[sought:], start, way, self._limit)
                sought = len(jumps)
        return jumps

    def _left(self, start: FloatArray, way: FloatArray, low: float, high: float) -> float:
        """How far known neurons that a part of a line crosses may be off: the residual has that, too."""
        network, blur = self._told.network, np.array(self.blur)
        t, _ = network.crossings(start, way)
        error = blur / BLUR * np.linalg.norm(network.W, axis=1) * np.abs(network.A).max(axis=1, initial=0.0)
        return float(error[(t > low) & (t < high)].sum())

    def _take(self, jumps: list[Jump], start: FloatArray, way: FloatArray) -> None:
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
                    if share < SAME and jump.room < self.quality[j]:
                        continue
                    drop.add(j)
                    if np.linalg.norm(both.J) < SAME * np.linalg.norm(old.J):
                        continue
                    jump = attrs.evolve(jump, change=both)
            fresh.append((jump, rest))
        self._taken(np.isin(np.arange(len(network)), list(drop)))
        for jump, rest in fresh:
            w, b, a = jump.neuron(way)
            w[n:] = rest
            self._add(_Neuron(w, b - float(rest @ start[n:]), a, jump.room, jump.blur(), self._limit))

    def _beside(self, jump: Jump, j: int) -> bool:
        """Whether a jump at the hyperplane of a known neuron is by another: too large for an error, and askew."""
        w, a = self._told.network.W[j].copy(), self._told.network.A[j]
        w[self._told.chart.n_real :] = 0.0
        length = float(np.linalg.norm(w))
        J, own = jump.change.J, length * float(np.linalg.norm(a))
        size = float(np.linalg.norm(J))
        askew = float(np.linalg.norm(J - np.outer(J @ w, w) / length**2))
        return size > max(self.blur[j] * np.sqrt(len(w)), LEAST) * own and askew > ASKEW * size


def _apart(bends: FloatArray) -> bool:
    """Whether output weights, in proportion to which slopes change, are independent."""
    lengths = np.linalg.norm(bends, axis=1)
    return bool(lengths.min() > 0) and bool(np.linalg.cond(bends / lengths[:, None]) < APART)
