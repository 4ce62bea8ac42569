"""Neurons off a line: the kinks between two points, and the jump of the gradient at each of them."""

from __future__ import annotations

import attrs
import numpy as np

from mex.toolkit.generators import relay
from mex.types import FloatArray
from mex_relu_exact.draws import Draws
from mex_relu_exact.elsewhere import COARSE, GONE, Elsewhere
from mex_relu_exact.gradients import FAR, REACH, Affine, affine_piece, orthonormal
from mex_relu_exact.jumps import GivenUp, Jump, Steps
from mex_relu_exact.kinks import find_kinks
from mex_relu_exact.line import Line, Lost
from mex_relu_exact.neurons import Neurons
from mex_relu_exact.transcript import Asking, Transcript

ETA = 1e-4
"""Over which share of an interval slopes are measured at least."""
APART = 30.0
"""The largest condition of output weights by which the neurons between two gradients are told apart."""
SHORTER, RETRIES = 0.9, 8
"""How much of the way to a lost place is tried next, and how often."""


class Peeler:
    """Finds the neurons that the residual of a network shows between two points.

    Args:
        told, draws: the answers with the network, and where random points come from.
        neurons: the neurons of this network; those found are added.
    """

    def __init__(self, told: Transcript, draws: Draws, neurons: Neurons) -> None:
        self._told = told
        self._draws = draws
        self._neurons = neurons
        self._zero = np.inf  # how far the score may be off where all lines start
        self._most = 0
        self._limit = told.fine
        self._eta = ETA
        self._elsewhere = Elsewhere(told, draws)

    def line(
        self, start: FloatArray, end: FloatArray, limit: float, *, first: bool = False, off: float | None = None
    ) -> Steps[int]:
        """Add every neuron that the residual shows between two points that differ in real coordinates; how many.

        Args:
            start: where the residual is 0, or with ``first`` anything, and the network is to be affine as there; the
                same for all lines but those with ``off``.
            end: how far to go, as long as scores are not off by more than ``limit``, a share of their size.
            limit: this share, by which steps are chosen.
            first: whether there is no network yet.
            off: how far the residual may be off 0 at the start of a line that starts elsewhere.

        Raises:
            GivenUp: if hyperplanes are none.
        """
        self._limit = limit
        self._eta = max(ETA, min(limit ** (1 / 3), 0.02))
        taken = self._neurons.take_out(start, end - start, limit)
        found = yield from self._kinks(start, end, np.inf if first else self._zero if off is None else off)
        self._neurons.put_back(taken, start, np.zeros_like(start) if found is None else found[1])
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
        self._neurons.take(jumps, start, way, limit)
        return len(jumps)

    def _kinks(self, start: FloatArray, end: FloatArray, zero: float) -> Steps[tuple[Line, FloatArray] | None]:
        """The kinks between two points, or as far as scores tell any, and the way."""
        told, way = self._told, end - start

        def ask(t: FloatArray) -> Asking:
            Y, noise = yield from told.ask_residual(start + t[:, None] * way, self._limit)
            if np.isinf(zero) and t[0] == 0:
                self._zero = float(noise[0])
            return Y, noise

        for _ in range(RETRIES):
            way = told.chart.parted(way, told.chart.places)
            known = self._neurons.expected(start, way)
            try:
                line = yield from relay(find_kinks(self._eta, known, self._draws.rng, zero=zero), ask)
            except Lost as lost:
                way = SHORTER * lost.args[0] * way
                if not way.any():
                    break
            else:
                self._neurons.count_crossed(start, way)
                return line, way
        return None

    def _affine(self, start: FloatArray, way: FloatArray, basis: FloatArray, line: Line, k: int) -> Steps[Affine]:
        """The affine function that the residual is on a piece of the line."""
        told = self._told
        reach = REACH if self._limit < COARSE else FAR
        piece = line.pieces()[k]
        search = affine_piece(
            start,
            way,
            basis,
            piece,
            reach=reach,
            neurons=self._most,
            rng=self._draws.rng,
            doubt=told.doubt,
            chart=told.chart,
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
        known = self._neurons.expected(start, way)
        while k < len(bends):
            r = 1
            while r < bends.shape[1] and k + r < len(bends) and _apart(bends[k : k + r + 1]):
                r += 1
            there = yield from self._affine(start, way, basis, line, k + r)
            change = there - here
            change = attrs.evolve(
                change, error=change.error + self._neurons.errors_between(start, way, t[k], t[k + r + 1])
            )
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
                fresh = [jump for jump in jumps[sought:] if not known.near(jump.t)]  # others were sought, or are none
                yield from self._elsewhere.seek(fresh, start, way, self._limit)
                sought = len(jumps)
        return jumps


def _apart(bends: FloatArray) -> bool:
    """Whether output weights, in proportion to which slopes change, are independent."""
    lengths = np.linalg.norm(bends, axis=1)
    return bool(lengths.min() > 0) and bool(np.linalg.cond(bends / lengths[:, None]) < APART)
